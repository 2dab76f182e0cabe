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
def cursor(borrowed: Client) -> str:
    found: str = borrowed.post(PATH, BODY).json()["records"]["cursor"]
    return found


def ask(client: Client, cursor: str) -> requests.Response:
    return client.post(PATH, {**BODY, "cursor": cursor})


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_strikes_once_and_is_then_over(borrowed: Client, cursor: str, kind: FaultKind) -> None:
    healthy = ask(borrowed, cursor)
    fault = borrowed.gong.faults.add(kind, seconds=0.1)
    start = time.monotonic()
    try:
        struck = ask(borrowed, cursor)
    except requests.exceptions.ChunkedEncodingError:
        assert kind is FaultKind.DROPPED_CONNECTION
    except requests.ConnectionError:
        assert kind in (FaultKind.LOST_REPLY, FaultKind.CUT_REQUEST)
    else:
        late = time.monotonic() - start >= 0.1
        same = struck.status_code == 200 and struck.content[33:] == healthy.content[33:]
        assert not same or (late and kind is FaultKind.SLOW)
    assert fault.struck == 1
    assert ask(borrowed, cursor).json()["calls"] == healthy.json()["calls"]
    assert fault.struck == 1


def test_a_burst_of_server_errors_has_the_chosen_status(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.SERVER_ERROR, times=2, status=502)
    assert [borrowed.get("/v2/users").status_code for _ in range(3)] == [502, 502, 200]


def test_too_many_requests_tell_how_long_to_wait(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.RATE_LIMITED, times=2, retry_after=7200)
    replies = [borrowed.get("/v2/users") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert [reply.headers.get("Retry-After") for reply in replies] == ["7200", "7200", None]
    assert errors(replies[0]) == ["API request limit exceeded"]


def test_a_dropped_connection_ends_within_the_body(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.DROPPED_CONNECTION)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        borrowed.post(PATH, BODY)


def test_truncated_json_has_the_length_it_promises(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.TRUNCATED_JSON)
    reply = borrowed.post(PATH, BODY)
    assert reply.status_code == 200
    assert int(reply.headers["content-length"]) == len(reply.content)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.content)


def test_what_is_not_json_is_a_200_of_html(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.NOT_JSON)
    reply = borrowed.get("/v2/users")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(("path", "name"), [("/v2/users", "users"), ("/v2/workspaces", "workspaces")])
def test_missing_items_leave_the_rest(borrowed: Client, path: str, name: str) -> None:
    borrowed.gong.faults.add(FaultKind.MISSING_ITEMS)
    struck, healthy = borrowed.get(path).json(), borrowed.get(path).json()
    assert set(healthy) - set(struck) == {name}


def test_a_repeated_cursor_is_that_of_the_request(borrowed: Client, cursor: str) -> None:
    fault = borrowed.gong.faults.add(FaultKind.REPEATED_CURSOR)
    assert borrowed.post(PATH, BODY).json()["records"]["cursor"] == cursor
    assert fault.struck == 0
    assert ask(borrowed, cursor).json()["records"]["cursor"] == cursor
    assert ask(borrowed, cursor).json()["records"]["cursor"] != cursor


def test_an_expired_cursor_strikes_only_requests_with_one(borrowed: Client, cursor: str) -> None:
    borrowed.gong.faults.add(FaultKind.EXPIRED_CURSOR)
    assert borrowed.post(PATH, BODY).status_code == 200
    reply = ask(borrowed, cursor)
    assert (reply.status_code, errors(reply)) == (400, ["cursor has expired"])


def test_a_redirect_points_to_another_host(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.REDIRECT, location="https://tenant.example.com")
    reply = borrowed.get("/v2/users")
    assert (reply.status_code, reply.headers["location"]) == (307, "https://tenant.example.com/v2/users")


def test_a_fault_can_be_limited_to_path_method_and_turn(borrowed: Client) -> None:
    faults = borrowed.gong.faults
    faults.add(FaultKind.SERVER_ERROR, path="/v2/calls/*", method="POST", skip=1)
    assert borrowed.get("/v2/users").status_code == 200
    assert borrowed.get("/v2/calls/1").status_code == 404
    assert [borrowed.post(PATH, BODY).status_code for _ in range(3)] == [200, 503, 200]


def test_a_fault_without_end_strikes_until_it_is_cleared(borrowed: Client) -> None:
    fault = borrowed.gong.faults.add(FaultKind.SERVER_ERROR, times=None)
    assert {borrowed.get("/v2/users").status_code for _ in range(5)} == {503}
    assert fault.struck == 5
    borrowed.gong.faults.clear()
    assert borrowed.get("/v2/users").status_code == 200


def test_faults_strike_one_after_the_other(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.SERVER_ERROR)
    borrowed.gong.faults.add(FaultKind.RATE_LIMITED)
    assert [borrowed.get("/v2/users").status_code for _ in range(3)] == [503, 429, 200]


def test_struck_requests_are_noted_with_what_was_sent(borrowed: Client) -> None:
    borrowed.gong.faults.add(FaultKind.SERVER_ERROR)
    borrowed.get("/v2/users")
    assert borrowed.gong.requests[-1].status == 503


def test_an_unknown_kind_or_setting_is_refused(borrowed: Client) -> None:
    with pytest.raises(ValueError, match="'bang' is not one of server_error, "):
        borrowed.gong.faults.add("bang")
    with pytest.raises(TypeError):
        borrowed.gong.faults.add(FaultKind.SLOW, often=True)
