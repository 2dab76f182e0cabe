from datetime import timedelta

import pytest
import requests

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import SCOPES
from tests.sandbox.client import Client, errors

EXTENSIVE = ("POST", "/v2/calls/extensive", "api:calls:read:extensive")
OPERATIONS = [
    ("GET", "/v2/calls", "api:calls:read:basic"),
    ("GET", "/v2/calls/1234", "api:calls:read:basic"),
    EXTENSIVE,
    ("POST", "/v2/calls/transcript", "api:calls:read:transcript"),
    ("POST", "/v2/calls", "api:calls:create"),
    ("PUT", "/v2/calls/1234/media", "api:calls:create"),
    ("GET", "/v2/library/folders", "api:library:read"),
    ("GET", "/v2/library/folder-content", "api:library:read"),
    ("GET", "/v2/users", "api:users:read"),
    ("GET", "/v2/users/1234", "api:users:read"),
    ("POST", "/v2/users/extensive", "api:users:read"),
    ("GET", "/v2/logs", "api:logs:read"),
    ("GET", "/v2/workspaces", "api:workspaces:read"),
]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer abc",
        "Basic",
        "Basic !!!",
        "Basic //8=",
        "Basic bm9ib2R5OnNlY3JldA==",
    ],
)
def test_whoever_has_no_key_gets_a_401_in_gongs_shape(shared: GongSandbox, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    reply = requests.get(f"{shared.url}/v2/users", headers=headers, timeout=10)
    assert reply.status_code == 401
    assert set(reply.json()) == {"requestId", "errors"}
    assert len(errors(reply)) == 1


def test_a_right_key_with_a_wrong_secret_is_a_401(shared: GongSandbox) -> None:
    auth = (shared.access_key, shared.access_key_secret + "x")
    assert requests.get(f"{shared.url}/v2/users", auth=auth, timeout=10).status_code == 401


def test_every_reply_says_its_request_id_and_service(reader: Client) -> None:
    replies = [
        reader.get("/v2/workspaces"),
        reader.get("/v2/nothing"),
        reader.get("/v2/calls/1"),
        reader.ask("DELETE", "/v2/users"),
    ]
    ids = {reply.json()["requestId"] for reply in replies}
    assert len(ids) == len(replies)
    for reply in replies:
        assert reply.headers["x-traceid"] == reply.json()["requestId"]
        assert reply.headers["x-gong-service-version"] == "PublicApiServer"
        assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_a_missing_scope_is_a_401_that_names_it(
    shared: GongSandbox, method: str, path: str, scope: str
) -> None:
    client = Client(shared, shared.access.add_key(scopes=SCOPES - {scope}))
    with client.session:
        reply = client.ask(method, path, json={} if method == "POST" else None)
    assert reply.status_code == 401
    assert errors(reply) == [f"You don't have permission to use '{scope}' in your app."]


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_no_other_scope_is_needed(shared: GongSandbox, method: str, path: str, scope: str) -> None:
    client = Client(shared, shared.access.add_key(scopes={scope}))
    with client.session:
        reply = client.ask(method, path, json={} if method == "POST" else None)
    assert reply.status_code in (200, 400, 404)


def test_media_needs_a_scope_of_its_own(shared: GongSandbox) -> None:
    client = Client(shared, shared.access.add_key(scopes=SCOPES - {"api:calls:read:media-url"}))
    body = {"filter": {}, "contentSelector": {"exposedFields": {"media": True}}}
    with client.session:
        reply = client.post("/v2/calls/extensive", body)
        assert reply.status_code == 401
        assert "'api:calls:read:media-url'" in errors(reply)[0]
        assert client.post("/v2/calls/extensive", {"filter": {}}).status_code == 200


def test_a_key_dies_when_it_expires(gong: GongSandbox) -> None:
    client = Client(gong, gong.access.add_key(expires=gong.clock.now() + timedelta(days=1)))
    with client.session:
        assert client.get("/v2/users").status_code == 200
        gong.clock.advance(timedelta(days=1))
        assert client.get("/v2/users").status_code == 401


def test_an_inactive_company_lets_nobody_in(client: Client) -> None:
    client.gong.access.company_active = False
    reply = client.get("/v2/users")
    assert reply.status_code == 401
    assert errors(reply) == ["Company is inactive"]


def test_an_untrusted_address_is_a_403(client: Client) -> None:
    client.gong.access.trusted_ip = False
    assert client.get("/v2/users").status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/calls"), ("POST", "/v2/calls/extensive"), ("POST", "/v2/calls/transcript")],
)
def test_a_key_that_sees_no_calls_gets_the_reply_of_an_empty_window(
    client: Client, method: str, path: str
) -> None:
    empty = {"fromDateTime": "2020-01-01T00:00:00Z", "toDateTime": "2020-01-02T00:00:00Z"}
    nothing = client.ask(method, path, params=empty, json={"filter": empty})
    client.gong.key.sees_calls = False
    unseen = client.ask(method, path, json={"filter": {}})
    assert unseen.status_code == nothing.status_code == 404
    assert errors(unseen) == errors(nothing) == ["No calls found corresponding to the provided filters"]
    assert len(unseen.content) == len(nothing.content)


def test_a_key_that_sees_no_calls_does_not_see_a_single_one(client: Client) -> None:
    call = client.gong.world.visible_calls()[0]
    assert client.get(f"/v2/calls/{call.id}").status_code == 200
    client.gong.key.sees_calls = False
    assert client.get(f"/v2/calls/{call.id}").status_code == 404


def test_secrets_are_not_in_the_repr_of_a_key(gong: GongSandbox) -> None:
    assert gong.access_key_secret not in repr(gong.key)
