"""Calls: recorded conversations, their details and their transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.encode import (
    optional_datetime,
    optional_id,
    optional_ids,
    wire_id,
    without_none,
)
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@endpoint("GET", "/v2/calls", result="calls", scope="api:calls:read:basic", paged=True, empty_on_404=True)
def list_calls(
    *,
    from_datetime: datetime | str | None = None,
    to_datetime: datetime | str | None = None,
    workspace_id: str | None = None,
) -> Params:
    """List the basic data of calls.

    Gong compares the scheduled time of web conferences and the actual start of all other calls.
    Its document asks for both ends of the window; send both.

    https://help.gong.io/apidocs/retrieve-call-data-by-date-range-v2calls-2

    :param from_datetime: datetime or ISO 8601 text, inclusive; default: the earliest call.
    :param to_datetime: datetime or ISO 8601 text, exclusive; default: the latest call.
    :param workspace_id: identifier of a workspace; default: all workspaces.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query=_window(from_datetime, to_datetime, workspace_id))


@endpoint("GET", "/v2/calls/{id}", result="call", scope="api:calls:read:basic")
def get_call(call_id: str) -> Params:
    """Retrieve the basic data of one call.

    https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid

    :param call_id: Gong's identifier of the call.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(path={"id": wire_id(call_id, "call_id")})


@endpoint(
    "POST",
    "/v2/calls/extensive",
    result="calls",
    scope="api:calls:read:extensive",
    paged=True,
    reads=True,
    empty_on_404=True,
)
def list_calls_extensive(
    *,
    from_datetime: datetime | str | None = None,
    to_datetime: datetime | str | None = None,
    workspace_id: str | None = None,
    call_ids: Iterable[str | int] | None = None,
    primary_user_ids: Iterable[str | int] | None = None,
    content_selector: Mapping[str, Any] | None = None,
) -> Params:
    """List calls in detail: parties, context, content, interaction, media, as far as selected.

    The filters narrow each other: a call must match all that are given. Parts that Gong has not
    computed yet are absent from the reply. Media URLs need the scope ``api:calls:read:media-url`` as well.

    https://help.gong.io/apidocs/introduction-2

    :param from_datetime: datetime or ISO 8601 text, inclusive, compared with the start of the call;
        default: the earliest call.
    :param to_datetime: datetime or ISO 8601 text, exclusive; default: the latest call.
    :param workspace_id: identifier of a workspace; default: all workspaces.
    :param call_ids: identifiers of calls, at least one; default: all calls.
    :param primary_user_ids: identifiers of the users who hosted the calls, at least one; default: all users.
    :param content_selector: Gong's ``contentSelector`` with its own keys, such as
        ``{"exposedFields": {"parties": True}}``; default: the basic data only.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(
        body={
            "filter": without_none(
                {
                    **_window(from_datetime, to_datetime, workspace_id),
                    "callIds": optional_ids(call_ids, "call_ids"),
                    "primaryUserIds": optional_ids(primary_user_ids, "primary_user_ids"),
                }
            ),
            "contentSelector": None if content_selector is None else dict(content_selector),
        }
    )


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
                    **_window(from_datetime, to_datetime, workspace_id),
                    "callIds": optional_ids(call_ids, "call_ids"),
                }
            )
        }
    )


def _window(
    from_datetime: datetime | str | None, to_datetime: datetime | str | None, workspace_id: str | None
) -> dict[str, str | None]:
    return {
        "fromDateTime": optional_datetime(from_datetime, "from_datetime"),
        "toDateTime": optional_datetime(to_datetime, "to_datetime"),
        "workspaceId": optional_id(workspace_id, "workspace_id"),
    }
