"""Tokens from Gong: for the code of a consent, and for a refresh token.

https://help.gong.io/docs/create-an-app-for-gong
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.endpoint import Endpoint, Request
from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens, checked_redirect_uri
from airflow_provider_gong.api.replies import RawReply, check_reply
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.transport import GongSession, fetch
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongForbidden,
    GongGrantRefused,
    GongReplyError,
    GongRequestRefused,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

# It may be sent again after a lost reply: whether that spent the refresh token only Gong can tell.
TOKEN = Endpoint("POST", "/oauth2/generate-customer-token", result=None, scope="", reads=True)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TIMEOUT = (5.0, 20.0)
ATTEMPTS = 2
MAX_WAIT = 5.0
# A day, which Gong documents.
USUAL_LIFETIME = 86_400.0
SPENT = re.compile(r"expired or revoked|code is invalid|token is invalid", re.IGNORECASE)


class TokenClient:
    """Ask Gong for tokens of an app.

    :param app: whose tokens.
    :param clock: tells the seconds since 1970; for tests.
    :param retry: what is sent again.
    :param learn: is told each secret as soon as it is known, before anything is done with it.
    """

    def __init__(
        self,
        app: OAuthApp,
        *,
        clock: Callable[[], float] = time.time,
        retry: RetryPolicy | None = None,
        learn: Callable[[str], None] = lambda secret: None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._retry = retry or RetryPolicy(attempts=ATTEMPTS, max_wait=MAX_WAIT)
        self._auth = ApiKeyAuth(app.client_id, app.client_secret)
        self._learn = learn
        self._unanswered = 0
        learn(app.client_secret)
        learn(self._auth.token)

    def exchange(self, code: str, redirect_uri: str) -> Tokens:
        """Return the tokens for the code of a consent.

        :param redirect_uri: the one that the consent was asked with.
        :raises GongError: any of `airflow_provider_gong.exceptions`; `GongGrantRefused` for a code that is too old.
        """
        self._learn(code)
        given = {"code": code, "redirect_uri": checked_redirect_uri(redirect_uri)}
        body = self._ask({"grant_type": "authorization_code", "client_id": self._app.client_id} | given)
        tokens = self._tokens(body, Tokens("", scopes=self._app.scopes))
        if not tokens.refresh_token:
            raise _broken("The reply has no refresh token")
        # At the start nothing is lost by refusing a wrong place.
        self._app.api_url(tokens.base_url)
        return tokens

    def refresh(self, old: Tokens) -> Tokens:
        """Return new tokens for a refresh token, which Gong lets be used once.

        :raises GongError: any of `airflow_provider_gong.exceptions`; `GongGrantRefused` for a token that is spent.
        """
        body = self._ask({"grant_type": "refresh_token", "refresh_token": old.refresh_token})
        return self._tokens(body, old)

    def _ask(self, given: dict[str, str]) -> dict[str, Any]:
        self._unanswered = 0
        with GongSession() as session:
            # Gong documents them in the query; servers that want a form are said to exist, and spend nothing before.
            request = Request(TOKEN, TOKEN.path, query=given)
            try:
                return self._retry.run(lambda: self._send(session, request, given))
            except GongRequestRefused as error:
                if error.status not in (400, 415) or isinstance(error, GongGrantRefused):
                    raise
                form = Request(TOKEN, TOKEN.path, body=urlencode(given), headers=FORM)
                return self._retry.run(lambda: self._send(session, form, given))

    def _send(self, session: GongSession, request: Request, given: Mapping[str, str]) -> dict[str, Any]:
        try:
            raw = fetch(session, request, base_url=self._app.sign_in, auth=self._auth, timeout=TIMEOUT)
            if 400 <= raw.status < 500 and raw.status != 429 and isinstance(_json(raw), dict):
                raise _refused(request, raw, {*given.values(), self._app.client_secret})
            body = _object(check_reply(request, raw))
        except GongReplyError as error:
            if isinstance(error, GongGrantRefused) and self._unanswered:
                error.message = "An earlier try got no answer: it may have been what spent the token. "
            self._unanswered += error.retryable
            error.message = error.message.replace("Base URL", "Sign-in URL")
            raise
        return body

    def _tokens(self, body: dict[str, Any], old: Tokens) -> Tokens:
        for name in ("access_token", "refresh_token"):
            if isinstance(body.get(name), str) and body[name]:
                self._learn(body[name])
        try:
            now = self._clock()
            return Tokens(
                access_token=_text(body, "access_token"),
                # Not every server sends a new one each time.
                refresh_token=_text(body, "refresh_token", old.refresh_token),
                base_url=_text(body, "api_base_url_for_customer", old.base_url),
                issued_at=now,
                expires_at=now + float(body.get("expires_in") or USUAL_LIFETIME),
                scopes=tuple(_text(body, "scope", " ".join(old.scopes)).split()),
            )
        except (KeyError, TypeError, ValueError):
            raise _broken("The reply is not the tokens that Gong promises") from None


def _text(body: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    value = body.get(name) or otherwise
    if not isinstance(value, str):
        raise TypeError
    return value


def _object(raw: RawReply) -> dict[str, Any]:
    body = _json(raw)
    if not isinstance(body, dict):
        raise _broken("The reply is not a JSON object: check Sign-in URL and any proxy")
    return body


def _json(raw: RawReply) -> Any:
    try:
        return json.loads(raw.content or b"")
    except (ValueError, RecursionError):
        return None


def _broken(problem: str) -> GongUnexpectedResponse:
    return GongUnexpectedResponse(f"{problem}.", operation=f"{TOKEN.method} {TOKEN.path}", status=200)


def _refused(request: Request, raw: RawReply, private: set[str]) -> GongError:
    """Return what a refusal stands for; the words of the server, without what we sent."""
    body = _json(raw)
    code, said = _words(body if isinstance(body, dict) else {}, private)
    messages = tuple(text for text in (code, said) if text)
    operation, status = request.operation, raw.status
    if code == "invalid_grant" or (status == 400 and SPENT.search(said)):
        return GongGrantRefused(operation=operation, status=status, messages=messages)
    if code in ("invalid_client", "unauthorized_client") or status == 401:
        return GongConfigurationError(
            f"{operation}: {status}: {': '.join(messages)}: Gong does not know the app: check API Key (field login) "
            f"and API Secret (field password) of the connection."
        )
    if status == 403:
        hint = (
            "Gong refuses this client: add its address to the Trusted IPs of the integration, which Gong keeps apart "
            "for access tokens and for refresh tokens."
        )
        return GongForbidden(hint, operation=operation, status=status, messages=messages)
    hint = "Check Sign-in URL, the scopes and the redirect URI."
    return GongRequestRefused(hint, operation=operation, status=status, messages=messages)


def _words(body: dict[str, Any], private: set[str]) -> tuple[str, str]:
    errors = body.get("errors")
    texts = [body.get("error_description"), *(errors if isinstance(errors, list) else [])]
    said = "; ".join(text for text in texts if isinstance(text, str))
    code = body.get("error") if isinstance(body.get("error"), str) else ""
    for secret in sorted(private, key=len, reverse=True):
        if len(secret) > 4:
            said, code = said.replace(secret, "***"), str(code).replace(secret, "***")
    return str(code)[:60], said[:300]
