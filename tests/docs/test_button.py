"""The page of connections quotes what the Test button says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import SCOPES as ALL
from tests.docs.pages import ROOT, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = text_of(ROOT / "docs" / "connections.md")
# Told by Airflow, or by tests/hooks/test_connect.py of connections with OAuth.
NOT_PRESSED = {
    "Bad Request",
    "This connection is not connected",
    "the OAuth token is not accepted",
    "its answer did not come in time",
}
NARROW = {"api:users:read"}
# What is different in the connection, and what goes wrong in Gong.
PRESSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the access key is accepted. Answering: ...": ({}, {}),
    "Missing scopes: ...": ({}, {}),
    "Not answering: ...": ({}, {"kind": "server_error", "path": "/v2/logs"}),
    "Read only: ...": ({"extra": {"read_only": True}}, {}),
    "the access key is not accepted": ({"password": "wrong"}, {}),
    "Gong's API is not there: check Base URL": ({}, {"kind": "server_error", "status": 404}),
    "it does not let us in": ({}, {"kind": "server_error", "status": 403}),
    "it does not answer as Gong does. Gong redirects to ...": ({}, {"kind": "redirect"}),
    "... is not a host of Gong": ({"host": "https://example.com"}, {}),
    "No answer from ...": ({"host": "http://127.0.0.1:9"}, {}),
    "today's requests of this connection are spent": ({"extra": {"requests_per_day": 2}}, {}),
    "it is busy: Gong's limit for the whole company is reached": ({}, {"kind": "rate_limited"}),
    "it failed": ({}, {"kind": "server_error"}),
    "its answer was cut off": ({}, {"kind": "truncated_json"}),
}


def quoted() -> list[str]:
    """Return what the table quotes."""
    table = PAGE.partition("| It says | What to do |\n|---|---|\n")[2].partition("\n\n")[0]
    return [one.strip() for cell in re.findall(r"^\| ([^|]+) \|", table, re.M) for one in cell.split(";")]


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=3, days=1, per_second=None, per_day=None) as gong:
        yield gong


def test_all_that_is_quoted_is_pressed_here() -> None:
    assert sorted(quoted()) == sorted({*PRESSED, *NOT_PRESSED})


@pytest.mark.parametrize("quote", PRESSED)
def test_button_says_what_is_quoted(
    quote: str, gong: GongSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changed, fault = PRESSED[quote]
    key = gong.access.add_key(scopes=NARROW if quote.startswith("Missing scopes") else ALL)
    connection = {
        "conn_type": "gong",
        "host": gong.url,
        "login": key.access_key,
        "password": key.access_key_secret,
    } | changed
    connection["extra"] = {"allowed_hosts": "127.0.0.1"} | changed.get("extra", {})
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
    gong.faults.clear()
    if fault:
        gong.faults.add(times=None, **fault)
    # Of two requests a day one is ours: the second press finds it spent.
    told = [GongHook().test_connection()[1] for _ in range(2)][-1]
    gong.faults.clear()
    for piece in quote.split("..."):
        assert piece.strip() in told, told
