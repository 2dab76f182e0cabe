"""New calls, and the media that belongs to them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.forms import Part, read_form
from airflow_provider_gong.sandbox.routes.inputs import check_path_id, read_body, read_datetime
from airflow_provider_gong.sandbox.routes.new_call import check_new_call, find_host
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.uploads import (
    AlreadyPostedError,
    MediaRefusedError,
    RecordingDisabledError,
)
from airflow_provider_gong.sandbox.world.basics import call_url
from airflow_provider_gong.sandbox.world.posted import FORMATS, Media, suffix

router = APIRouter()


@router.post("/v2/calls")
async def add_call(request: Request, visit: Annotated[Visit, Depends(needs("api:calls:create"))]) -> Response:
    """Create a call; no read shows it before its media is there and Gong has worked on it.

    The reply is as recorded, without the URL that the document lists.
    https://help.gong.io/apidocs/add-new-call-v2calls-2
    """
    body = await read_body(request)
    check_new_call(body, visit.gong)
    body = {name: value for name, value in body.items() if value is not None}
    try:
        call = visit.gong.uploads.create(
            body, find_host(body, visit.gong), _start(body), read_datetime(body, "scheduledStart")
        )
    except AlreadyPostedError as posted:
        raise Refusal(400, _already_posted(body, posted.call_id)) from None
    except RecordingDisabledError:
        # So the 409 is described; the wording of the message is not established.
        raise Refusal(409, "Recording is not enabled for the primary user") from None
    except MediaRefusedError:
        # The URL must be unique; how Gong says so is not established.
        raise Refusal(400, "Bad request") from None
    return reply({"callId": call.id})


@router.put("/v2/calls/{call_id}/media")
async def add_call_media(
    call_id: str, request: Request, visit: Annotated[Visit, Depends(needs("api:calls:create"))]
) -> Response:
    """Take the media of a call; 201 says that it came, not that Gong will do something with it.

    https://help.gong.io/apidocs/add-call-media-v2callsidmedia-2
    """
    uploads = visit.gong.uploads
    try:
        uploads.check_media_missing(check_path_id(call_id))
        media = _media(await read_form(request, largest=uploads.largest_media))
        call = uploads.add_media(call_id, media)
    except KeyError:
        raise Refusal(404, f"Call ID {call_id} was not found") from None
    except MediaRefusedError:
        raise Refusal(400, "Bad request") from None
    return reply({"callId": call.id, "url": call_url(call)}, status=201)


def _start(body: dict[str, Any]) -> datetime:
    start = read_datetime(body, "actualStart")
    assert start is not None  # noqa: S101 - required, and checked
    return start


def _already_posted(body: dict[str, Any], call_id: str) -> str:
    client_id = body["clientUniqueId"]
    return f"A call with clientUniqueId '{client_id}' has already been posted for the call {call_id}"


def _media(parts: list[Part]) -> Media:
    """Return the one file of a form. None of these refusals is documented, nor their wordings."""
    files = [part for part in parts if part.name == "mediaFile" and part.file_name is not None]
    if not files:
        raise Refusal(400, "mediaFile: must not be null")
    if len(files) > 1:
        raise Refusal(400, "mediaFile: must be one file")
    [part] = files
    if suffix(part.file_name or "") not in FORMATS:
        raise Refusal(400, f"mediaFile: must be one of {', '.join(sorted(FORMATS))}")
    if part.size == 0:
        raise Refusal(400, "mediaFile: must not be empty")
    return Media(part.file_name or "", part.size, part.digest.hexdigest())
