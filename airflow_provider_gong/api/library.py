"""Library: public folders, and the calls and snippets that people put into them."""

from __future__ import annotations

from airflow_provider_gong.api.encode import optional_id, wire_id
from airflow_provider_gong.api.endpoint import Params, endpoint


@endpoint("GET", "/v2/library/folders", result="folders", scope="api:library:read", empty_on_404=True)
def list_library_folders(*, workspace_id: str | None = None) -> Params:
    """List the folders that are public and not archived.

    https://help.gong.io/apidocs/retrieve-library-folders-v2libraryfolders

    :param workspace_id: identifier of a workspace; default: left to Gong.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"workspaceId": optional_id(workspace_id, "workspace_id")})


# A folder without calls is no 404: that is an unknown folder.
@endpoint("GET", "/v2/library/folder-content", result="calls", scope="api:library:read")
def list_folder_calls(folder_id: str) -> Params:
    """List the calls and snippets in one folder.

    https://help.gong.io/apidocs/list-of-calls-in-a-specific-folder-v2libraryfolder-content-2

    :param folder_id: Gong's identifier of the folder.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"folderId": wire_id(folder_id, "folder_id")})
