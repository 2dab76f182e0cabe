"""Every reply of the sandbox has only what Gong's document knows, with its types and enumerations."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import Key
from airflow_provider_gong.sandbox.routes import calls, logs, users, workspaces
from airflow_provider_gong.sandbox.world import LOG_TYPES
from tests.contract.facts import operation, operations, violations

CONTENT = (
    *("structure", "topics", "trackers", "trackerOccurrences", "pointsOfInterest"),
    *("brief", "outline", "highlights", "callOutcome", "keyPoints"),
)
INTERACTION = ("speakers", "video", "personInteractionStats", "questions")
FULL = {
    "context": "Extended",
    "contextTiming": ["Now", "TimeOfCall"],
    "exposedFields": {
        "parties": True,
        "content": dict.fromkeys(CONTENT, True),
        "interaction": dict.fromkeys(INTERACTION, True),
        "collaboration": {"publicComments": True},
        "media": True,
    },
}
WINDOW = {"fromDateTime": "2026-01-01T00:00:00Z", "toDateTime": "2026-01-08T00:00:00Z"}


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    now = datetime(2026, 1, 9, tzinfo=UTC)
    with GongSandbox(seed=3, days=8, users=120, logs=60, now=now, per_second=None, per_day=None) as gong:
        yield gong


def _requests(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    """Return a request for each variant of each operation, with its options for `requests`."""
    call, user = gong.world.visible_calls()[0], gong.world.users[0]
    users = {"createdFromDateTime": "2020-01-01T00:00:00Z", "includeAvatars": True}
    return [
        ("GET /v2/calls", {"params": WINDOW}),
        ("GET /v2/calls/{id}", {"path": {"id": call.id}}),
        ("POST /v2/calls/extensive", {"json": {"filter": WINDOW}}),
        ("POST /v2/calls/extensive", {"json": {"filter": {}, "contentSelector": {"context": "Basic"}}}),
        ("POST /v2/calls/extensive", {"json": {"filter": WINDOW, "contentSelector": FULL}}),
        ("POST /v2/calls/transcript", {"json": {"filter": WINDOW}}),
        ("GET /v2/users", {}),
        ("GET /v2/users", {"params": {"includeAvatars": "true"}}),
        ("GET /v2/users/{id}", {"path": {"id": user.id}}),
        ("POST /v2/users/extensive", {"json": {"filter": users}}),
        *(
            ("GET /v2/logs", {"params": {"logType": log_type, "fromDateTime": WINDOW["fromDateTime"]}})
            for log_type in LOG_TYPES
        ),
        ("GET /v2/workspaces", {}),
    ]


def _ask(gong: GongSandbox, name: str, options: dict[str, Any], key: Key | None = None) -> requests.Response:
    key = key or gong.access.first
    method, path = name.split(" ")
    path = path.format(**options.get("path", {}))
    payload = {where: options[where] for where in ("params", "json") if where in options}
    auth = (key.access_key, key.access_key_secret)
    return requests.request(method, gong.url + path, auth=auth, timeout=10, **payload)


def test_replies_have_only_what_gong_documents(gong: GongSandbox) -> None:
    for name, options in _requests(gong):
        reply = _ask(gong, name, options)
        assert reply.status_code == operation(name).success, f"{name} {options}: {reply.text[:300]}"
        found = list(violations(operation(name).reply_schema, reply.json(), nullable=True))
        assert not found, f"{name} {options}: {found[:10]}"


def test_requests_of_these_tests_are_as_gong_documents_them(gong: GongSandbox) -> None:
    for name, options in _requests(gong):
        assert set(options.get("params", {})) <= set(operation(name).query), name
        if "json" in options:
            schema = operation(name).body_schema
            assert schema is not None
            assert list(violations(schema, options["json"])) == [], name


def test_paged_replies_say_so_and_others_do_not(gong: GongSandbox) -> None:
    for name, options in _requests(gong):
        assert ("records" in _ask(gong, name, options).json()) == operation(name).is_paged, name


def test_full_details_use_every_block_and_field_that_gong_documents(gong: GongSandbox) -> None:
    """Otherwise the conformity above would say little."""
    body = {"filter": WINDOW, "contentSelector": FULL}
    records = _ask(gong, "POST /v2/calls/extensive", {"json": body}).json()["calls"]
    seen = {block for record in records for block in record}
    assert seen == {"metaData", "context", "parties", "content", "interaction", "collaboration", "media"}
    parties = {name for record in records for party in record.get("parties", []) for name in party}
    assert {"id", "name", "emailAddress", "userId", "speakerId", "context", "phoneNumber"} <= parties
    content = {name for record in records for name in record.get("content", {})}
    assert content == set(CONTENT) - {"trackerOccurrences", "pointsOfInterest"}


def test_errors_have_gongs_shape(gong: GongSandbox) -> None:
    for path in ("/v2/calls?fromDateTime=2030-01-01T00:00:00Z", "/v2/calls/1", "/v2/nothing"):
        body = _ask(gong, f"GET {path}", {}).json()
        assert list(violations({"schema": "ErrorResponse"}, body)) == []
        assert body["errors"]
        assert body["requestId"]


def test_every_scope_the_sandbox_asks_for_is_named_by_the_operation(gong: GongSandbox) -> None:
    key = gong.access.add_key(scopes=set())
    for name, options in _requests(gong):
        reply = _ask(gong, name, options, key)
        assert reply.status_code == 401, name
        named = re.findall("api:[a-z:-]+", reply.text)
        assert len(named) == 1, name
        assert named[0] in operation(name).scopes, name


def test_every_route_of_the_sandbox_is_an_operation_of_gong(gong: GongSandbox) -> None:
    for module in (calls, logs, users, workspaces):
        for route in module.router.routes:
            path = route.path.replace("{call_id}", "{id}").replace("{user_id}", "{id}")
            for method in route.methods:
                assert f"{method} {path}" in operations()
