"""What goes wrong between us and Gong, and what the errors say of it."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from io import BytesIO
from typing import Any

import pytest
import requests

from airflow_provider_gong.api import calls, users
from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.throttle import NoThrottle
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongFileError,
    GongNotFound,
    GongRateLimited,
    GongReplyError,
    GongRequestRefused,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)
from tests.api.transport import KEY, SECRET, Reply, Transport, Waits, client_of, error, page
from tests.api.wire import Wire, http

JSON = "Content-Type: application/json"
TRACE = "x-traceid: 5f1is09lflj186eqvv8"
HTML = {"Content-Type": "text/html"}
MAY_BE_DONE = "The write may have been carried out: look in Gong before you repeat it."


@endpoint("PUT", "/v2/things", result=None, scope="api:things:write")
def put_thing() -> Params:
    return Params(body={"name": "thing"})


def client_to(url: str, attempts: int = 1, read_timeout: float = 5) -> GongClient:
    return GongClient(
        base_url=url,
        auth=ApiKeyAuth(KEY, SECRET),
        throttle=NoThrottle(),
        retry=RetryPolicy(attempts=attempts, sleep=Waits()),
        timeout=(5, read_timeout),
    )


# The body is lost


def test_a_reply_cut_off_on_the_wire_is_told_with_its_status_and_request_id() -> None:
    with (
        Wire(http("200 OK", b'{"calls": [', JSON, TRACE, length=500)) as wire,
        client_to(wire.url) as client,
        pytest.raises(GongUnexpectedResponse, match="cut off") as caught,
    ):
        client.send(calls.list_calls())
    assert (caught.value.status, caught.value.request_id) == (200, "5f1is09lflj186eqvv8")
    assert caught.value.cut_off
    assert caught.value.retryable


def test_a_body_that_stalls_is_a_timeout_with_status_and_request_id() -> None:
    with (
        Wire(http("200 OK", b'{"calls": [', JSON, TRACE, length=500), hold=True) as wire,
        client_to(wire.url, read_timeout=0.2) as client,
        pytest.raises(GongTimeout, match="did not come in time") as caught,
    ):
        client.send(calls.list_calls())
    assert (caught.value.status, caught.value.request_id) == (200, "5f1is09lflj186eqvv8")


@pytest.mark.parametrize("request_", [calls.list_calls(), put_thing()], ids=repr)
def test_a_429_whose_body_is_cut_off_is_sent_again_even_on_a_write(request_: Any) -> None:
    limited = http("429 Too Many", b'{"errors": [', JSON, "Retry-After: 7", length=500)
    with Wire(limited, http("200 OK", b'{"calls": []}', JSON)) as wire:
        client = client_to(wire.url, attempts=2)
        client.send(request_)
        client.close()
    assert len(wire.received) == 2


def test_a_404_whose_body_is_cut_off_is_not_taken_for_a_missing_thing() -> None:
    cut_off = http("404 Not Found", b'{"errors": ["No ca', JSON, length=500)
    empty = b'{"errors": ["No calls found corresponding to the provided filters"]}'
    with Wire(cut_off, http("404 Not Found", empty, JSON)) as wire, client_to(wire.url, attempts=2) as client:
        assert client.send(calls.list_calls()) == []


@pytest.mark.parametrize("status", [200, 400, 401, 404])
def test_json_that_breaks_off_is_cut_off_whatever_the_status(status: int) -> None:
    transport = Transport(Reply(status, b'{"errors": ["No ca'), page("calls", {"id": "1"}))
    assert client_of(transport).send(calls.list_calls()) == [{"id": "1"}]


# Facts come from the reply


def test_a_repeated_cursor_tells_status_and_request_id_and_may_be_tried_again() -> None:
    replies = [page("users", cursor="a"), page("users", cursor="a")]
    for reply in replies:
        del reply.body["requestId"]
        reply.headers["x-traceid"] = "5f1is09"
    with pytest.raises(GongUnexpectedResponse, match="second time") as caught:
        list(client_of(Transport(*replies)).pages(users.list_users()))
    assert (caught.value.status, caught.value.request_id) == (200, "5f1is09")
    assert caught.value.retryable


def test_a_missing_key_tells_the_status_and_request_id_of_its_reply() -> None:
    transport = Transport(Reply(203, {"other": 1}, {"x-traceid": "5f1is09"}))
    with pytest.raises(GongUnexpectedResponse) as caught:
        client_of(transport).send(calls.list_calls())
    assert (caught.value.status, caught.value.request_id) == (203, "5f1is09")


@pytest.mark.parametrize(("status", "kind"), [(429, GongRateLimited), (503, GongUnavailable)])
def test_the_seconds_to_wait_are_in_the_text(status: int, kind: type[GongError]) -> None:
    with pytest.raises(kind, match="in 1200 s"):
        client_of(Transport(error(status, headers={"Retry-After": "1200"}))).send(calls.list_calls())


# Odd bytes


@pytest.mark.parametrize(
    "location",
    ["http://[", "https://a:b:c", "//[::1", "\xff\xfe", "https://\xff\xfe/", "https://a b/", "https://", ""],
)
def test_a_redirect_to_an_odd_place_is_told_as_a_redirect(location: str) -> None:
    with (
        Wire(http("302 Found", b"", f"Location: {location}")) as wire,
        client_to(wire.url) as client,
        pytest.raises(GongUnexpectedResponse, match="redirect") as caught,
    ):
        client.send(calls.list_calls())
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "value",
    ["9" * 400, "86401", "Fri, 31 Dec 9999 23:59:59 -2359", "Wed, 21 Oct 2099 07:28:00 GMT"],
)
def test_a_wait_beyond_a_day_is_one_of_a_day_or_none(value: str) -> None:
    transport = Transport(*[error(429, headers={"Retry-After": value})] * 2)
    with pytest.raises(GongRateLimited) as caught:
        client_of(transport, attempts=2).send(calls.list_calls())
    assert caught.value.retry_after in (86_400, None)


def test_json_nested_too_deep_is_told() -> None:
    deep = b'{"calls": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    with pytest.raises(GongUnexpectedResponse, match="not the object that Gong promises"):
        client_of(Transport(Reply(body=deep))).send(calls.list_calls())


@pytest.mark.parametrize("host", ["a..gong.io", f"{'a' * 64}.gong.io", "[", "a b.gong.io"])
def test_a_host_that_cannot_be_is_a_matter_of_the_connection(host: str) -> None:
    client = client_to(f"https://{host}", attempts=5)
    with client, pytest.raises(GongConfigurationError, match="GET /v2/calls: the request cannot be sent"):
        client.send(calls.list_calls())
    assert client.requests == 1


@pytest.mark.parametrize(
    "trouble",
    [
        requests.exceptions.InvalidJSONError("x"),
        requests.exceptions.InvalidURL("x"),
        requests.exceptions.InvalidProxyURL("x"),
        requests.exceptions.InvalidHeader("x"),
        requests.exceptions.InvalidSchema("x"),
    ],
    ids=repr,
)
def test_a_request_that_cannot_be_sent_is_not_tried_again(trouble: Exception) -> None:
    transport = Transport(trouble)
    with pytest.raises(GongConfigurationError, match=type(trouble).__name__):
        client_of(transport).send(calls.list_calls())
    assert len(transport.sent) == 1


# Another server's 404


@pytest.mark.parametrize(
    "errors",
    [
        ["No handler found for GET /v2/calls"],
        ["No company found for this key"],
        ["There is no such thing; not found"],
        ["Sorry. No calls found corresponding to it"],
        [{"message": "No calls found"}],
        [{"No calls found corresponding to the provided filters": 1}],
    ],
)
def test_a_404_in_other_words_is_not_an_empty_list(errors: Any) -> None:
    with pytest.raises(GongNotFound):
        client_of(Transport(Reply(404, {"errors": errors}))).send(calls.list_calls())


# What may be tried again


@pytest.mark.parametrize(
    "reply",
    [
        Reply(302, b"", {"Location": "https://us-2.api.gong.io"}),
        Reply(200, b"<html>", HTML),
        Reply(200, [1]),
        Reply(200, {"other": 1}),
    ],
)
def test_what_only_somebody_can_mend_is_not_retryable(reply: Reply) -> None:
    with pytest.raises(GongUnexpectedResponse) as caught:
        client_of(Transport(reply)).send(calls.list_calls())
    assert not caught.value.retryable


LOST = [
    requests.ConnectionError("dropped"),
    requests.ReadTimeout("slow"),
    requests.exceptions.ChunkedEncodingError("cut off"),
    error(500),
    error(503, headers={"Retry-After": "3"}),
    Reply(200, b'{"requestId": "r'),
    Reply(200, b'{"requestId"', {"Content-Length": "2000"}),
]


@pytest.mark.parametrize("trouble", LOST, ids=repr)
def test_a_write_that_may_have_been_carried_out_is_not_retryable_and_says_so(trouble: Any) -> None:
    transport = Transport(trouble)
    with pytest.raises(GongReplyError, match=MAY_BE_DONE) as caught:
        client_of(transport).send(put_thing())
    assert not caught.value.retryable
    assert not pickle.loads(pickle.dumps(caught.value)).retryable
    assert len(transport.sent) == 1


@pytest.mark.parametrize("trouble", LOST, ids=repr)
def test_a_read_is_retryable_and_speaks_of_no_write(trouble: Any) -> None:
    with pytest.raises(GongReplyError) as caught:
        client_of(Transport(trouble), attempts=1).send(calls.list_calls_extensive())
    assert caught.value.retryable
    assert "write" not in str(caught.value)


@pytest.mark.parametrize("trouble", [error(429), requests.ConnectTimeout("unreachable")], ids=repr)
def test_a_write_that_was_not_carried_out_may_be_tried_again(trouble: Any) -> None:
    with pytest.raises(GongUnavailable) as caught:
        client_of(Transport(trouble), attempts=1).send(put_thing())
    assert caught.value.retryable
    assert MAY_BE_DONE not in str(caught.value)


def test_a_refused_write_says_nothing_of_having_been_carried_out() -> None:
    with pytest.raises(GongRequestRefused) as caught:
        client_of(Transport(error(400, "no"))).send(put_thing())
    assert MAY_BE_DONE not in str(caught.value)


# Reaching it


def test_a_certificate_that_is_not_trusted_is_a_matter_of_the_connection() -> None:
    transport = Transport(requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
    with pytest.raises(GongConfigurationError, match="certificate of the server is not trusted"):
        client_of(transport).send(calls.list_calls())
    assert len(transport.sent) == 1


def test_https_to_a_server_without_it_asks_whether_it_is_https() -> None:
    with (
        Wire(http("400 Bad Request")) as wire,
        client_to(wire.url.replace("http:", "https:")) as client,
        pytest.raises(GongUnavailable, match=r"TLS could not be agreed; is this an https address\?"),
    ):
        client.send(calls.list_calls())


def test_cookies_are_not_sent_back() -> None:
    reply = http("200 OK", b'{"calls": []}', JSON, "Set-Cookie: AWSALB=abc; Path=/")
    with Wire(reply, reply) as wire, client_to(wire.url) as client:
        client.send(calls.list_calls())
        client.send(calls.list_calls())
    assert len(wire.received) == 2
    assert b"AWSALB" not in b"".join(wire.received)


# Replies without an object


@pytest.mark.parametrize(
    ("reply", "text", "cut_off"),
    [
        (Reply(200, b"null"), "JSON, but not the object", False),
        (Reply(200, b""), "The reply is empty", True),
        (Reply(204, b""), "The reply is empty", False),
        (Reply(304, b""), "does not answer with this status", False),
        (Reply(101, b""), "does not answer with this status", False),
    ],
)
def test_a_reply_without_an_object_is_called_what_it_is(reply: Reply, text: str, cut_off: bool) -> None:
    with pytest.raises(GongUnexpectedResponse, match=f"GET /v2/calls: {reply.status}: .*{text}") as caught:
        client_of(Transport(reply), attempts=1).send(calls.list_calls())
    assert caught.value.cut_off is cut_off


def test_a_spent_budget_names_the_operation() -> None:
    class Spent:
        def acquire(self) -> None:
            raise GongRateLimited("Spent.", retry_after=1)

        def hold(self, seconds: float) -> None:
            raise AssertionError("Gong said nothing")

    with pytest.raises(GongRateLimited, match=r"^GET /v2/calls: Spent\."):
        client_of(Transport(), throttle=Spent()).send(calls.list_calls())


def test_json_of_another_encoding_is_read() -> None:
    body = json.dumps({"calls": [{"title": "Grüße"}]}, ensure_ascii=False).encode("utf-16")
    assert client_of(Transport(Reply(body=body))).send(calls.list_calls()) == [{"title": "Grüße"}]


# Bodies that go to a file


class Nowhere(BytesIO):
    def write(self, chunk: Any) -> int:
        return len(chunk)


class Full(BytesIO):
    def write(self, _: Any) -> int:
        raise OSError(28, "No space left on device")


def test_the_body_of_a_success_goes_to_the_sink() -> None:
    sink = BytesIO(b"something older and longer than the reply")
    content = bytes(range(256)) * 10
    reply = client_of(Transport(Reply(200, content))).send_raw(calls.get_call("7"), sink=sink)
    assert sink.getvalue() == content
    assert reply.content == b""


def test_the_body_of_an_error_does_not_go_to_the_sink() -> None:
    sink = BytesIO()
    with pytest.raises(GongNotFound, match="no such call"):
        client_of(Transport(error(404, "no such call"))).send_raw(calls.get_call("7"), sink=sink)
    assert sink.getvalue() == b""


def test_a_body_that_breaks_off_is_written_again_from_the_start() -> None:
    sink = BytesIO()
    broken = http("200 OK", b"a" * 700, "Content-Type: audio/mpeg", length=900)
    whole = http("200 OK", b"b" * 300, "Content-Type: audio/mpeg")
    with Wire(broken, whole) as wire, client_to(wire.url, attempts=2) as client:
        client.send_raw(calls.get_call("7"), sink=sink)
    assert sink.getvalue() == b"b" * 300


def test_a_body_that_breaks_off_each_time_is_told() -> None:
    broken = http("200 OK", b"a" * 700, "Content-Type: audio/mpeg", length=900)
    with (
        Wire(broken, broken) as wire,
        client_to(wire.url, attempts=2) as client,
        pytest.raises(GongUnexpectedResponse, match="cut off") as caught,
    ):
        client.send_raw(calls.get_call("7"), sink=BytesIO())
    assert caught.value.retryable
    assert len(wire.received) == 2


def test_a_large_body_is_never_held_in_memory() -> None:
    size = 64 << 20
    with Wire(http("200 OK", bytes(size))) as wire:
        tracemalloc.start()
        try:
            with client_to(wire.url) as client:
                client.send_raw(calls.get_call("7"), sink=Nowhere())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < size // 4


@pytest.mark.parametrize(("request_", "retryable"), [(calls.get_call("7"), True), (put_thing(), False)])
def test_a_full_disk_is_no_reason_to_write_to_gong_again(request_: Any, retryable: bool) -> None:
    transport = Transport(Reply(200, b"abc"))
    with pytest.raises(GongFileError, match=r"the reply could not be written \(OSError\)") as caught:
        client_of(transport).send_raw(request_, sink=Full())
    assert caught.value.retryable is retryable
    assert len(transport.sent) == 1
