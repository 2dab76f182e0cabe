"""Meetings that Gong arranges: create, replace and delete them, and ask whether it could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from airflow_provider_gong.api.checks import (
    Problems,
    an_address,
    list_of,
    missing,
    present,
    wire_moment,
)
from airflow_provider_gong.api.encode import camel_case, wire_id, without_none
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import GongConfigurationError

MOST_EMAILS = 100


class RequiredOfMeeting(TypedDict):
    """What every meeting has."""

    start_time: datetime | str
    end_time: datetime | str
    organizer_email: str
    invitees: Sequence[str | Mapping[str, Any]]


class Meeting(RequiredOfMeeting, total=False):
    """The arguments that describe a meeting."""

    title: str | None
    external_id: str | None
    provider: str | None


@endpoint("POST", "/v2/meetings", result=None, scope="api:meetings:user:create")
def create_meeting(**meeting: Unpack[Meeting]) -> Params:
    """Create a meeting and get its link.

    Arguments are Gong's fields in snake_case; see `GongCreateMeetingOperator`.

    https://help.gong.io/apidocs/create-a-new-gong-meeting-v2meetings

    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(body=_body(meeting, Problems()))


@endpoint("PUT", "/v2/meetings/{meetingId}", result=None, scope="api:meetings:user:update")
def update_meeting(*, meeting_id: str, **meeting: Unpack[Meeting]) -> Params:
    """Replace a meeting: what is left out is removed. A success does not prove that the meeting exists.

    Arguments are Gong's fields in snake_case; see `GongUpdateMeetingOperator`.

    https://help.gong.io/apidocs/update-a-gong-meeting-v2meetingsmeetingid

    :raises GongConfigurationError: naming the argument that must be mended.
    """
    problems = Problems()
    path = _path(meeting_id, problems)
    return Params(path=path, body=_body(meeting, problems))


@endpoint("DELETE", "/v2/meetings/{meetingId}", result=None, scope="api:meetings:user:delete")
def delete_meeting(*, meeting_id: str, organizer_email: str | None = None) -> Params:
    """Delete a meeting.

    https://help.gong.io/apidocs/introduction-2

    :param meeting_id: Gong's identifier of the meeting.
    :param organizer_email: address of the user who created it; default: not said.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    problems = Problems()
    path = _path(meeting_id, problems)
    if organizer_email is not None:
        problems.add(an_address(organizer_email, "organizer_email"))
    problems.tell()
    return Params(path=path, body={"organizerEmail": organizer_email})


@endpoint(
    "POST",
    "/v2/meetings/integration/status",
    result="users",
    scope="api:meetings:integration:status",
    reads=True,
)
def get_meeting_integration_status(*, emails: Sequence[str]) -> Params:
    """Retrieve for each of some users whether Gong could create meetings for them, and if not, why.

    https://help.gong.io/apidocs/introduction-2

    :param emails: addresses of users, 100 at most.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    problems = Problems()
    problems.add(list_of(an_address)(emails, "emails"))
    problems.tell()
    if not 0 < len(emails) <= MOST_EMAILS:
        raise GongConfigurationError(
            f"emails has {len(emails)} entries: give a list of 1 to {MOST_EMAILS} addresses of users."
        )
    return Params(body={"emails": list(emails)})


def _path(meeting_id: str, problems: Problems) -> dict[str, str]:
    with problems.collected():
        return {"meetingId": wire_id(meeting_id, "meeting_id")}
    return {}


def _body(meeting: Meeting, problems: Problems) -> dict[str, Any]:
    given = present(meeting, Meeting)
    problems.add(missing(given, Meeting))
    problems.inspect(given, {"organizer_email": an_address, "invitees": list_of(_an_invitee)})
    times = problems.converted(given, wire_moment, "start_time", "end_time")
    problems.add(_order(times))
    problems.tell()
    given |= times | {"invitees": [_invitee(one) for one in given["invitees"]]}
    return {camel_case(name): value for name, value in given.items()}


def _order(times: Mapping[str, str]) -> Iterator[str]:
    start, end = times.get("start_time"), times.get("end_time")
    if start and end and datetime.fromisoformat(start) >= datetime.fromisoformat(end):
        yield f"start_time={start!r} is not before end_time={end!r}."


def _an_invitee(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from an_address(value.get("email"), f"{where}.email")
    else:
        yield from an_address(value, where)


def _invitee(value: str | Mapping[str, Any]) -> dict[str, Any]:
    return {"email": value} if isinstance(value, str) else without_none(value)
