import logging
import threading
from typing import Any

import pytest
import requests

from airflow_provider_gong.api import calls, transcripts, users, workspaces
from airflow_provider_gong.api.client import Page
from airflow_provider_gong.api.endpoint import Params, Request, endpoint
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.exceptions import (
    GongAuthenticationError,
    GongConfigurationError,
    GongConflict,
    GongCursorExpired,
    GongError,
    GongForbidden,
    GongMissingScope,
    GongNotFound,
    GongRateLimited,
    GongReplyError,
    GongRequestRefused,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)
from tests.api.transport import KEY, SECRET, URL, Reply, Transport, Waits, client_of, error, page

NO_CALLS = "No calls found corresponding to the provided filters"


@endpoint("PUT", "/v2/things", result=None, scope="api:things:write")
def put_thing() -> Params:
    return Params(body={"name": "secret of a customer"})


# Results


def test_result_is_unwrapped() -> None:
    transport = Transport(Reply(body={"requestId": "r", "call": {"id": "7"}}))
    assert client_of(transport).send(calls.get_call("7")) == {"id": "7"}


def test_whole_reply_is_the_result_of_an_endpoint_without_a_key() -> None:
    transport = Transport(Reply(201, {"requestId": "r", "url": "u"}))
    assert client_of(transport).send(put_thing()) == {"requestId": "r", "url": "u"}


def test_request_goes_out_as_described() -> None:
    transport = Transport(page("calls"), page("calls"))
    client = client_of(transport, timeout=(3.0, 7.0))
    client.send(calls.list_calls(from_datetime="2026-01-01", workspace_id="5"))
    client.send(calls.list_calls_extensive(call_ids=["7"]))
    assert transport.urls == [
        "/v2/calls?fromDateTime=2026-01-01T00%3A00%3A00%2B00%3A00&workspaceId=5",
        "/v2/calls/extensive",
    ]
    assert transport.bodies == [None, {"filter": {"callIds": ["7"]}}]
    assert transport.sent[1].headers["Content-Type"] == "application/json"
    assert transport.sent[0].headers["Authorization"].startswith("Basic ")
    assert transport.sent[0].headers["User-Agent"].startswith("airflow-provider-gong/")
    assert transport.timeouts == [(3.0, 7.0)] * 2


def test_ids_are_not_rounded() -> None:
    transport = Transport(Reply(body=b'{"calls": [{"id": "7782342274025937895", "n": 7782342274025937895}]}'))
    (call,) = client_of(transport).send(calls.list_calls())
    assert call == {"id": "7782342274025937895", "n": 7782342274025937895}


# Paging


def test_pages_follow_the_cursor_until_there_is_none() -> None:
    transport = Transport(
        page("calls", {"id": "1"}, cursor="c1", total=3),
        page("calls", {"id": "2"}, cursor="c2", total=3),
        page("calls", {"id": "3"}, total=3),
    )
    pages = list(client_of(transport).pages(calls.list_calls(workspace_id="5")))
    assert [one.items for one in pages] == [[{"id": "1"}], [{"id": "2"}], [{"id": "3"}]]
    assert [one.total for one in pages] == [3, 3, 3]
    assert [one.cursor for one in pages] == ["c1", "c2", None]
    assert pages[0].request_id == "4al018gzaztcr8nbukw"
    assert transport.urls == [
        "/v2/calls?workspaceId=5",
        "/v2/calls?workspaceId=5&cursor=c1",
        "/v2/calls?workspaceId=5&cursor=c2",
    ]


@pytest.mark.parametrize("total", [None, "5000", 5000.0, True, [], {}])
def test_a_count_that_is_no_whole_number_is_none(total: Any) -> None:
    transport = Transport(Reply(body={"calls": [], "records": {"totalRecords": total}}))
    (only,) = client_of(transport).pages(calls.list_calls())
    assert only.total is None


def test_cursor_of_a_post_goes_into_the_body() -> None:
    transport = Transport(page("calls", {"id": "1"}, cursor="c1"), page("calls", {"id": "2"}))
    items = client_of(transport).items(calls.list_calls_extensive(call_ids=["7"]))
    assert list(items) == [{"id": "1"}, {"id": "2"}]
    assert transport.urls == ["/v2/calls/extensive"] * 2
    assert transport.bodies[1] == {"filter": {"callIds": ["7"]}, "cursor": "c1"}


def test_a_short_or_empty_page_does_not_end_the_list() -> None:
    transport = Transport(page("users", cursor="c1"), page("users", {"id": "1"}))
    assert list(client_of(transport).items(users.list_users())) == [{"id": "1"}]


@pytest.mark.parametrize("records", [{"cursor": None}, {"cursor": ""}, {}, None])
def test_no_cursor_in_any_spelling_ends_the_list(records: Any) -> None:
    transport = Transport(Reply(body={"users": [{"id": "1"}], "records": records}))
    assert list(client_of(transport).items(users.list_users())) == [{"id": "1"}]


def test_each_chain_starts_at_the_first_page() -> None:
    transport = Transport(
        page("users", cursor="c1"), page("users"), page("users", cursor="c1"), page("users")
    )
    client = client_of(transport)
    request = users.list_users()
    assert len(list(client.pages(request))) == len(list(client.pages(request))) == 2
    assert transport.urls == ["/v2/users", "/v2/users?cursor=c1"] * 2


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]])
def test_a_cursor_seen_before_raises(cursors: list[str]) -> None:
    transport = Transport(*(page("users", {"id": cursor}, cursor=cursor) for cursor in cursors))
    pages = client_of(transport).pages(users.list_users())
    with pytest.raises(GongUnexpectedResponse, match=r"GET /v2/users: .*cursor for the second time"):
        list(pages)


def test_pages_are_fetched_only_when_asked_for() -> None:
    transport = Transport(page("users", {"id": "1"}, cursor="c1"))
    next(client_of(transport).pages(users.list_users()))
    assert len(transport.sent) == 1


def test_an_unpaged_list_is_one_page() -> None:
    transport = Transport(Reply(body={"requestId": "r", "workspaces": [{"id": "1"}]}))
    assert list(client_of(transport).pages(workspaces.list_workspaces())) == [
        Page(items=[{"id": "1"}], request_id="r")
    ]


# Empty lists and other 404s


@pytest.mark.parametrize(
    "text",
    [
        NO_CALLS,
        "No answered scorecards found corresponding to the provided filters.",
        "No folders found for the specified period",
        "No logs found for the specified period",
        "No users found corresponding to the provided filters",
    ],
)
@pytest.mark.parametrize("request_", [calls.list_calls(), transcripts.list_call_transcripts()])
def test_404_of_a_filtered_list_is_empty(request_: Request, text: str) -> None:
    assert client_of(Transport(error(404, text))).send(request_) == []
    assert list(client_of(Transport(error(404, text))).pages(request_)) == [Page(items=[], total=0)]
    assert list(client_of(Transport(error(404, text))).items(request_)) == []


def test_empty_404_logs_that_a_blind_key_gets_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client_of(Transport(error(404, NO_CALLS))).send(calls.list_calls())
    assert "A key that may not see the data gets the same answer" in caplog.text


@pytest.mark.parametrize("text", ["Not Found", "Call ID 7 was not found", "User not found", ""])
def test_404_without_the_words_of_an_empty_list_raises(text: str) -> None:
    with pytest.raises(GongNotFound, match="Base URL"):
        client_of(Transport(error(404, text))).send(calls.list_calls())


@pytest.mark.parametrize("request_", [calls.get_call("7"), users.list_users(), workspaces.list_workspaces()])
def test_404_of_any_other_endpoint_raises(request_: Request) -> None:
    with pytest.raises(GongNotFound):
        client_of(Transport(error(404, NO_CALLS))).send(request_)


def test_404_of_a_page_of_html_raises() -> None:
    reply = Reply(404, b"<html>No page found</html>", {"Content-Type": "text/html"})
    with pytest.raises(GongNotFound):
        client_of(Transport(reply)).send(calls.list_calls())


@pytest.mark.parametrize("request_", [calls.list_calls(), calls.list_calls_extensive()])
def test_empty_404_after_a_first_page_raises(request_: Request) -> None:
    transport = Transport(page("calls", {"id": "1"}, cursor="c1"), error(404, NO_CALLS))
    with pytest.raises(GongNotFound):
        list(client_of(transport).items(request_))


# Refusals


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (error(400, "callIds: must not be empty"), GongRequestRefused, "callIds: must not be empty"),
        (error(400, "cursor has expired"), GongCursorExpired, "first page|start it again"),
        (error(400, "Failed to verify cursor"), GongCursorExpired, "start it again"),
        (error(401, "Company is inactive"), GongAuthenticationError, "Company is inactive"),
        (error(401), GongAuthenticationError, "not accepted"),
        (error(403, "Access denied"), GongForbidden, "Trusted IPs.*Base URL"),
        (error(409, "Provider disconnected"), GongConflict, "Provider disconnected"),
        (error(415, "Unsupported"), GongRequestRefused, "Unsupported"),
    ],
)
def test_refusals_are_sorted(reply: Reply, kind: type[GongReplyError], text: str) -> None:
    transport = Transport(reply)
    with pytest.raises(kind, match=text) as caught:
        client_of(transport).send(calls.list_calls())
    assert type(caught.value) is kind
    assert caught.value.status == reply.status
    assert caught.value.operation == "GET /v2/calls"
    assert caught.value.request_id == "4al018gzaztcr8nbukw"
    assert caught.value.messages == tuple(reply.body["errors"])
    assert not caught.value.retryable
    assert len(transport.sent) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_missing_scope_is_not_an_expired_key(status: int) -> None:
    reply = error(status, "You don't have permission to use 'api:logs:read' in your app.")
    with pytest.raises(GongMissingScope, match="scope api:logs:read") as caught:
        client_of(Transport(reply)).send(calls.list_calls())
    assert caught.value.scope == "api:logs:read"


def test_request_id_comes_from_the_header_when_there_is_no_body() -> None:
    reply = Reply(401, b"", {"x-traceid": "5f1is09lflj186eqvv8"})
    with pytest.raises(GongAuthenticationError) as caught:
        client_of(Transport(reply)).send(calls.list_calls())
    assert caught.value.request_id == "5f1is09lflj186eqvv8"


@pytest.mark.parametrize("errors", ["text", None, {"a": "b"}, [{"a": "b"}]])
def test_errors_of_an_unknown_shape_do_not_hide_the_refusal(errors: Any) -> None:
    with pytest.raises(GongRequestRefused):
        client_of(Transport(Reply(400, {"errors": errors}))).send(calls.list_calls())


def test_endless_messages_are_cut() -> None:
    with pytest.raises(GongRequestRefused) as caught:
        client_of(Transport(error(400, *["x" * 5000] * 50))).send(calls.list_calls())
    assert len(str(caught.value)) < 4000


# Replies not as promised


@pytest.mark.parametrize("body", [{"requestId": "r"}, {"requestId": "r", "calls": None}])
def test_missing_items_key_raises(body: Any) -> None:
    client = client_of(Transport(Reply(body=body), Reply(body=body)))
    with pytest.raises(
        GongUnexpectedResponse, match=r"GET /v2/calls: 200: The reply has no 'calls'.*request id r"
    ):
        client.send(calls.list_calls())
    with pytest.raises(GongUnexpectedResponse, match="no 'calls'"):
        list(client.pages(calls.list_calls()))


def test_items_that_are_no_list_raise() -> None:
    with pytest.raises(GongUnexpectedResponse, match="'calls' of the reply is not a list"):
        list(client_of(Transport(Reply(body={"calls": {}}))).pages(calls.list_calls()))


def test_records_that_are_no_object_raise() -> None:
    with pytest.raises(GongUnexpectedResponse, match="'records' of the reply is not an object"):
        list(client_of(Transport(Reply(body={"calls": [], "records": [1]}))).pages(calls.list_calls()))


@pytest.mark.parametrize("cursor", [7, ["c1"], True])
def test_a_cursor_that_is_no_text_raises(cursor: Any) -> None:
    with pytest.raises(GongUnexpectedResponse, match="cursor of the reply is not a text"):
        list(
            client_of(Transport(Reply(body={"calls": [], "records": {"cursor": cursor}}))).pages(
                calls.list_calls()
            )
        )


@pytest.mark.parametrize("body", [[], "text", 7])
def test_json_that_is_no_object_raises(body: Any) -> None:
    transport = Transport(Reply(body=body))
    with pytest.raises(GongUnexpectedResponse, match="not the object that Gong promises"):
        client_of(transport).send(calls.list_calls())
    assert len(transport.sent) == 1


def test_html_with_200_raises_at_once_and_is_not_shown() -> None:
    transport = Transport(Reply(body=b"<html>sign in, Jane</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(
        GongUnexpectedResponse, match=r"GET /v2/calls: 200: The reply is not JSON.*proxy"
    ) as caught:
        client_of(transport).send(calls.list_calls())
    assert "Jane" not in str(caught.value)


CUT_OFF = [
    Reply(body=b'{"requestId": "r", "calls": [{"id": "1'),
    Reply(body=b'{"requestId": "r"', headers={"Content-Length": "2000"}),
    Reply(body=b"no gzip at all", headers={"Content-Encoding": "gzip"}),
    Reply(body=b""),
]


@pytest.mark.parametrize("reply", CUT_OFF)
@pytest.mark.parametrize("request_", [calls.list_calls(), calls.list_calls_extensive()])
def test_a_body_cut_off_on_a_read_is_read_again(reply: Reply, request_: Request) -> None:
    transport = Transport(reply, page("calls", {"id": "1"}))
    assert client_of(transport).send(request_) == [{"id": "1"}]


@pytest.mark.parametrize("reply", CUT_OFF)
def test_a_body_cut_off_each_time_raises(reply: Reply) -> None:
    with pytest.raises(GongUnexpectedResponse, match=r"GET /v2/calls: .*(cut off|empty)"):
        client_of(Transport(*[reply] * 3), attempts=3).send(calls.list_calls())


@pytest.mark.parametrize("reply", CUT_OFF)
def test_a_write_is_not_sent_twice_after_a_body_cut_off(reply: Reply) -> None:
    transport = Transport(reply)
    with pytest.raises(GongUnexpectedResponse):
        client_of(transport).send(put_thing())
    assert len(transport.sent) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused_and_name_the_host(status: int) -> None:
    location = "https://us-2.api.gong.io/v2/calls?token=secret"
    transport = Transport(Reply(status, b"", {"Location": location}))
    with pytest.raises(
        GongUnexpectedResponse, match=r"set https://us-2\.api\.gong\.io as Base URL"
    ) as caught:
        client_of(transport).send(calls.list_calls())
    assert "token" not in str(caught.value)
    assert len(transport.sent) == 1


# Repeating

READS = [
    calls.list_calls(),
    calls.get_call("7"),
    calls.list_calls_extensive(),
    transcripts.list_call_transcripts(),
]
LOST = [
    requests.ConnectionError("dropped"),
    requests.ReadTimeout("slow"),
    requests.ConnectTimeout("unreachable"),
    error(500),
    error(502),
    error(503),
    Reply(504, b"<html>gateway</html>", {"Content-Type": "text/html"}),
]


@pytest.mark.parametrize("trouble", LOST, ids=repr)
@pytest.mark.parametrize("request_", READS, ids=repr)
def test_reads_are_sent_again_after_trouble(request_: Request, trouble: Any) -> None:
    key = request_.endpoint.result or ""
    transport = Transport(trouble, trouble, page(key, {"id": "1"}))
    waits = Waits()
    assert client_of(transport, waits=waits).send(request_) == [{"id": "1"}]
    assert len(transport.sent) == 3
    assert 1 <= waits[0] <= 2 <= waits[1] <= 3


@pytest.mark.parametrize(
    "trouble", [one for one in LOST if not isinstance(one, requests.ConnectTimeout)], ids=repr
)
def test_a_write_is_not_sent_twice_after_trouble(trouble: Any) -> None:
    transport = Transport(trouble)
    with pytest.raises(GongUnavailable):
        client_of(transport).send(put_thing())
    assert len(transport.sent) == 1


@pytest.mark.parametrize("request_", [*READS, put_thing()], ids=repr)
def test_everything_is_sent_again_after_a_429(request_: Request) -> None:
    transport = Transport(
        error(429, headers={"Retry-After": "7"}), Reply(body={request_.endpoint.result or "ok": [1]})
    )
    waits = Waits()
    client_of(transport, waits=waits).send(request_)
    assert waits == [7]
    assert transport.bodies[0] == transport.bodies[1]


def test_retry_after_is_seconds_and_a_long_one_is_not_waited_for() -> None:
    transport = Transport(error(429, "API request limit exceeded", headers={"Retry-After": "1200"}))
    waits = Waits()
    with pytest.raises(GongRateLimited) as caught:
        client_of(transport, waits=waits).send(calls.list_calls())
    assert caught.value.retry_after == 1200
    assert caught.value.status == 429
    assert caught.value.retryable
    assert waits == []
    assert len(transport.sent) == 1


def test_the_longest_wait_is_configurable() -> None:
    transport = Transport(error(429, headers={"Retry-After": "11"}))
    with pytest.raises(GongRateLimited):
        client_of(transport, max_wait=10).send(calls.list_calls())


@pytest.mark.parametrize("value", ["soon", "", "-5", "1.5", "²"])
def test_nonsense_in_retry_after_becomes_an_ordinary_wait(value: str) -> None:
    transport = Transport(error(429, headers={"Retry-After": value}), page("calls"))
    waits = Waits()
    client_of(transport, waits=waits).send(calls.list_calls())
    assert 1 <= waits[0] <= 2


def test_retry_after_zero_still_waits_a_second() -> None:
    transport = Transport(error(429, headers={"Retry-After": "0"}), page("calls"))
    waits = Waits()
    client_of(transport, waits=waits).send(calls.list_calls())
    assert waits == [1]


def test_a_date_in_retry_after_is_understood() -> None:
    transport = Transport(error(429, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}))
    with pytest.raises(GongRateLimited) as caught:
        client_of(transport).send(calls.list_calls())
    assert caught.value.retry_after == 86_400


def test_a_date_that_has_passed_waits_a_second() -> None:
    transport = Transport(error(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), page("calls"))
    waits = Waits()
    client_of(transport, waits=waits).send(calls.list_calls())
    assert waits == [1]


def test_retry_after_of_a_503_is_honoured() -> None:
    transport = Transport(error(503, headers={"Retry-After": "9"}), page("calls"))
    waits = Waits()
    client_of(transport, waits=waits).send(calls.list_calls())
    assert waits == [9]


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (error(500, "Internal server error occurred"), GongUnavailable),
        (error(429), GongRateLimited),
        (requests.ConnectionError("dropped"), GongUnavailable),
        (requests.ReadTimeout("slow"), GongTimeout),
        (requests.ConnectTimeout("unreachable"), GongTimeout),
    ],
)
def test_attempts_are_bounded(trouble: Any, kind: type[GongError]) -> None:
    transport = Transport(*[trouble] * 5)
    with pytest.raises(kind) as caught:
        client_of(transport).send(calls.list_calls())
    assert type(caught.value) is kind
    assert caught.value.retryable
    assert len(transport.sent) == 5


def test_requests_are_counted_with_the_repeated_ones() -> None:
    client = client_of(Transport(error(500), error(500), page("calls")))
    client.send(calls.list_calls())
    assert client.requests == 3


def test_each_request_takes_its_turn_even_a_repeated_one() -> None:
    class Turns:
        taken = 0

        def acquire(self) -> None:
            self.taken += 1

        def hold(self, seconds: float) -> None:
            pass

    turns = Turns()
    client_of(Transport(error(500), page("calls")), throttle=turns).send(calls.list_calls())
    assert turns.taken == 2


def test_our_own_spent_budget_is_not_tried_again() -> None:
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
        client.send(calls.list_calls())
    assert (spent.asked, client.requests) == (1, 0)


def test_requests_are_counted_right_by_several_threads() -> None:
    client = client_of(Transport(*[page("calls")] * 200))
    threads = [
        threading.Thread(target=lambda: [client.send(calls.list_calls()) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.requests == 200


# Read-only


def test_read_only_refuses_a_write_before_it_leaves() -> None:
    client = client_of(Transport(), read_only=True)
    with pytest.raises(
        GongConfigurationError, match=r"PUT /v2/things changes .*'Read only' \(extra read_only\)"
    ):
        client.send(put_thing())
    assert client.requests == 0


def test_read_only_lets_reads_through_even_with_post() -> None:
    transport = Transport(page("calls"), page("calls"))
    client = client_of(transport, read_only=True)
    client.send(calls.list_calls())
    client.send(calls.list_calls_extensive())
    assert client.requests == 2


# What must not be told


TROUBLES = [
    requests.ConnectionError(f"Max retries exceeded with url: /v2/calls?from=personal-text&auth={SECRET}"),
    requests.ReadTimeout(f"{URL}/v2/calls?from=personal-text {SECRET}"),
    requests.exceptions.SSLError(f"personal-text {SECRET}"),
    requests.exceptions.ChunkedEncodingError(f"personal-text {SECRET}"),
    Reply(200, f"personal-text {SECRET}".encode()),
    Reply(500, f"personal-text {SECRET}".encode(), {"Content-Type": "text/html"}),
    Reply(200, {"personal-text": SECRET}),
    Reply(404, f"personal-text {SECRET}".encode()),
    error(429, headers={"Retry-After": "5"}),
    error(401),
    Reply(302, b"", {"Location": f"https://us-2.api.gong.io/personal-text?{SECRET}"}),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_errors_and_logs_hold_no_credentials_no_query_and_no_body(
    trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(Transport(trouble, trouble), attempts=2)
    with caplog.at_level(logging.DEBUG, logger="airflow_provider_gong"), pytest.raises(GongError) as caught:
        client.send(calls.list_calls(workspace_id="personal-text"))
    told = f"{caplog.text} {caught.value} {caught.value!r} {caught.value.__cause__} {client!r}"
    for private in (KEY, SECRET, "personal-text"):
        assert private not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_one_debug_line_tells_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="airflow_provider_gong"):
        client_of(Transport(Reply(200, {"calls": []}, {"x-traceid": "5f1is09"}))).send(
            calls.list_calls(workspace_id="55")
        )
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("GET /v2/calls: 200 in 0.")
    assert line.endswith("s (request id 5f1is09)")


def test_a_host_without_address_is_told_apart() -> None:
    client = client_of(Transport(), attempts=1)
    client.base_url = "http://gong.invalid"
    with pytest.raises(GongUnavailable, match="no address: check the spelling of Base URL"):
        client.send(calls.list_calls())


def test_client_closes_its_session(mocker: Any) -> None:
    client = client_of(Transport())
    closed = mocker.spy(client.session, "close")
    with client:
        pass
    assert closed.call_count == 1


# Replies as they come


@pytest.mark.parametrize("content", [b"", b"null", b"[1]", b"{}", b"text", b"\x00\xff"])
def test_raw_reply_is_whatever_came(content: bytes) -> None:
    transport = Transport(Reply(201, content, {"Content-Type": "text/plain", "x-traceid": "5f1is09"}))
    reply = client_of(transport).send_raw(calls.list_calls())
    assert (reply.status, reply.content, reply.headers["x-traceid"]) == (201, content, "5f1is09")


def test_raw_404_of_a_filtered_list_is_an_error_with_gongs_text() -> None:
    with pytest.raises(GongNotFound, match=NO_CALLS):
        client_of(Transport(error(404, NO_CALLS))).send_raw(calls.list_calls())


def test_raw_request_takes_its_own_retry_and_timeout() -> None:
    transport = Transport(error(500), error(500), Reply(body={}))
    client = client_of(transport, timeout=(3.0, 7.0), attempts=1)
    waits = Waits()
    client.send_raw(
        calls.list_calls(), retry=RetryPolicy(attempts=3, delay=0.5, sleep=waits), read_timeout=11.0
    )
    assert transport.timeouts == [(3.0, 11.0)] * 3
    assert waits == [0.5, 0.5]


def test_raw_request_takes_the_clients_retry_and_timeout_otherwise() -> None:
    transport = Transport(error(500), Reply(body={}))
    client_of(transport, timeout=(3.0, 7.0), attempts=2).send_raw(calls.list_calls())
    assert transport.timeouts == [(3.0, 7.0)] * 2


def test_read_only_client_refuses_a_raw_write_before_its_turn() -> None:
    client = client_of(Transport(), read_only=True)
    with pytest.raises(GongConfigurationError, match=r"PUT /v2/things changes something.*read-only"):
        client.send_raw(put_thing())
    assert client.requests == 0


def test_each_raw_request_takes_its_turn_and_is_counted() -> None:
    class Turns:
        taken = 0

        def acquire(self) -> None:
            self.taken += 1

        def hold(self, seconds: float) -> None:
            pass

    turns = Turns()
    client = client_of(Transport(error(500), Reply(body={})), throttle=turns)
    client.send_raw(calls.list_calls())
    assert (turns.taken, client.requests) == (2, 2)
