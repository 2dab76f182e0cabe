"""Meetings that Gong arranges: create, replace and delete them."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import meetings
from airflow_provider_gong.exceptions import GongForbidden, GongNotFound, GongUnexpectedResponse
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields
from airflow_provider_gong.operators.links import GongMeetingLink, push_meeting_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

LIMITED_RELEASE = (
    "The Meetings API is in limited release: if the key may do other things, ask your contact at Gong to release it "
    "for your company. "
)
# Gong's 404 may also speak of the organizer, whose meeting may well exist under another address.
NO_SUCH_MEETING = re.compile(
    r"\bmeeting ID\b.*\bnot found\b|\bno meeting found\b.*\bmeeting ID\b", re.IGNORECASE
)


class GongMeetingOperator(GongActionOperator):
    """Base of the operators of meetings: what Gong refuses may be for want of a release."""

    def perform(self, context: Context) -> Any:
        """Send the request and return what comes of it."""
        try:
            return super().perform(context)
        except GongForbidden as error:
            error.message = LIMITED_RELEASE + error.message
            raise


class GongArrangedMeetingOperator(GongMeetingOperator):
    """Base of the operators that describe a meeting.

    :param start_time: when it begins. (templated)
    :param end_time: when it ends. (templated)
    :param organizer_email: address of the user who organises it. (templated)
    :param invitees: who else takes part. (templated)
    :param title: title of the event. (templated) Default: None.
    :param external_id: identifier of the event elsewhere. (templated) Default: None.
    :param provider: conferencing provider. (templated) Default: None.
    """

    template_fields: Sequence[str] = gong_fields(
        "start_time", "end_time", "organizer_email", "invitees", "title", "external_id", "provider"
    )

    def __init__(
        self,
        *,
        start_time: datetime | str,
        end_time: datetime | str,
        organizer_email: str,
        invitees: list[str | dict[str, Any]] | str,
        title: str | None = None,
        external_id: str | None = None,
        provider: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.start_time = start_time
        self.end_time = end_time
        self.organizer_email = organizer_email
        self.invitees = invitees
        self.title = title
        self.external_id = external_id
        self.provider = provider

    def meeting(self) -> dict[str, Any]:
        """Return the description of the meeting."""
        texts = read.texts(
            self, "start_time", "end_time", "organizer_email", "title", "external_id", "provider"
        )
        return {**texts, "invitees": _invitees(self.invitees)}


class GongCreateMeetingOperator(GongArrangedMeetingOperator):
    """Create a meeting whose link leads through Gong, so that it is recorded by the organizer's settings.

    Returns `meeting_id`, `meeting_url` (the link to join) and `additional_invitees` (whom to invite as well, so that
    Gong can record; objects with Gong's keys). The id is also the XCom `meeting_id`. Gong sends no invitations and
    does not notice that a meeting exists already, so a lost reply fails the task for good instead of creating a second
    one: then look in Gong. Clearing the task creates a second one, too. Meetings are in limited release at Gong.

    See https://help.gong.io/apidocs/create-a-new-gong-meeting-v2meetings

    :param start_time: When it begins; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param end_time: When it ends, after the start; as `start_time`. (templated)
    :param organizer_email: Address of the Gong user who organises it and whose consent page is used. (templated)
    :param invitees: Who else takes part: a list of addresses or of objects with `email` and perhaps `displayName`,
        `firstName`, `lastName`; also its JSON text, or addresses separated by commas. (templated)
    :param title: Title of the event. (templated) Default: None, Gong's own choice.
    :param external_id: Identifier of the event in the system that it comes from. (templated) Default: None.
    :param provider: Conferencing provider, such as `zoom`. (templated) Default: None, the organizer's own.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    operator_extra_links = (GongMeetingLink(),)

    def request(self) -> Request:
        """Return the request for a new meeting."""
        return meetings.create_meeting(**self.meeting())

    def perform(self, context: Context) -> dict[str, Any]:
        """Create the meeting, and make its id known at once: nothing else can find it again."""
        result: dict[str, Any] = super().perform(context)
        context["ti"].xcom_push(key="meeting_id", value=result["meeting_id"])
        push_meeting_url(context, result["meeting_url"])
        return result

    def outcome(self, reply: Any) -> dict[str, Any]:
        """Return the id of the meeting, its link and whom else to invite."""
        if reply.get("meetingId") is None:
            raise GongUnexpectedResponse(
                "The reply has no 'meetingId': look in Gong whether the meeting exists before you repeat it.",
                operation="POST /v2/meetings",
                request_id=reply.get("requestId"),
            )
        return {
            "meeting_id": str(reply["meetingId"]),
            "meeting_url": reply.get("meetingUrl"),
            "additional_invitees": reply.get("additionalInvitees") or [],
        }


class GongUpdateMeetingOperator(GongArrangedMeetingOperator):
    """Replace a meeting by what the arguments say; what they leave out is removed.

    Returns `meeting_id`. Doing it twice changes no more than doing it once, so it may be retried. Gong was seen to
    accept the id of a meeting that it did not know: success does not prove that there is one.

    See https://help.gong.io/apidocs/update-a-gong-meeting-v2meetingsmeetingid

    :param meeting_id: Gong's id of the meeting, as text, such as the XCom `meeting_id` of the task that created it.
        (templated)
    :param start_time: When it begins; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param end_time: When it ends, after the start; as `start_time`. (templated)
    :param organizer_email: Address of the Gong user who created it. (templated)
    :param invitees: All who take part besides the organizer: a list of addresses or of objects with `email` and
        perhaps `displayName`, `firstName`, `lastName`; also its JSON text, or addresses separated by commas.
        (templated)
    :param title: Title of the event. (templated) Default: None.
    :param external_id: Identifier of the event in the system that it comes from. (templated) Default: None.
    :param provider: Conferencing provider, such as `zoom`. (templated) Default: None, the organizer's own.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongArrangedMeetingOperator.template_fields, "meeting_id")
    repeatable = True

    def __init__(self, *, meeting_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.meeting_id = meeting_id

    def request(self) -> Request:
        """Return the request that replaces the meeting."""
        return meetings.update_meeting(meeting_id=read.as_text(self.meeting_id) or "", **self.meeting())

    def outcome(self, reply: Any) -> dict[str, Any]:
        """Return the id of the meeting."""
        return {"meeting_id": str(self.meeting_id).strip()}


class GongDeleteMeetingOperator(GongMeetingOperator):
    """Delete a meeting.

    Returns `meeting_id` and `deleted`: False when `ignore_missing` is set and Gong knows no meeting of this id, as
    after an earlier try whose reply was lost. With `ignore_missing` it may be retried; without it a lost reply fails
    the task for good. A 404 that is not about the meeting itself, such as a wrong organizer or another server, fails
    it in both cases.

    See https://help.gong.io/apidocs/introduction-2

    :param meeting_id: Gong's id of the meeting, as text. (templated)
    :param organizer_email: Address of the Gong user who created it; Gong does not require it. (templated)
        Default: None.
    :param ignore_missing: Succeed when there is no meeting of this id. (templated) Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("meeting_id", "organizer_email", "ignore_missing")

    def __init__(
        self,
        *,
        meeting_id: str,
        organizer_email: str | None = None,
        ignore_missing: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.meeting_id = meeting_id
        self.organizer_email = organizer_email
        self.ignore_missing = ignore_missing

    @property
    def repeatable(self) -> bool:
        """Tell whether a meeting that is gone already is fine."""
        return read.as_bool("ignore_missing", self.ignore_missing)

    def request(self) -> Request:
        """Return the request that deletes the meeting."""
        return meetings.delete_meeting(
            meeting_id=read.as_text(self.meeting_id) or "", organizer_email=read.as_text(self.organizer_email)
        )

    def perform(self, context: Context) -> dict[str, Any]:
        """Delete the meeting, or find it gone."""
        may_be_missing = self.repeatable
        try:
            super().perform(context)
        except GongNotFound as error:
            if not may_be_missing or not any(NO_SUCH_MEETING.search(text) for text in error.messages):
                raise
            log.info("Gong knows no such meeting: nothing is left to delete")
            return self._result(deleted=False)
        return self._result(deleted=True)

    def _result(self, *, deleted: bool) -> dict[str, Any]:
        return {"meeting_id": str(self.meeting_id).strip(), "deleted": deleted}


def _invitees(value: Any) -> Any:
    value = read.as_object("invitees", value)
    if isinstance(value, str):
        return [address.strip() for address in value.split(",")] if read.as_text(value) else None
    return value
