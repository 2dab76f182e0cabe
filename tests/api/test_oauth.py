"""Asking Gong for tokens: what is sent, and what its answers mean."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_gong.api.oauth import TokenClient
from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongForbidden,
    GongGrantRefused,
    GongRateLimited,
    GongRequestRefused,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.api.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

REDIRECT = "https://airflow.example.com/callback"
PATH = "/oauth2/generate-customer-token"


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=0, days=0, users=1, per_second=None) as gong:
        yield gong


def app_of(url: str, secret: str = "hunter2secret", client_id: str = "APP") -> OAuthApp:
    return OAuthApp(client_id, secret, sign_in=url, allowed_hosts=("127.0.0.1", "localhost"))


def client_of(gong: GongSandbox, **changes: Any) -> TokenClient:
    app = app_of(gong.url, changes.get("secret", gong.oauth.client_secret), gong.oauth.client_id)
    return TokenClient(app, retry=RetryPolicy(attempts=2, delay=0.01, sleep=lambda seconds: None))


def tokens(gong: GongSandbox) -> Tokens:
    return client_of(gong).exchange(gong.oauth.consent(redirect_uri=REDIRECT), REDIRECT)


def test_a_code_gives_tokens_with_host_scopes_and_end(gong: GongSandbox) -> None:
    code = gong.oauth.consent(redirect_uri=REDIRECT, scopes={"api:users:read"})
    found = client_of(gong).exchange(code, REDIRECT)
    assert found.base_url == gong.customer_url
    assert found.scopes == ("api:users:read",)
    assert found.expires_at - found.issued_at == 86_400
    [asked] = gong.requests.to(PATH)
    assert {"grant_type", "code", "redirect_uri"} <= asked.query_keys


def test_a_code_is_good_once_for_ten_minutes_and_for_its_redirect_uri(gong: GongSandbox) -> None:
    client = client_of(gong)
    code = gong.oauth.consent(redirect_uri=REDIRECT)
    with pytest.raises(GongGrantRefused):
        client.exchange(code, f"{REDIRECT}/other")
    code = gong.oauth.consent(redirect_uri=REDIRECT)
    client.exchange(code, REDIRECT)
    with pytest.raises(GongGrantRefused):
        client.exchange(code, REDIRECT)
    late = gong.oauth.consent(redirect_uri=REDIRECT)
    gong.clock.advance(timedelta(minutes=11))
    with pytest.raises(GongGrantRefused):
        client.exchange(late, REDIRECT)


def test_a_refresh_token_is_good_once(gong: GongSandbox) -> None:
    old = tokens(gong)
    new = client_of(gong).refresh(old)
    assert {old.access_token, old.refresh_token}.isdisjoint({new.access_token, new.refresh_token})
    with pytest.raises(GongGrantRefused, match="expired or revoked") as caught:
        client_of(gong).refresh(old)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("kind", "settings", "error"),
    [
        ("server_error", {}, GongUnavailable),
        ("dropped_connection", {}, GongUnexpectedResponse),
        ("not_json", {}, GongUnexpectedResponse),
        ("redirect", {}, GongUnexpectedResponse),
        ("rate_limited", {"retry_after": 600}, GongRateLimited),
    ],
)
def test_trouble_keeps_its_kind(gong: GongSandbox, kind: str, settings: Any, error: type[GongError]) -> None:
    old = tokens(gong)
    gong.faults.add(kind, times=None, **settings)
    with pytest.raises(error) as caught:
        client_of(gong).refresh(old)
    assert old.refresh_token not in f"{caught.value!r} {caught.value}"


def test_silence_is_a_time_out(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tokens(gong)
    monkeypatch.setattr("airflow_provider_gong.api.oauth.TIMEOUT", (1.0, 0.1))
    gong.faults.add("slow", seconds=0.4, times=None)
    with pytest.raises(GongTimeout):
        client_of(gong).refresh(old)


def test_a_moment_of_trouble_is_survived(gong: GongSandbox) -> None:
    old = tokens(gong)
    gong.faults.add("server_error")
    assert client_of(gong).refresh(old).access_token


def test_a_wrong_secret_names_the_fields_and_spends_nothing(gong: GongSandbox) -> None:
    old = tokens(gong)
    with pytest.raises(GongConfigurationError, match=r"API Key \(field login\)"):
        client_of(gong, secret="not-the-secret").refresh(old)
    assert gong.oauth.is_valid(old.refresh_token)


def test_an_address_that_is_not_trusted_is_told(gong: GongSandbox) -> None:
    old = tokens(gong)
    gong.oauth.trusted_ip = False
    with pytest.raises(GongForbidden, match="Trusted IPs"):
        client_of(gong).refresh(old)


def test_tokens_for_a_place_that_is_not_gongs_are_refused(gong: GongSandbox) -> None:
    gong.oauth.customer_url = "https://gong.io.evil.example.com"
    with pytest.raises(GongConfigurationError, match=r"gong\.io\.evil\.example\.com is not a host of Gong"):
        tokens(gong)


def answering(answer: str, status: str = "200 OK") -> Any:
    headers = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
    return f"{headers}{answer}".encode()


@pytest.mark.parametrize(
    "answer",
    ["[]", "{}", '{"access_token": 7}', '{"access_token": "a", "refresh_token": "b", "expires_in": "soon"}'],
)
def test_an_answer_without_tokens_is_told(answer: str) -> None:
    with Wire(answering(answer)) as wire, pytest.raises(GongUnexpectedResponse):
        TokenClient(app_of(wire.url)).refresh(Tokens("spent"))


def test_a_server_that_wants_a_form_gets_one() -> None:
    refusal = answering('{"error": "invalid_request"}', "400 Bad Request")
    accepted = answering('{"access_token": "a-b", "api_base_url_for_customer": "https://us-1.api.gong.io"}')
    with Wire(refusal, accepted) as wire:
        found = TokenClient(app_of(wire.url)).refresh(Tokens("old-token", scopes=("api:users:read",)))
    assert (found.refresh_token, found.scopes) == ("old-token", ("api:users:read",))


def test_a_server_that_repeats_what_it_was_given_does_not_get_it_told() -> None:
    answer = answering('{"error": "no-old-token", "error_description": "old-token hunter2secret"}', "400 Bad")
    with Wire(answer, answer) as wire, pytest.raises(GongRequestRefused) as caught:
        TokenClient(app_of(wire.url)).refresh(Tokens("old-token"))
    assert "old-token" not in str(caught.value)
    assert "hunter2secret" not in str(caught.value)


def test_nothing_private_is_logged(gong: GongSandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        old = tokens(gong)
        new = client_of(gong).refresh(old)
    assert PATH in caplog.text
    for secret in (old.refresh_token, old.access_token, new.refresh_token, gong.oauth.client_secret, "code="):
        assert secret not in caplog.text


def test_every_secret_is_learnt_before_anything_else(gong: GongSandbox) -> None:
    learnt: list[str] = []
    app = app_of(gong.url, gong.oauth.client_secret, gong.oauth.client_id)
    code = gong.oauth.consent(redirect_uri=REDIRECT)
    gong.oauth.customer_url = "https://example.com"
    with pytest.raises(GongConfigurationError):
        TokenClient(app, learn=learnt.append).exchange(code, REDIRECT)
    assert {gong.oauth.client_secret, code} < set(learnt)
    assert len(learnt) == 5


def test_the_address_of_consent_has_what_gong_wants(gong: GongSandbox) -> None:
    url = app_of("https://app.gong.io").authorization_url(redirect_uri=REDIRECT, state="xyz")
    assert url.startswith("https://app.gong.io/oauth2/authorize?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["APP"],
        "response_type": ["code"],
        "scope": ["api:calls:create api:calls:read:basic"],
        "redirect_uri": [REDIRECT],
        "state": ["xyz"],
    }
