"""Every reply of the sandbox has only what Gong's document knows, with its types and enumerations."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import Key
from airflow_provider_gong.sandbox.routes import (
    calls,
    engagement,
    library,
    logs,
    meetings,
    privacy,
    uploads,
    users,
    workspaces,
)
from airflow_provider_gong.sandbox.world import LOG_TYPES
from tests.contract.facts import operation, operations, resolve, violations

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
# For this reply the document borrows the schema of the request, which lacks the id that every reply has.
UNDECLARED = {"DELETE /v2/meetings/{meetingId}": [".requestId is unknown to Gong"]}


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
        *_requests_of_meetings(gong),
        *_requests_of_engagement(gong),
        *_requests_of_privacy(gong),
        *_requests_of_new_calls(gong),
        *_requests_of_library(gong),
    ]


def _requests_of_meetings(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    organizer = gong.world.find_users()[0].email
    body = {
        "startTime": "2026-02-01T10:00:00Z",
        "endTime": "2026-02-01T11:00:00Z",
        "title": "Demo",
        "invitees": [{"email": gong.privacy.known_email_address(), "displayName": "Kim"}],
        "externalId": "7",
        "provider": "zoom",
        "organizerEmail": organizer,
    }
    path = {"meetingId": gong.meetings.create(body).id}
    return [
        ("POST /v2/meetings", {"json": body}),
        ("PUT /v2/meetings/{meetingId}", {"path": path, "json": body}),
        ("DELETE /v2/meetings/{meetingId}", {"path": path, "json": {"organizerEmail": organizer}}),
        ("POST /v2/meetings/integration/status", {"json": {"emails": [organizer, "nobody@example.org"]}}),
    ]


def _requests_of_engagement(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    links = [{"system": "Salesforce", "objects": [{"objectType": "Contact", "objectId": "003"}]}]
    person = {"email": gong.privacy.known_email_address(), "name": "Kim", "title": "Buyer", "context": links}
    event = {
        "reportingSystem": "docs",
        "eventTimestamp": "2026-01-08T08:00:00+02:00",
        "eventId": f"event-{len(gong.engagement)}",
        "contentId": "7",
        "contentUrl": "https://docs.example.com/7",
        "contentTitle": "Offer",
        "sharer": {"email": gong.world.users[0].email},
        "crmContext": links,
        "nonCompanyParticipants": [person],
    }
    return [
        ("PUT /v2/customer-engagement/action", {"json": {**event, "actor": person}}),
        ("PUT /v2/customer-engagement/content/shared", {"json": {**event, "recipients": [person]}}),
        ("PUT /v2/customer-engagement/content/viewed", {"json": {**event, "viewer": person}}),
    ]


def _requests_of_privacy(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    somebody = {"emailAddress": gong.privacy.known_email_address()}
    number = {"phoneNumber": gong.privacy.known_phone_number()}
    return [
        ("GET /v2/data-privacy/data-for-email-address", {"params": somebody}),
        ("GET /v2/data-privacy/data-for-phone-number", {"params": number}),
        ("POST /v2/data-privacy/erase-data-for-email-address", {"params": {"emailAddress": "a@example.org"}}),
        ("POST /v2/data-privacy/erase-data-for-phone-number", {"params": {"phoneNumber": "+49 30 1"}}),
    ]


def _new_call(gong: GongSandbox, client_id: str) -> dict[str, Any]:
    """Return a new call with every field that Gong documents."""
    host = gong.uploads.hosts()[0].id
    links = [{"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": "001"}]}]
    party = {"name": "Kim", "emailAddress": "kim@example.org", "phoneNumber": "+1-555-0100"}
    segment = {"fromTime": 0, "toTime": 9, "partyIds": ["a", "b"]}
    return {
        "clientUniqueId": client_id,
        "title": "Demo",
        "purpose": "Demo",
        "scheduledStart": "2026-01-05T10:00:00Z",
        "scheduledEnd": "2026-01-05T11:00:00Z",
        "actualStart": "2026-01-05T10:01:00Z",
        "duration": 1800.5,
        "parties": [
            {"userId": host, "partyId": "a", "mediaChannelId": 0},
            {**party, "partyId": "b", "mediaChannelId": 1, "context": links},
        ],
        "direction": "Conference",
        "disposition": "Connected",
        "context": links,
        "customData": "line 7",
        "speakersTimeline": {"precise": True, "speechSegments": [segment]},
        "meetingUrl": "https://meet.example.com/7",
        "callProviderCode": "zoom",
        "workspaceId": gong.world.workspaces[1]["id"],
        "languageCode": "en-US",
        "flowContext": {"taskId": "7"},
        "primaryUser": host,
    }


def _requests_of_new_calls(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    number = len(gong.uploads.calls())
    url = f"https://media.example.com/{number}.mp3"
    waiting = _ask(gong, "POST /v2/calls", {"json": _new_call(gong, f"waiting-{number}")}).json()
    return [
        ("POST /v2/calls", {"json": _new_call(gong, f"call-{number}")}),
        ("POST /v2/calls", {"json": {**_new_call(gong, f"url-{number}"), "downloadMediaUrl": url}}),
        (
            "PUT /v2/calls/{id}/media",
            {"path": {"id": waiting["callId"]}, "files": {"mediaFile": ("a.mp3", f"{number}")}},
        ),
    ]


def _requests_of_library(gong: GongSandbox) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("GET /v2/library/folders", {}),
        ("GET /v2/library/folders", {"params": {"workspaceId": gong.world.workspaces[0]["id"]}}),
        *(
            ("GET /v2/library/folder-content", {"params": {"folderId": folder.id}})
            for folder in gong.library.folders
        ),
    ]


def _ask(gong: GongSandbox, name: str, options: dict[str, Any], key: Key | None = None) -> requests.Response:
    key = key or gong.access.first
    method, path = name.split(" ")
    path = path.format(**options.get("path", {}))
    payload = {where: options[where] for where in ("params", "json", "files") if where in options}
    auth = (key.access_key, key.access_key_secret)
    return requests.request(method, gong.url + path, auth=auth, timeout=10, **payload)


def test_replies_have_only_what_gong_documents(gong: GongSandbox) -> None:
    for name, options in _requests(gong):
        reply = _ask(gong, name, options)
        assert reply.status_code == operation(name).success, f"{name} {options}: {reply.text[:300]}"
        found = list(violations(operation(name).reply_schema, reply.json(), nullable=True))
        assert found == UNDECLARED.get(name, []), f"{name} {options}: {found[:10]}"


def test_requests_of_these_tests_are_as_gong_documents_them(gong: GongSandbox) -> None:
    for name, options in _requests(gong):
        assert set(options.get("params", {})) <= set(operation(name).query), name
        if "json" in options:
            schema = operation(name).body_schema
            assert schema is not None
            assert list(violations(schema, options["json"])) == [], name
        if "files" in options:
            assert operation(name).body_media_type == "multipart/form-data", name
            assert set(options["files"]) == set((operation(name).body_schema or {})["properties"]), name


def test_new_calls_of_these_tests_have_every_field_that_gong_documents(gong: GongSandbox) -> None:
    """Otherwise the sandbox might refuse one of them."""
    documented = set(resolve({"schema": "NewCallAddingRequest"})["properties"])
    sent = {name for _, options in _requests_of_new_calls(gong) for name in options.get("json", {})}
    assert sent == documented


def test_a_created_call_is_read_as_gong_documents_it() -> None:
    with GongSandbox(days=3, now=datetime(2026, 1, 9, tzinfo=UTC), per_second=None) as gong:
        for name, options in _requests_of_new_calls(gong):
            _ask(gong, name, options)
        gong.clock.advance(timedelta(hours=1))
        ids = [call.id for call in gong.uploads.calls() if not call.hidden]
        chosen = {"callIds": ids}
        reads: list[tuple[str, dict[str, Any]]] = [
            *(("GET /v2/calls/{id}", {"path": {"id": one}}) for one in ids),
            ("POST /v2/calls/extensive", {"json": {"filter": chosen, "contentSelector": FULL}}),
            ("POST /v2/calls/transcript", {"json": {"filter": chosen}}),
        ]
        assert len(ids) == 2
        for name, options in reads:
            reply = _ask(gong, name, options)
            assert reply.status_code == 200, name
            assert list(violations(operation(name).reply_schema, reply.json(), nullable=True)) == []


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


def test_references_use_every_list_and_field_that_gong_documents(gong: GongSandbox) -> None:
    """Otherwise the conformity above would say little."""
    for name, options in (*_requests_of_engagement(gong), _requests_of_meetings(gong)[0]):
        assert _ask(gong, name, options).status_code == 200
    (by_address, to_address), (by_number, to_number), *_ = _requests_of_privacy(gong)
    found = _ask(gong, by_address, to_address).json()
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    assert set(lists) == {"emails", "calls", "meetings", "customerData", "customerEngagement"}
    assert all(lists.values())
    assert set(found["emails"][0]) == {"from", "id", "sentTime", "mailbox", "messageHash"}
    assert set(found["customerData"][0]["objects"][0]) == {
        "id",
        "objectType",
        "externalId",
        "mirrorId",
        "fields",
    }
    kinds = {event["eventType"] for event in found["customerEngagement"]}
    assert kinds == {"contentShared", "contentViewed", "customEvent"}
    documented = set(resolve({"schema": "CustomerEngagement"})["properties"])
    assert {name for event in found["customerEngagement"] for name in event} == documented
    found = _ask(gong, by_number, to_number).json()
    assert set(found) == set(resolve({"schema": "PhoneNumberReferences"})["properties"])
    assert {name for name, value in found.items() if not value} <= {"meetings"}


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
    for module in (calls, logs, users, workspaces, meetings, engagement, privacy, uploads, library):
        for route in module.router.routes:
            path = route.path.replace("{call_id}", "{id}").replace("{user_id}", "{id}")
            path = path.replace("{meeting_id}", "{meetingId}")
            for method in route.methods:
                assert f"{method} {path}" in operations()
