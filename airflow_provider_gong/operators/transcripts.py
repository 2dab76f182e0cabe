"""Transcripts: what was said in calls."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_gong.api import calls, transcripts
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.links import GongCallLink, call_url, push_call_url
from airflow_provider_gong.operators.list_base import GongListOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context, XComArg

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.operators.list_base import Records, Select

log = logging.getLogger(__name__)

IDS_PER_REQUEST = 100
MISSING_SHOWN = 20
MISSING = "missing_call_ids"


class GongGetCallTranscriptsOperator(GongListOperator):
    """Get the transcripts of given calls, or of the calls of a window.

    Returns Gong's records, each with `callId` and `transcript`, a list of monologues with `speakerId`, `topic` and
    `sentences` (`start` and `end` in milliseconds from the start of the call, `text`); up to 1,000,000 bytes of JSON,
    some dozens of calls; for more use `GongExportTranscriptsOperator`. Their text is never in the log.

    With `call_ids`, any number of them, Gong is asked for 100 at a time, and the result has their order, each call
    once, private ones too. A transcript may come up to a day after its call: the XCom `missing_call_ids` has the
    ids without one, `[]` when there is none, and the log tells them. Nothing is asked when there are no ids: `[]`,
    or what a skipped task returned.

    Without `call_ids` a window is needed, of one end at least, with which Gong compares the start of the calls. `[]`
    when nothing is found. Private calls are left out; transcripts do not say which they are, so each page costs a
    second request, which asks for its calls. Calls that Gong does not show by then are left out with them.

    Needs the scope `api:calls:read:transcript`; to leave out private calls `api:calls:read:extensive` too.

    See https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2

    :param call_ids: Calls to get: a list of ids, or the records that a list of calls or an export without
        destination returned; or JSON text of either. (templated) Default: None, the calls of the window.
    :param from_datetime: Start of the window, inclusive; a datetime or ISO 8601 text, UTC without an offset. With
        `call_ids` only those calls are returned that started in the window. (templated)
        Default: None, from the earliest call.
    :param to_datetime: End of the window, exclusive. (templated) Default: None, up to the latest call.
    :param workspace_id: Get the calls of one workspace only; not together with `call_ids`. (templated)
        Default: None, all workspaces.
    :param include_private: Return private calls of the window too. (templated) Default: False.
    :param cursor: Begin with the page that the XCom `next_cursor` of an earlier task stands for, all other
        arguments unchanged; not together with more than 100 `call_ids`. It lives for about an hour from the first
        page of the list on; a retry starts with it again. A list that was whole has set none: skip the task then,
        since a template of it renders to nothing, which means the first page. (templated)
        Default: None, the first page.
    :param max_pages: Read no more than this number of pages, of 100 transcripts each, 1 or more; not together with
        more than 100 `call_ids`. When that cuts the list short, the log tells how many transcripts Gong counts, and
        the XCom `next_cursor` is set. (templated) Default: None, all pages.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongListOperator.template_fields,
        *("call_ids", "from_datetime", "to_datetime", "workspace_id", "include_private"),
    )
    operator_extra_links = (GongCallLink(),)
    id_name: ClassVar[str] = "callId"
    dropped = "transcripts of calls that are private or not shown by Gong"
    export = "GongExportTranscriptsOperator"

    def __init__(
        self,
        *,
        call_ids: list[Any] | str | XComArg | None = None,
        from_datetime: datetime | str | None = None,
        to_datetime: datetime | str | None = None,
        workspace_id: str | None = None,
        include_private: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_ids = call_ids
        # Of a task that was skipped nothing is left when the templates are rendered: no calls, not all of them.
        self._call_ids_given = call_ids is not None
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime
        self.workspace_id = workspace_id
        self.include_private = include_private

    def request(self) -> Request:
        """Return the request for the first page; of more than 100 ids each 100 get a request of their own."""
        return self._request(self._given_ids() if self._call_ids_given else None)

    def perform(self, context: Context) -> Records:
        """Get the transcripts, and with `call_ids` tell which are missing."""
        from airflow_provider_gong.exports.rows import record_id

        if not self._call_ids_given:
            return super().perform(context)
        ids = self._given_ids()
        batches = [ids[start : start + IDS_PER_REQUEST] for start in range(0, len(ids), IDS_PER_REQUEST)]
        requests = [self._request(batch) for batch in batches]
        found = {record_id(record, self.id_name): record for record in self.fetch(context, requests)}
        self._tell_missing(context, [call_id for call_id in ids if call_id not in found])
        if len(ids) == 1:
            # Gong's transcripts do not say where their call is.
            push_call_url(context, call_url(None, self.hook.host, ids[0]))
        return [found[call_id] for call_id in ids if call_id in found]

    def selection(self) -> Select:
        """Return what drops the transcripts of private calls, unless they are wanted or asked for by id."""
        include_private = read.as_bool("include_private", self.include_private)
        return list if include_private or self._call_ids_given else self._of_public_calls

    def _request(self, call_ids: list[str] | None) -> Request:
        window = read.datetimes(self, "from_datetime", "to_datetime")
        if call_ids is None and not any(window.values()):
            raise GongConfigurationError(
                "Neither call_ids nor a window is given: give call_ids, or from_datetime and to_datetime."
            )
        return transcripts.list_call_transcripts(
            **window, workspace_id=read.as_id("workspace_id", self.workspace_id), call_ids=call_ids
        )

    def _given_ids(self) -> list[str]:
        ids = list(dict.fromkeys(read.as_call_ids("call_ids", self.call_ids) or ()))
        if read.as_text(self.workspace_id) is not None:
            raise GongConfigurationError(
                "workspace_id cannot stand beside call_ids, Gong refuses it: leave one of them out."
            )
        paging = [name for name in ("cursor", "max_pages") if read.as_text(getattr(self, name)) is not None]
        if paging and len(ids) > IDS_PER_REQUEST:
            raise GongConfigurationError(
                f"{' and '.join(paging)} cannot stand beside {len(ids)} call_ids: Gong is asked for "
                f"{IDS_PER_REQUEST} at a time, each with pages of its own. Leave it out, or give fewer ids."
            )
        return ids

    def _of_public_calls(self, records: Records) -> Records:
        """Return the transcripts whose calls Gong shows and tells to be public."""
        from airflow_provider_gong.exports.rows import basic_data, is_private, record_id

        if not records:
            return records
        shown = self.hook.items(
            calls.list_calls_extensive(call_ids=[record_id(record, self.id_name) for record in records])
        )
        public = {record_id(basic_data(call), "id") for call in shown if not is_private(call)}
        return [record for record in records if record_id(record, self.id_name) in public]

    def _tell_missing(self, context: Context, missing: list[str]) -> None:
        if missing:
            more = ", ..." if len(missing) > MISSING_SHOWN else ""
            log.warning(
                "%d calls have no transcript: %s%s", len(missing), ", ".join(missing[:MISSING_SHOWN]), more
            )
        context["ti"].xcom_push(key=MISSING, value=missing)
