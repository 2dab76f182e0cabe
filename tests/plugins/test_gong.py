"""The plugin as every process of Airflow meets it: off until configured, and light."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from airflow_provider_gong.plugins.gong import PAGE_VIEW, GongPlugin, WebhookApp, check_at_start

RULES = "AIRFLOW__GONG__WEBHOOK_RULES"

# Requests go through the ASGI interface, in a process of its own that sees what gets imported.
UNCONFIGURED = """
import asyncio, json, sys
PACKAGES = tuple("airflow_provider_gong.plugins." + name for name in ("webhooks", "oauth"))
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
loaded = [name for name in sys.modules if name.startswith(PACKAGES)]
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


@pytest.mark.parametrize(("given", "expected"), [(None, [PAGE_VIEW]), ("True", [PAGE_VIEW]), ("False", [])])
def test_navigation_has_the_page_unless_it_is_switched_off(given: str | None, expected: list[Any]) -> None:
    code = (
        "import json\n"
        "from airflow_provider_gong.plugins.gong import GongPlugin\n"
        "print(json.dumps(GongPlugin.external_views))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    option = {"AIRFLOW__GONG__OAUTH_PAGE": given} if given else {}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment | option,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout.splitlines()[-1]) == expected


def test_entry_of_the_navigation_is_as_airflow_wants_it() -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

    view = ExternalViewResponse.model_validate(PAGE_VIEW)
    assert (view.name, view.href, view.destination, view.category) == (
        "Gong connections",
        "gong/oauth/",
        "nav",
        "admin",
    )
    # In Airflow's own frame nobody gets out to Gong's consent.
    assert view.url_route is None
