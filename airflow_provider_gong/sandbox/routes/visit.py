"""Who asks: authentication, limits and scopes, in the order in which Gong looks at them.

https://help.gong.io/apidocs/introduction-2
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from airflow_provider_gong.sandbox.access import AccessDeniedError, Key, require_scope
from airflow_provider_gong.sandbox.replies import Refusal
from airflow_provider_gong.sandbox.state import Gong


@dataclass(frozen=True)
class Visit:
    """An admitted request: the company it asks, and the key it came with."""

    gong: Gong
    key: Key

    def require(self, scope: str) -> None:
        """Refuse a request whose key lacks a further scope."""
        try:
            require_scope(self.key, scope)
        except AccessDeniedError as denied:
            raise Refusal(401, denied.message) from None


def needs(scope: str) -> Callable[[Request], Visit]:
    """Return a dependency that admits requests whose key has a scope."""

    async def admit(request: Request) -> Visit:
        gong: Gong = request.app.state.gong
        visit = Visit(
            gong,
            _authenticate(gong, request.headers.get("authorization", ""), request.headers.get("host", "")),
        )
        wait = gong.limits.admit()
        if wait is not None:
            raise Refusal(429, "API request limit exceeded", headers={"Retry-After": str(wait)})
        visit.require(scope)
        return visit

    return admit  # type: ignore[return-value]  # FastAPI awaits it


def _authenticate(gong: Gong, header: str, host: str) -> Key:
    scheme, _, token = header.partition(" ")
    try:
        if scheme.lower() == "bearer":
            return _admit_token(gong, token, host)
        login, password = basic(token) if scheme.lower() == "basic" else ("", "")
        return gong.access.admit(login, password, gong.clock.now())
    except AccessDeniedError as denied:
        raise Refusal(403 if denied.forbidden else 401, denied.message) from None


def _admit_token(gong: Gong, token: str, host: str) -> Key:
    key = gong.oauth.admit(token, gong.clock.now())
    if host != urlsplit(gong.oauth.customer_url).netloc:
        # What clients report of a token at another customer's host.
        raise AccessDeniedError("access token has been revoked", forbidden=True)
    if not gong.access.company_active:
        raise AccessDeniedError("Company is inactive")
    if not gong.access.trusted_ip:
        raise AccessDeniedError("IP address is not in the list of trusted IPs", forbidden=True)
    return key


def basic(token: str) -> tuple[str, str]:
    """Return login and password of HTTP Basic, empty when they cannot be read."""
    try:
        login, _, password = b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return login, password
