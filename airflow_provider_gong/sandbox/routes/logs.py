"""Audit logs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.replies import Refusal
from airflow_provider_gong.sandbox.routes.inputs import read_choice, read_window
from airflow_provider_gong.sandbox.routes.paging import Listing, Place
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import LOG_TYPES, LogEntry
from airflow_provider_gong.sandbox.world.logs import log_record

# As declared in Gong's document; nobody has shown the wording of a real reply.
NO_LOGS = "No logs found for the specified period"

router = APIRouter()


@router.get("/v2/logs")
async def list_logs(request: Request, visit: Annotated[Visit, Depends(needs("api:logs:read"))]) -> Response:
    """List the entries of one log type; without an end up to the newest.

    https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs
    """
    query = request.query_params
    missing = [name for name in ("logType", "fromDateTime") if not query.get(name)]
    if missing:
        raise Refusal(400, *(f"{name}: must not be null" for name in missing))
    log_type = read_choice(query["logType"], LOG_TYPES, "logType")
    start, end = read_window(query, ("fromDateTime", "toDateTime"))
    assert start is not None  # noqa: S101 - checked above, for the type checker
    found = visit.gong.world.find_logs(log_type, start, end)

    def place(entry: LogEntry) -> Place:
        return entry.time.isoformat(timespec="microseconds"), entry.serial

    def fetch(after: Place | None, size: int) -> list[LogEntry]:
        return [entry for entry in found if after is None or place(entry) > tuple(after)][:size]

    listing = Listing(
        "logEntries", ("time", "entry"), place, fetch, lambda: len(found), log_record, empty=NO_LOGS
    )
    return listing.serve(visit.gong, query.get("cursor"))
