"""Library: public folders, and the calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import library
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.api.endpoint import Request


class GongListLibraryFoldersOperator(GongActionOperator):
    """List the folders of Gong's library that are public and not archived.

    Returns Gong's records, `[]` when there is none: `id`, `name`, `parentFolderId` (None for a root), `createdBy`
    and `updated`. Needs the scope `api:library:read`.

    See https://help.gong.io/apidocs/retrieve-library-folders-v2libraryfolders

    :param workspace_id: List the folders of this workspace. (templated) Default: None, left to Gong.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("workspace_id")

    def __init__(self, *, workspace_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workspace_id = workspace_id

    def request(self) -> Request:
        """Return the request."""
        return library.list_library_folders(workspace_id=read.as_id("workspace_id", self.workspace_id))


class GongListFolderCallsOperator(GongActionOperator):
    """List the calls, and snippets of calls, in one folder of Gong's library.

    Returns Gong's records, `[]` when the folder is empty: `id` (of the call), `title`, `note`, `addedBy`, `created`,
    `url` and, for a part of a call, `snippet` with `fromSec` and `toSec`. A folder that Gong does not show fails the
    task. Needs the scope `api:library:read`.

    See https://help.gong.io/apidocs/list-of-calls-in-a-specific-folder-v2libraryfolder-content-2

    :param folder_id: Id of the folder, up to 20 digits. (templated)
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("folder_id")

    def __init__(self, *, folder_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder_id = folder_id

    def request(self) -> Request:
        """Return the request."""
        return library.list_folder_calls(read.as_needed_id("folder_id", self.folder_id))
