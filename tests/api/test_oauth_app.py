from __future__ import annotations

import pytest

from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens, checked_redirect_uri, code_of, new_state
from airflow_provider_gong.exceptions import GongConfigurationError, GongNotConnected

BACK = "https://airflow.example.com/callback"


@pytest.mark.parametrize(
    "pasted",
    ["abc-1", " abc-1\n", f"{BACK}?code=abc-1&state=S", f"{BACK}?state=S&code=abc-1", "code=abc-1&state=S"],
)
def test_a_code_is_found_in_what_was_pasted(pasted: str) -> None:
    assert code_of(pasted, state="S") == "abc-1"


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "There is no code"),
        ("two words", "There is no code"),
        (f"{BACK}?code=abc", "state differs"),
        (f"{BACK}?code=abc&state=T", "state differs"),
        (f"{BACK}?state=S", "has no code"),
        (f"{BACK}?state=S&error=invalid_scope", "invalid_scope"),
    ],
)
def test_what_is_no_answer_is_told(pasted: str, said: str) -> None:
    with pytest.raises(GongConfigurationError, match=said):
        code_of(pasted, state="S")


def test_a_denied_consent_is_told() -> None:
    with pytest.raises(GongNotConnected, match="denied"):
        code_of(f"{BACK}?state=S&error=access_denied", state="S")


@pytest.mark.parametrize("uri", [BACK, "http://localhost:8080/x", "http://127.0.0.1/x"])
def test_a_code_may_come_back_encrypted_or_to_this_machine(uri: str) -> None:
    assert checked_redirect_uri(f" {uri} ") == uri


@pytest.mark.parametrize(
    "uri", ["http://airflow.example.com/x", "ftp://localhost/x", "airflow.example.com", ""]
)
def test_a_code_may_not_go_elsewhere(uri: str) -> None:
    with pytest.raises(GongConfigurationError, match="redirect URI"):
        checked_redirect_uri(uri)


@pytest.mark.parametrize(
    "url", ["http://us-1.api.gong.io", "https://gong.io.example.com", "https://user:pw@us-1.api.gong.io", ""]
)
def test_tokens_may_name_only_gongs_hosts(url: str) -> None:
    with pytest.raises(GongConfigurationError, match="api_base_url_for_customer"):
        OAuthApp("APP", "secret").api_url(url)


def test_states_differ() -> None:
    assert len({new_state() for _ in range(50)}) == 50


def test_tokens_survive_their_storage() -> None:
    tokens = Tokens("r", "a", "https://us-1.api.gong.io", 1.5, 2.5, ("api:users:read",))
    assert Tokens.from_json(tokens.as_json()) == tokens


def test_tokens_and_apps_hide_their_secrets() -> None:
    assert "hunter2" not in f"{Tokens('hunter2', 'hunter2')!r}{OAuthApp('APP', 'hunter2')!r}"
