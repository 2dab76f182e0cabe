"""Calls: recorded conversations, their details and their transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_gong.api.encode import (
    optional_ids,
    wire_id,
    wire_window,
    without_none,
)
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.api.form import FilePart, Form
from airflow_provider_gong.api.new_call import NewCall, body_of_call
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_gong.api.form import Source

# Gong's document says "up to 1.5GB"; if it means 1.5 * 2**30 bytes, this is on the safe side.
MOST_MEDIA_BYTES = 1_500_000_000
MEDIA_FORMATS = ("wav", "mp3", "mp4", "mkv", "flac")


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
    return Params(query=wire_window(from_datetime, to_datetime, workspace_id))


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
                    **wire_window(from_datetime, to_datetime, workspace_id),
                    "callIds": optional_ids(call_ids, "call_ids"),
                    "primaryUserIds": optional_ids(primary_user_ids, "primary_user_ids"),
                }
            ),
            "contentSelector": None if content_selector is None else dict(content_selector),
        }
    )


@endpoint("POST", "/v2/calls", result=None, scope="api:calls:create")
def create_call(**call: Unpack[NewCall]) -> Params:
    """Create a call, for media that follow or that Gong downloads.

    Arguments are Gong's fields in snake_case, objects within them keep Gong's keys; see
    `GongCreateCallOperator`.

    https://help.gong.io/apidocs/add-new-call-v2calls-2

    :raises GongConfigurationError: naming all arguments that must be mended.
    """
    return Params(body=body_of_call(call))


@endpoint("PUT", "/v2/calls/{id}/media", result=None, scope="api:calls:create")
def add_call_media(call_id: str, *, file_name: str, source: Source) -> Params:
    """Add the recording of a call that was created without one.

    Gong's 201 says that the recording has come, not that it was worked on.

    https://help.gong.io/apidocs/add-call-media-v2callsidmedia-2

    :param call_id: Gong's identifier of the call.
    :param file_name: what the recording is called; its suffix tells the format, one of `MEDIA_FORMATS`.
    :param source: the recording, one byte to `MOST_MEDIA_BYTES`.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    suffix = file_name.rpartition(".")[2].lower() if "." in file_name else ""
    if suffix not in MEDIA_FORMATS:
        raise GongConfigurationError(
            f"file_name={file_name!r}, by default the name of the file, ends in no format that Gong takes: "
            f"use one of .{', .'.join(MEDIA_FORMATS)}."
        )
    if not 0 < source.size <= MOST_MEDIA_BYTES:
        raise GongConfigurationError(
            f"The file has {source.size:,} bytes, and Gong takes 1 to {MOST_MEDIA_BYTES:,}: shorten or compress the "
            "recording, or split the call."
        )
    return Params(
        path={"id": wire_id(call_id, "call_id")},
        form=Form(files=(FilePart("mediaFile", file_name, source),)),
    )
