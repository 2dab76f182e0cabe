"""Calls: create them, give them their recordings, look at them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import calls
from airflow_provider_gong.exceptions import GongNotFound, GongRequestRefused
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields
from airflow_provider_gong.operators.links import GongCallLink, call_url, push_call_url
from airflow_provider_gong.operators.list_base import GongListOperator
from airflow_provider_gong.operators.media import arrived, send_recording, stored_file
from airflow_provider_gong.operators.new_call import created_call, known_call, read_or_keep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.operators.list_base import Records, Select

log = logging.getLogger(__name__)

NOT_VISIBLE = (
    "A call that exists is not visible before it has its media and Gong has worked on that, for minutes or hours; "
    "nor when the key's user may not see it, or Gong has dropped the recording (it drops those under 60 seconds)."
)


class GongCreateCallOperator(GongActionOperator):
    """Create a call in Gong, for a recording that follows or that Gong downloads.

    Give `download_media_url`, or hand the id to `GongAddCallMediaOperator`: without media a call stays invisible.
    Returns `{"call_id": "7782342274025937895", "created": True}`. Gong knows a call by `client_unique_id` and
    never makes a second one: the task may be repeated, and then returns the first call with `created` False, its
    other arguments unchanged in Gong. The id is pushed to XCom as `call_id` as soon as Gong has answered.

    All arguments are checked before anything is sent, and one error names everything that Gong would refuse.
    Objects within arguments have Gong's own keys. Needs the scope `api:calls:create`.

    See https://help.gong.io/apidocs/add-new-call-v2calls-2

    :param client_unique_id: Id of the call in the recording system, up to 2048 characters. (templated)
    :param actual_start: When the call began; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param parties: Who took part, at least the primary user: a list of objects with any of `userId` (of a Gong
        user), `emailAddress`, `phoneNumber`, `name`, `partyId` (for `speakers_timeline`), `mediaChannelId` (0
        left, 1 right: the channel of a stereo recording) and `context` (as the argument). (templated)
    :param direction: `Inbound`, `Outbound`, `Conference` or `Unknown`. (templated)
    :param primary_user: Gong's id of the user who hosted the call; one party must have it as `userId`. (templated)
    :param scheduled_start: When the call was to begin; as `actual_start`. (templated) Default: None.
    :param scheduled_end: When the call was to end, not before `scheduled_start`. (templated) Default: None.
    :param title: Title of the call, by which it is found in Gong. (templated) Default: None.
    :param purpose: What the call was for, up to 255 characters. (templated) Default: None.
    :param duration: Length of the call in seconds. (templated) Default: None.
    :param disposition: How the call ended, up to 255 characters. (templated) Default: None.
    :param context: What the call is about in other systems: a list of objects with `system` (`Salesforce`,
        `HubSpot`, `MicrosoftDynamic`, `Generic`; Gong supports the first and the last) and `objects`, each with
        `objectType` and `objectId`. (templated) Default: None.
    :param custom_data: Text that Gong keeps with the call, for troubleshooting. (templated) Default: None.
    :param speakers_timeline: Who spoke when: `{"precise": true, "speechSegments": [...]}`, each segment with
        `fromTime` and `toTime` (milliseconds from the beginning) and `partyIds`. Not together with a party's
        `mediaChannelId`. (templated) Default: None.
    :param meeting_url: Where people joined the web conference. (templated) Default: None.
    :param call_provider_code: Gong's code of the telephony or conferencing system, such as `zoom`; Gong's
        support knows them. (templated) Default: None.
    :param download_media_url: Where Gong downloads the recording, up to 1.5 GB; each recording needs a URL of
        its own. (templated) Default: None.
    :param workspace_id: Workspace that the call belongs to. (templated) Default: None, Gong chooses.
    :param language_code: Language of the call, such as `en-US`. (templated) Default: None, Gong detects it.
    :param flow_task_id: Id of the task of a Gong flow that the call belongs to. (templated) Default: None.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields(
        *("client_unique_id", "actual_start", "parties", "direction", "primary_user"),
        *("scheduled_start", "scheduled_end", "title", "purpose", "duration", "disposition", "context"),
        *("custom_data", "speakers_timeline", "meeting_url", "call_provider_code", "download_media_url"),
        *("workspace_id", "language_code", "flow_task_id"),
    )
    operator_extra_links = (GongCallLink(),)

    # Gong recognises `client_unique_id`.
    repeatable = True

    def __init__(
        self,
        *,
        client_unique_id: str,
        actual_start: datetime | str,
        parties: list[dict[str, Any]] | str,
        direction: str,
        primary_user: str,
        scheduled_start: datetime | str | None = None,
        scheduled_end: datetime | str | None = None,
        title: str | None = None,
        purpose: str | None = None,
        duration: float | str | None = None,
        disposition: str | None = None,
        context: list[dict[str, Any]] | str | None = None,
        custom_data: str | None = None,
        speakers_timeline: dict[str, Any] | str | None = None,
        meeting_url: str | None = None,
        call_provider_code: str | None = None,
        download_media_url: str | None = None,
        workspace_id: str | None = None,
        language_code: str | None = None,
        flow_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.client_unique_id = client_unique_id
        self.actual_start = actual_start
        self.parties = parties
        self.direction = direction
        self.primary_user = primary_user
        self.scheduled_start = scheduled_start
        self.scheduled_end = scheduled_end
        self.title = title
        self.purpose = purpose
        self.duration = duration
        self.disposition = disposition
        self.context = context
        self.custom_data = custom_data
        self.speakers_timeline = speakers_timeline
        self.meeting_url = meeting_url
        self.call_provider_code = call_provider_code
        self.download_media_url = download_media_url
        self.workspace_id = workspace_id
        self.language_code = language_code
        self.flow_task_id = flow_task_id

    def request(self) -> Request:
        """Return the request; what cannot be read is left to `create_call`, which names everything at once."""
        texts: dict[str, Any] = read.texts(
            self,
            *("client_unique_id", "actual_start", "direction", "primary_user"),
            *("scheduled_start", "scheduled_end"),
            *("title", "purpose", "disposition", "custom_data", "meeting_url", "call_provider_code"),
            *("download_media_url", "workspace_id", "language_code", "flow_task_id"),
        )
        return calls.create_call(
            **texts,
            duration=read_or_keep(read.as_number, "duration", self.duration),
            parties=read_or_keep(read.as_objects, "parties", self.parties),
            context=read_or_keep(read.as_objects, "context", self.context),
            speakers_timeline=read_or_keep(read.as_objects, "speakers_timeline", self.speakers_timeline),
        )

    def perform(self, context: Context) -> dict[str, Any]:
        """Create the call, or find the one that an earlier attempt has created."""
        request = self.request()
        reply: dict[str, Any] = {}
        created = True
        try:
            reply = self.hook.send(request)
            call_id = created_call(request, reply)
        except GongRequestRefused as refusal:
            call_id = known_call(refusal, request.body["clientUniqueId"])
            created = False
            log.info("Gong has a call with this client_unique_id already: %s", call_id)
        # At once: whatever fails from here on, the call exists.
        context["ti"].xcom_push(key="call_id", value=call_id)
        push_call_url(context, call_url(reply.get("url"), self.hook.host, call_id))
        return {"call_id": call_id, "created": created}


class GongAddCallMediaOperator(GongActionOperator):
    """Send the recording of a call that was created without one.

    The file is read while it is sent and never held in memory. Returns
    `{"call_id": "7782342274025937895", "url": "https://..."}`, the address of the call in Gong's application.

    Success means that Gong has the recording, not that it has worked on it: the call becomes visible minutes or
    hours later, or never. Without a word Gong drops recordings under 60 seconds (silence left out) and those of
    users whose telephony calls it does not import. Wait with a sensor that has a timeout.

    Gong refuses the same recording twice. After such a refusal or a lost answer the task asks whether the call is
    visible, and each further attempt asks so before it sends anything: visible means that the call has its recording
    and the task is done. So the access key needs the scope `api:calls:read:basic` besides `api:calls:create`. Since
    it takes Gong a while to show a call, give the task some retries with a delay of minutes.

    Gong has five minutes to answer once it has the file, or the `Read timeout` of the connection if that is longer.

    See https://help.gong.io/apidocs/add-call-media-v2callsidmedia-2

    :param call_id: Id of the call, as `GongCreateCallOperator` returned it. (templated)
    :param file: The recording, wav, mp3, mp4, mkv or flac, up to 1.5 GB (1,500,000,000 bytes): an absolute path,
        `file:///...`, `s3://conn@bucket/...`, `gs://...` or `abfs://...`. (templated)
    :param file_name: The name that Gong is given; its suffix tells the format. (templated)
        Default: None, the name of the file.
    :param file_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("call_id", "file", "file_name", "file_conn_id")
    operator_extra_links = (GongCallLink(),)

    # Each further attempt asks Gong before it sends.
    repeatable = True

    def __init__(
        self,
        *,
        call_id: str,
        file: str,
        file_name: str | None = None,
        file_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_id = call_id
        self.file = file
        self.file_name = file_name
        self.file_conn_id = file_conn_id

    def request(self) -> Request:
        """Return the request; the file is looked at, and read when the request is sent."""
        source = stored_file(read.as_text(self.file), read.as_text(self.file_conn_id))
        file_name = read.as_text(self.file_name) or source.path.name
        log.info("The recording has %.1f MiB", source.size / (1 << 20))
        return calls.add_call_media(
            read.as_needed_id("call_id", self.call_id), file_name=file_name, source=source
        )

    def perform(self, context: Context) -> dict[str, Any]:
        """Send the recording, unless an earlier attempt has."""
        call_id = read.as_needed_id("call_id", self.call_id)
        again = context["ti"].try_number > 1
        known = arrived(self.hook, call_id) if again else None
        answer = known or send_recording(self.hook, self.request(), call_id, again=again)
        url = call_url(answer.get("url"), self.hook.host, call_id)
        push_call_url(context, url)
        return {"call_id": call_id, "url": url}


class GongGetCallOperator(GongActionOperator):
    """Retrieve the basic data of one call.

    Returns Gong's record: `id`, `url`, `title`, `started`, `duration`, `primaryUserId`, `direction` and so on.
    Parties, contents and transcripts are no part of it. Needs the scope `api:calls:read:basic`.

    A call that is not found fails the task: one that exists is not visible either before it has its media and
    Gong has worked on that. To wait for it, use a sensor.

    See https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid

    :param call_id: Id of the call. (templated)
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("call_id")
    operator_extra_links = (GongCallLink(),)

    def __init__(self, *, call_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call_id = call_id

    def request(self) -> Request:
        """Return the request."""
        return calls.get_call(read.as_needed_id("call_id", self.call_id))

    def perform(self, context: Context) -> dict[str, Any]:
        """Retrieve the call."""
        request = self.request()
        try:
            call: dict[str, Any] = self.hook.send(request)
        except GongNotFound as error:
            error.message = NOT_VISIBLE
            raise
        push_call_url(context, call_url(call.get("url"), self.hook.host, str(call.get("id"))))
        return call


class GongListCallsOperator(GongListOperator):
    """List the basic data of the calls of a window.

    Returns Gong's records, `[]` when there is none: `id`, `url`, `title`, `started`, `duration`, `primaryUserId`,
    `direction` and so on, each call once, up to 1,000,000 bytes of JSON; for more use `GongExportCallsOperator`. Of
    web conferences Gong compares the scheduled time with the window, of all other calls the actual start.
    Private calls are dropped, their number is in the log. Needs the scope `api:calls:read:basic`.

    See https://help.gong.io/apidocs/retrieve-call-data-by-date-range-v2calls-2

    :param from_datetime: Start of the window, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        (templated)
    :param to_datetime: End of the window, exclusive. (templated)
    :param workspace_id: List the calls of one workspace only. (templated) Default: None, all workspaces.
    :param include_private: Return private calls too. (templated) Default: False.
    :param cursor: Begin with the page that the XCom `next_cursor` of an earlier task stands for, all other
        arguments unchanged. It lives for about an hour from the first page of the list on; a retry starts with it
        again. A list that was whole has set none: skip the task then, since a template of it renders to nothing,
        which means the first page. (templated) Default: None, the first page.
    :param max_pages: Read no more than this number of pages, of 100 calls each, 1 or more. When that cuts the list
        short, the log tells how many calls Gong counts, and the XCom `next_cursor` is set. (templated)
        Default: None, all pages.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongListOperator.template_fields,
        *("from_datetime", "to_datetime", "workspace_id", "include_private"),
    )
    export = "GongExportCallsOperator"

    def __init__(
        self,
        *,
        from_datetime: datetime | str,
        to_datetime: datetime | str,
        workspace_id: str | None = None,
        include_private: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime
        self.workspace_id = workspace_id
        self.include_private = include_private

    def request(self) -> Request:
        """Return the request for the first page."""
        read.require(self, "from_datetime", "to_datetime")
        return calls.list_calls(
            **read.datetimes(self, "from_datetime", "to_datetime"),
            workspace_id=read.as_id("workspace_id", self.workspace_id),
        )

    def selection(self) -> Select:
        """Return what drops private calls, unless they are wanted."""
        return list if read.as_bool("include_private", self.include_private) else _public


def _public(records: Records) -> Records:
    return [record for record in records if not record.get("isPrivate")]
