"""What Gong accepts as a new call: find all that is wrong before anything is sent, and encode what is right.

https://help.gong.io/apidocs/add-new-call-v2calls-2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeGuard

from airflow_provider_gong.api.checks import (
    Check,
    Problems,
    a_text,
    an_id,
    contexts,
    list_of,
    missing,
    one_of,
    present,
    record,
    wire_moment,
)
from airflow_provider_gong.api.encode import camel_case, wire_id, with_texts
from airflow_provider_gong.api.languages import a_language

MOMENTS = ("actual_start", "scheduled_start", "scheduled_end")
IDS = ("primary_user", "workspace_id")
NESTED = ("parties", "context", "speakers_timeline")
TEXTS = ("userId", "partyId", "partyIds", "phoneNumber", "objectId")


class RequiredOfCall(TypedDict):
    """What every call has."""

    client_unique_id: str
    actual_start: datetime | str
    parties: Sequence[Mapping[str, Any]]
    direction: str
    primary_user: str | int


class NewCall(RequiredOfCall, total=False):
    """The arguments that describe a call; objects within them have Gong's own keys."""

    scheduled_start: datetime | str | None
    scheduled_end: datetime | str | None
    title: str | None
    purpose: str | None
    duration: float | None
    disposition: str | None
    context: Sequence[Mapping[str, Any]] | None
    custom_data: str | None
    speakers_timeline: Mapping[str, Any] | None
    meeting_url: str | None
    call_provider_code: str | None
    download_media_url: str | None
    workspace_id: str | int | None
    language_code: str | None
    flow_task_id: str | None


def body_of_call(call: NewCall) -> dict[str, Any]:
    """Return a call as it goes on the wire: moments with an offset, ids as text.

    :raises GongConfigurationError: naming all arguments that must be mended.
    """
    given = present(call, NewCall)
    problems = Problems()
    problems.add(missing(given, NewCall))
    problems.inspect(given, {**CHECKS, "speakers_timeline": _timeline_of(_parties(given))})
    moments = problems.converted(given, wire_moment, *MOMENTS)
    problems.add(_order(moments))
    problems.add(_fit(given))
    problems.tell()
    given |= moments | {name: wire_id(given[name]) for name in IDS if name in given}
    given |= {name: with_texts(given[name], TEXTS) for name in NESTED if name in given}
    if "flow_task_id" in given:
        given["flow_context"] = {"taskId": given.pop("flow_task_id")}
    return {camel_case(name): value for name, value in given.items()}


def _order(moments: Mapping[str, str]) -> Iterator[str]:
    start, end = moments.get("scheduled_start"), moments.get("scheduled_end")
    if start and end and datetime.fromisoformat(end) < datetime.fromisoformat(start):
        yield f"scheduled_end={end!r} lies before scheduled_start={start!r}."


def _fit(given: Mapping[str, Any]) -> Iterator[str]:
    """Say which arguments, each fine by itself, do not fit together."""
    parties, host = _parties(given), given.get("primary_user")
    users = {str(one.get("userId")) for one in parties}
    if host and _is_list(given.get("parties")) and str(host) not in users:
        yield "parties has no party whose userId is primary_user: add one for the user who hosted the call."
    if "speakers_timeline" in given and any(one.get("mediaChannelId") is not None for one in parties):
        yield (
            "speakers_timeline and a party's mediaChannelId were both given, and each says who spoke: "
            "leave one of them out."
        )


def _parties(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parties = given.get("parties")
    return [one for one in parties if isinstance(one, Mapping)] if _is_list(parties) else []


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _seconds(value: Any, where: str) -> Iterator[str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf"):
        yield f"{where}={value!r} is not a number of seconds, zero or more."


def _milliseconds(value: Any, where: str) -> Iterator[str]:
    if not _is_whole(value):
        yield f"{where} is not a whole number of milliseconds from the beginning of the call."


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _channel(value: Any, where: str) -> Iterator[str]:
    if not _is_whole(value) or value > 1:
        yield f"{where} must be 0 (left) or 1 (right), as a number."


def _timeline_of(parties: Sequence[Mapping[str, Any]]) -> Check:
    """Return the check for who spoke when, which names the parties of the call."""
    known = {str(party["partyId"]) for party in parties if party.get("partyId") is not None}

    def speaker(value: Any, where: str) -> Iterator[str]:
        if str(value) not in known:
            yield f"{where} is no party's partyId."

    times = dict.fromkeys(("fromTime", "toTime"), _milliseconds)
    fields = record({**times, "partyIds": list_of(speaker)}, required=(*times, "partyIds"))

    def segment(value: Any, where: str) -> Iterator[str]:
        yield from fields(value, where)
        if isinstance(value, Mapping):
            yield from _span(value.get("fromTime"), value.get("toTime"), where)

    return record({"speechSegments": list_of(segment)}, keys=("precise",))


def _span(start: Any, end: Any, where: str) -> Iterator[str]:
    if _is_whole(start) and _is_whole(end) and start >= end:
        yield f"{where} ends before it begins: fromTime={start}, toTime={end}."


PARTY = record(
    {"mediaChannelId": _channel, "context": contexts},
    keys=("phoneNumber", "emailAddress", "name", "partyId", "userId"),
)
CHECKS: dict[str, Check] = {
    "client_unique_id": a_text(most=2048),
    "purpose": a_text(most=255),
    "disposition": a_text(most=255),
    # Never shown: what was given for the primary user may well be an address.
    **dict.fromkeys(IDS, an_id),
    "direction": one_of("Inbound", "Outbound", "Conference", "Unknown", shown=True),
    "language_code": a_language,
    "duration": _seconds,
    "parties": list_of(PARTY),
    "context": contexts,
}
