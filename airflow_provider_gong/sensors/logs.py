"""Wait for log entries."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import logs
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.sensors.base import GongSensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

log = logging.getLogger(__name__)


class GongLogSensor(GongSensor):
    """Wait until a log has an entry of a kind: that somebody did something in Gong since a time.

    Returns `{"event_time": ...}`, Gong's time of the first entry found. The entry itself holds addresses and tokens
    and stays out of the log and of XCom; read it with `GongListLogsOperator`. Entries appear up to an hour after
    their time, so each look reads the log from `from_datetime` on, up to the first entry that is meant, with a
    request for each 100 entries. A few failed looks do not end the wait, and a retry of the task waits anew.

    See https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs

    :param log_type: One of `AccessLog`, `UserActivityLog`, `UserCallPlay`, `ExternallySharedCallAccess`,
        `ExternallySharedCallPlay`. (templated)
    :param from_datetime: Entries from this time on; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param where: Which entry is meant: fields with the value that they must have, or a list of such values; fields
        within objects with dots, as in `{"logRecord.action": ["INSERT", "UPDATE"], "userId": "7782342274025937895"}`;
        or JSON text of it. All must match; numbers and their texts are equal. (templated)
        Default: None, any entry.
    :param poke_interval: Time between two looks: seconds or a timedelta. Default: 10 minutes.
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("log_type", "from_datetime", "where")

    def __init__(
        self,
        *,
        log_type: str,
        from_datetime: datetime | str,
        where: dict[str, Any] | str | None = None,
        poke_interval: timedelta | float = timedelta(minutes=10),
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.log_type = log_type
        self.from_datetime = from_datetime
        self.where = where

    def verdict(self) -> dict[str, Any] | None:
        """Return the time of the first entry that is meant."""
        where = self._where()
        read.require(self, "log_type", "from_datetime")
        request = logs.list_logs(log_type=self.log_type, **read.datetimes(self, "from_datetime"))
        for entry in self.hook.items(request):
            if is_meant(entry, where):
                return {"event_time": entry.get("eventTime")}
        return None

    def _where(self) -> Mapping[str, Any]:
        where = read.as_objects("where", self.where)
        if isinstance(where, list):
            raise GongConfigurationError(
                'where is a list, not an object: give fields and their values, such as {"logRecord.action": "DELETE"}.'
            )
        return where or {}


def is_meant(entry: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Tell whether all the fields of an entry have one of the values that are wanted."""
    return all(_is_among(_field(entry, name), wanted) for name, wanted in where.items())


def _field(entry: Any, name: str) -> Any:
    for part in name.split("."):
        entry = entry.get(part) if isinstance(entry, dict) else None
    return entry


def _is_among(found: Any, wanted: Any) -> bool:
    values = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    # Templates make texts of numbers.
    return any(found == value or (found is not None and str(found) == str(value)) for value in values)
