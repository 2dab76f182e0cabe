"""Gong's OAuth 2.0: an app that a company lets in, codes, and tokens that are spent once.

https://help.gong.io/docs/create-an-app-for-gong
"""

import secrets
import threading
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from airflow_provider_gong.sandbox.access import SCOPES, AccessDeniedError, Key
from airflow_provider_gong.sandbox.clock import Clock

CODE_LIFETIME = timedelta(minutes=10)
TOKEN_LIFETIME = timedelta(days=1)


class OAuthError(Exception):
    """Say what is wrong with a request for tokens, in the words of RFC 6749."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True)
class Code:
    """What a consent allows to be fetched, once and soon."""

    redirect_uri: str
    scopes: frozenset[str]
    expires: datetime


@dataclass(frozen=True)
class Grant:
    """Two tokens that belong together."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scopes: frozenset[str]
    expires: datetime
    lifetime: timedelta


class OAuth:
    """Keep the app of a company and its tokens; safe for threads.

    What Gong does not tell is played the hard way: a refresh also ends the access token that it replaces.

    `redirect_uris` are those that the app accepts; empty: any. `token_lifetime` may be changed at any time.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self.client_id = _word(seed, "client id")
        self.client_secret = _word(seed, "client secret")
        self.redirect_uris: frozenset[str] = frozenset()
        self.token_lifetime = TOKEN_LIFETIME
        self.trusted_ip = True
        """False: the address of the client is not trusted for refreshes; those of access tokens are apart."""
        self.customer_url = ""
        """The address that the tokens belong to; set when the sandbox starts."""
        self.rotations = 0
        self.refused = 0
        """How often a refresh token was given that is spent, revoked or unknown."""
        self._clock = clock
        self._lock = threading.RLock()
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._by_refresh: dict[str, Grant] = {}

    def consent(
        self, *, redirect_uri: str = "", scopes: frozenset[str] | set[str] | None = None, client_id: str = ""
    ) -> str:
        """Allow the app what it asks for, and return the code."""
        with self._lock:
            self.check_request(client_id or self.client_id, redirect_uri)
            code = secrets.token_urlsafe(24)
            granted = frozenset(SCOPES if scopes is None else scopes) & SCOPES
            self._codes[code] = Code(redirect_uri, granted, self._clock.now() + CODE_LIFETIME)
            return code

    def check_request(self, client_id: str, redirect_uri: str) -> None:
        """Raise `OAuthError` when nobody may be asked for consent."""
        if client_id != self.client_id:
            raise OAuthError("invalid_client", "No app has this client id.", 401)
        if self.redirect_uris and redirect_uri not in self.redirect_uris:
            raise OAuthError("invalid_request", "The redirect URI is not one of the app.")

    def authenticate(self, client_id: str, client_secret: str) -> None:
        """Raise `OAuthError` when this is not the app."""
        right = secrets.compare_digest(client_secret, self.client_secret)
        if client_id != self.client_id or not right:
            raise OAuthError("invalid_client", "Bad client credentials.", 401)

    def exchange(self, code: str, redirect_uri: str) -> Grant:
        """Return the tokens that a code stands for; each is good once."""
        with self._lock:
            found = self._codes.pop(code, None)
            if found is None or found.expires <= self._clock.now() or found.redirect_uri != redirect_uri:
                raise OAuthError("invalid_grant", "Authorization code is invalid.")
            return self._grant(found.scopes)

    def refresh(self, refresh_token: str, lifetime: timedelta | None = None) -> Grant:
        """Return new tokens for a refresh token, which is spent by that."""
        with self._lock:
            old = self._by_refresh.pop(refresh_token, None)
            if old is None:
                self.refused += 1
                raise OAuthError("invalid_grant", "Token has been expired or revoked.")
            self._grants.pop(old.access_token, None)
            self.rotations += 1
            return self._grant(old.scopes, lifetime)

    def admit(self, access_token: str, now: datetime) -> Key:
        """Return what the token may do, as a key; or raise `AccessDeniedError`."""
        with self._lock:
            grant = self._grants.get(access_token)
        if grant is None:
            raise AccessDeniedError("access token has been revoked")
        if grant.expires <= now:
            raise AccessDeniedError("Access token has expired")  # wording not established
        return Key("", "", grant.scopes)

    def expire_access_tokens(self) -> None:
        """Let no access token be accepted any more; refresh tokens stay good."""
        with self._lock:
            self._grants.clear()

    def revoke(self) -> None:
        """Take everything back, as an administrator does in Gong."""
        with self._lock:
            self._grants.clear()
            self._by_refresh.clear()
            self._codes.clear()

    @property
    def chains(self) -> int:
        """Return how many refresh tokens are still good."""
        with self._lock:
            return len(self._by_refresh)

    def is_valid(self, refresh_token: str) -> bool:
        """Tell whether a refresh token is still good, without spending it."""
        with self._lock:
            return refresh_token in self._by_refresh

    def _grant(self, scopes: frozenset[str], lifetime: timedelta | None = None) -> Grant:
        lives = lifetime or self.token_lifetime
        expires = self._clock.now() + lives
        grant = Grant(secrets.token_urlsafe(40), secrets.token_urlsafe(40), scopes, expires, lives)
        self._grants[grant.access_token] = self._by_refresh[grant.refresh_token] = grant
        return grant


def _word(*seed: object) -> str:
    digest = sha256(":".join(map(str, ("oauth", *seed))).encode()).digest()
    return b32encode(digest).decode()[:32]
