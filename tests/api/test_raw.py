"""Raw requests as values: where they may go, what they may say, and whether they read."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gong.api import calls, raw, transcripts
from airflow_provider_gong.api.endpoint import Endpoint, Params, Request, endpoint
from airflow_provider_gong.api.form import Form
from airflow_provider_gong.api.raw import (
    METHODS,
    REFUSED_HEADERS,
    described,
    described_endpoint,
    raw_request,
    read_headers,
    read_url,
)
from airflow_provider_gong.exceptions import GongConfigurationError

BASE = "https://us-1.api.gong.io"
LOCAL = "http://127.0.0.1:8080"


def request(url: str = "/v2/calls", **arguments: Any) -> Request:
    return raw_request(base_url=BASE, url=url, **arguments)


# Where it goes


@pytest.mark.parametrize(
    "url",
    [
        "/v2/calls",
        "v2/calls",
        "  /v2/calls\n",
        "https://us-1.api.gong.io/v2/calls",
        "HTTPS://US-1.API.GONG.IO/v2/calls",
        "https://us-1.api.gong.io:443/v2/calls",
        "https://us-1.api.gong.io./v2/calls",
        "/v2/c%61lls",
    ],
)
def test_the_same_place_has_one_path(url: str) -> None:
    assert read_url(url, BASE) == ("/v2/calls", [])


def test_a_connection_with_a_port_takes_addresses_with_it_only() -> None:
    assert read_url("http://127.0.0.1:8080/v2/calls", LOCAL) == ("/v2/calls", [])
    with pytest.raises(
        GongConfigurationError, match=r"leads to http://127\.0\.0\.1, .* for http://127.0.0.1:8080"
    ):
        read_url("http://127.0.0.1/v2/calls", LOCAL)


OTHER_PLACES = [
    "https://api.gong.io/v2/calls",
    "https://us-2.api.gong.io/v2/calls",
    "https://us-1.api.gong.io.evil.com/v2/calls",
    "https://evil.com/us-1.api.gong.io/v2/calls",
    "https://us-1.api.gong.io@evil.com/v2/calls",
    "https://us-1.api.gong.io:443@evil.com/v2/calls",
    "https://someone:secret@us-1.api.gong.io/v2/calls",
    "https://@us-1.api.gong.io/v2/calls",
    "https://us-1.api.gong.io%2eevil.com/v2/calls",
    "https://us-1.api.gong.io%00.evil.com/v2/calls",
    "https://us-1.api.gong.io%40evil.com/v2/calls",
    "https://us-1.api.gong.io:444/v2/calls",
    "https://us-1.api.gong.io:99999/v2/calls",
    "https://us-1.api.gong.io..//v2/calls",
    "http://us-1.api.gong.io/v2/calls",
    "http://us-1.api.gong.io:443/v2/calls",
    "ftp://us-1.api.gong.io/v2/calls",
    "file:///v2/calls",
    "javascript:alert(1)",
    "//evil.com/v2/calls",
    "//us-1.api.gong.io/v2/calls",
    "///evil.com/v2/calls",
    "https:/v2/calls",
    "https:evil.com/v2/calls",
    "https:///v2/calls",
    "https:////evil.com/v2/calls",
    "https://evil.com\\@us-1.api.gong.io/v2/calls",
    "https://us-1.api.gong.io\\.evil.com/v2/calls",
    "\\\\evil.com\\v2\\calls",
    "/\\evil.com/v2/calls",
    "@evil.com/v2/calls",
    ":80@evil.com/v2/calls",
    ".evil.com/v2/calls",
    "evil.com/v2/calls",
    "https://us-1.api.gong.io#@evil.com/v2/calls",
    "https://us-1.api.gong.io?@evil.com/v2/calls",
    "https://us-1.api.gong.io",
    "https://us-1.api.gong.io/",
    "https://us-1.api.gong.io/admin",
    "https://us-1.api.gong.\u0131o/v2/calls",
    "https://us-1\u3002api.gong.io/v2/calls",
    "https://[::1]/v2/calls",
    "https://[us-1.api.gong.io]/v2/calls",
    "https://us-1.api.\ngong.io/v2/calls",
    "ht\ttps://us-1.api.gong.io/v2/calls",
]


@pytest.mark.parametrize("url", OTHER_PLACES)
def test_any_other_place_is_refused(url: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"^url: .*give a path of Gong's API such as /v2/calls"):
        request(url)


@pytest.mark.parametrize("url", OTHER_PLACES)
def test_refusals_show_neither_user_nor_query(url: str) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        request(f"{url}?mail=jane")
    assert "secret" not in str(caught.value)
    assert "jane" not in str(caught.value)


TRAVERSALS = [
    "/v2/../admin",
    "/v2/calls/..",
    "/v2/./calls",
    "/v2/%2e%2e/admin",
    "/v2/%2E%2e/admin",
    "/v2/.%2e/admin",
    "/v2/..%2fadmin",
    "/v2/..%5cadmin",
    "/v2/%252e%252e/admin",
    "/v2/..;/admin",
    "/v2/..%3b/admin",
    "/v2/calls;x=1",
    "/v2/.../admin",
    "/v2/..%20/admin",
    "/v2/calls%2fextensive",
    "/v2/calls%5Cextensive",
    "/v2/calls%23",
    "/v2/calls%3fa=b",
    "/v2/calls%00",
    "/v2/calls%0d%0aHost:%20evil.com",
    "/v2/calls\r\nHost: evil.com",
    "/v2/ca lls",
    "/v2//calls",
    "/v2/calls/",
    "/v2/",
    "/v2",
    "/",
    "",
    "/v2/calls#part",
    "/v2/calls#",
    "/v2/calls?a=b#c",
    "/v2/calls?a=\\b",
    "/v2/calls/%ff",
    "/v2/calls?a=%ff",
    "/v2/käse",
    "/calls",
    "../v2/calls",
    "/../v2/calls",
]


@pytest.mark.parametrize("url", TRAVERSALS)
@pytest.mark.parametrize("start", ["", BASE])
def test_a_path_that_means_another_is_refused(url: str, start: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"^url: "):
        request(start + url)


@pytest.mark.parametrize("value", ["käse", "a b", "jane@acme.com", "100$", "a+b", "~x", "a.b"])
def test_other_characters_of_a_path_arrive_as_they_were_meant(value: str) -> None:
    from urllib.parse import quote, unquote

    path, _ = read_url(f"/v2/things/{quote(value)}", BASE)
    assert unquote(path) == f"/v2/things/{value}"


# What it says


def test_the_query_of_the_url_comes_first_and_repeated_names_stay() -> None:
    made = request("/v2/calls?a=1&b=%20x&a=2&flag", query=[("a", "3"), ("cursor", "c")])
    assert made.query == {"a": ["1", "2", "3"], "b": [" x"], "flag": [""], "cursor": ["c"]}
    assert made.path == "/v2/calls"


def test_everything_is_in_the_value() -> None:
    made = request(
        "/v2/unheard-of", method="post", query=[("a", "1")], headers=[("x-a", "1")], body={"b": [1]}
    )
    assert made == Request(
        Endpoint("POST", "/v2/unheard-of", result=None, scope="", reads=False),
        "/v2/unheard-of",
        {"a": ["1"]},
        {"b": [1]},
        headers={"X-A": "1"},
    )


def test_the_body_is_a_copy() -> None:
    body = {"a": [1]}
    made = request(method="POST", body=body)
    body["a"].append(2)
    assert made.body == {"a": [1]}


@pytest.mark.parametrize("body", [{"a": object()}, [float("nan")], {"a": {1, 2}}])
def test_a_body_that_is_no_json_is_refused_without_being_shown(body: Any) -> None:
    with pytest.raises(GongConfigurationError, match=r"^data holds what JSON does not have: give texts"):
        request(method="POST", body=body)


def test_a_text_says_that_it_is_one_unless_a_header_does() -> None:
    assert request(method="POST", body="a").headers == {"Content-Type": "text/plain; charset=utf-8"}
    made = request(method="POST", body="a,b", headers=[("content-type", "text/csv")])
    assert made.headers == {"Content-Type": "text/csv"}
    assert request(method="POST", body={}).headers == {}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "", "GET /v2/x HTTP/1.1\r\nHost: evil.com", "G E T"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(
        GongConfigurationError, match="is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"
    ):
        request(method=method)


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_read_in_any_case(method: str) -> None:
    assert request(method=f" {method.lower()} ").method == method


# Headers


@pytest.mark.parametrize(
    "name",
    [
        *sorted(REFUSED_HEADERS),
        "AUTHORIZATION",
        "aUthorization",
        "Proxy-Authorization",
        "Proxy-Connection",
        "X-Forwarded-For",
        "x-forwarded-host",
        "Sec-Fetch-Mode",
        "X_HTTP_Method_Override",
        "Transfer_Encoding",
        "X_Forwarded_For",
    ],
)
def test_headers_of_the_connection_are_refused(name: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"^header has .*only the connection may set") as caught:
        read_headers([("Accept", "*/*"), (name, "a-secret")])
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " Authorization",
        "Authorization ",
        "Authorization:",
        "X-A\r\nAuthorization",
        "X-A\nCookie: a-secret",
        "X A",
        "Ⓐuthorization",
        "X\x00",
    ],
)
def test_names_that_are_none_are_refused_and_not_shown(name: str) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        read_headers([("Accept", "*/*"), (name, "x")])
    assert str(caught.value) == "header: the name of entry 1 is not one of a header."


@pytest.mark.parametrize("value", ["a\r\nAuthorization: x", "a\nb", "a\rb", "a\x00", "käse", "\x7f"])
def test_values_that_could_begin_another_header_are_refused_and_not_shown(value: str) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        read_headers([("x-note", value)])
    assert str(caught.value) == "header: the value of X-Note has a line break or a character beyond ASCII."


def test_repeated_headers_are_joined_whatever_their_spelling() -> None:
    assert read_headers([("accept", "a"), ("X-B", " 1 "), ("ACCEPT", "b")]) == {"Accept": "a, b", "X-B": "1"}


def test_a_form_says_its_own_content_type() -> None:
    with pytest.raises(GongConfigurationError, match="Content-Type: leave it out, since a form says its own"):
        request(method="POST", form=Form((), {"a": "b"}), headers=[("content-TYPE", "text/plain")])


# Whether it reads


@pytest.mark.parametrize(
    ("method", "path", "reads"),
    [
        ("GET", "/v2/calls", True),
        ("HEAD", "/v2/calls", True),
        ("GET", "/v2/unheard-of", True),
        ("POST", "/v2/calls/extensive", True),
        ("post", "v2/calls/transcript", True),
        ("POST", "/v2/calls/%65xtensive", True),
        ("POST", "/v2/Calls/Extensive", False),
        ("POST", "/v2/calls/extensive/more", False),
        ("POST", "/v2/calls", False),
        ("PUT", "/v2/calls/extensive", False),
        ("DELETE", "/v2/calls/extensive", False),
        ("OPTIONS", "/v2/calls", False),
        ("PATCH", "/v2/calls", False),
    ],
)
def test_what_reads_is_known_by_method_and_path(method: str, path: str, reads: bool) -> None:
    assert request(path, method=method).endpoint.reads is reads


def test_the_endpoint_of_a_path_is_found() -> None:
    assert described_endpoint("POST", "/v2/calls/extensive") == calls.list_calls_extensive.endpoint
    assert described_endpoint("GET", "/v2/calls/7782342274025937895") == calls.get_call.endpoint
    assert described_endpoint("GET", "/v2/unheard-of") is None


@pytest.mark.parametrize("order", [1, -1])
def test_the_more_literal_path_is_the_one_that_is_meant(monkeypatch: pytest.MonkeyPatch, order: int) -> None:
    @endpoint("POST", "/v2/things/{id}", result=None, scope="", reads=True)
    def read_thing() -> Params:
        return Params()

    @endpoint("POST", "/v2/things/erase", result=None, scope="")
    def erase_things() -> Params:
        return Params()

    functions = [read_thing, erase_things][::order]
    monkeypatch.setattr(raw, "described", lambda: {str(number): one for number, one in enumerate(functions)})
    assert request("/v2/things/7", method="POST").endpoint.reads
    assert not request("/v2/things/erase", method="POST").endpoint.reads


def test_a_described_path_is_told_without_its_identifier() -> None:
    made = request("/v2/calls/7782342274025937895")
    assert made.operation == "GET /v2/calls/{id}"
    assert made.path == "/v2/calls/7782342274025937895"


def test_a_path_of_ones_own_is_told_without_addresses_and_numbers() -> None:
    made = request("/v2/people/jane@acme.com/+4930123/notes/17")
    assert made.operation == "GET /v2/people/{}/{}/notes/17"


def test_raw_is_raw() -> None:
    made = request("/v2/calls").endpoint
    assert (made.result, made.paged, made.empty_on_404) == (None, False, False)
    assert made.scope == calls.list_calls.endpoint.scope


def test_functions_are_described_by_their_module_and_name() -> None:
    found = described()
    assert found["calls.list_calls_extensive"] is calls.list_calls_extensive
    assert found["transcripts.list_call_transcripts"] is transcripts.list_call_transcripts
    assert not any(name.startswith(("endpoint.", "raw.", "client.")) for name in found)
