"""Folders of the library, and the calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import library
from airflow_provider_gong.exceptions import GongConfigurationError, GongNotFound
from airflow_provider_gong.operators.library import (
    GongListFolderCallsOperator,
    GongListLibraryFoldersOperator,
)
from tests.operators.reading import refusal, result_of

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.sandbox.library import Folder


def folders(gong: GongSandbox, *, empty: bool) -> list[Folder]:
    return [folder for folder in gong.library.folders if empty is not bool(gong.library.content(folder))]


@pytest.mark.parametrize("workspace_id", [None, "", "None", "5", 5])
def test_folders_are_asked_for_by_workspace(workspace_id: Any) -> None:
    request = GongListLibraryFoldersOperator(task_id="read", workspace_id=workspace_id).request()
    expected = "5" if workspace_id in ("5", 5) else None
    assert request == library.list_library_folders(workspace_id=expected)


def test_calls_are_asked_for_by_folder() -> None:
    request = GongListFolderCallsOperator(task_id="read", folder_id=7).request()  # type: ignore[arg-type]
    assert request == library.list_folder_calls("7")


def test_folders_are_gongs_records(gong: GongSandbox) -> None:
    workspace_id = gong.world.workspaces[0]["id"]
    listed = result_of(
        GongListLibraryFoldersOperator, workspace_id="{{ params.id }}", params={"id": workspace_id}
    )
    expected = [folder for folder in gong.library.folders if folder.workspace_id == workspace_id]
    assert [(one["id"], one["name"], one["parentFolderId"]) for one in listed] == [
        (folder.id, folder.name, folder.parent_id) for folder in expected
    ]
    assert listed[0].keys() == {"id", "name", "parentFolderId", "createdBy", "updated"}
    assert len(gong.requests) == 1


def test_no_folders_are_an_empty_list(gong: GongSandbox) -> None:
    assert result_of(GongListLibraryFoldersOperator, workspace_id="1234567890123456789") == []
    assert gong.requests[0].status == 404


def test_calls_of_a_folder_are_gongs_records(gong: GongSandbox) -> None:
    folder = folders(gong, empty=False)[0]
    listed = result_of(GongListFolderCallsOperator, folder_id="{{ params.id }}", params={"id": folder.id})
    content = gong.library.content(folder)
    assert [(one["id"], one["note"]) for one in listed] == [(call.id, item.note) for item, call in content]
    assert listed[0].keys() == {"id", "title", "note", "addedBy", "created", "url", "snippet"}


def test_an_empty_folder_is_an_empty_list(gong: GongSandbox) -> None:
    assert result_of(GongListFolderCallsOperator, folder_id=folders(gong, empty=True)[0].id) == []
    assert gong.requests[0].status == 200


def test_an_unknown_folder_fails_at_once(gong: GongSandbox) -> None:
    message = refusal(GongListFolderCallsOperator, GongNotFound, folder_id="1234567890123456789")
    assert "No folders found" in message
    assert len(gong.requests) == 1


@pytest.mark.parametrize("folder_id", [None, "", "None", "{{ none }}", "a folder"])
def test_what_is_no_id_is_refused_before_any_request(gong: GongSandbox, folder_id: Any) -> None:
    assert "folder_id=" in refusal(GongListFolderCallsOperator, GongConfigurationError, folder_id=folder_id)
    assert len(gong.requests) == 0
