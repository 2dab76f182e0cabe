"""The public library."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client, errors

NONE = (404, ["No folders found for the specified period"])


def folders(client: Client, **query: str) -> list[dict[str, Any]]:
    reply = client.get("/v2/library/folders", **query)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["folders"]
    return found


def content(client: Client, folder_id: str) -> dict[str, Any]:
    reply = client.get("/v2/library/folder-content", folderId=folder_id)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def calls(client: Client) -> list[dict[str, Any]]:
    return [call for folder in folders(client) for call in content(client, folder["id"])["calls"]]


def test_each_workspace_has_a_tree_of_its_own(reader: Client) -> None:
    trees = [folders(reader, workspaceId=one["id"]) for one in reader.gong.world.workspaces]
    assert trees[0] + trees[1] == folders(reader)
    assert not {one["id"] for one in trees[0]} & {one["id"] for one in trees[1]}
    for tree in trees:
        parents = [one["parentFolderId"] for one in tree]
        assert parents.count(None) == 1
        assert set(parents) - {None} < {one["id"] for one in tree}
        assert len(set(parents)) > 2


def test_who_made_a_folder_is_a_user_or_not_known(reader: Client) -> None:
    users = {user.id for user in reader.gong.world.find_users()}
    makers = {one["createdBy"] for one in folders(reader)}
    assert None in makers
    assert len(makers) > 2
    assert makers - {None} <= users


def test_a_folder_and_its_content_agree(reader: Client) -> None:
    for folder in folders(reader):
        found = content(reader, folder["id"])
        assert {name: found[name] for name in ("id", "name", "createdBy", "updated")} == {
            name: folder[name] for name in ("id", "name", "createdBy", "updated")
        }
        assert all(
            datetime.fromisoformat(call["created"]) <= datetime.fromisoformat(folder["updated"])
            for call in found["calls"]
        )
        assert set(found) == {"requestId", "id", "name", "createdBy", "updated", "calls"}


def test_an_empty_folder_is_a_list_without_calls(reader: Client) -> None:
    empty = next(one for one in folders(reader) if one["name"] == "To be sorted")
    assert content(reader, empty["id"])["calls"] == []


def test_folders_hold_public_calls_of_their_workspace_that_can_be_read(reader: Client) -> None:
    for workspace in reader.gong.world.workspaces:
        found = [
            call
            for folder in folders(reader, workspaceId=workspace["id"])
            for call in content(reader, folder["id"])["calls"]
        ]
        assert len(found) == 12
        for one in found:
            call = reader.get(f"/v2/calls/{one['id']}").json()["call"]
            assert (one["title"], one["url"]) == (call["title"], call["url"])
            assert (call["workspaceId"], call["isPrivate"]) == (workspace["id"], False)


def test_some_calls_have_a_note_and_some_a_snippet(reader: Client) -> None:
    found = calls(reader)
    assert {call["note"] is None for call in found} == {True, False}
    assert {call["snippet"] is None for call in found} == {True, False}
    for one in found:
        if one["snippet"]:
            duration = reader.gong.world.call(one["id"]).duration
            assert 0 <= one["snippet"]["fromSec"] < one["snippet"]["toSec"] <= duration


def test_a_call_that_is_gone_is_in_no_folder(client: Client) -> None:
    first, *others = [call["id"] for call in calls(client)]
    client.gong.world.hide_call(first)
    assert [call["id"] for call in calls(client)] == [one for one in others if one != first]


def test_folders_fill_as_time_goes_by() -> None:
    now = datetime(2026, 1, 11, tzinfo=UTC)
    with GongSandbox(seed=7, days=1, now=now, per_second=None) as gong:
        client = Client(gong)
        with client.session:
            sizes = []
            for _ in range(72):
                found = calls(client)
                assert all(datetime.fromisoformat(one["created"]) <= gong.clock.now() for one in found)
                sizes.append(len(found))
                gong.clock.advance(timedelta(hours=1))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == 24


def test_equal_seeds_give_equal_libraries(client: Client) -> None:
    with GongSandbox(seed=7, days=10, now=client.gong.clock.now(), per_second=None) as second:
        other = Client(second)
        with other.session:
            assert calls(other) == calls(client)
            assert folders(other) == folders(client)


def test_a_company_without_calls_has_a_library() -> None:
    with GongSandbox(calls=0, days=1, per_second=None) as gong:
        client = Client(gong)
        with client.session:
            assert folders(client)
            assert calls(client) == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("folders", {"workspaceId": "1"}),
        ("folder-content", {"folderId": "1"}),
        ("folder-content", {"folderId": "x"}),
    ],
)
def test_what_is_unknown_is_a_404(reader: Client, path: str, query: dict[str, str]) -> None:
    reply = reader.get(f"/v2/library/{path}", **query)
    assert (reply.status_code, errors(reply)) == NONE


def test_the_content_of_no_folder_is_a_400(reader: Client) -> None:
    assert reader.get("/v2/library/folder-content").status_code == 400


def test_a_key_that_sees_no_calls_finds_folders_without_any(shared: GongSandbox) -> None:
    blind = Client(shared, shared.access.add_key(sees_calls=False))
    with blind.session:
        assert folders(blind)
        assert calls(blind) == []
