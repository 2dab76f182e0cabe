"""The plugin as every process of Airflow meets it: off until configured, and light."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.plugins.gong import GongPlugin, WebhookApp, check_at_start

if TYPE_CHECKING:
    import pytest

RULES = "AIRFLOW__GONG__WEBHOOK_RULES"

# Requests go through the ASGI interface, in a process of its own that sees what gets imported.
UNCONFIGURED = """
import asyncio, json, sys
from airflow.plugins_manager import get_fastapi_plugins

[app] = [one["app"] for one in get_fastapi_plugins()[0] if one["name"] == "Gong"]
statuses = []

async def ask(method, path):
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)

for method, path in [("POST", "/gong/webhooks/x"), ("GET", "/gong/webhooks/x"), ("GET", "/gong/docs")]:
    asyncio.run(ask(method, path))
loaded = [name for name in sys.modules if name.startswith("airflow_provider_gong.plugins.webhooks")]
print(json.dumps([statuses, loaded, "jwt" in sys.modules]))
"""


def test_airflow_finds_it() -> None:
    [found] = [one for one in entry_points(group="airflow.plugins") if one.name == "gong"]
    assert found.load() is GongPlugin


def test_nothing_is_there_and_nothing_is_loaded_until_a_rule_is_configured() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", UNCONFIGURED],
        env={**environment, RULES: " "},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses, loaded, _ = json.loads(done.stdout.splitlines()[-1])
    assert statuses == [404, 404, 404]
    assert loaded == []


def test_receiver_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RULES, '{"runs": {}}')
    app = WebhookApp()
    statuses: list[int] = []

    async def ask() -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def receive() -> Any:
            return {"type": "http.request"}

        scope = {"type": "http", "method": "GET", "path": "/webhooks/x", "headers": [], "query_string": b""}
        await app(scope, receive, send)

    asyncio.run(ask())
    made = app._app
    asyncio.run(ask())
    assert app._app is made
    assert statuses == [405, 405]


def test_airflow_starts_whatever_is_wrong_with_the_rules(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(*_: object) -> None:
        """Stand for Airflow."""

    def fail() -> None:
        raise ConnectionError("secret-of-a-backend")

    monkeypatch.setenv(RULES, '{"runs": {}}')
    monkeypatch.setattr("airflow_provider_gong.plugins.webhooks.check.configured_rules", fail)
    assert check_at_start(app) is app
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ConnectionError" in caplog.text
    assert "secret-of-a-backend" not in caplog.text


def test_nothing_is_checked_without_rules(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(*_: object) -> None:
        """Stand for Airflow."""

    monkeypatch.setenv(RULES, "")
    assert check_at_start(app) is app
    assert caplog.records == []
