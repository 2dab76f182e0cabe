"""The form and the Test button of OAuth connections, in a browser and a real Airflow."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.browser.connections import ConnectionsPage
from tests.hooks.oauth import REDIRECT, decide, fields_of
from tests.support.browser import take_picture
from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    options = {"CORE__TEST_CONNECTION": "Enabled", "GONG__OAUTH_REDIRECT_URI": REDIRECT}
    environment = {f"AIRFLOW__{name}": value for name, value in options.items()}
    with RealAirflow(tmp_path_factory.mktemp("airflow"), dags=False, environment=environment) as airflow:
        yield airflow


@pytest.fixture
def connections(page: Page, airflow: RealAirflow) -> ConnectionsPage:
    connections = ConnectionsPage(page, airflow)
    connections.open()
    return connections


@pytest.fixture
def gong(request: pytest.FixtureRequest) -> Iterator[GongSandbox]:
    # Each test has an app of its own: by that the button finds the tokens of a connection.
    with GongSandbox(seed=len(request.node.name), calls=5, days=3, per_second=None) as gong:
        yield gong


def test_the_form_asks_for_the_app(connections: ConnectionsPage) -> None:
    connections.page.set_viewport_size({"width": 1000, "height": 1060})
    connections.add("Gong OAuth 2.0")
    connections.fill({"Connection ID": "gong_default", "API Key": "API_KEY", "Port (enter 443)": "443"})
    take_picture(connections.form, "connection-form-oauth")
    assert connections.field("Scopes").input_value() == "api:calls:create api:calls:read:basic"
    assert connections.field("Refresh token").get_attribute("type") == "password"


def test_a_connection_that_nobody_has_connected_says_how(
    connections: ConnectionsPage, gong: GongSandbox
) -> None:
    store(connections, gong, "never")
    assert connections.read("never") == (
        "Test Connection Failed\nThis connection is not connected: it has no tokens yet. "
        f"Connect it: `airflow gong connect CONNECTION_ID`, or on the page {connections.airflow.rest.url}/gong/oauth/."
    )


def test_a_connected_one_is_accepted(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store(connections, gong, "connected")
    connect(connections.airflow, gong, "connected")
    said = connections.read("connected", picture="connection-test-oauth")
    assert (
        "Reached localhost; the OAuth token is accepted. Answering: calls, transcripts, users, logs." in said
    )


def test_a_revoked_one_has_to_be_connected_again(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store(connections, gong, "revoked")
    connect(connections.airflow, gong, "revoked")
    gong.oauth.revoke()
    said = connections.read("revoked")
    assert "has to be connected again. Connect it: `airflow gong connect revoked`, or on the page " in said


def test_another_secret_of_the_app_is_told(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store(connections, gong, "secret")
    connect(connections.airflow, gong, "secret")
    connections.airflow.rest.request(
        "PATCH",
        "/connections/secret",
        params={"update_mask": "password"},
        json={"connection_id": "secret", "conn_type": "gong_oauth", "password": "another-secret"},
    )
    said = connections.read("secret")
    assert "Connect it: `airflow gong connect secret`, or on the page " in said
    assert "another-secret" not in said


def store(connections: ConnectionsPage, gong: GongSandbox, conn_id: str) -> None:
    """Store a connection with the app of a sandbox."""
    connections.store(conn_id, **fields_of(gong))


def connect(airflow: RealAirflow, gong: GongSandbox, conn_id: str) -> None:
    """Connect from a terminal of this Airflow's machine, as an administrator of Gong."""
    command = [sys.executable, "-m", "airflow_provider_gong.hooks.connect", conn_id]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=airflow.environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next((line.strip() for line in lines if line.startswith(gong.url)), "")
        _, complaints = process.communicate(f"{decide(url)}\n" if url else "\n", timeout=120)
    assert process.returncode == 0, complaints
