import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_gong.api import calls, library, logs, transcripts, users, workspaces
from airflow_provider_gong.api.endpoint import Request
from airflow_provider_gong.exceptions import GongConfigurationError

WINDOW: dict[str, Any] = {"from_datetime": "2026-01-01", "to_datetime": "2026-01-02"}
SENT = {"fromDateTime": "2026-01-01T00:00:00+00:00", "toDateTime": "2026-01-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("request_", "line", "query", "body"),
    [
        (calls.list_calls(), "GET /v2/calls", {}, None),
        (calls.list_calls(**WINDOW, workspace_id="5"), "GET /v2/calls", SENT | {"workspaceId": "5"}, None),
        (calls.get_call("7"), "GET /v2/calls/7", {}, None),
        (calls.list_calls_extensive(), "POST /v2/calls/extensive", {}, {"filter": {}}),
        (
            calls.list_calls_extensive(
                **WINDOW,
                workspace_id="5",
                call_ids=["7"],
                primary_user_ids=["9"],
                content_selector={"exposedFields": {"parties": True}},
            ),
            "POST /v2/calls/extensive",
            {},
            {
                "filter": SENT | {"workspaceId": "5", "callIds": ["7"], "primaryUserIds": ["9"]},
                "contentSelector": {"exposedFields": {"parties": True}},
            },
        ),
        (transcripts.list_call_transcripts(), "POST /v2/calls/transcript", {}, {"filter": {}}),
        (
            transcripts.list_call_transcripts(**WINDOW, workspace_id="5"),
            "POST /v2/calls/transcript",
            {},
            {"filter": SENT | {"workspaceId": "5"}},
        ),
        (
            transcripts.list_call_transcripts(call_ids=["7", "8"]),
            "POST /v2/calls/transcript",
            {},
            {"filter": {"callIds": ["7", "8"]}},
        ),
        (users.list_users(), "GET /v2/users", {}, None),
        (users.list_users(include_avatars=True), "GET /v2/users", {"includeAvatars": "true"}, None),
        (users.get_user("9"), "GET /v2/users/9", {}, None),
        (
            users.list_users_extensive(
                created_from_datetime="2026-01-01",
                created_to_datetime="2026-01-02",
                include_avatars=False,
                user_ids=["9"],
            ),
            "POST /v2/users/extensive",
            {},
            {
                "filter": {
                    "createdFromDateTime": "2026-01-01T00:00:00+00:00",
                    "createdToDateTime": "2026-01-02T00:00:00+00:00",
                    "includeAvatars": False,
                    "userIds": ["9"],
                }
            },
        ),
        (
            logs.list_logs(log_type="AccessLog", **WINDOW),
            "GET /v2/logs",
            SENT | {"logType": "AccessLog"},
            None,
        ),
        (workspaces.list_workspaces(), "GET /v2/workspaces", {}, None),
        (library.list_library_folders(), "GET /v2/library/folders", {}, None),
        (
            library.list_library_folders(workspace_id="5"),
            "GET /v2/library/folders",
            {"workspaceId": "5"},
            None,
        ),
        (library.list_folder_calls("7"), "GET /v2/library/folder-content", {"folderId": "7"}, None),
    ],
)
def test_request_as_gong_wants_it(request_: Request, line: str, query: Any, body: Any) -> None:
    assert f"{request_.method} {request_.path}" == line
    assert request_.query == query
    assert request_.body == body


def test_call_ids_and_workspace_together_are_refused_for_transcripts() -> None:
    with pytest.raises(GongConfigurationError, match="call_ids and workspace_id"):
        transcripts.list_call_transcripts(call_ids=["7"], workspace_id="5")


def test_unknown_log_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        GongConfigurationError, match=r"log_type='Access'.*AccessLog.*ExternallySharedCallPlay"
    ):
        logs.list_logs(log_type="Access", from_datetime="2026-01-01")


def test_a_request_keeps_nothing_of_the_callers() -> None:
    selector: dict[str, Any] = {"exposedFields": {"parties": True}}
    request = calls.list_calls_extensive(content_selector=selector)
    selector["exposedFields"]["parties"] = False
    assert request == calls.list_calls_extensive(content_selector={"exposedFields": {"parties": True}})
    assert pickle.loads(pickle.dumps(request)) == request


def endless() -> Any:
    selector: dict[str, Any] = {}
    selector["itself"] = selector
    return selector


@pytest.mark.parametrize(
    "selector", [{"a": datetime(2026, 1, 1, tzinfo=UTC)}, {"a": {"b"}}, {"a": float("nan")}, endless()]
)
def test_a_selector_that_json_cannot_hold_is_refused(selector: Any) -> None:
    with pytest.raises(GongConfigurationError, match="POST /v2/calls/extensive: an argument holds what JSON"):
        calls.list_calls_extensive(content_selector=selector)


@pytest.mark.parametrize("function", [calls.get_call, users.get_user, library.list_folder_calls])
def test_an_empty_id_never_becomes_a_list_request(function: Any) -> None:
    with pytest.raises(GongConfigurationError, match="is not an identifier"):
        function("")
