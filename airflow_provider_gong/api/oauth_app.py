"""The app through which Gong lets us in (OAuth 2.0), and the tokens that it gets."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from airflow_provider_gong.api.base_url import base_url
from airflow_provider_gong.exceptions import GongConfigurationError, GongNotConnected

SIGN_IN = "https://app.gong.io"
AUTHORIZE = "/oauth2/authorize"
DEFAULT_SCOPES = ("api:calls:create", "api:calls:read:basic")


@dataclass(frozen=True)
class OAuthApp:
    """An app made in Gong.

    :param client_id: the API Key that Gong shows for the app.
    :param client_secret: its API Secret.
    :param sign_in: origin of Gong's consent page and of its tokens.
    :param scopes: what consent is asked for.
    :param allowed_hosts: hosts besides Gong's that it may be and that tokens may name.
    """

    client_id: str
    client_secret: str = field(repr=False)
    sign_in: str = SIGN_IN
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    allowed_hosts: tuple[str, ...] = ()

    def authorization_url(self, *, redirect_uri: str, state: str) -> str:
        """Return the address at which a technical administrator of Gong lets the app in.

        :param redirect_uri: where Gong sends the browser afterwards; one of those that the app has in Gong.
        :param state: what comes back with it, from `new_state`.
        """
        query = {
            "client_id": self.client_id,
            "response_type": "code",
            "scope": " ".join(self.scopes),
            "redirect_uri": checked_redirect_uri(redirect_uri),
            "state": state,
        }
        return f"{self.sign_in}{AUTHORIZE}?{urlencode(query)}"

    def api_url(self, value: str) -> str:
        """Return the base URL that a reply with tokens names; refuse any place but Gong's.

        :raises GongConfigurationError: naming the place.
        """
        return named_url(value, self.allowed_hosts, "api_base_url_for_customer of Gong's tokens")


@dataclass(frozen=True)
class Tokens:
    """What Gong gives for a consent or a refresh token. Of a connection's own, all but the latter may be empty.

    :param expires_at: when the access token ends, in seconds since 1970.
    :param issued_at: when it came, by the same clock.
    """

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    base_url: str = ""
    issued_at: float = 0.0
    expires_at: float = 0.0
    scopes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """Return what `from_json` takes."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what was stored; raise ValueError, TypeError or KeyError when it is something else."""
        values: dict[str, Any] = json.loads(text)
        found = cls(**values | {"scopes": tuple(values["scopes"])})
        texts = (found.refresh_token, found.access_token, found.base_url)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        return found

    def has_ended(self, now: float) -> bool:
        """Tell whether the access token is missing or has come to its end."""
        return not self.access_token or not self.base_url or self.expires_at <= now


def named_url(value: str, allowed_hosts: tuple[str, ...], name: str) -> str:
    """Return an address as `base_url` does; an error calls it by its name."""
    try:
        return base_url(value, allowed_hosts)
    except GongConfigurationError as error:
        raise GongConfigurationError(str(error).replace("Base URL:", f"{name}:", 1)) from None


def fingerprint(*secret: str) -> str:
    """Return what tells secrets apart without telling them."""
    return hashlib.sha256("\n".join(("gong-oauth", *secret)).encode()).hexdigest()


def new_state() -> str:
    """Return a word that nobody can guess, to know one's own consent by."""
    return secrets.token_urlsafe(32)


def checked_redirect_uri(value: str) -> str:
    """Return a redirect URI: https, or this machine.

    :raises GongConfigurationError: when a code must not be sent there.
    """
    url = urlsplit(value.strip())
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if url.scheme != "https" and not (url.scheme == "http" and local):
        raise GongConfigurationError(
            f"The redirect URI is {value!r}: give the https address that the app has in Gong, such as "
            f"https://airflow.example.com/gong/oauth/callback."
        )
    return value.strip()


def code_of(pasted: str, *, state: str) -> str:
    """Return the code from what somebody has pasted: the code itself, or the address Gong sent the browser to.

    :param state: what the address must carry.
    :raises GongConfigurationError: when it is neither; GongNotConnected when consent was denied.
    """
    text = pasted.strip()
    if "://" not in text and "=" not in text:
        if not text or any(character.isspace() for character in text):
            raise GongConfigurationError(
                "There is no code: paste what follows code= in the address that Gong sent the browser to, or all of it."
            )
        return text
    return code_of_answer(parse_qs(urlsplit(text).query or text), state=state)


def code_of_answer(answer: dict[str, list[str]], *, state: str) -> str:
    """Return the code of an answer of Gong's consent page.

    :param answer: the query of the redirect, as `urllib.parse.parse_qs` reads it.
    :raises GongConfigurationError: when there is none, or it answers another request.
    """
    given = {name: values[0] for name, values in answer.items()}
    if not secrets.compare_digest(given.get("state", "").encode(), state.encode()):
        raise GongConfigurationError(
            "The answer does not belong to this request (its state differs), so that nothing was stored: start again, "
            "and use the address that comes back from this start."
        )
    if given.get("error") == "access_denied":
        raise GongNotConnected("Consent was denied in Gong, so that nothing was stored.")
    if "error" in given:
        raise GongConfigurationError(
            f"Gong refused the request ({given['error'][:60]!r}), so that nothing was stored: check the scopes and "
            f"the redirect URI of the app in Gong."
        )
    if not given.get("code"):
        raise GongConfigurationError(
            "The answer has no code, so that nothing was stored: start again, and paste the whole address."
        )
    return given["code"]
