"""Retries as a task may ask for them: an even delay, and after every reply that is no success."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_gong.api import calls
from airflow_provider_gong.api.endpoint import Params, Request, endpoint
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongConflict,
    GongFileError,
    GongRateLimited,
    GongReplyError,
)
from tests.api.transport import Reply, Transport, Waits, client_of, error

OK = Reply(body={"ok": True})


@endpoint("PUT", "/v2/things", result=None, scope="api:things:write")
def put_thing() -> Params:
    return Params(body={"name": "thing"})


def send(transport: Transport, request: Request, **policy: Any) -> Waits:
    waits = Waits()
    client_of(transport).send_raw(request, retry=RetryPolicy(sleep=waits, **policy))
    return waits


@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_a_delay_is_the_same_each_time(delay: float) -> None:
    transport = Transport(error(500), requests.ConnectionError("dropped"), error(503), OK)
    assert send(transport, calls.list_calls(), delay=delay) == [delay] * 3


def test_without_a_delay_waits_grow() -> None:
    first, second, third = send(Transport(error(500), error(500), error(500), OK), calls.list_calls())
    assert 1 <= first <= 2 <= second <= 3 < third <= 5


@pytest.mark.parametrize(("delay", "wait"), [(0.0, 7.0), (2.5, 7.0), (9.0, 9.0), (None, 7.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_gong_asks_for_is_never_shortened(delay: float | None, wait: float, status: int) -> None:
    transport = Transport(error(status, headers={"Retry-After": "7"}), OK)
    assert send(transport, calls.list_calls(), delay=delay) == [wait]


@pytest.mark.parametrize("all_errors", [True, False])
def test_a_wait_beyond_the_longest_is_not_waited(all_errors: bool) -> None:
    transport = Transport(error(429, headers={"Retry-After": "61"}))
    with pytest.raises(GongRateLimited):
        send(transport, calls.list_calls(), delay=0.0, all_errors=all_errors)
    assert len(transport.sent) == 1


FAILURES = [
    error(400, "no"),
    error(401),
    error(404),
    error(409),
    error(500),
    Reply(302, b"", {"Location": "https://us-2.api.gong.io"}),
    Reply(200, b'{"cut'),
    requests.ConnectionError("dropped"),
    requests.ReadTimeout("slow"),
]


@pytest.mark.parametrize("trouble", FAILURES, ids=repr)
@pytest.mark.parametrize("request_", [calls.list_calls(), put_thing()], ids=repr)
def test_all_errors_are_all_replies_that_are_no_success(request_: Request, trouble: Any) -> None:
    transport = Transport(trouble, trouble, OK)
    assert send(transport, request_, delay=1.0, all_errors=True) == [1.0, 1.0]
    assert len(transport.sent) == 3


@pytest.mark.parametrize("trouble", FAILURES, ids=repr)
def test_a_write_is_not_repeated_unless_all_errors_are(trouble: Any) -> None:
    transport = Transport(trouble)
    with pytest.raises(GongReplyError):
        send(transport, put_thing(), delay=0.0)
    assert len(transport.sent) == 1


def test_all_errors_are_still_bounded() -> None:
    transport = Transport(*[error(409, "busy")] * 3)
    with pytest.raises(GongConflict, match="busy"):
        send(transport, put_thing(), delay=0.0, all_errors=True, attempts=3)
    assert len(transport.sent) == 3


@pytest.mark.parametrize(
    "problem", [GongConfigurationError("mend it"), GongFileError("no such file"), OSError("other")]
)
def test_what_is_no_reply_is_not_repeated(problem: Exception) -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        raise problem

    with pytest.raises(type(problem)):
        RetryPolicy(all_errors=True, sleep=Waits()).run(attempt)
    assert len(attempts) == 1


def test_our_own_spent_budget_is_not_tried_again_for_all_errors() -> None:
    class Spent:
        asked = 0

        def acquire(self) -> None:
            self.asked += 1
            raise GongRateLimited("spent", retry_after=1)

        def hold(self, seconds: float) -> None:
            raise AssertionError("Gong said nothing")

    spent = Spent()
    client = client_of(Transport(), throttle=spent)
    with pytest.raises(GongRateLimited):
        client.send_raw(put_thing(), retry=RetryPolicy(all_errors=True, sleep=Waits()))
    assert spent.asked == 1
