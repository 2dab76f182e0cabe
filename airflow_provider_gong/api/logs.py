"""Logs: who did what in Gong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.api.encode import wire_bounds, wire_datetime
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

LOG_TYPES = (
    "AccessLog",
    "UserActivityLog",
    "UserCallPlay",
    "ExternallySharedCallAccess",
    "ExternallySharedCallPlay",
)


@endpoint("GET", "/v2/logs", result="logEntries", scope="api:logs:read", paged=True, empty_on_404=True)
def list_logs(
    *, log_type: str, from_datetime: datetime | str, to_datetime: datetime | str | None = None
) -> Params:
    """List the entries of one log.

    Entries hold addresses and tokens: keep them out of task logs.

    https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs

    :param log_type: one of `LOG_TYPES`.
    :param from_datetime: datetime or ISO 8601 text, inclusive.
    :param to_datetime: datetime or ISO 8601 text, exclusive; default: the latest entry.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    if log_type not in LOG_TYPES:
        raise GongConfigurationError(
            f"log_type={log_type!r} is not a log of Gong: give one of {', '.join(LOG_TYPES)}."
        )
    # Gong needs the start, so that None is no way to leave it out.
    start = wire_datetime(from_datetime, "from_datetime")
    return Params(query={"logType": log_type, **wire_bounds(start, to_datetime)})
