"""Calls: basic data, detailed data and transcripts."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.inputs import (
    check_path_id,
    read_body,
    read_filter,
    read_id,
    read_ids,
    read_window,
)
from airflow_provider_gong.sandbox.routes.paging import Listing, Place
from airflow_provider_gong.sandbox.routes.selector import read_selector
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import Call, CallFilter
from airflow_provider_gong.sandbox.world.basics import basics
from airflow_provider_gong.sandbox.world.cast import cast
from airflow_provider_gong.sandbox.world.details import details
from airflow_provider_gong.sandbox.world.transcript import transcript

NO_CALLS = "No calls found corresponding to the provided filters"
WINDOW = ("fromDateTime", "toDateTime")

router = APIRouter()


@router.get("/v2/calls")
async def list_calls(
    request: Request, visit: Annotated[Visit, Depends(needs("api:calls:read:basic"))]
) -> Response:
    """List calls; of web conferences the scheduled time counts.

    Both dates are declared required, yet Gong has answered without them.
    https://help.gong.io/apidocs/retrieve-call-data-by-date-range-v2calls-2
    """
    query = request.query_params
    start, end = read_window(query, WINDOW)
    which = CallFilter(start, end, query.get("workspaceId"), by_schedule=True)
    return _listing(visit, which, "calls", _basic_record).serve(visit.gong, query.get("cursor"))


@router.post("/v2/calls/extensive")
async def list_calls_extensive(
    request: Request, visit: Annotated[Visit, Depends(needs("api:calls:read:extensive"))]
) -> Response:
    """List calls with as much data as the content selector asks for; the actual start counts.

    https://help.gong.io/apidocs, operation `listCallsExtensive`
    """
    body = await read_body(request)
    wanted = read_selector(body)
    if wanted.media:
        visit.require("api:calls:read:media-url")
    which = _read_call_filter(read_filter(body))
    now = visit.gong.clock.now()
    listing = _listing(visit, which, "calls", lambda call: details(call, wanted, now))
    return listing.serve(visit.gong, body.get("cursor"))


@router.post("/v2/calls/transcript")
async def list_call_transcripts(
    request: Request, visit: Annotated[Visit, Depends(needs("api:calls:read:transcript"))]
) -> Response:
    """List transcripts, of those calls that have one by now; the actual start counts.

    https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2
    """
    body = await read_body(request)
    criteria = read_filter(body)
    if criteria.get("callIds") and criteria.get("workspaceId"):
        raise Refusal(400, "filter.workspaceId: must not provide both callIds and workspaceId")
    which = _read_call_filter({**criteria, "primaryUserIds": None}, transcribed=True)
    listing = _listing(visit, which, "callTranscripts", _transcript_record)
    return listing.serve(visit.gong, body.get("cursor"))


@router.get("/v2/calls/{call_id}")
async def get_call(call_id: str, visit: Annotated[Visit, Depends(needs("api:calls:read:basic"))]) -> Response:
    """Return the basic data of one call.

    https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid
    """
    which = CallFilter(call_ids=frozenset({check_path_id(call_id)}))
    found = visit.gong.world.find(which) if visit.key.sees_calls else []
    if not found:
        raise Refusal(404, f"Call ID {call_id} was not found")
    return reply({"call": _basic_record(found[0])})


def _read_call_filter(criteria: dict[str, Any], *, transcribed: bool = False) -> CallFilter:
    where = "filter."
    start, end = read_window(criteria, WINDOW, where=where)
    return CallFilter(
        start,
        end,
        read_id(criteria, "workspaceId", where=where),
        read_ids(criteria, "callIds", where=where),
        read_ids(criteria, "primaryUserIds", where=where),
        transcribed=transcribed,
    )


def _listing(visit: Visit, which: CallFilter, name: str, render: Any) -> Listing[Call]:
    world = visit.gong.world

    def fetch(after: Place | None, size: int) -> list[Call]:
        if not visit.key.sees_calls:
            return []
        place = None if after is None else (datetime.fromisoformat(after[1]), after[0])
        return world.page(which, after=place, size=size)

    def place(call: Call) -> Place:
        moment, call_id = which.place(call)
        return call_id, moment.isoformat()

    return Listing(name, ("callId", "time"), place, fetch, lambda: world.total(which), render, empty=NO_CALLS)


def _basic_record(call: Call) -> dict[str, Any]:
    return basics(call, cast(call))


def _transcript_record(call: Call) -> dict[str, Any]:
    return {"callId": call.id, "transcript": transcript(call)}
