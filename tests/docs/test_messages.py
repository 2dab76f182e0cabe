"""Troubleshooting goes by messages: each one in it can be met, and each one that is met is in it."""

from __future__ import annotations

import ast
import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import calls, users
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.exceptions import GongError
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.sandbox import GongSandbox
from tests.docs.pages import MARKER, ROOT, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRITTEN = text_of(ROOT / "docs" / "troubleshooting.md")
GENERATED = text_of(ROOT / "docs" / "messages.md").split(MARKER)[1]
PACKAGE = ROOT / "airflow_provider_gong"
# Explained, but put together from texts that name no error by themselves.
COMPOSED = ("Our share of the day",)
# What differs from one message to the next; no text has it.
GAP = "\N{SYMBOL FOR NULL}"


def first_cells(text: str) -> list[str]:
    """Return the messages in the tables of a text: code in their first column."""
    cells = re.findall(r"^\| (`+)(.+?)\1 \|", text, re.M)
    return [cell.replace("\\|", "|") for _, cell in cells]


def listed_in(text: str) -> list[str]:
    """Return the messages of the lists in a text: code and nothing else."""
    return [message for _, message in re.findall(r"^- (`+)(.+)\1$", text, re.M)]


def texts_of_the_package() -> set[str]:
    """Return each text in the code, with a gap for what differs."""
    found = set()
    for module in PACKAGE.rglob("*.py"):
        if "sandbox" not in module.parts:
            tree = ast.parse(module.read_text(encoding="utf-8"))
            found |= {" ".join(spelled(node).split()) for node in ast.walk(tree) if is_text(node)}
    return found


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def spelled(node: Any) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(spelled, node.values))
    return GAP


def is_said(message: str, text: str) -> bool:
    """Look for the pieces of a message before their order, which takes far longer."""
    pieces = message.split("...")
    return all(piece in text for piece in pieces) and bool(as_pattern(message).search(text))


def as_pattern(message: str) -> re.Pattern[str]:
    """Return what finds a message, with anything in place of `...`."""
    pieces = (re.escape(piece) for piece in re.split(r"\.{3}", message))
    return re.compile("[\\s\\S]*?".join(pieces))


@pytest.fixture(scope="module")
def texts() -> set[str]:
    return texts_of_the_package()


@pytest.mark.parametrize("message", first_cells(WRITTEN.partition("## Without a message")[0]))
def test_explained_message_can_still_be_met(message: str, texts: set[str]) -> None:
    assert any(is_said(message, text) for text in texts), "no text of the package says so any more"


def test_many_messages_are_explained() -> None:
    assert len(first_cells(WRITTEN)) > 80
    assert len(listed_in(GENERATED)) > 150


def test_messages_are_written_as_a_reader_meets_them() -> None:
    assert [one for one in first_cells(WRITTEN) + listed_in(GENERATED) if re.search(r"%[dsr]", one)] == []


def test_a_message_that_is_gone_is_noticed(texts: set[str]) -> None:
    assert not any(is_said("The bucket of ... has gone fishing", text) for text in texts)
    # The pieces in another order are another message.
    assert is_said("The bucket of ... does not exist", "The bucket of s3://x does not exist: create it.")
    assert not is_said("The bucket of ... does not exist", "It does not exist. The bucket of s3://x")


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=150, days=2, per_second=None) as gong:
        yield gong


@pytest.fixture
def ask(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Send a request through a connection, and return what its error says."""
    gong.faults.clear()
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path))

    def ask(request: Any = None, **changed: Any) -> str:
        extra = {"allowed_hosts": "127.0.0.1", "max_wait": 1, **changed.pop("extra", {})}
        connection = {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection | changed))
        with pytest.raises(GongError) as caught:
            send_once(request or users.list_users())
        return str(caught.value)

    yield ask
    gong.faults.clear()


def send_once(request: Any) -> None:
    """Send a request; what a message says does not depend on how often it was tried."""
    with GongHook() as hook:
        hook.get_conn().retry = RetryPolicy(attempts=1)
        list(hook.items(request))


def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


CONNECTIONS: dict[str, dict[str, Any]] = {
    "no host": {"host": ""},
    "no secret": {"password": ""},
    "another host": {"host": "https://example.com"},
    "more than a host": {"host": "https://api.gong.io/v2/calls"},
    "extra that is none": {"extra": {"requestsPerDay": 3}},
    "wrong secret": {"password": "not-the-secret"},
    "no quota": {"extra": {"daily_share": 1, "requests_per_day": 1}},
    "nobody there": {"host": f"http://127.0.0.1:{closed_port()}"},
    "spent": {"extra": {"daily_share": 1, "requests_per_day": 100, "quota_group": "spent"}},
}


@pytest.mark.parametrize("case", CONNECTIONS)
def test_message_about_a_connection_is_on_the_page(case: str, ask: Callable[..., str]) -> None:
    # The first request of a day may be sent; a list of calls has more pages than that.
    request = calls.list_calls() if case == "spent" else None
    assert_explained(ask(request, **CONNECTIONS[case]))


FAULTS: dict[str, dict[str, Any]] = {
    "server_error": {},
    "rate_limited": {"retry_after": 3600},
    "dropped_connection": {},
    "truncated_json": {},
    "not_json": {},
    "repeated_cursor": {},
    "expired_cursor": {},
    "redirect": {"location": "https://us-77.api.gong.io"},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_message_about_a_reply_is_on_the_page(kind: str, gong: GongSandbox, ask: Callable[..., str]) -> None:
    gong.faults.add(kind, times=None, **FAULTS[kind])
    assert_explained(ask(calls.list_calls()))


def assert_explained(said: str) -> None:
    """See that a message is explained by hand, and listed whole."""
    explained = [message for message in first_cells(WRITTEN) if as_pattern(message).search(said)]
    listed = [message for message in listed_in(GENERATED) if as_pattern(message).search(said)]
    assert explained, f"not explained: {said}"
    assert listed or any(text in said for text in COMPOSED), f"not listed: {said}"
