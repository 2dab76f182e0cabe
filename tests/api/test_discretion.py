"""What the HTTP library logs at DEBUG of our requests, and of those of others."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import requests

from airflow_provider_gong.api import calls
from airflow_provider_gong.api.discretion import discreet
from airflow_provider_gong.api.raw import raw_request
from tests.api.test_transport import client_to
from tests.api.wire import Wire, http

if TYPE_CHECKING:
    import pytest

EMPTY = http("200 OK", b'{"calls": []}', "Content-Type: application/json")


def test_our_requests_are_logged_without_their_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Wire(EMPTY) as wire, client_to(wire.url) as client:
        client.send(calls.list_calls(workspace_id="623457276584334"))
    assert b"623457276584334" in wire.received[0]
    spoken = [record.getMessage() for record in caplog.records if record.name == "urllib3.connectionpool"]
    assert f'{wire.url} "GET /v2/calls HTTP/1.1" 200 13' in spoken
    assert "623457276584334" not in caplog.text


def test_our_requests_are_logged_without_the_values_in_their_path(caplog: pytest.LogCaptureFixture) -> None:
    reply = http("200 OK", b'{"people": []}', "Content-Type: application/json")
    with caplog.at_level(logging.DEBUG), Wire(reply) as wire, client_to(wire.url) as client:
        client.send_raw(raw_request(base_url=wire.url, url="/v2/people/ann@example.com/n%C3%A9"))
    assert wire.received[0].startswith(b"GET /v2/people/ann@example.com/n%C3%A9 HTTP")
    spoken = [record.getMessage() for record in caplog.records if record.name == "urllib3.connectionpool"]
    assert f'{wire.url} "GET /v2/people/{{}}/{{}} HTTP/1.1" 200 14' in spoken
    assert "ann@example.com" not in caplog.text


def test_requests_of_others_are_logged_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Wire(EMPTY, EMPTY) as wire:
        with discreet("/ours", "/ours"):
            requests.get(f"{wire.url}/ours?a=1", timeout=5)
        requests.get(f"{wire.url}/theirs?b=2", timeout=5)
    assert "/ours " in caplog.text
    assert "a=1" not in caplog.text
    assert "/theirs?b=2 " in caplog.text
