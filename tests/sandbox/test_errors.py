"""What is asked in a way that Gong does not know."""

import pytest

from tests.sandbox.client import Client, errors

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/nothing", "/v2/calls/", "/v2/calls/1/transcript", "/v1/calls", "/", "/V2/calls"]
)
def test_a_wrong_path_is_a_404_that_names_nothing(reader: Client, path: str) -> None:
    reply = reader.get(path)
    assert (reply.status_code, errors(reply)) == (404, ["Not Found"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("DELETE", "/v2/calls"), ("GET", "/v2/calls/extensive/"), ("PUT", "/v2/users/extensive")),
        *(("GET", "/v2/users/extensive"), ("GET", "/v2/calls/transcript"), ("HEAD", "/v2/users")),
    ],
)
def test_a_wrong_method_is_never_served(reader: Client, method: str, path: str) -> None:
    assert reader.ask(method, path).status_code in (400, 404, 405)


def test_a_wrong_method_is_a_405_in_gongs_shape(reader: Client) -> None:
    reply = reader.ask("PUT", "/v2/calls/extensive", json={"filter": {}})
    assert (reply.status_code, errors(reply)) == (405, ["Method Not Allowed"])


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json_is_a_415(reader: Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = reader.ask("POST", "/v2/calls/extensive", data=b'{"filter": {}}', headers=headers)
    assert (reply.status_code, errors(reply)) == (415, ["Unsupported Media Type"])


def test_a_charset_beside_the_type_is_accepted(reader: Client) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    reply = reader.ask("POST", "/v2/calls/extensive", data=b'{"filter": {}}', headers=headers)
    assert reply.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"filter": []}', b"\xff"])
def test_a_body_that_is_no_request_is_a_400(reader: Client, body: bytes) -> None:
    reply = reader.ask("POST", "/v2/calls/transcript", data=body, headers=JSON)
    assert reply.status_code == 400
    assert set(reply.json()) == {"requestId", "errors"}
