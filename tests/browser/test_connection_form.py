"""The connection forms and their Test button, in a browser and a real Airflow, for somebody who sees them first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.provider_info import get_provider_info
from airflow_provider_gong.sandbox import GongSandbox
from tests.browser.connections import ConnectionsPage
from tests.support.browser import take_picture
from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.system

TYPES = {kind["hook-name"]: kind for kind in get_provider_info()["connection-types"]}
# What the documentation promises, written down a second time: labels, and a part of the help below them.
PROMISED = {
    "Gong": {
        "Base URL": "",
        "Access Key": "",
        "Access Key Secret": "",
        "Port (enter 443)": "",
        "Allowed hosts": "Leave it empty to reach Gong only.",
        "Requests per second": "Gong's limit for the whole company.",
        "Share of the day (%)": "Part of the daily limit that Airflow may use",
        "Quota group": "Connections with the same group share one quota.",
        "Redis connection": "several machines count their requests together",
        "Read only": "Refuse everything that changes something in Gong.",
    },
    "Gong OAuth 2.0": {
        "Sign-in URL": "",
        "API Key": "",
        "API Secret": "",
        "Port (enter 443)": "",
        "Scopes": "After a change, connect again: Admin > Gong connections.",
        "Refresh token": "Only when the app was connected elsewhere.",
        "Redis connection": "Needed as soon as tasks run on more than one machine",
    },
    "Gong Webhook": {
        "Public URL": "",
        "URL key": "",
        "Port (enter 443)": "",
        "Public keys": "Deliveries then need a signature.",
    },
}
PLACEHOLDERS = {
    ("Gong", "Base URL"): "https://us-12345.api.gong.io",
    ("Gong OAuth 2.0", "Sign-in URL"): "https://app.gong.io",
    ("Gong Webhook", "Public URL"): "https://airflow.example.com/gong/webhooks/new_calls",
}
PORT_HINT = "443; when empty, Test says Bad Request"
SECRET = "a-secret-that-nobody-may-see"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    enabled = {"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
    with RealAirflow(tmp_path_factory.mktemp("airflow"), dags=False, environment=enabled) as airflow:
        yield airflow


@pytest.fixture
def connections(page: Page, airflow: RealAirflow) -> ConnectionsPage:
    connections = ConnectionsPage(page, airflow)
    connections.open()
    return connections


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=7, calls=5, days=3, per_second=None) as gong:
        yield gong


@pytest.mark.parametrize("kind", TYPES)
def test_each_field_is_there_with_label_and_help(connections: ConnectionsPage, kind: str) -> None:
    connections.add(kind)
    described = TYPES[kind]["conn-fields"].values()
    for label, text in [
        *PROMISED[kind].items(),
        *((each["label"], each["description"]) for each in described),
    ]:
        connections.show(label)
        assert not text or text in connections.help_of(label)
    for label in TYPES[kind]["ui-field-behaviour"]["relabeling"].values():
        connections.show(label)


@pytest.mark.parametrize("kind", TYPES)
def test_fields_show_what_belongs_in_them(connections: ConnectionsPage, kind: str) -> None:
    connections.add(kind)
    for (of, label), example in PLACEHOLDERS.items():
        if of == kind:
            assert connections.field(label).get_attribute("placeholder") == example
    assert connections.field("Port (enter 443)").get_attribute("placeholder") == PORT_HINT
    for each in TYPES[kind]["conn-fields"].values():
        if each["schema"]["type"][0] in ("integer", "number"):
            assert connections.field(each["label"]).input_value() == str(each["schema"]["default"])
    # Airflow's own name for a field that none of them has.
    assert not connections.form.get_by_text("Schema", exact=True).is_visible()


def test_what_was_typed_is_kept_and_the_secret_is_not_shown(connections: ConnectionsPage) -> None:
    typed = {
        "Base URL": "https://us-12345.api.gong.io",
        "Access Key": "KEY",
        "Port (enter 443)": "443",
        "Allowed hosts": "127.0.0.1, localhost",
        "Requests per second": "2",
        "Share of the day (%)": "45",
        "Quota group": "acme",
    }
    connections.add("Gong")
    connections.fill({"Connection ID": "typed", "Access Key Secret": SECRET, **typed})
    connections.switch("Read only")
    connections.save()

    connections.open()
    connections.edit("typed")
    assert {label: connections.field(label).input_value() for label in typed} == typed
    assert connections.field("Read only").is_checked()
    assert connections.field("Access Key Secret").get_attribute("type") == "password"
    assert connections.field("Access Key Secret").input_value() in ("", "***")
    assert SECRET not in connections.page.content()


def test_editing_keeps_the_secret(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store_key(connections, gong, "edited")
    connections.open()
    connections.edit("edited")
    connections.fill({"Description": "The company's key"})
    connections.save()
    connections.open()
    assert "the access key is accepted" in connections.test("edited").inner_text()


def test_a_connection_from_the_form_works(connections: ConnectionsPage, gong: GongSandbox) -> None:
    connections.page.set_viewport_size({"width": 1000, "height": 1060})
    connections.add("Gong")
    connections.fill(
        {
            "Connection ID": "gong_default",
            "Base URL": "https://us-12345.api.gong.io",
            "Access Key": gong.access_key,
            "Access Key Secret": gong.access_key_secret,
            "Port (enter 443)": "443",
        }
    )
    take_picture(connections.form, "connection-form")
    connections.show("Quota group")
    connections.page.set_viewport_size({"width": 1000, "height": 2000})
    take_picture(connections.form, "connection-form-extra")
    # Where the picture shows Gong's own address, this one has the local Gong's.
    connections.fill({"Base URL": gong.url, "Allowed hosts": "127.0.0.1"})
    connections.save()
    assert read(connections, "gong_default", picture="connection-test-ok") == (
        "Test Connection Successful\n"
        "Reached 127.0.0.1; the access key is accepted. Answering: calls, transcripts, users, logs."
    )


def test_a_stranger_knows_what_to_do_about_a_wrong_key(
    connections: ConnectionsPage, gong: GongSandbox
) -> None:
    store_key(connections, gong, "wrong_key", password=SECRET)
    said = read(connections, "wrong_key", picture="connection-test-wrong-key")
    assert said.startswith(
        "Test Connection Failed\nReached 127.0.0.1, but the access key is not accepted. Check that "
    )
    assert "complete, not swapped, not expired" in said


def test_a_missing_scope_is_named(connections: ConnectionsPage, gong: GongSandbox) -> None:
    key = gong.access.add_key(scopes={"api:users:read", "api:calls:read:basic"})
    store_key(connections, gong, "scopes", login=key.access_key, password=key.access_key_secret)
    said = read(connections, "scopes", picture="connection-test-missing-scope")
    assert "Answering: calls, users. Missing scopes: api:calls:read:transcript (transcripts)" in said
    assert "add them to the key in Gong" in said


def test_the_key_of_another_company_is_not_accepted(connections: ConnectionsPage, gong: GongSandbox) -> None:
    with GongSandbox(seed=8, calls=1, days=1) as other:
        store_key(connections, gong, "tenant", host=other.url)
        assert "Base URL is the one that Gong shows beside them" in read(connections, "tenant")


def test_a_host_that_sends_elsewhere_names_the_other(connections: ConnectionsPage) -> None:
    with GongSandbox(seed=9, calls=1, days=1) as elsewhere:
        elsewhere.faults.add("redirect", times=None)
        store_key(connections, elsewhere, "redirect")
        assert "set https://other-host.example.com as Base URL" in read(connections, "redirect")


def test_a_host_that_is_not_gongs_is_refused(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store_key(connections, gong, "not_gong", host="https://gong.example.com")
    said = read(connections, "not_gong")
    assert "gong.example.com is not a host of Gong. To mend it: copy it from Gong's API page" in said


def test_a_gong_that_is_down_is_told(connections: ConnectionsPage) -> None:
    with GongSandbox(seed=10, calls=1, days=1) as down:
        store_key(connections, down, "down")
        address = down.url.removeprefix("http://")
    said = read(connections, "down")
    assert f"No answer from {address}. The connection was refused: check host, port and firewall." in said


def test_the_spent_quota_of_a_day_is_told(connections: ConnectionsPage) -> None:
    with GongSandbox(seed=11, calls=1, days=1, per_day=4) as spent:
        store_key(connections, spent, "ours", extra={"requests_per_day": 4, "daily_share": 100})
        assert "the access key is accepted" in read(connections, "ours")
        assert "Not tested: today's requests of this connection are spent" in read(connections, "ours")
        store_key(connections, spent, "gongs", extra={"quota_group": "another"})
        said = read(connections, "gongs")
    assert "it is busy: Gong's limit for the whole company is reached; try again in " in said


def test_a_connection_that_only_reads_says_so(connections: ConnectionsPage, gong: GongSandbox) -> None:
    store_key(connections, gong, "read_only", extra={"read_only": True})
    assert "Read only: Airflow refuses to change anything in Gong." in read(connections, "read_only")


def test_the_empty_port_is_what_the_form_says_it_is(connections: ConnectionsPage, gong: GongSandbox) -> None:
    # When Airflow has mended this, the form need not ask for a port any more.
    store_key(connections, gong, "no_port", port=None)
    assert read(connections, "no_port") == "Test Connection Failed\nBad Request"


def test_a_webhook_tells_what_deliveries_need(connections: ConnectionsPage) -> None:
    url = "https://airflow.example.com/gong/webhooks/new_calls"
    connections.store("hooked", "gongwebhook", extra={}, host=url, password=SECRET)
    assert read(connections, "hooked").endswith("Complete; nothing was sent. Deliveries need a URL key.")


def test_a_webhook_without_a_proof_is_refused(connections: ConnectionsPage) -> None:
    connections.store("open_to_all", "gongwebhook", extra={})
    assert "This connection holds neither Public keys (extra public_keys) nor URL key" in read(
        connections, "open_to_all"
    )


def store_key(connections: ConnectionsPage, gong: GongSandbox, conn_id: str, **given: Any) -> None:
    """Store a connection with the key of a sandbox, as the form does."""
    extra = {"allowed_hosts": "127.0.0.1", **given.pop("extra", {})}
    fields = {"host": gong.url, "login": gong.access_key, "password": gong.access_key_secret}
    connections.store(conn_id, "gong", extra=extra, **{**fields, **given})


def read(connections: ConnectionsPage, conn_id: str, *, picture: str = "") -> str:
    """Press Test and return what is said, which holds no secret."""
    said = connections.read(conn_id, picture=picture)
    assert SECRET not in said
    return said
