import json
import time
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import FaultKind
from tests.sandbox.client import Client, errors

PATH = "/v2/calls/extensive"
BODY: dict[str, Any] = {"filter": {}}


@pytest.fixture
def cursor(client: Client) -> str:
    found: str = client.post(PATH, BODY).json()["records"]["cursor"]
    return found


def ask(client: Client, cursor: str) -> requests.Response:
    return client.post(PATH, {**BODY, "cursor": cursor})


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_strikes_once_and_is_then_over(client: Client, cursor: str, kind: FaultKind) -> None:
    healthy = ask(client, cursor)
    fault = client.gong.faults.add(kind, seconds=0.1)
    start = time.monotonic()
    try:
        struck = ask(client, cursor)
    except requests.exceptions.ChunkedEncodingError:
        assert kind is FaultKind.DROPPED_CONNECTION
    else:
        late = time.monotonic() - start >= 0.1
        same = struck.status_code == 200 and struck.content[33:] == healthy.content[33:]
        assert not same or (late and kind is FaultKind.SLOW)
    assert fault.struck == 1
    assert ask(client, cursor).json()["calls"] == healthy.json()["calls"]
    assert fault.struck == 1


def test_a_burst_of_server_errors_has_the_chosen_status(client: Client) -> None:
    client.gong.faults.add(FaultKind.SERVER_ERROR, times=2, status=502)
    assert [client.get("/v2/users").status_code for _ in range(3)] == [502, 502, 200]


def test_too_many_requests_tell_how_long_to_wait(client: Client) -> None:
    client.gong.faults.add(FaultKind.RATE_LIMITED, times=2, retry_after=7200)
    replies = [client.get("/v2/users") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert [reply.headers.get("Retry-After") for reply in replies] == ["7200", "7200", None]
    assert errors(replies[0]) == ["API request limit exceeded"]


def test_a_dropped_connection_ends_within_the_body(client: Client) -> None:
    client.gong.faults.add(FaultKind.DROPPED_CONNECTION)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.post(PATH, BODY)


def test_truncated_json_has_the_length_it_promises(client: Client) -> None:
    client.gong.faults.add(FaultKind.TRUNCATED_JSON)
    reply = client.post(PATH, BODY)
    assert reply.status_code == 200
    assert int(reply.headers["content-length"]) == len(reply.content)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.content)


def test_what_is_not_json_is_a_200_of_html(client: Client) -> None:
    client.gong.faults.add(FaultKind.NOT_JSON)
    reply = client.get("/v2/users")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(("path", "name"), [("/v2/users", "users"), ("/v2/workspaces", "workspaces")])
def test_missing_items_leave_the_rest(client: Client, path: str, name: str) -> None:
    client.gong.faults.add(FaultKind.MISSING_ITEMS)
    struck, healthy = client.get(path).json(), client.get(path).json()
    assert set(healthy) - set(struck) == {name}


def test_a_repeated_cursor_is_that_of_the_request(client: Client, cursor: str) -> None:
    client.gong.faults.add(FaultKind.REPEATED_CURSOR)
    assert "cursor" not in client.get("/v2/users").json()["records"]
    assert ask(client, cursor).json()["records"]["cursor"] == cursor
    assert ask(client, cursor).json()["records"]["cursor"] != cursor


def test_an_expired_cursor_strikes_only_requests_with_one(client: Client, cursor: str) -> None:
    client.gong.faults.add(FaultKind.EXPIRED_CURSOR)
    assert client.post(PATH, BODY).status_code == 200
    reply = ask(client, cursor)
    assert (reply.status_code, errors(reply)) == (400, ["cursor has expired"])


def test_a_redirect_points_to_another_host(client: Client) -> None:
    client.gong.faults.add(FaultKind.REDIRECT, location="https://tenant.example.com")
    reply = client.get("/v2/users")
    assert (reply.status_code, reply.headers["location"]) == (307, "https://tenant.example.com/v2/users")


def test_a_fault_can_be_limited_to_path_method_and_turn(client: Client) -> None:
    faults = client.gong.faults
    faults.add(FaultKind.SERVER_ERROR, path="/v2/calls/*", method="POST", skip=1)
    assert client.get("/v2/users").status_code == 200
    assert client.get("/v2/calls/1").status_code == 404
    assert [client.post(PATH, BODY).status_code for _ in range(3)] == [200, 503, 200]


def test_a_fault_without_end_strikes_until_it_is_cleared(client: Client) -> None:
    fault = client.gong.faults.add(FaultKind.SERVER_ERROR, times=None)
    assert {client.get("/v2/users").status_code for _ in range(5)} == {503}
    assert fault.struck == 5
    client.gong.faults.clear()
    assert client.get("/v2/users").status_code == 200


def test_faults_strike_one_after_the_other(client: Client) -> None:
    client.gong.faults.add(FaultKind.SERVER_ERROR)
    client.gong.faults.add(FaultKind.RATE_LIMITED)
    assert [client.get("/v2/users").status_code for _ in range(3)] == [503, 429, 200]


def test_struck_requests_are_noted_with_what_was_sent(client: Client) -> None:
    client.gong.faults.add(FaultKind.SERVER_ERROR)
    client.get("/v2/users")
    assert client.gong.requests[-1].status == 503


def test_an_unknown_kind_or_setting_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="'bang' is not one of server_error, "):
        client.gong.faults.add("bang")
    with pytest.raises(TypeError):
        client.gong.faults.add(FaultKind.SLOW, often=True)
