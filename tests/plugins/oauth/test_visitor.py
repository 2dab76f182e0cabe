"""Who may: Airflow's own permission to edit connections, asked at each step, and nobody in somebody's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.plugins.oauth.visitor import COOKIE
from tests.plugins.oauth.served import ServedAirflow, Visit, heading, query_of

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED = "This form cannot be accepted"
FORBIDDEN = "You may not connect to Gong"


def test_who_is_not_signed_in_signs_in_and_comes_back(
    airflow: ServedAirflow, visit: Callable[..., Visit]
) -> None:
    nobody = visit("")
    answer = nobody.get(conn_id="gong&default")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/api/v2/auth/login?")
    assert query_of(answer.headers["Location"]) == {"next": "/gong/oauth/?conn_id=gong%26default"}
    onward = nobody.get(f"{airflow.url}{answer.headers['Location']}")
    assert onward.status_code == 307, "Airflow takes it for a safe place"
    assert nobody.post("connect", {}).headers["Location"].startswith("/api/v2/auth/login?")


def test_token_that_is_not_of_airflow_is_nobody(airflow: ServedAirflow, visit: Callable[..., Visit]) -> None:
    nobody = visit("")
    nobody.browser.cookies.set("_token", "not.a.token", domain="127.0.0.1", path="/")
    assert nobody.get().status_code == 303


@pytest.mark.parametrize("query", [{}, {"conn_id": "gong_default"}, {"conn_id": "not_there"}])
def test_viewer_learns_nothing(
    airflow: ServedAirflow, visit: Callable[..., Visit], query: dict[str, str]
) -> None:
    viewer = visit("viewer")
    for url in (airflow.page, f"{airflow.page}disconnect"):
        answer = viewer.get(url, **query)
        if query or not url.endswith("disconnect"):
            assert (answer.status_code, heading(answer)) == (403, FORBIDDEN)
            assert "gong_default" not in answer.text
            assert "api:" not in answer.text


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_viewer_does_nothing_even_with_a_good_form(
    airflow: ServedAirflow, admin: Visit, visit: Callable[..., Visit], action: str
) -> None:
    admin.connect()
    before = airflow.variables()
    form = admin.form()
    admin.sign_in("viewer")
    # The same browser, whose forms were made for somebody else.
    assert heading(admin.post(action, form)) == REFUSED
    assert airflow.variables() == before


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_permission_is_asked_for_the_connection_and_its_team(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    admin.connect()
    form = admin.form()
    asked: list[Any] = []

    def refuse(*_: Any, method: str, details: Any, user: Any) -> bool:
        asked.append((method, details.id if hasattr(details, "id") else details.conn_id, details.team_name))
        return False

    monkeypatch.setattr("airflow_provider_gong.plugins.oauth.visitor.team_of", lambda _: "red")
    monkeypatch.setattr(type(get_auth_manager()), "is_authorized_connection", refuse)
    before = airflow.variables()
    answer = admin.post(action, form)
    assert (answer.status_code, heading(answer)) == (403, FORBIDDEN)
    assert asked == [("PUT", "gong_default", "red")]
    assert airflow.variables() == before


def test_connections_of_other_teams_are_not_listed(
    airflow: ServedAirflow, gong: Any, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    airflow.add(gong, "gong_theirs")

    def ours(*_: Any, details: Any, **__: Any) -> bool:
        return bool(details.conn_id == "gong_default")

    monkeypatch.setattr(type(get_auth_manager()), "is_authorized_connection", ours)
    text = admin.get().text
    assert "gong_default" in text
    assert "gong_theirs" not in text


def test_operator_of_airflow_may(airflow: ServedAirflow, visit: Callable[..., Visit]) -> None:
    assert visit("op").connect().status_code == 303


@pytest.mark.parametrize("action", ["connect", "disconnect"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://["},
        {"Origin": "http://127.0.0.1@evil.example.com"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_form_of_another_place_is_refused(
    airflow: ServedAirflow, admin: Visit, action: str, headers: dict[str, str | None]
) -> None:
    admin.connect()
    before = airflow.variables()
    answer = admin.post(action, admin.form(), headers)
    assert (answer.status_code, heading(answer)) == (403, REFUSED)
    assert airflow.variables() == before


def test_form_of_a_place_that_is_called_alike_is_refused(airflow: ServedAirflow, admin: Visit) -> None:
    form = admin.form()
    for origin in (airflow.url.replace("//", "//evil."), f"{airflow.url}0", f"{airflow.url}.example.com"):
        assert heading(admin.post("connect", form, {"Origin": origin})) == REFUSED


@pytest.mark.parametrize("token", ["", "0" * 64, "ä"])
def test_form_without_its_token_is_refused(airflow: ServedAirflow, admin: Visit, token: str) -> None:
    form = admin.form() | {"form_token": token}
    assert heading(admin.post("connect", form)) == REFUSED


def test_form_of_another_session_is_refused(
    airflow: ServedAirflow, admin: Visit, visit: Callable[..., Visit]
) -> None:
    form = admin.form()
    other = visit("admin")
    assert heading(other.post("connect", form)) == REFUSED, "without the cookie"
    other.get()
    assert heading(other.post("connect", form)) == REFUSED, "with a cookie of its own"


def test_form_token_needs_the_key_of_airflow(admin: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    form = admin.form()
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "another-key")
    assert heading(admin.post("connect", form)) == REFUSED


def test_older_browsers_that_tell_less_are_served(admin: Visit) -> None:
    assert admin.post("connect", admin.form(), {"Sec-Fetch-Site": None}).status_code == 303


def test_public_address_of_airflow_is_ours_behind_a_proxy(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com")
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_REDIRECT_URI", "https://airflow.example.com/gong/oauth/callback")
    form = admin.form()
    cookies = "; ".join(f"{one.name}={one.value}" for one in admin.browser.cookies)
    headers = {"Origin": "https://airflow.example.com", "Host": "inside:8080", "Cookie": cookies}
    answer = admin.post("connect", form, headers)
    assert query_of(answer.headers["Location"])["redirect_uri"].startswith("https://airflow.example.com/")


def test_way_back_to_another_host_is_told_before_gong_is_asked(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_REDIRECT_URI", "https://airflow.example.com/gong/oauth/callback")
    answer = admin.post("connect", admin.form())
    assert (answer.status_code, heading(answer)) == (409, "Open Airflow at its own address")
    assert "open https://airflow.example.com/gong/oauth/ and start there" in answer.text
    assert airflow.variables() == {}


def test_cookie_is_for_this_page_alone(
    airflow: ServedAirflow, visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(answer: Any) -> set[str]:
        [given] = [one for one in answer.raw.headers.getlist("Set-Cookie") if one.startswith(COOKIE)]
        return set(given.split("; ")[1:])

    assert parts(visit("admin").get()) == {"HttpOnly", "Path=/gong/oauth", "SameSite=lax"}
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/data")
    given = parts(visit("admin").get())
    assert given == {"HttpOnly", "Path=/data/gong/oauth", "SameSite=lax", "Secure"}


def test_cookie_that_is_none_of_ours_is_replaced(airflow: ServedAirflow, admin: Visit) -> None:
    admin.browser.cookies.set(COOKIE, "short", domain="127.0.0.1", path="/gong/oauth")
    assert len(admin.get().cookies[COOKIE]) == 43
