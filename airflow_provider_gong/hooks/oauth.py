"""OAuth connections: their keeper of tokens, what state they are in, connecting and disconnecting."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_gong.api.oauth_app import OAuthApp, fingerprint, new_state
from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongNotConnected
from airflow_provider_gong.hooks import variables
from airflow_provider_gong.hooks.token_store import PREFIX, TokenStore, connections_of, reconnect

if TYPE_CHECKING:
    from airflow_provider_gong.api.lockbox import Lockbox
    from airflow_provider_gong.api.oauth import TokenClient
    from airflow_provider_gong.api.token_keeper import TokenKeeper
    from airflow_provider_gong.hooks.settings import Settings

STATE = f"{PREFIX}state__"
# Seconds for which a consent may take; Gong's codes live as long.
CONSENT = 600.0


@dataclass(frozen=True)
class OAuthStatus:
    """What state the tokens of a connection are in; Gong is not asked.

    :param problem: why it is not connected; empty when it is.
    :param granted: the scopes that Gong gave.
    :param missing: those that the connection names and Gong did not give.
    :param expires: when the access token ends; tasks replace it by themselves.
    :param host: the host of the customer's API.
    """

    conn_id: str
    connected: bool
    problem: str = ""
    granted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    expires: datetime | None = None
    host: str | None = None


def app_of(conn_id: str, settings: Settings) -> OAuthApp:
    """Return the Gong app of an OAuth connection.

    :raises GongConfigurationError: when it is a connection of the other kind.
    """
    if settings.oauth is None:
        raise GongConfigurationError(
            f"The connection {conn_id!r} is not of type gong_oauth: one with an access key needs no connecting."
        )
    return settings.oauth


def store_of(conn_id: str, settings: Settings) -> TokenStore:
    """Return where the tokens of a connection are kept."""
    from airflow.sdk.log import mask_secret

    return TokenStore(conn_id, app_of(conn_id, settings), settings.refresh_token, mask_secret)


def keeper_of(conn_id: str, settings: Settings, *, ahead: bool = True) -> TokenKeeper:
    """Return what hands out the access tokens of a connection.

    :param ahead: replace them ahead of their end.
    """
    from airflow_provider_gong.api.token_keeper import TokenKeeper
    from airflow_provider_gong.hooks.metrics import ClientMetrics

    store = store_of(conn_id, settings)
    return TokenKeeper(
        store.app,
        store=store,
        lockbox=_lockbox(store, settings),
        client=_token_client(store),
        reconnect=f"The Gong connection {conn_id!r} has to be connected again. {reconnect(conn_id)}",
        patience=settings.max_wait,
        ahead=ahead,
        observer=ClientMetrics(),
    )


def known_as(conn_id: str, settings: Settings) -> str:
    """Return under which name the tokens of a connection are kept.

    The Test button gives a connection another name for as long as it tests it.

    :raises GongConfigurationError: when it may be one of several.
    """
    store = store_of(conn_id, settings)
    if not variables.in_airflow() or store.is_known():
        return conn_id
    found = connections_of(store.of)
    if len(found) > 1:
        raise GongConfigurationError(
            f"Several connections have this API Key ({', '.join(sorted(found))}), and the button does not tell which "
            f"one it tests: `AIRFLOW__CORE__TEST_CONNECTION=Enabled airflow connections test NAME` does."
        )
    return found.pop() if found else conn_id


def status_of(conn_id: str, settings: Settings) -> OAuthStatus:
    """Tell what state the tokens of a connection are in."""
    store = store_of(conn_id, settings)
    try:
        tokens = store.load()
        if not tokens.access_token:
            problem = "Its own refresh token has not been used yet."
            return OAuthStatus(conn_id, True, problem, missing=store.app.scopes)
        host = urlsplit(store.app.api_url(tokens.base_url)).hostname
    except GongError as error:
        return OAuthStatus(conn_id, False, str(error), missing=store.app.scopes)
    return OAuthStatus(
        conn_id,
        True,
        granted=tokens.scopes,
        missing=tuple(scope for scope in store.app.scopes if scope not in tokens.scopes),
        expires=datetime.fromtimestamp(tokens.expires_at, UTC),
        host=host,
    )


def connect(conn_id: str, settings: Settings, *, code: str, redirect_uri: str) -> OAuthStatus:
    """Exchange the code of a consent for tokens and store them; tasks use them from then on.

    :raises GongError: any of `airflow_provider_gong.exceptions`; nothing is stored then.
    """
    from airflow_provider_gong.exceptions import GongGrantRefused

    store = store_of(conn_id, settings)
    try:
        tokens = _token_client(store).exchange(code, redirect_uri)
    except GongGrantRefused as refused:
        raise GongNotConnected(
            f"Gong does not accept the code ({'; '.join(refused.messages)}), so that nothing was stored: it is good "
            f"once and for ten minutes, and for the redirect URI it was asked with. Start again."
        ) from None
    store.connect(tokens)
    return status_of(conn_id, settings)


def disconnect(conn_id: str, settings: Settings) -> None:
    """Forget the tokens of a connection. Gong keeps the app until somebody removes it there."""
    store_of(conn_id, settings).disconnect()


def begin(conn_id: str, *, session: str, redirect_uri: str) -> str:
    """Return a state for a consent that a user's browser is sent to.

    :param session: what tells the session of the user from others.
    """
    _forget_old_states()
    state = new_state()
    waiting = {"conn_id": conn_id, "session": fingerprint(session), "redirect_uri": redirect_uri}
    variables.write(
        _state_key(state), json.dumps(waiting | {"until": time.time() + CONSENT}), "A consent of Gong"
    )
    return state


def take(state: str, *, session: str) -> tuple[str, str]:
    """Return connection and redirect URI of a consent that has come back; each can be taken once.

    :raises GongConfigurationError: when it is not one of this session, too old, or taken already.
    """
    key = _state_key(state)
    try:
        waiting = json.loads(variables.read(key) or "{}")
    except ValueError:
        waiting = {}
    # Of several that read it at once, one has removed it.
    ours = waiting.get("session") == fingerprint(session) and variables.drop(key)
    if not ours or waiting["until"] < time.time():
        raise GongConfigurationError(
            "This consent was not asked for in this session, took longer than ten minutes, or was used already, so "
            "that nothing was stored: start again."
        )
    return waiting["conn_id"], waiting["redirect_uri"]


def with_tokens(settings: Settings, base_url: str) -> Settings:
    """Return settings that know where the customer's API is, and by that whose quota is counted."""
    group = settings.quota_group or f"{base_url}\n{settings.access_key}"
    return replace(settings, base_url=base_url, quota_group=group)


def _forget_old_states() -> None:
    """Remove what is left of consents that never came back."""
    for key, text in list(variables.each(STATE)):
        try:
            until = float(json.loads(text)["until"])
        except (ValueError, TypeError, KeyError):
            continue
        if until < time.time():
            variables.drop(key)


def _state_key(state: str) -> str:
    return STATE + fingerprint(state)


def _token_client(store: TokenStore) -> TokenClient:
    from airflow_provider_gong.api.oauth import TokenClient

    return TokenClient(store.app, learn=store.learn)


def _lockbox(store: TokenStore, settings: Settings) -> Lockbox:
    from airflow_provider_gong.api.lockbox import FileLockbox, RedisLockbox

    name = f"{store.conn_id}\n{store.of}"
    if settings.redis_conn_id:
        from airflow_provider_gong.hooks.quota import redis_of

        return RedisLockbox(name, redis=redis_of(settings.redis_conn_id), server=settings.redis_conn_id)
    from airflow.sdk import conf

    return FileLockbox(name, directory=conf.get("gong", "quota_dir", fallback="") or None)
