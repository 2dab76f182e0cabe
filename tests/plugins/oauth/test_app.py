"""The way to Gong's consent and back, through Airflow's own application; whatever is refused stores nothing."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.hooks.oauth import decide, fields_of
from tests.plugins.oauth.served import ServedAirflow, Visit, heading, query_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.sandbox import GongSandbox

TOKENS = {"gong_oauth_token__gong_default"}
UNUSABLE = "This consent cannot be used"


def test_consent_connects(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    answer = admin.connect()
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/gong/oauth/?conn_id=gong_default&done=connected"
    assert airflow.variables().keys() == TOKENS, "the state is gone"
    page = admin.get(f"{airflow.url}{answer.headers['Location']}").text
    assert "<strong>gong_default</strong> is connected to Gong." in page
    assert "Connect again" in page
    assert gong.oauth.chains == 1
    assert airflow.audit() == [("gong_oauth.connect", "admin", '{"connection_id": "gong_default"}')]


def test_address_alone_says_nothing(admin: Visit) -> None:
    assert "is connected to Gong" not in admin.get(conn_id="gong_default", done="connected").text


def test_what_gong_is_asked_comes_from_the_connection_and_the_configuration(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    form = admin.form()
    cookies = "; ".join(f"{one.name}={one.value}" for one in admin.browser.cookies)
    lies = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "Cookie": cookies}
    answer = admin.post("connect", form, lies)
    asked = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{gong.url}/oauth2/authorize?")
    assert asked["redirect_uri"] == airflow.callback
    assert asked["client_id"] == gong.oauth.client_id
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_neither_codes_nor_states_are_written_to_the_access_log(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    admin.get(back)
    admin.get(back)
    admin.get(back, method="HEAD")
    admin.get(back, method="POST")
    admin.get(back.replace("callback", "elsewhere"))
    Visit(airflow, "").get(back)
    # Each line is written when the answer is on its way already.
    assert airflow.wait_for_lines(6, "/callback", "/elsewhere") == ["/gong/oauth/callback "] * 4 + [
        "/gong/oauth/elsewhere ",
        "/gong/oauth/callback ",
    ]


def test_denied_consent_leaves_everything_as_it_was(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    answer = admin.connect(decision="deny")
    assert (answer.status_code, heading(answer)) == (403, "Consent was denied in Gong")
    assert airflow.variables() == {}
    admin.connect()
    before = airflow.variables()
    admin.connect(decision="deny")
    assert airflow.variables() == before


@pytest.mark.parametrize(
    "query", ["", "?code=abc", "?state=", "?code=abc&state=wrong", "?error=access_denied"]
)
def test_answer_without_our_state_is_refused(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, query: str
) -> None:
    admin.begin()
    answer = admin.get(f"{airflow.callback}{query}")
    assert (answer.status_code, heading(answer)) == (400, UNUSABLE)
    assert airflow.tokens() == set()


def test_state_is_good_once(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    url = admin.begin()
    assert admin.get(decide(url)).status_code == 303
    before = airflow.variables()
    again = admin.get(decide(url))
    assert (again.status_code, heading(again)) == (400, UNUSABLE)
    assert airflow.variables() == before
    assert gong.oauth.chains == 1, "the second code was not spent"


@pytest.mark.parametrize("user", ["admin", "op", "viewer"])
def test_state_of_another_browser_is_refused(
    airflow: ServedAirflow, admin: Visit, visit: Callable[..., Visit], user: str
) -> None:
    back = decide(admin.begin())
    answer = visit(user).get(back)
    assert (answer.status_code, heading(answer)) == (400, UNUSABLE)
    assert "allow its cookies" in answer.text
    assert airflow.tokens() == set()
    assert admin.get(back).status_code == 303, "and does not spoil it"


def test_state_of_another_user_of_the_same_browser_is_refused(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    admin.sign_in("op")
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (400, UNUSABLE)
    assert airflow.tokens() == set()


def test_code_that_is_too_old_is_told(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    back = decide(admin.begin())
    gong.clock.advance(timedelta(minutes=11))
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (400, "Gong does not accept the code")
    assert airflow.variables() == {}


def test_consent_that_took_too_long_is_told(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_gong.hooks.oauth.CONSENT", -1.0)
    answer = admin.connect()
    assert (answer.status_code, heading(answer)) == (400, UNUSABLE)
    assert airflow.variables() == {}


def test_gong_that_is_down_is_told(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    back = decide(admin.begin())
    gong.faults.add("server_error", path="/oauth2/generate-customer-token", times=10)
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (503, "Gong or Airflow's database cannot be used now")
    assert airflow.variables() == {}


def test_client_that_gong_does_not_trust_is_told(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    back = decide(admin.begin())
    gong.oauth.trusted_ip = False
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (502, "Gong did not give tokens")
    assert "Trusted IPs" in answer.text
    assert airflow.variables() == {}


def test_secret_that_gong_does_not_know_is_told(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    airflow.add(gong, "gong_wrong", password="not-the-secret")
    answer = admin.connect("gong_wrong")
    assert (answer.status_code, heading(answer)) == (409, "The connection has to be mended first")
    assert "not-the-secret" not in answer.text
    assert airflow.variables() == {}


def test_words_of_gong_are_escaped(airflow: ServedAirflow, admin: Visit) -> None:
    state = query_of(admin.begin())["state"]
    answer = admin.get(airflow.callback, error="<script>alert(1)</script>", state=state)
    assert (answer.status_code, heading(answer)) == (400, "Gong refused the request")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_answer_with_too_much_in_it_is_refused(airflow: ServedAirflow, admin: Visit) -> None:
    state = query_of(admin.begin())["state"]
    answer = admin.get(airflow.callback, state=state, **{f"field{number}": "x" for number in range(30)})
    assert (answer.status_code, heading(answer)) == (400, "This is no answer of Gong")
    answer = admin.get(airflow.callback, state=state, code="x" * 50_000)
    assert (answer.status_code, heading(answer)) == (400, "Gong does not accept the code")
    assert airflow.variables() == {}


def test_answer_without_a_code_is_refused(airflow: ServedAirflow, admin: Visit) -> None:
    answer = admin.get(airflow.callback, state=query_of(admin.begin())["state"])
    assert (answer.status_code, heading(answer)) == (400, "Gong's answer has no code")


def test_what_nobody_expected_is_told_to_nobody(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a-code-of-gong")

    back = decide(admin.begin())
    monkeypatch.setattr("airflow_provider_gong.hooks.oauth.take", fail)
    with caplog.at_level(logging.DEBUG):
        answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (500, "Airflow failed")
    assert "RuntimeError" in caplog.text
    assert "a-code-of-gong" not in caplog.text + answer.text


def test_disconnecting_asks_first(airflow: ServedAirflow, gong: GongSandbox, admin: Visit) -> None:
    admin.connect()
    asked = admin.get(f"{airflow.page}disconnect", conn_id="gong_default")
    assert heading(asked) == "Disconnect gong_default?"
    assert airflow.tokens() == TOKENS
    answer = admin.post("disconnect", admin.form())
    assert answer.headers["Location"] == "/gong/oauth/?conn_id=gong_default&done=disconnected"
    assert airflow.variables() == {}
    assert "is disconnected" in admin.get(f"{airflow.url}{answer.headers['Location']}").text
    assert airflow.audit()[-1] == ("gong_oauth.disconnect", "admin", '{"connection_id": "gong_default"}')


def test_variable_that_stands_before_ours_is_told(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_GONG_OAUTH_TOKEN__GONG_DEFAULT", "{}")
    answer = admin.connect()
    assert (answer.status_code, heading(answer)) == (409, "The connection has to be mended first")
    assert "remove it from the environment" in answer.text


def test_redis_that_is_down_does_not_keep_from_connecting(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NO_REDIS", "redis://127.0.0.1:1")
    extra = fields_of(gong, redis_conn_id="no_redis")["extra"]
    airflow.add(gong, "gong_several", extra=json.dumps(extra))
    assert admin.connect("gong_several").status_code == 303
    assert "is connected to Gong" in admin.get(conn_id="gong_several", done="connected").text
    assert admin.post("disconnect", admin.form("gong_several")).status_code == 303


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_action_on_a_connection_that_is_not_there_is_refused(admin: Visit, action: str) -> None:
    answer = admin.post(action, admin.form() | {"conn_id": "gong_gone"})
    assert (answer.status_code, heading(answer)) == (404, "There is no such connection")


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_connection_of_another_type_is_refused(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, action: str
) -> None:
    airflow.add(gong, "gong_key", conn_type="gong", extra=json.dumps({"allowed_hosts": "127.0.0.1"}))
    answer = admin.post(action, admin.form() | {"conn_id": "gong_key"})
    assert answer.status_code == 409
    assert "is not of type gong_oauth" in answer.text


def test_form_that_is_too_large_is_refused(admin: Visit) -> None:
    answer = admin.post("connect", admin.form() | {"more": "x" * 20_000})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "", "GET, HEAD"),
        ("PUT", "", "GET, HEAD"),
        ("GET", "connect", "POST"),
        ("HEAD", "connect", "POST"),
        ("POST", "callback", "GET, HEAD"),
        ("HEAD", "callback", "GET"),
        ("DELETE", "disconnect", "GET, HEAD, POST"),
    ],
)
def test_other_methods_do_nothing(
    airflow: ServedAirflow, admin: Visit, method: str, path: str, allowed: str
) -> None:
    answer = admin.get(f"{airflow.page}{path}", method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))


def test_head_of_the_callback_spends_nothing(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    assert admin.get(back, method="HEAD").status_code == 405
    assert admin.get(back).status_code == 303


def test_other_paths_are_not_there(airflow: ServedAirflow, admin: Visit) -> None:
    for path in ("docs", "openapi.json", "callback/", "connect/x"):
        answer = admin.get(f"{airflow.page}{path}")
        assert (answer.status_code, heading(answer)) == (404, "There is no such page")
    assert admin.get(airflow.page.rstrip("/")).headers["Location"] == "/gong/oauth/"


def test_page_can_be_switched_off(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = decide(admin.begin())
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_PAGE", "False")
    airflow.written.clear()
    for url in (airflow.page, back):
        assert (admin.get(url).status_code, admin.get(url).text) == (404, '{"detail":"Not Found"}')
    lines = airflow.wait_for_lines(4, "/gong/oauth")
    assert lines == ["/gong/oauth/ "] * 2 + ["/gong/oauth/callback "] * 2
    assert airflow.tokens() == set()


def test_webhooks_stay_off(airflow: ServedAirflow, admin: Visit) -> None:
    assert requests.post(f"{airflow.url}/gong/webhooks/x", timeout=30).status_code == 404
