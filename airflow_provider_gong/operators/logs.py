"""Logs: who did what in Gong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import logs
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.list_base import GongListOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_gong.api.endpoint import Request


class GongListLogsOperator(GongListOperator):
    """List the entries of one of Gong's audit logs.

    Returns Gong's records, `[]` when there is none: `userId`, `userFullName`, `eventTime`, `logRecord` and so on, up
    to 1,000,000 bytes of JSON; for more use `GongExportLogsOperator`. They hold personal data (addresses of people
    and machines, sometimes tokens): mind who may see XComs. Entries have no id, so equal ones are all returned.
    Needs the scope `api:logs:read`.

    See https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs

    :param log_type: `AccessLog`, `UserActivityLog`, `UserCallPlay`, `ExternallySharedCallAccess` or
        `ExternallySharedCallPlay`. (templated)
    :param from_datetime: Time from which to list, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        (templated)
    :param to_datetime: Time up to which to list, exclusive. (templated) Default: None, up to the latest entry.
    :param cursor: Begin with the page that the XCom `next_cursor` of an earlier task stands for, all other
        arguments unchanged. It lives for about an hour from the first page of the list on; a retry starts with it
        again. A list that was whole has set none: skip the task then, since a template of it renders to nothing,
        which means the first page. (templated) Default: None, the first page.
    :param max_pages: Read no more than this number of pages, of 100 entries each, 1 or more. When that cuts the
        list short, the log tells how many entries Gong counts, and the XCom `next_cursor` is set. (templated)
        Default: None, all pages.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongListOperator.template_fields,
        *("log_type", "from_datetime", "to_datetime"),
    )
    id_name = None
    export = "GongExportLogsOperator"

    def __init__(
        self,
        *,
        log_type: str,
        from_datetime: datetime | str,
        to_datetime: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.log_type = log_type
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime

    def request(self) -> Request:
        """Return the request for the first page."""
        read.require(self, "log_type", "from_datetime")
        window = read.datetimes(self, "from_datetime", "to_datetime")
        return logs.list_logs(log_type=self.log_type, **window)
