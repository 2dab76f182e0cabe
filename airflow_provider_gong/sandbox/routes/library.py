"""The public library: its folders, and the calls in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.library import Folder, Item, Library
from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import Call
from airflow_provider_gong.sandbox.world.basics import call_url
from airflow_provider_gong.sandbox.world.cast import cast, title
from airflow_provider_gong.sandbox.world.people import OFFICES
from airflow_provider_gong.sandbox.world.times import wire

NO_FOLDERS = "No folders found for the specified period"

router = APIRouter()


@router.get("/v2/library/folders")
async def list_folders(
    request: Request, visit: Annotated[Visit, Depends(needs("api:library:read"))]
) -> Response:
    """List the folders of one workspace; without one those of all, which is not established.

    https://help.gong.io/apidocs/retrieve-library-folders-v2libraryfolders
    """
    library = visit.gong.library
    workspace_id = request.query_params.get("workspaceId")
    found = [one for one in library.folders if workspace_id in (None, one.workspace_id)]
    if not found:
        raise Refusal(404, NO_FOLDERS)
    return reply({"folders": [{**_about(one, library), "parentFolderId": one.parent_id} for one in found]})


@router.get("/v2/library/folder-content")
async def list_calls_in_folder(
    request: Request, visit: Annotated[Visit, Depends(needs("api:library:read"))]
) -> Response:
    """List the calls in one folder; an empty one is no error.

    https://help.gong.io/apidocs/list-of-calls-in-a-specific-folder-v2libraryfolder-content-2
    """
    library = visit.gong.library
    folder_id = request.query_params.get("folderId")
    if not folder_id:
        # Declared optional; what Gong says without it is not established.
        raise Refusal(400, "folderId: must not be null")
    folder = library.folder(folder_id)
    if folder is None:
        raise Refusal(404, NO_FOLDERS)
    content = library.content(folder) if visit.key.sees_calls else []
    return reply({**_about(folder, library), "calls": [_call(item, call) for item, call in content]})


def _about(folder: Folder, library: Library) -> dict[str, Any]:
    return {
        "id": folder.id,
        "name": folder.name,
        "createdBy": folder.created_by.id if folder.created_by else None,
        "updated": wire(library.updated(folder), OFFICES[0]),
    }


def _call(item: Item, call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "title": title(call, cast(call)),
        "note": item.note,
        "addedBy": item.added_by.id,
        "created": wire(item.created, item.added_by.office),
        "url": call_url(call),
        "snippet": dict(zip(("fromSec", "toSec"), item.snippet, strict=True)) if item.snippet else None,
    }
