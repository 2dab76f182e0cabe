"""What the page shows of connections."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.hooks import oauth, variables
from airflow_provider_gong.hooks.token_store import ROTATED
from tests.hooks.oauth import SCOPES, fields_of, settings_of
from tests.plugins.oauth.served import ServedAirflow, Visit, heading

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.api.oauth_app import Tokens
    from airflow_provider_gong.hooks.token_store import TokenStore
    from airflow_provider_gong.sandbox import GongSandbox


def words(text: str) -> str:
    """Return what a reader sees."""
    body = re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", body)).split())


def test_connection_without_tokens(admin: Visit) -> None:
    seen = words(admin.get().text)
    assert (
        "gong_default Not connected Reason It has no tokens yet. Scopes to ask for api:calls:read:basic"
        in seen
    )
    assert "Connect to Gong" in seen
    assert "Disconnect" not in seen
    assert "airflow gong connect" not in seen


def test_connection_with_tokens(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    admin.connect()
    seen = words(admin.get().text)
    assert re.search(r"gong_default Connected Host \S+ Token until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", seen)
    assert f"Scopes granted {' '.join(sorted(SCOPES.split()))}" in seen
    assert "Scopes missing" not in seen
    assert "Connect again" in seen
    assert "Disconnect" in seen


def test_scopes_that_gong_did_not_give(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    admin.connect()
    airflow.remove("gong_default")
    extra = fields_of(gong)["extra"] | {"scopes": f"{SCOPES} api:library:read"}
    airflow.add(gong, "gong_default", extra=json.dumps(extra))
    assert "Scopes missing api:library:read The connection names them" in words(admin.get().text)


def test_other_connections_are_not_listed(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    airflow.add(gong, "gong_key", conn_type="gong")
    assert "gong_key" not in admin.get().text


def test_connection_of_the_environment_can_be_named(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONG_ELSEWHERE", json.dumps(fields_of(gong)))
    assert "gong_elsewhere" not in words(admin.get().text)
    assert "gong_elsewhere Not connected" in words(admin.get(conn_id="gong_elsewhere").text)
    assert admin.connect("gong_elsewhere").status_code == 303
    assert "gong_oauth_token__gong_elsewhere" in airflow.tokens()


def test_connection_that_is_not_there_is_told(admin: Visit) -> None:
    answer = admin.get(conn_id="gong_gone")
    assert (answer.status_code, heading(answer)) == (404, "There is no such connection")


def test_connection_that_cannot_be_read_says_why(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    airflow.add(gong, "gong_broken", login="")
    seen = words(admin.get().text)
    assert "gong_broken Cannot be used Reason API Key (field login) is empty" in seen
    assert seen.count("Connect to Gong") == 1, "the other's"


def test_nothing_yet(airflow: ServedAirflow, admin: Visit) -> None:
    airflow.remove("gong_default")
    seen = words(admin.get().text)
    assert "There is no such connection yet Create an app in Gong." in seen
    assert "add a connection of type Gong OAuth 2.0" in seen


def test_more_than_anybody_reads(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_gong.plugins.oauth.overview.LISTED", 1)
    assert "There are more" not in admin.get().text
    airflow.add(gong, "gong_sales")
    assert "There are more connections than these: name one below." in words(admin.get().text)
    assert "gong_sales" not in admin.get().text


def test_names_are_escaped(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    name = "\"><script>alert('x')</script>&"
    # Airflow's own ways in take no such name, but nothing promises that there is no other.
    airflow.rename("gong_default", name)
    for answer in (
        admin.get(),
        admin.get(conn_id=name),
        admin.get(f"{airflow.page}disconnect", conn_id=name),
    ):
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text
    assert "<script" not in admin.get(conn_id=f"{name}gone").text
    answer = admin.connect(name)
    assert answer.status_code == 303
    assert "is connected to Gong" in words(admin.get(f"{airflow.url}{answer.headers['Location']}").text)


def test_secrets_are_not_shown(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    admin.connect()
    [grant] = gong.oauth._grants.values()
    text = admin.get().text
    for secret in (gong.oauth.client_secret, grant.access_token, grant.refresh_token):
        assert secret not in text


@pytest.mark.parametrize("given", ["", "http://airflow.example.com/gong/oauth/callback"])
def test_what_has_to_be_set_is_told(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    form = admin.form()
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_REDIRECT_URI", given)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.example.com/airflow/")
    text = admin.get().text
    seen = words(text)
    assert "Connecting on this page is not set up yet." in seen
    assert "AIRFLOW__GONG__OAUTH_REDIRECT_URI" in seen
    assert "to https://data.example.com/airflow/gong/oauth/callback, enter the same as redirect URI" in seen
    assert '<button class="button primary" disabled>' in text
    answer = admin.post("connect", form)
    assert (answer.status_code, heading(answer)) == (409, "Connecting is not set up yet")


def test_connection_of_a_team_is_for_that_team(
    airflow: ServedAirflow, gong: GongSandbox, visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    with airflow.team("red"):
        airflow.add(gong, "gong_red", team_name="red")
        stranger, admin = visit("op"), visit("admin")
        assert "gong_red" not in stranger.get().text
        assert "gong_default" in stranger.get().text
        for action in ("connect", "disconnect"):
            answer = stranger.post(action, stranger.form() | {"conn_id": "gong_red"})
            assert answer.status_code == 403
        assert stranger.get(conn_id="gong_red").status_code == 403
        assert admin.connect("gong_red").status_code == 303
        assert "gong_red Connected" in words(admin.get().text)
        store = oauth.store_of("gong_red", settings_of(fields_of(gong)))
        old = store.load()
        refreshed_by_a_task(store, replace(old, refresh_token="new", expires_at=4e9), team="red")
        assert "Token until 2096-10-02 07:06:40 UTC" in words(admin.get().text)
        # As a task that the Test button stands for, which is of no team.
        newer = replace(old, refresh_token="newer")
        assert store.replace(store.load(), newer) == newer == store.load()
        assert admin.post("disconnect", admin.form("gong_red")).status_code == 303
        assert airflow.tokens() == set()
        airflow.remove("gong_red")


def refreshed_by_a_task(store: TokenStore, tokens: Tokens, *, team: str) -> None:
    """Store tokens as Airflow does it for a task of a team."""
    from airflow.models.variable import Variable

    store.replace(store.load(), tokens)
    [value] = [text for key, text in variables.each(store.key) if key != store.key]
    Variable.delete(store.key + ROTATED)
    Variable.set(store.key + ROTATED, value, team_name=team)
