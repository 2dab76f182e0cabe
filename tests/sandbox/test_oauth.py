"""Gong's OAuth as the sandbox plays it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

REDIRECT = "https://airflow.example.com/callback?from=gong"
TOKEN = "/oauth2/generate-customer-token"


def asked(gong: GongSandbox, **changes: str) -> dict[str, str]:
    usual = {
        "client_id": gong.oauth.client_id,
        "response_type": "code",
        "scope": "api:users:read api:workspaces:read",
        "redirect_uri": REDIRECT,
        "state": '"<s>',
    }
    return usual | changes


def decide(gong: GongSandbox, decision: str, **changes: str) -> dict[str, list[str]]:
    """Press a button of the consent page, and return what the browser brings back."""
    data = asked(gong, **changes) | {"decision": decision}
    reply = requests.post(f"{gong.url}/oauth2/authorize", data=data, allow_redirects=False, timeout=10)
    assert reply.status_code == 302, reply.text
    assert reply.headers["Location"].startswith(REDIRECT)
    return parse_qs(urlsplit(reply.headers["Location"]).query)


def ask_for_tokens(gong: GongSandbox, *, form: bool = False, auth: Any = None, **given: str) -> Any:
    credentials = auth or (gong.oauth.client_id, gong.oauth.client_secret)
    sent: dict[str, Any] = {"data" if form else "params": given}
    return requests.post(f"{gong.url}{TOKEN}", auth=credentials, timeout=10, **sent)


def tokens(gong: GongSandbox, **changes: str) -> dict[str, Any]:
    code = decide(gong, "allow", **changes)["code"][0]
    found: dict[str, Any] = ask_for_tokens(
        gong, grant_type="authorization_code", code=code, redirect_uri=REDIRECT
    ).json()
    return found


def get(url: str, token: str) -> requests.Response:
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_the_page_names_the_scopes_and_trusts_nothing_it_is_given(gong: GongSandbox) -> None:
    page = requests.get(f"{gong.url}/oauth2/authorize", params=asked(gong), timeout=10)
    assert page.status_code == 200
    assert "<li><code>api:users:read</code></li>" in page.text
    assert "&quot;&lt;s&gt;" in page.text
    assert "<s>" not in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "x"},
        {"response_type": "token"},
        {"redirect_uri": ""},
        {"scope": "api:no:such"},
        {"scope": ""},
    ],
    ids=str,
)
def test_what_cannot_be_allowed_has_no_buttons(gong: GongSandbox, changes: dict[str, str]) -> None:
    page = requests.get(f"{gong.url}/oauth2/authorize", params=asked(gong, **changes), timeout=10)
    assert page.status_code in (400, 401)
    assert "<button" not in page.text


def test_an_app_with_redirect_uris_takes_no_others(gong: GongSandbox) -> None:
    gong.oauth.redirect_uris = frozenset({"https://other.example.com"})
    page = requests.get(f"{gong.url}/oauth2/authorize", params=asked(gong), timeout=10)
    assert (page.status_code, "<button" in page.text) == (400, False)


def test_consent_comes_back_with_the_state(gong: GongSandbox) -> None:
    allowed, denied = decide(gong, "allow"), decide(gong, "deny")
    assert (allowed["state"], allowed["from"], "code" in allowed) == (['"<s>'], ["gong"], True)
    assert (denied["error"], "code" in denied) == (["access_denied"], False)


@pytest.mark.parametrize("form", [False, True])
def test_tokens_come_for_a_query_and_for_a_form(gong: GongSandbox, form: bool) -> None:
    code = decide(gong, "allow")["code"][0]
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    found = ask_for_tokens(gong, form=form, **given).json()
    assert found["api_base_url_for_customer"] == gong.customer_url
    assert (found["expires_in"], found["scope"]) == (86_400, "api:users:read api:workspaces:read")
    again = ask_for_tokens(gong, form=form, grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert again.json()["refresh_token"] != found["refresh_token"]
    assert ask_for_tokens(gong, form=form, **given).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "auth": ("x", "y")}, 401, "invalid_client"),
    ],
)
def test_what_is_wrong_is_named(gong: GongSandbox, given: dict[str, Any], status: int, error: str) -> None:
    reply = ask_for_tokens(gong, **given)
    assert (reply.status_code, reply.json()["error"]) == (status, error)


def test_a_token_is_good_at_its_host_for_its_scopes_and_its_time(gong: GongSandbox) -> None:
    token = tokens(gong)["access_token"]
    assert get(f"{gong.customer_url}/v2/workspaces", token).status_code == 200
    elsewhere = get(f"{gong.url}/v2/workspaces", token)
    assert (elsewhere.status_code, elsewhere.json()["errors"]) == (403, ["access token has been revoked"])
    scope = get(f"{gong.customer_url}/v2/calls", token)
    assert scope.status_code == 401
    assert scope.json()["errors"] == ["You don't have permission to use 'api:calls:read:basic' in your app."]
    gong.clock.advance(timedelta(days=1))
    assert get(f"{gong.customer_url}/v2/workspaces", token).status_code == 401


def test_a_refresh_ends_both_old_tokens(gong: GongSandbox) -> None:
    old = tokens(gong)
    given = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = ask_for_tokens(gong, validity_duration="60", **given).json()
    assert new["expires_in"] == 60
    assert get(f"{gong.customer_url}/v2/workspaces", old["access_token"]).status_code == 401
    assert get(f"{gong.customer_url}/v2/workspaces", new["access_token"]).status_code == 200
    assert ask_for_tokens(gong, **given).status_code == 400
    assert (gong.oauth.rotations, gong.oauth.refused, gong.oauth.chains) == (1, 1, 1)


def test_what_was_revoked_is_gone(gong: GongSandbox) -> None:
    old = tokens(gong)
    gong.oauth.revoke()
    assert get(f"{gong.customer_url}/v2/workspaces", old["access_token"]).status_code == 401
    reply = ask_for_tokens(gong, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert reply.json()["error"] == "invalid_grant"


def test_faults_strike_the_token_endpoint(gong: GongSandbox) -> None:
    gong.faults.add("server_error", path=TOKEN)
    assert ask_for_tokens(gong).status_code == 503
    assert [one.status for one in gong.requests.to(TOKEN)] == [503]
