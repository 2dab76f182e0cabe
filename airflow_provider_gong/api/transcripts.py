"""Transcripts: what was said in calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.api.encode import optional_ids, wire_window, without_none
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@endpoint(
    "POST",
    "/v2/calls/transcript",
    result="callTranscripts",
    scope="api:calls:read:transcript",
    paged=True,
    reads=True,
    empty_on_404=True,
)
def list_call_transcripts(
    *,
    from_datetime: datetime | str | None = None,
    to_datetime: datetime | str | None = None,
    workspace_id: str | None = None,
    call_ids: Iterable[str | int] | None = None,
) -> Params:
    """List the transcripts of calls.

    With both a window and `call_ids` Gong returns only those of the calls that started in the window.

    https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2

    :param from_datetime: datetime or ISO 8601 text, inclusive, compared with the start of the call;
        default: the earliest call.
    :param to_datetime: datetime or ISO 8601 text, exclusive; default: the latest call.
    :param workspace_id: identifier of a workspace, not together with `call_ids`; default: all workspaces.
    :param call_ids: identifiers of calls, at least one; default: all calls.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    if workspace_id is not None and call_ids is not None:
        raise GongConfigurationError(
            "call_ids and workspace_id were both given, which Gong refuses for transcripts: "
            "leave one of them out."
        )
    return Params(
        body={
            "filter": without_none(
                {
                    **wire_window(from_datetime, to_datetime, workspace_id),
                    "callIds": optional_ids(call_ids, "call_ids"),
                }
            )
        }
    )
