"""Requests of one's own: what is sent and where, what comes back, what is repeated, and what nobody is told."""

from __future__ import annotations

import inspect
import json
import logging
import traceback
from base64 import b64encode
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api import calls, meetings, users
from airflow_provider_gong.api.endpoint import Endpoint, Request
from airflow_provider_gong.api.raw import described
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongFileError,
    GongNotFound,
    GongRateLimited,
    GongRequestRefused,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.exports import records, storage
from airflow_provider_gong.operators import request_reply
from airflow_provider_gong.operators.request import GongRequestOperator
from tests.operators.exporting import bounds, day
from tests.support.answering import Answer, AnsweringServer
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

RETRIES = 3
HTML = Answer(b"<html>", content_type="text/html")


def attempt(**arguments: Any) -> TaskResult:
    """Run a request that Airflow may retry."""
    with DAG("requests", schedule=None):
        operator = GongRequestOperator(task_id="ask", retries=RETRIES, **arguments)
    return run_task(operator)


def made(**arguments: Any) -> Request:
    return GongRequestOperator(task_id="ask", **arguments).request()


@pytest.fixture
def server(connect: Connect) -> Iterator[AnsweringServer]:
    """Return a server that answers as a test says, connected."""
    with AnsweringServer() as answering:
        connect(answering)  # type: ignore[arg-type]  # it has all that is looked at
        yield answering


def assert_failed_for_good(result: TaskResult, cause: type[GongError], text: str = "") -> None:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    assert text in str(result.error)


def assert_left_for_retry(result: TaskResult, kind: type[Exception]) -> None:
    assert result.state == "up_for_retry"
    assert type(result.error) is kind


# As a value


def raw(method: str, path: str, *, reads: bool, **rest: Any) -> Request:
    return Request(Endpoint(method, path, result=None, scope="", reads=reads), path, **rest)


def test_request_has_all_that_was_given(server: AnsweringServer) -> None:
    assert made(
        url=f"{server.url}/v2/things?a=1",
        method="patch",
        query_parameter={"a": 2, "b": ["x", "y"], "c": True, "d": None},
        header=[{"key": "X-Note", "value": "n"}, ["Accept", "text/plain"]],
        data={"name": "n"},
    ) == raw(
        "PATCH",
        "/v2/things",
        reads=False,
        query={"a": ["1", "2"], "b": ["x", "y"], "c": ["true"]},
        headers={"X-Note": "n", "Accept": "text/plain"},
        body={"name": "n"},
    )


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "query",
    [
        {"a": ["1", "2"], "b": "3"},
        [{"key": "a", "value": 1}, {"key": "a", "value": 2}, {"key": "b", "value": 3}],
        [["a", "1"], ("a", "2"), ("b", "3")],
        '{"a": ["1", "2"], "b": 3}',
        '[{"key": "a", "value": "1"}, ["a", 2], ["b", "3"]]',
    ],
)
def test_query_may_be_an_object_pairs_or_json(query: Any) -> None:
    assert made(url="v2/things", query_parameter=query).query == {"a": ["1", "2"], "b": ["3"]}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("nothing", [None, "", "None", "{}", "[]", {}, []])
def test_query_headers_and_form_may_be_left_out(nothing: Any) -> None:
    request = made(
        url="/v2/things", query_parameter=nothing, header=nothing, form_data=nothing, file_data=nothing
    )
    assert request == raw("GET", "/v2/things", reads=True)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("data", "body", "kind"),
    [
        ({"a": 1}, {"a": 1}, None),
        ([1, "2"], [1, "2"], None),
        (' {"a": 7782342274025937895}', {"a": 7782342274025937895}, None),
        ("[]", [], None),
        ({}, {}, None),
        ("some words", "some words", "text/plain; charset=utf-8"),
        ("", None, None),
        ("None", None, None),
        (None, None, None),
    ],
)
def test_data_is_json_or_text(data: Any, body: Any, kind: str | None) -> None:
    request = made(url="/v2/things", method="POST", data=data)
    assert request.body == body
    assert request.headers.get("Content-Type") == kind


@pytest.mark.usefixtures("server")
def test_text_of_another_type_is_not_read_as_json() -> None:
    request = made(url="/v2/things", method="POST", data="[x],[y]", header={"content-type": "text/csv"})
    assert (request.body, request.headers) == ("[x],[y]", {"Content-Type": "text/csv"})


def test_endpoint_is_the_function_of_that_name() -> None:
    assert made(
        endpoint="calls.list_calls_extensive",
        arguments={"from_datetime": "2026-01-09", "call_ids": '["7"]', "workspace_id": ""},
    ) == calls.list_calls_extensive(from_datetime="2026-01-09", call_ids=["7"])
    assert made(endpoint="users.list_users", arguments='{"include_avatars": "True"}') == users.list_users(
        include_avatars=True
    )
    assert made(endpoint="users.list_users") == users.list_users()


MEETING = {
    "start_time": "2026-01-09T08:00:00Z",
    "end_time": "2026-01-09T09:00:00Z",
    "organizer_email": "jane@acme.example",
    "invitees": ["joe@acme.example"],
}


def test_endpoint_may_take_many_arguments() -> None:
    rendered = {**MEETING, "invitees": '["joe@acme.example"]', "title": "None"}
    assert made(
        endpoint="meetings.update_meeting", arguments={"meeting_id": "7", **rendered}
    ) == meetings.update_meeting(meeting_id="7", **MEETING)  # type: ignore[arg-type]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", sorted(described()))
def test_each_described_endpoint_says_what_it_takes(name: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"'unheard_of' is unknown.*; it takes ") as caught:
        made(endpoint=name, arguments={"unheard_of": 1})
    named = str(caught.value).rpartition("it takes ")[2].rstrip(".").split(", ")
    function = inspect.unwrap(described()[name])
    plain = {
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    assert plain <= set(named)
    assert all(one.isidentifier() for one in named)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"endpoint": "meetings.create_meeting", "arguments": {**MEETING, "invitees": None, "place": "x"}},
            "arguments of meetings.create_meeting: 'place' is unknown, invitees is missing; it takes start_time,",
        ),
        ({}, "Of url and endpoint neither was given: give exactly one"),
        ({"url": "None", "endpoint": ""}, "Of url and endpoint neither was given"),
        ({"url": "/v2/calls", "endpoint": "calls.list_calls"}, "Of url and endpoint both was given"),
        ({"url": "/v2/calls", "arguments": {"a": 1}}, "arguments cannot be given beside url"),
        (
            {"endpoint": "calls.list_calls", "method": "POST", "save_to": "/tmp/x", "max_retry_count": 2},
            "method, save_to, max_retry_count cannot be given beside endpoint",
        ),
        (
            {"endpoint": "calls.list_cals"},
            "endpoint='calls.list_cals' is unknown; there are calls.list_calls",
        ),
        ({"endpoint": "calls.wire_id"}, "endpoint='calls.wire_id' is unknown"),
        ({"endpoint": "os.system"}, "endpoint='os.system' is unknown"),
        ({"endpoint": "calls.__builtins__"}, "is unknown"),
        (
            {"endpoint": "calls.list_calls", "arguments": {"from": 1}},
            "arguments of calls.list_calls: 'from' is unknown; it takes from_datetime, to_datetime, workspace_id",
        ),
        (
            {"endpoint": "calls.get_call"},
            "arguments of calls.get_call: call_id is missing; it takes call_id",
        ),
        ({"endpoint": "calls.get_call", "arguments": ["7"]}, "arguments is a list"),
        (
            {"endpoint": "calls.get_call", "arguments": {"call_id": "a b"}},
            "call_id='a b' is not an identifier",
        ),
        (
            {
                "endpoint": "calls.add_call_media",
                "arguments": {"call_id": "7", "file_name": "a", "source": "/x"},
            },
            "source is a file, which only an operator of its own can send",
        ),
        ({"url": "/v2/x", "method": "TRACE"}, "method='TRACE' is none of GET"),
        ({"url": "/v2/x", "query_parameter": "a=b"}, "query_parameter is str, neither an object nor a list"),
        ({"url": "/v2/x", "query_parameter": [["a"]]}, "query_parameter: entry 0 is no pair"),
        ({"url": "/v2/x", "query_parameter": [{"key": "a"}]}, "query_parameter: entry 0 is no pair"),
        ({"url": "/v2/x", "query_parameter": {"a": {"b": "c"}}}, "the value of entry 0 is dict"),
        ({"url": "/v2/x", "header": {"cookie": "x"}}, "header has Cookie, which only the connection may set"),
        ({"url": "/v2/x", "header": [["a\nb", "x"]]}, "header: the name of entry 0"),
        ({"url": "/v2/x", "data": '{"a": '}, "data is not valid JSON"),
        ({"url": "/v2/x", "data": 7}, "data is int: give an object, a list or a text"),
        ({"url": "/v2/x", "data": "a", "form_data": {"b": "c"}}, "a request has one body"),
        ({"url": "/v2/x", "form_data": [["a", "b"]]}, "form_data is no object"),
        ({"url": "/v2/x", "form_data": {"a": ["b"]}}, "form_data is no object of names and single values"),
        ({"url": "/v2/x", "file_data": {"a": "/no/such/file"}}, "file_data has a: file='/no/such/file'"),
        ({"url": "/v2/x", "file_data": {"a": "file"}}, "neither a URL nor an absolute path"),
        (
            {"url": "/v2/x", "file_data": {"a": "/x"}, "file_data_file_names": {"b": "c"}},
            "file_data_file_names has b, which file_data has not",
        ),
        ({"url": "/v2/x", "form_data": {"a": "b"}, "file_data": {"a": "/x"}}, "both have a"),
        (
            {"url": "/v2/x", "file_data": {"a": "/x"}, "file_data_file_names": {"a": "b\nc"}},
            "The file name of a has a line break",
        ),
        (
            {"url": "/v2/x", "response_type": "xml"},
            "response_type='xml' is unknown: use one of json, text, binary",
        ),
        ({"url": "/v2/x", "response_type": "binary"}, "response_type='binary' needs save_to="),
        ({"url": "/v2/x", "save_to": "/tmp/"}, "save_to='/tmp/' is a folder"),
        ({"url": "/v2/x", "save_to": "here"}, "save_to='here' is neither a URL nor an absolute path"),
        ({"url": "/v2/x", "response_timeout": "0"}, "response_timeout must be more than 0"),
        ({"url": "/v2/x", "response_timeout": "soon"}, "response_timeout='soon' is not a number"),
        ({"url": "/v2/x", "max_retry_count": -1}, "max_retry_count=-1 is not a number of zero or more"),
        ({"url": "/v2/x", "max_retry_count": "1.5"}, "max_retry_count='1.5' is not a whole number"),
        ({"url": "/v2/x", "retry_delay_ms": "60001"}, "retry_delay_ms=60001 is longer than the longest wait"),
        ({"url": "/v2/x", "retry_on_all_errors": "perhaps"}, "retry_on_all_errors='perhaps' is neither"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    server: AnsweringServer, arguments: dict[str, Any], text: str
) -> None:
    assert_failed_for_good(attempt(**arguments), GongConfigurationError, text)
    assert server.received == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1@evil.example/v2/x",
        "http://127.0.0.1:1/v2/x",
        "//evil.example/v2/x",
        "https://127.0.0.1/v2/x",
        "/v2/%2e%2e/control",
        "/v2/..;/control",
        "/control",
    ],
)
def test_nothing_is_sent_to_another_place(server: AnsweringServer, url: str) -> None:
    assert_failed_for_good(attempt(url=url), GongConfigurationError, "url: ")
    assert server.received == []


# On the wire


def test_request_arrives_as_it_was_meant(server: AnsweringServer) -> None:
    attempt(
        url="/v2/things/a%20b?q=%C3%A4",
        method="PUT",
        query_parameter='[["q", "{{ task.task_id }}&x=1"], ["r", "+"]]',
        header='{"X-Note": "{{ task.task_id }}"}',
        data={"name": "{{ task.task_id }}", "n": 1},
    ).succeeded()
    (received,) = server.received
    assert (received.method, received.target) == ("PUT", "/v2/things/a%20b?q=%C3%A4&q=ask%26x%3D1&r=%2B")
    assert received.headers["X-Note"] == "ask"
    assert received.headers["Content-Type"] == "application/json"
    assert json.loads(received.body) == {"name": "ask", "n": 1}
    pair = f"{server.access_key}:{server.access_key_secret}"
    assert received.headers.get_all("Authorization") == [f"Basic {b64encode(pair.encode()).decode()}"]


def test_text_is_sent_as_it_is(server: AnsweringServer) -> None:
    attempt(url="/v2/things", method="POST", data="Grüße").succeeded()
    (received,) = server.received
    assert received.body == "Grüße".encode()
    assert received.headers["Content-Type"] == "text/plain; charset=utf-8"


def parts_of(server: AnsweringServer) -> dict[str, tuple[str | None, bytes]]:
    (received,) = server.received
    head = f"Content-Type: {received.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + received.body).get_payload()
    assert isinstance(parts, list)
    found = {}
    for part in parts:
        content = part.get_payload(decode=True)  # type: ignore[union-attr]
        assert isinstance(content, bytes)
        name = part.get_param("name", header="Content-Disposition")  # type: ignore[union-attr]
        found[str(name)] = (part.get_filename(), content)  # type: ignore[union-attr]
    return found


def test_form_has_its_fields_and_files(server: AnsweringServer, tmp_path: Path) -> None:
    (tmp_path / "one.mp3").write_bytes(b"\x00\xff" * 5000)
    (tmp_path / "two.txt").write_bytes(b"two")
    attempt(
        url="/v2/things",
        method="PUT",
        form_data={"note": "n", "count": 2, "nothing": None},
        file_data={"first": str(tmp_path / "one.mp3"), "second": f"file://{tmp_path}/two.txt"},
        file_data_file_names='{"second": "renamed.csv"}',
    ).succeeded()
    assert parts_of(server) == {
        "note": (None, b"n"),
        "count": (None, b"2"),
        "first": ("one.mp3", b"\x00\xff" * 5000),
        "second": ("renamed.csv", b"two"),
    }


def test_file_may_lie_in_object_storage(server: AnsweringServer, bucket: str) -> None:
    path = storage.open_destination(f"s3://{bucket}/one.mp3", "export_s3")
    path.fs.pipe_file(path.path, b"recorded")
    attempt(
        url="/v2/things",
        method="PUT",
        file_data={"first": f"s3://{bucket}/one.mp3"},
        file_conn_id="export_s3",
    ).succeeded()
    assert parts_of(server) == {"first": ("one.mp3", b"recorded")}


def test_names_of_parts_cannot_add_headers(server: AnsweringServer) -> None:
    attempt(url="/v2/things", method="PUT", form_data={'a"\r\nX-Evil: 1\r\n\r\nb': "c"}).succeeded()
    assert b"\r\nX-Evil" not in server.received[0].body


# What comes back


@pytest.mark.parametrize("value", [{"a": [1, None]}, [], [1], "text", 0, False, None, 1.5])
def test_json_is_the_result_whatever_it_is(server: AnsweringServer, value: Any) -> None:
    server.answers = [Answer(json.dumps(value).encode())]
    assert attempt(url="/v2/things").succeeded().xcom == value


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("response_type", ["json", "text"])
def test_reply_without_a_body_is_none(server: AnsweringServer, status: int, response_type: str) -> None:
    server.answers = [Answer(b"", status)]
    assert attempt(url="/v2/things", response_type=response_type).succeeded().xcom is None


def test_head_has_no_body(server: AnsweringServer) -> None:
    assert attempt(url="/v2/things", method="HEAD").succeeded().xcom is None


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ("Grüße".encode(), "text/plain", "Grüße"),
        ("Grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Grüße"),
        ("Grüße".encode(), 'text/csv; charset="utf-8"', "Grüße"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"a\xff", "text/plain; charset=unheard-of", "a\ufffd"),
    ],
)
def test_text_is_read_in_its_encoding(server: AnsweringServer, content: bytes, kind: str, text: str) -> None:
    server.answers = [Answer(content, content_type=kind)]
    assert attempt(url="/v2/things", response_type="text").succeeded().xcom == text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reply_that_is_not_json_is_told(server: AnsweringServer, method: str) -> None:
    server.answers = [HTML]
    result = attempt(url="/v2/things", method=method)
    assert_failed_for_good(result, GongUnexpectedResponse, f"{method} /v2/things: 200: The reply is not JSON")
    assert "<html>" not in str(result.error)


def test_json_that_breaks_off_is_left_for_retry_unless_it_wrote(server: AnsweringServer) -> None:
    server.answers = [Answer(b'{"a": [')]
    assert_left_for_retry(attempt(url="/v2/things"), GongUnexpectedResponse)
    result = attempt(url="/v2/things", method="POST")
    assert_failed_for_good(result, GongUnexpectedResponse, "The write may have been carried out")


@pytest.mark.parametrize("response_type", ["json", "text"])
def test_what_does_not_fit_into_xcom_is_told_and_may_be_saved(
    server: AnsweringServer, tmp_path: Path, response_type: str
) -> None:
    content = json.dumps("x" * records.XCOM_LIMIT).encode()
    server.answers = [Answer(content)]
    result = attempt(url="/v2/things", response_type=response_type)
    assert_failed_for_good(
        result, GongConfigurationError, "GET /v2/things: the reply exceeds 1,000,000 bytes, more than fits"
    )
    assert "save_to=" in str(result.error)
    place = str(tmp_path / "large.json")
    saved = attempt(url="/v2/things", response_type=response_type, save_to=place).succeeded().xcom
    assert saved == {"path": place, "bytes": len(content), "content_type": "application/json"}
    assert (tmp_path / "large.json").read_bytes() == content


def test_write_whose_reply_does_not_fit_says_that_it_was_carried_out(server: AnsweringServer) -> None:
    server.answers = [Answer(json.dumps("x" * records.XCOM_LIMIT).encode())]
    result = attempt(url="/v2/things", method="POST")
    assert_failed_for_good(result, GongConfigurationError, "Gong has carried the request out.")


BYTES = bytes(range(256)) * 4096


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_binary_is_saved_as_it_is(server: AnsweringServer, tmp_path: Path, scheme: str) -> None:
    server.answers = [Answer(BYTES, content_type="audio/mpeg")]
    place = f"{scheme}{tmp_path}/new/{{{{ task.task_id }}}}.mp3"
    result = attempt(url="/v2/things", response_type="binary", save_to=place).succeeded()
    assert result.xcom == {
        "path": f"{scheme}{tmp_path}/new/ask.mp3",
        "bytes": len(BYTES),
        "content_type": "audio/mpeg",
    }
    assert (tmp_path / "new/ask.mp3").read_bytes() == BYTES
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["ask.mp3"]


def test_binary_may_go_to_object_storage(server: AnsweringServer, bucket: str) -> None:
    server.answers = [Answer(BYTES, content_type="audio/mpeg")]
    place = f"s3://{bucket}/folder/one.mp3"
    attempt(url="/v2/things", response_type="binary", save_to=place, save_to_conn_id="export_s3").succeeded()
    assert storage.read_bytes(storage.open_destination(place, "export_s3")) == BYTES


def test_reply_without_a_body_is_an_empty_file(server: AnsweringServer, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"older")
    server.answers = [Answer(b"", 204)]
    result = attempt(url="/v2/things", save_to=str(tmp_path / "one")).succeeded()
    assert result.xcom["bytes"] == 0
    assert (tmp_path / "one").read_bytes() == b""


@pytest.mark.parametrize(
    ("answer", "response_type"),
    [(Answer(b'{"errors": ["no"]}', 400), "binary"), (Answer(b"x", 500), "binary"), (HTML, "json")],
)
def test_older_file_stays_when_there_is_no_new_one(
    server: AnsweringServer, tmp_path: Path, answer: Answer, response_type: str
) -> None:
    (tmp_path / "one").write_bytes(b"older")
    server.answers = [answer]
    result = attempt(url="/v2/things", response_type=response_type, save_to=str(tmp_path / "one"))
    assert result.error is not None
    assert (tmp_path / "one").read_bytes() == b"older"
    assert [one.name for one in tmp_path.iterdir() if one.name != "quota"] == ["one"]


def test_write_whose_reply_cannot_be_saved_is_not_sent_again(
    server: AnsweringServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(request_reply, "put_file", fail)
    place = str(tmp_path / "one")
    result = attempt(url="/v2/things", method="POST", save_to=place)
    assert_failed_for_good(
        result, GongError, "Gong carried it out, but its reply could not be saved (OSError)"
    )
    assert_left_for_retry(attempt(url="/v2/things", save_to=place), OSError)


def test_place_that_cannot_be_is_told_before_anything_is_sent(server: AnsweringServer) -> None:
    result = attempt(url="/v2/things", method="POST", save_to="ftps3://somewhere/x")
    assert_failed_for_good(result, GongConfigurationError, "save_to='ftps3://somewhere/x'")
    assert server.received == []


def test_a_folder_is_no_place_for_a_reply(server: AnsweringServer, tmp_path: Path) -> None:
    result = attempt(url="/v2/things", method="POST", save_to=str(tmp_path))
    assert_failed_for_good(result, GongConfigurationError, "is a folder: name the file")
    assert server.received == []


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_what_renders_to_nothing_is_the_default(server: AnsweringServer, nothing: Any) -> None:
    server.answers = [Answer(b"[1]")]
    result = attempt(url="/v2/things", method=nothing, response_type=nothing).succeeded()
    assert result.xcom == [1]
    assert server.received[0].method == "GET"


# Gong


def test_raw_list_is_one_page_with_all_that_gong_says(gong: GongSandbox) -> None:
    window = bounds(9)
    query = {f"{name.removesuffix('_datetime')}DateTime": value.isoformat() for name, value in window.items()}
    reply = attempt(url="/v2/calls", query_parameter=query).succeeded().xcom
    assert set(reply) == {"requestId", "records", "calls"}
    assert len(reply["calls"]) == 100
    assert reply["records"]["totalRecords"] == 250
    assert len(gong.requests) == 1


@pytest.mark.parametrize("count", [0, 2])
def test_raw_404_of_an_empty_list_is_an_error_with_gongs_text(gong: GongSandbox, count: int) -> None:
    query = {"fromDateTime": day(1).isoformat(), "toDateTime": day(2).isoformat()}
    result = attempt(url="/v2/calls", query_parameter=query, max_retry_count=count)
    assert_failed_for_good(result, GongNotFound, "No calls found corresponding to the provided filters")
    assert len(gong.requests) == 1


def test_endpoint_returns_the_items_of_all_pages(gong: GongSandbox) -> None:
    result = attempt(
        endpoint="calls.list_calls",
        arguments={name: value.isoformat() for name, value in bounds(9).items()},
    ).succeeded()
    assert [call["id"] for call in result.xcom] == gong.world.call_ids(
        day(9), day(10), by_schedule=True, include_private=True
    )
    assert len(gong.requests) == 3


def test_endpoint_returns_an_empty_list_or_one_thing(gong: GongSandbox) -> None:
    empty = attempt(
        endpoint="calls.list_calls_extensive", arguments={"from_datetime": day(1), "to_datetime": day(2)}
    )
    assert empty.succeeded().xcom == []
    call_id = gong.world.call_ids(day(9), day(10))[0]
    one = attempt(endpoint="calls.get_call", arguments={"call_id": call_id}).succeeded()
    assert one.xcom["id"] == call_id


def test_endpoint_stops_when_xcom_is_full(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_reply, "XCOM_LIMIT", 20_000)
    arguments = {name: value.isoformat() for name, value in bounds(9).items()}
    result = attempt(endpoint="calls.list_calls", arguments=arguments)
    assert_failed_for_good(result, GongConfigurationError, "GET /v2/calls: the reply exceeds 20,000 bytes")
    assert len(gong.requests) == 1


# Reading and writing

EXTENSIVE = {"filter": {"callIds": ["1"]}}


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ({"url": "/v2/users"}, True),
        ({"url": "/v2/users", "method": "HEAD"}, True),
        ({"url": "/v2/calls/extensive", "method": "POST"}, True),
        ({"url": "/v2/calls/extensive", "method": "PUT"}, False),
        ({"url": "/v2/calls/extensive/x", "method": "POST"}, False),
        ({"url": "/v2/calls", "method": "POST"}, False),
        ({"url": "/v2/unheard-of", "method": "OPTIONS"}, False),
        ({"url": "/v2/unheard-of", "method": "DELETE"}, False),
        ({"endpoint": "users.list_users"}, True),
    ],
)
def test_read_only_connection_lets_only_reads_through(
    server: AnsweringServer, connect: Connect, arguments: dict[str, Any], allowed: bool
) -> None:
    connect(server, read_only=True)  # type: ignore[arg-type]
    server.answers = [Answer(b'{"users": []}')]
    result = attempt(**arguments)
    if allowed:
        result.succeeded()
        assert len(server.received) == 1
    else:
        assert_failed_for_good(result, GongConfigurationError, "and the connection is read-only")
        assert server.received == []


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-method-override", "X-Original-URL"])
def test_read_only_connection_cannot_be_talked_round(
    server: AnsweringServer, connect: Connect, name: str
) -> None:
    connect(server, read_only=True)  # type: ignore[arg-type]
    assert_failed_for_good(attempt(url="/v2/users", header={name: "DELETE"}), GongConfigurationError)
    assert server.received == []


# Repeating


@pytest.mark.usefixtures("no_waiting")
class TestRepeating:
    def test_nothing_is_repeated_unless_asked_for(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b"{}", 503)]
        assert_left_for_retry(attempt(url="/v2/things"), GongUnavailable)
        assert len(server.received) == 1

    def test_429_is_left_to_airflow(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b"{}", 429, headers={"Retry-After": "1"})]
        assert_left_for_retry(attempt(url="/v2/things", method="POST"), GongRateLimited)
        assert len(server.received) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_reads_are_repeated_so_often(self, server: AnsweringServer, status: int, method: str) -> None:
        server.answers = [Answer(b"{}", status)]
        result = attempt(url="/v2/things", method=method, max_retry_count="2")
        assert_left_for_retry(result, GongRateLimited if status == 429 else GongUnavailable)
        assert len(server.received) == 3

    def test_repetition_that_succeeds_is_the_result(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b"{}", 500), Answer(b"{}", 429), Answer(b"[1]")]
        result = attempt(url="/v2/calls/extensive", method="POST", data=EXTENSIVE, max_retry_count=2)
        assert result.succeeded().xcom == [1]
        assert {one.body for one in server.received} == {json.dumps(EXTENSIVE).encode()}

    def test_refusal_is_not_repeated(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b'{"errors": ["no"]}', 400)]
        assert_failed_for_good(attempt(url="/v2/things", max_retry_count=5), GongRequestRefused, "400: no")
        assert len(server.received) == 1

    def test_write_in_doubt_is_not_repeated_by_anybody(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b"{}", 500)]
        result = attempt(url="/v2/things", method="POST", max_retry_count=5)
        assert_failed_for_good(result, GongUnavailable, "The write may have been carried out")
        assert len(server.received) == 1

    @pytest.mark.parametrize("status", [400, 404, 409, 500])
    def test_everything_is_repeated_on_demand(self, server: AnsweringServer, status: int) -> None:
        server.answers = [Answer(b"{}", status), Answer(b"{}", status), Answer(b"[1]")]
        result = attempt(url="/v2/things", method="POST", max_retry_count=2, retry_on_all_errors="True")
        assert result.succeeded().xcom == [1]

    def test_airflow_repeats_a_write_in_doubt_on_the_same_demand(self, server: AnsweringServer) -> None:
        server.answers = [Answer(b"{}", 500)]
        result = attempt(url="/v2/things", method="POST", retry_on_all_errors=True)
        assert_left_for_retry(result, GongUnavailable)
        assert "may have been carried out" not in str(result.error)
        assert len(server.received) == 1

    def test_file_is_read_anew_for_each_repetition(self, server: AnsweringServer, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"recorded")
        server.answers = [Answer(b"{}", 500), Answer()]
        attempt(
            url="/v2/things",
            method="PUT",
            file_data={"a": str(tmp_path / "one")},
            max_retry_count=1,
            retry_on_all_errors=True,
        ).succeeded()
        assert [b"recorded" in one.body for one in server.received] == [True, True]


def retry_of(**arguments: Any) -> Any:
    return GongRequestOperator(task_id="ask", url="/v2/x", **arguments)._exchange().retry


def test_delay_is_even_unless_it_grows(server: AnsweringServer, connect: Connect) -> None:
    connect(server, max_wait=30)  # type: ignore[arg-type]
    even = retry_of(retry_delay_ms="2500", max_retry_count="3")
    assert (even.delay, even.attempts, even.max_wait, even.all_errors) == (2.5, 4, 30, False)
    growing = retry_of(retry_delay_ms="2500", use_exponential_backoff="true", retry_on_all_errors=True)
    assert (growing.delay, growing.attempts, growing.max_wait, growing.all_errors) == (None, 1, 30, True)
    assert retry_of().delay == 0


def test_wait_beyond_the_longest_is_left_to_airflow(server: AnsweringServer) -> None:
    server.answers = [Answer(b"{}", 429, headers={"Retry-After": "61"})]
    assert_left_for_retry(attempt(url="/v2/things", max_retry_count=5), GongRateLimited)
    assert len(server.received) == 1


def test_reply_that_does_not_come_is_a_timeout(gong: GongSandbox) -> None:
    gong.faults.add("slow", seconds=3.0)
    assert_left_for_retry(attempt(url="/v2/users", response_timeout="0.2"), GongTimeout)


def test_quota_holds_for_raw_requests(gong: GongSandbox, connect: Connect) -> None:
    connect(gong, requests_per_day=1, daily_share=100, quota_group="a-small-one")
    attempt(url="/v2/users").succeeded()
    assert_left_for_retry(attempt(url="/v2/users", max_retry_count=5), GongRateLimited)
    assert len(gong.requests) == 1


def test_file_that_is_lost_on_the_way_is_no_reply_of_gong(server: AnsweringServer, tmp_path: Path) -> None:
    gone = tmp_path / "one"
    gone.write_bytes(b"recorded")
    operator = GongRequestOperator(
        task_id="ask", url="/v2/things", method="PUT", file_data={"a": str(gone)}, max_retry_count=3
    )
    request = operator.request()
    gone.unlink()
    with pytest.raises(GongFileError, match="The file for a could not be opened"):
        operator._exchange().run(operator.hook.get_conn(), request)
    operator.hook.close()
    assert server.received == []


# What nobody may read

PRIVATE = {
    "query": "jane.query@acme.example",
    "url": "jane.url@acme.example",
    "cursor": "eyJ-a-cursor",
    "header": "jane.header@acme.example",
    "data": "jane.body@acme.example",
    "reply": "jane.reply@acme.example",
}


def told(result: TaskResult) -> str:
    """Return what a task logs and how it fails: rendered fields are shown by Airflow as they are."""
    shown = list(result.logs)
    if result.error is not None:
        shown += traceback.format_exception(result.error)
    return "\n".join(shown)


@pytest.fixture
def debugging(caplog: pytest.LogCaptureFixture) -> None:
    """Log as much as Airflow can be asked to."""
    caplog.set_level(logging.DEBUG)


@pytest.mark.usefixtures("debugging", "no_waiting")
@pytest.mark.parametrize("debug_request", [True, False])
@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(json.dumps({"mail": PRIVATE["reply"]}).encode()),
        Answer(f"<html>{PRIVATE['reply']}".encode(), content_type="text/html"),
        Answer(b'{"errors": ["no"]}', 400),
        Answer(PRIVATE["reply"].encode(), 503),
        Answer(
            b"", 302, headers={"Location": f"https://elsewhere.example/{PRIVATE['reply']}?{PRIVATE['reply']}"}
        ),
        Answer(b'{"mail": "' + PRIVATE["reply"].encode()),
    ],
    ids=lambda answer: answer.status,
)
def test_no_value_is_logged(
    server: AnsweringServer, tmp_path: Path, answer: Answer, form: bool, debug_request: bool
) -> None:
    server.answers = [answer]
    (tmp_path / "f").write_bytes(PRIVATE["data"].encode())
    body: dict[str, Any] = (
        {"form_data": {"mail": PRIVATE["data"]}, "file_data": {"a": str(tmp_path / "f")}}
        if form
        else {"data": {"mail": PRIVATE["data"]}}
    )
    result = attempt(
        url=f"/v2/things?mail={PRIVATE['url']}",
        method="POST",
        query_parameter={"who": PRIVATE["query"], "cursor": PRIVATE["cursor"]},
        header={"X-Who": PRIVATE["header"]},
        debug_request=debug_request,
        max_retry_count=1,
        retry_on_all_errors=True,
        **body,
    )
    assert PRIVATE["query"].replace("@", "%40") in server.received[0].target
    assert any(line.startswith("http://127.0.0.1") for line in result.logs), "urllib3 speaks at this level"
    pair = f"{server.access_key}:{server.access_key_secret}"
    secrets = {server.access_key_secret, b64encode(pair.encode()).decode()}
    values = set(PRIVATE.values())
    spellings = values | {value.replace("@", "%40") for value in values} | secrets
    shown = told(result)
    assert {one for one in spellings if one in shown} == set()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "arguments",
    [
        {"url": f"https://jane:{PRIVATE['url']}@evil.example/v2/x"},
        {"url": f"https://evil.example/v2/x?mail={PRIVATE['url']}"},
        {"url": f"/v2/x y?mail={PRIVATE['url']}"},
        {"url": "/v2/x", "header": {"Authorization": PRIVATE["header"]}},
        {"url": "/v2/x", "header": {f"X-A\r\nAuthorization: {PRIVATE['header']}": "x"}},
        {"url": "/v2/x", "header": {"X-A": f"\r\n{PRIVATE['header']}"}},
        {"url": "/v2/x", "query_parameter": [{"key": "a", "value": {"b": PRIVATE["query"]}}]},
        {"url": "/v2/x", "query_parameter": PRIVATE["query"]},
        {"url": "/v2/x", "data": f'{{"a": {PRIVATE["data"]}'},
        {"url": "/v2/x", "form_data": PRIVATE["data"]},
    ],
)
def test_errors_of_arguments_show_no_value(arguments: dict[str, Any]) -> None:
    result = attempt(**arguments)
    assert_failed_for_good(result, GongConfigurationError)
    shown = told(result)
    assert {one for one in PRIVATE.values() if one in shown} == set()


def test_debugging_tells_names_and_sizes(server: AnsweringServer) -> None:
    server.answers = [Answer(b'{"a": 1}')]
    logs = attempt(
        url="/v2/people/jane@acme.example",
        method="POST",
        query_parameter={"who": "x", "cursor": "y"},
        header={"x-note": "z"},
        data={"name": "n", "age": 1},
        debug_request="true",
    ).logs
    assert (
        "POST /v2/people/{}: query ['cursor', 'who'], headers ['X-Note'], body object with ['age', 'name']"
        in logs
    )
    (line,) = [line for line in logs if "bytes" in line]
    assert line.startswith("POST /v2/people/{}: 200 after 0.")
    assert line.endswith(" s, 8 bytes")


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({}, "none"),
        ({"data": [1, 2, 3]}, "list of 3"),
        ({"data": "words"}, "text of 5 characters"),
        ({"form_data": {"b": "x", "a": "y"}}, "form with fields ['a', 'b'] and files []"),
    ],
)
def test_debugging_tells_the_shape_of_the_body(
    server: AnsweringServer, body: dict[str, Any], shape: str
) -> None:
    logs = attempt(url="/v2/things", method="POST", debug_request=True, **body).logs
    assert any(
        line.startswith("POST /v2/things: query []") and line.endswith(f"body {shape}") for line in logs
    )


def test_debugging_a_file_tells_its_size(server: AnsweringServer, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    logs = attempt(
        url="/v2/things", method="PUT", debug_request=True, file_data={"a": str(tmp_path / "f")}
    ).logs
    assert any("files ['a (5 bytes)']" in line for line in logs)


def test_debugging_works_for_endpoints(gong: GongSandbox) -> None:
    logs = attempt(
        endpoint="calls.list_calls_extensive", arguments={"call_ids": ["1"]}, debug_request=True
    ).logs
    assert "POST /v2/calls/extensive: query [], headers [], body object with ['filter']" in logs


def test_without_debugging_nothing_is_told_of_a_request(server: AnsweringServer) -> None:
    assert not any("query" in line for line in attempt(url="/v2/things").succeeded().logs)
