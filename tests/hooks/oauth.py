"""OAuth connections for tests: a person at Gong's consent page, and what Airflow keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests
from airflow.sdk import Connection

from airflow_provider_gong.api.oauth_app import Tokens
from airflow_provider_gong.api.seal import seal, unseal
from airflow_provider_gong.hooks.settings import read_settings
from airflow_provider_gong.hooks.token_store import TokenStore

if TYPE_CHECKING:
    from airflow_provider_gong.hooks.settings import Settings
    from airflow_provider_gong.sandbox import GongSandbox

REDIRECT = "https://airflow.example.com/gong/oauth/callback"
SCOPES = "api:calls:read:basic api:calls:read:transcript api:users:read api:logs:read api:workspaces:read"


def fields_of(gong: GongSandbox, **extra: Any) -> dict[str, Any]:
    """Return an OAuth connection to the sandbox."""
    usual = {"allowed_hosts": "127.0.0.1, localhost", "scopes": SCOPES, "requests_per_second": 1000}
    return {
        "conn_type": "gong_oauth",
        "host": gong.url,
        "login": gong.oauth.client_id,
        "password": gong.oauth.client_secret,
        "extra": usual | extra,
    }


def settings_of(fields: dict[str, Any]) -> Settings:
    """Return what the hook reads of it."""
    return read_settings(
        Connection(conn_id="gong_default", **fields | {"extra": json.dumps(fields.get("extra", {}))})
    )


def granted(gong: GongSandbox) -> Tokens:
    """Return tokens as somebody has got them by connecting."""
    from airflow_provider_gong.api.oauth import TokenClient

    app = settings_of(fields_of(gong)).oauth
    assert app is not None
    code = gong.oauth.consent(redirect_uri=REDIRECT, scopes=set(SCOPES.split()))
    return TokenClient(app).exchange(code, REDIRECT)


def variables_of(fields: dict[str, Any], tokens: Tokens) -> dict[str, str]:
    """Return the Variables of a connection `gong_default` that somebody has connected."""
    settings = settings_of(fields)
    assert settings.oauth is not None
    store = TokenStore("gong_default", settings.oauth, settings.refresh_token, lambda secret: None)
    record = {"of": store.of, "conn_id": "gong_default"}
    return {store.key: json.dumps(record | {"tokens": seal(tokens.as_json(), settings.oauth.client_secret)})}


def tokens_in(variables: dict[str, str], gong: GongSandbox) -> list[Tokens]:
    """Return the tokens in all Variables of connections."""
    found = [json.loads(value)["tokens"] for value in variables.values()]
    return [Tokens.from_json(unseal(one, gong.oauth.client_secret)) for one in found if one]


def decide(url: str, decision: str = "allow") -> str:
    """Open the consent page, press a button, and return the address that the browser is sent to."""
    page = requests.get(url, timeout=10)
    assert page.status_code == 200, page.text
    asked = dict(parse_qsl(urlsplit(url).query))
    answer = requests.post(
        url.partition("?")[0], data=asked | {"decision": decision}, allow_redirects=False, timeout=10
    )
    return answer.headers["Location"]
