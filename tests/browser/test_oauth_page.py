"""An OAuth connection is connected in a browser, by somebody who may, and used and disconnected afterwards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import TimeoutError as NotInTime

from airflow_provider_gong.sandbox import GongSandbox
from tests.hooks.oauth import fields_of
from tests.support.browser import new_page, take_picture
from tests.system.real_airflow import RealAirflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.system

PASSWORDS = {"admin": "open-sesame-admin-91", "viewer": "open-sesame-viewer-37"}
SCOPES = "api:calls:read:basic api:users:read api:workspaces:read"


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None, per_day=None) as gong:
        yield gong


def prepared(home: Path, path: str = "") -> RealAirflow:
    """Return an Airflow with two users, that is served below a path and not started yet."""
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    airflow = RealAirflow(home, dags=False)
    airflow.rest.url += path
    airflow.rest.credentials = ("admin", PASSWORDS["admin"])
    airflow.environment |= {
        "AIRFLOW__API__BASE_URL": airflow.rest.url,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__GONG__OAUTH_REDIRECT_URI": f"{airflow.rest.url}/gong/oauth/callback",
    }
    return airflow


@pytest.fixture(scope="module")
def airflow(gong: GongSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    with prepared(tmp_path_factory.mktemp("oauth-page")) as airflow:
        for conn_id in ("gong_emea", "gong_sales"):
            airflow.rest.request("POST", "/connections", json=connection(gong, conn_id, SCOPES))
        yield airflow


def connection(gong: GongSandbox, conn_id: str, scopes: str) -> dict[str, Any]:
    """Return what Airflow's REST API takes for a connection to the sandbox."""
    fields = fields_of(gong, scopes=scopes)
    # Another site than Airflow's, to a browser, as Gong's is: which cookies come back with its answer hangs on that.
    fields["host"] = gong.url.replace("127.0.0.1", "localhost")
    return fields | {"connection_id": conn_id, "extra": json.dumps(fields["extra"])}


def sign_in(page: Page, user: str) -> None:
    """Fill in Airflow's own form."""
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORDS[user])
    page.get_by_role("button", name=re.compile("sign in", re.I)).click()


def card(page: Page, conn_id: str) -> Any:
    return page.get_by_role("region", name=f"Connection {conn_id}")


class Eavesdropper:
    """Remember what no log may know: what came through the browser's addresses."""

    def __init__(self, page: Page) -> None:
        self.codes: set[str] = set()
        self.states: set[str] = set()
        page.on("request", lambda request: self._look(request.url))

    def _look(self, url: str) -> None:
        if not urlsplit(url).path.endswith(("/oauth/callback", "/oauth2/authorize")):
            return
        query = parse_qs(urlsplit(url).query)
        self.codes |= set(query.get("code", []))
        self.states |= set(query.get("state", []))


def test_connection_is_connected_used_and_disconnected(
    airflow: RealAirflow, gong: GongSandbox, page: Page, browser: Browser
) -> None:
    tab = open_through_the_navigation(airflow, page)
    heard = Eavesdropper(tab)
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert card(tab, "gong_emea").get_by_text("Not connected", exact=True).is_visible()
    take_picture(tab, "oauth-page")
    consent(tab, "gong_sales")
    tab.set_viewport_size({"width": 1280, "height": 300})
    take_picture(tab, "oauth-consent")
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_text("gong_sales is connected to Gong.").wait_for()
    assert "code=" not in tab.url
    assert "state=" not in tab.url
    [grant] = gong.oauth._grants.values()
    ask_for_more_than_was_granted(airflow, gong)
    tab.reload()
    shown = card(tab, "gong_sales")
    assert shown.get_by_text("localhost").is_visible() or shown.get_by_text("127.0.0.1").is_visible()
    assert shown.get_by_text("Scopes missing").is_visible()
    take_picture(tab, "oauth-connected")
    assert shown.get_by_role("listitem").all_inner_texts() == [*SCOPES.split(), "api:logs:read"]
    use_it(airflow, gong)
    denied_consent_changes_nothing(tab, gong)
    consent_cannot_be_used_again(airflow, tab)
    a_foreign_session_is_refused(airflow, browser, heard)
    disconnect(tab, gong)
    told = [*PASSWORDS.values(), gong.oauth.client_secret, grant.access_token, grant.refresh_token]
    private = {*told, *heard.codes, *heard.states}
    assert len(heard.codes) >= 2
    assert len(heard.states) >= 2
    nothing_is_told(airflow, private - {"forged"})


def open_through_the_navigation(airflow: RealAirflow, page: Page) -> Page:
    page.goto(airflow.rest.url)
    sign_in(page, "admin")
    entry = page.get_by_role("menuitem", name="Gong connections")
    wait_until(lambda: opened_menu(page, entry), seconds=60, what="Airflow's menu with our entry")
    with page.context.expect_page() as opened:
        entry.click()
    tab = opened.value
    tab.get_by_role("heading", name="Gong connections").wait_for()
    assert tab.url == f"{airflow.rest.url}/gong/oauth/"
    return tab


def opened_menu(page: Page, entry: Locator) -> bool:
    """Open the menu; Airflow draws it anew when it has heard of the plugins, and closes it by that."""
    page.get_by_role("button", name="Admin", exact=True).click()
    try:
        entry.wait_for(timeout=3_000)
    except NotInTime:
        page.keyboard.press("Escape")
        return False
    return True


def consent(tab: Page, conn_id: str) -> None:
    card(tab, conn_id).get_by_role("button", name=re.compile("^Connect")).click()
    tab.get_by_role("heading", name="Let an app in?").wait_for()


def ask_for_more_than_was_granted(airflow: RealAirflow, gong: GongSandbox) -> None:
    changed = connection(gong, "gong_sales", f"{SCOPES} api:logs:read")
    airflow.rest.request("PATCH", "/connections/gong_sales", json=changed)


def use_it(airflow: RealAirflow, gong: GongSandbox) -> None:
    """Press the Test button, so to speak."""
    body = connection(gong, "gong_sales", SCOPES) | {"port": None}
    answer = airflow.rest.request("POST", "/connections/test", json=body)
    assert answer["status"], answer
    assert "the OAuth token is accepted" in answer["message"]


def denied_consent_changes_nothing(tab: Page, gong: GongSandbox) -> None:
    consent(tab, "gong_sales")
    tab.get_by_role("button", name="Deny").click()
    tab.get_by_role("heading", name="Consent was denied in Gong").wait_for()
    tab.set_viewport_size({"width": 1280, "height": 340})
    take_picture(tab, "oauth-denied")
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert gong.oauth.chains == 1
    tab.get_by_role("link", name="Open Gong connections").click()
    assert card(tab, "gong_sales").get_by_text("Connected", exact=True).is_visible()


def consent_cannot_be_used_again(airflow: RealAirflow, tab: Page) -> None:
    """Go back to Gong's page and allow again: the state has been used."""
    consent(tab, "gong_emea")
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_text("gong_emea is connected to Gong.").wait_for()
    tab.go_back()
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_role("heading", name="This consent cannot be used").wait_for()
    tab.goto(f"{airflow.rest.url}/gong/oauth/callback?code=forged&state=forged")
    tab.get_by_role("heading", name="This consent cannot be used").wait_for()
    tab.goto(f"{airflow.rest.url}/gong/oauth/")


def a_foreign_session_is_refused(airflow: RealAirflow, browser: Browser, heard: Eavesdropper) -> None:
    """Sign in as somebody who may not connect, with a consent that somebody else has begun."""
    page = new_page(browser)
    page.goto(f"{airflow.rest.url}/gong/oauth/")
    sign_in(page, "viewer")
    page.get_by_role("heading", name="You may not connect to Gong").wait_for()
    assert "gong_sales" not in page.content()
    for state in heard.states:
        page.goto(f"{airflow.rest.url}/gong/oauth/callback?code=forged&state={state}")
        page.get_by_role("heading", name="This consent cannot be used").wait_for()
    page.context.close()


def disconnect(tab: Page, gong: GongSandbox) -> None:
    card(tab, "gong_sales").get_by_role("link", name="Disconnect").click()
    tab.get_by_role("heading", name="Disconnect gong_sales?").wait_for()
    tab.get_by_role("button", name="Disconnect").click()
    tab.get_by_text("gong_sales is disconnected").wait_for()
    assert card(tab, "gong_sales").get_by_text("Not connected", exact=True).is_visible()


def nothing_is_told(airflow: RealAirflow, private: set[str]) -> None:
    """Search all that this Airflow has written, its database and its list of passwords left out."""
    written = [path for path in airflow.home.rglob("*") if path.is_file() and path.name != "passwords.json"]
    output = airflow.output("api-server", lines=100_000)
    assert "/gong/oauth/callback" in output, "what is searched speaks of it"
    told = [
        line
        for path in written
        for line in path.read_bytes().splitlines()
        if any(word.encode() in line for word in private)
    ]
    assert told == []


def test_page_holds_below_a_path(gong: GongSandbox, tmp_path: Path, page: Page) -> None:
    with prepared(tmp_path, path="/data/airflow") as airflow:
        airflow.rest.request("POST", "/connections", json=connection(gong, "gong_sales", SCOPES))
        tab = open_through_the_navigation(airflow, page)
        consent(tab, "gong_sales")
        tab.get_by_role("button", name="Allow").click()
        tab.get_by_text("gong_sales is connected to Gong.").wait_for()
        links = [link.get_attribute("href") or "" for link in tab.get_by_role("link").all()]
        links += [form.get_attribute("action") or "" for form in tab.locator("form").all()]
        assert len(links) > 4
        assert [link for link in links if not link.startswith("/data/airflow/")] == []
        assert {one["path"] for one in page.context.cookies() if one["name"] == "gong_oauth_session"} == {
            "/data/airflow/gong/oauth"
        }
