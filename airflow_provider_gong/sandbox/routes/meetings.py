"""Meetings: create, replace and delete them, and ask whether Gong could.

https://help.gong.io/apidocs/create-a-new-gong-meeting-v2meetings
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.meetings import Disconnection, Meeting
from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.inputs import check_path_id, read_body, read_window
from airflow_provider_gong.sandbox.routes.shapes import check_body, list_of, moment, record, text
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import User

NOT_RELEASED = "This API endpoint is in Limited release - contact your CSM for more information."
NO_ORGANIZER = "No Gong user found corresponding to the provided organizer email"
NO_MEETING = "The given meeting ID was not found."
# Declared for PUT and DELETE. When Gong says so is not established: here, when another user made the meeting.
NOT_OF_ORGANIZER = {
    "PUT": "No meeting found corresponding to the provided meeting ID",
    "DELETE": "No Gong meeting found corresponding to the provided organizer email",
}
COORDINATOR = {"email": "coordinator@example.com", "displayName": "Gong Coordinator"}
MOST_EMAILS = 100

TIMES = ("startTime", "endTime")
# The document does not require the address of an invitee; without one it says nothing.
INVITEE = record(
    dict.fromkeys(("email", "displayName", "firstName", "lastName"), text),
    required=("email",),
)
MEETING = record(
    {
        **dict.fromkeys(TIMES, moment),
        **dict.fromkeys(("title", "externalId", "provider", "organizerEmail"), text),
        "invitees": list_of(INVITEE),
    },
    required=(*TIMES, "invitees", "organizerEmail"),
)
DELETION = record({"organizerEmail": text})
STATUS = record({"emails": list_of(text)})

router = APIRouter()


def needs_released(scope: str) -> Callable[[Request], Visit]:
    """Return a dependency that admits keys with a scope, of a company in the limited release."""

    async def admit(visit: Annotated[Visit, Depends(needs(scope))]) -> Visit:
        if not visit.gong.meetings.released:
            raise Refusal(403, NOT_RELEASED)
        return visit

    return admit  # type: ignore[return-value]  # FastAPI awaits it


@router.post("/v2/meetings")
async def create_meeting(
    request: Request, visit: Annotated[Visit, Depends(needs_released("api:meetings:user:create"))]
) -> Response:
    """Create a meeting; its organizer must be a user."""
    body = await _read_meeting(request)
    _require_organizer(visit, body)
    meetings = visit.gong.meetings
    if meetings.disconnection is not None:
        return _disconnected(meetings.disconnection)
    meeting = meetings.create(body)
    about = {"meetingId": meeting.id, "meetingUrl": meeting.url, "additionalInvitees": [COORDINATOR]}
    return reply(about)


@router.put("/v2/meetings/{meeting_id}")
async def update_meeting(
    meeting_id: str,
    request: Request,
    visit: Annotated[Visit, Depends(needs_released("api:meetings:user:update"))],
) -> Response:
    """Replace a meeting.

    An id that was not known to exist is recorded with 200 (by one source), although 404 is declared.
    """
    check_path_id(meeting_id)
    body = await _read_meeting(request)
    meetings = visit.gong.meetings
    meeting = meetings.find(meeting_id)
    if meeting is not None:
        _require_same_organizer(request, meeting, body)
        if meetings.disconnection is not None:
            return _disconnected(meetings.disconnection)
        meetings.replace(meeting, body)
    return reply({"meetingId": meeting_id})


@router.delete("/v2/meetings/{meeting_id}")
async def delete_meeting(
    meeting_id: str,
    request: Request,
    visit: Annotated[Visit, Depends(needs_released("api:meetings:user:delete"))],
) -> Response:
    """Delete a meeting. The body is required, what it says is not."""
    check_path_id(meeting_id)
    body = await read_body(request)
    check_body(body, DELETION)
    meeting = visit.gong.meetings.find(meeting_id)
    if meeting is None:
        raise Refusal(404, NO_MEETING)
    _require_same_organizer(request, meeting, body)
    visit.gong.meetings.delete(meeting)
    return reply({"organizerEmail": meeting.organizer_email})


@router.post("/v2/meetings/integration/status")
async def validate_integration(
    request: Request, visit: Annotated[Visit, Depends(needs_released("api:meetings:integration:status"))]
) -> Response:
    """Say for which users Gong could create meetings."""
    body = await read_body(request)
    check_body(body, STATUS)
    emails = body.get("emails") or []
    if len(emails) > MOST_EMAILS:
        raise Refusal(400, f"emails: size must be between 0 and {MOST_EMAILS}")  # wording not established
    return reply({"users": [_integration_of(visit, email) for email in emails]})


async def _read_meeting(request: Request) -> dict[str, Any]:
    body = await read_body(request)
    check_body(body, MEETING)
    read_window(body, TIMES)
    return body


def _require_organizer(visit: Visit, body: dict[str, Any]) -> None:
    if _user(visit, body["organizerEmail"]) is None:
        raise Refusal(404, NO_ORGANIZER)


def _require_same_organizer(request: Request, meeting: Meeting, body: dict[str, Any]) -> None:
    given = body.get("organizerEmail")
    if given is not None and given.lower() != meeting.organizer_email.lower():
        raise Refusal(404, NOT_OF_ORGANIZER[request.method])


def _user(visit: Visit, email: str) -> User | None:
    users = visit.gong.world.find_users()
    return next((user for user in users if user.email == email.lower()), None)


def _disconnected(why: Disconnection) -> Response:
    """Answer as recorded: this error alone has more than messages."""
    return reply({"errors": ["Provider disconnected"], **_for_users(why)}, 409)


def _for_users(why: Disconnection) -> dict[str, str]:
    return {"userFacingError": why.error, "fixUrl": why.fix_url, "helpUrl": why.help_url}


def _integration_of(visit: Visit, email: str) -> dict[str, Any]:
    """Return the status of one user; what Gong says of a stranger, and of a sound one, is not established."""
    exists = _user(visit, email) is not None
    why = visit.gong.meetings.disconnection if exists else Disconnection("User was not found in Gong.")
    about = _for_users(why or Disconnection(""))
    return {"email": email, "exists": exists, "valid": why is None, **about}
