"""What an Airflow connection of type ``gong`` or ``gong_oauth`` says, checked."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_gong.api.base_url import base_url
from airflow_provider_gong.api.oauth_app import DEFAULT_SCOPES, SIGN_IN, OAuthApp, named_url
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Connection

    # Its label, what reads it, and what to give.
    Reader = tuple[str, Callable[[Any], Any], str]

log = logging.getLogger(__name__)

OAUTH = "gong_oauth"


@dataclass(frozen=True)
class Settings:
    """The checked values of a connection; the form in `provider_info` describes them."""

    base_url: str
    access_key: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    quota_group: str = field(repr=False)
    allowed_hosts: tuple[str, ...] = ()
    requests_per_second: int = 3
    requests_per_day: int = 10_000
    daily_share: float = 80
    backfill_share: float = 50
    redis_conn_id: str | None = None
    max_wait: float = 60
    connect_timeout: float = 10
    read_timeout: float = 60
    read_only: bool = False
    oauth: OAuthApp | None = None
    """The Gong app of an OAuth connection: its tokens tell Base URL, and Access Key and secret are the app's."""
    refresh_token: str = field(default="", repr=False)


def read_settings(connection: Connection) -> Settings:
    """Return the settings of a connection.

    :raises GongConfigurationError: naming the field that must be mended.
    """
    if connection.conn_type == OAUTH:
        return _oauth_settings(connection)
    extras = _read_extras(_extra(connection), READERS)
    address = base_url(_address(connection), extras.get("allowed_hosts", ()))
    key = _required(connection.login, "Access Key", "login", KEY)
    secret = _required(connection.password, "Access Key Secret", "password", KEY)
    # Two connections with the same key share a quota without being told to.
    extras.setdefault("quota_group", f"{address}\n{key}")
    return Settings(address, key, secret, **extras)


def _oauth_settings(connection: Connection) -> Settings:
    extras = _read_extras(_extra(connection), OAUTH_READERS)
    hosts = extras.get("allowed_hosts", ())
    app = OAuthApp(
        _required(connection.login, "API Key", "login", APP),
        _required(connection.password, "API Secret", "password", APP),
        sign_in=named_url(_address(connection) or SIGN_IN, hosts, "Sign-in URL"),
        scopes=extras.pop("scopes", DEFAULT_SCOPES),
        allowed_hosts=hosts,
    )
    # Base URL, and by that the company whose quota it is, come with the tokens.
    extras.setdefault("quota_group", "")
    return Settings("", app.client_id, app.client_secret, oauth=app, **extras)


KEY = "create an access key on Gong's API page and fill in both of its parts"
APP = "create an app in Gong and fill in both, API Key and API Secret"


def _required(value: str | None, label: str, standard_field: str, mend: str) -> str:
    if not (value or "").strip():
        raise GongConfigurationError(f"{label} (field {standard_field}) is empty: {mend}.")
    return (value or "").strip()


def _address(connection: Connection) -> str:
    """Put the parts together that a URI spreads over host, schema and port."""
    host = (connection.host or "").strip()
    if not host:
        return ""
    if "://" not in host:
        host = f"{connection.schema if connection.schema in ('http', 'https') else 'https'}://{host}"
    try:
        url = urlsplit(host)
    except ValueError:
        # Base URL's own check says it better.
        return host
    # The form stores 0 for a port that was left empty. The one in Base URL wins, since the form asks for 443; so does
    # plain http, which nobody speaks there.
    asked_for = url.scheme == "http" and connection.port == 443
    if connection.port and not asked_for and ":" not in url.netloc.rpartition("]")[2]:
        url = url._replace(netloc=f"{url.netloc}:{connection.port}")
    return url.geturl()


def _extra(connection: Connection) -> dict[str, Any]:
    # Airflow takes an extra that it cannot read for an empty one: a read-only connection would allow writes.
    text = (connection.extra or "").strip()
    try:
        extra = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise GongConfigurationError(
            'Extra (field extra) cannot be read: give one JSON object, such as {"read_only": true}.'
        )
    return extra


def _read_extras(extra: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    spellings = {name.replace("_", ""): name for name in readers}
    unknown = sorted(set(extra) - set(readers))
    for name in unknown:
        meant = name.lower().replace("_", "").replace("-", "")
        if meant in spellings:
            raise GongConfigurationError(f"Extra {name!r} is misspelled: write {spellings[meant]}.")
    if unknown:
        log.warning("The Gong connection has extras that mean nothing here: %s.", ", ".join(unknown))
    # The form stores null or an empty text for a field that was left empty.
    given = {name: extra[name] for name in readers if extra.get(name) not in (None, "")}
    return {name: _read(name, value, readers[name]) for name, value in given.items()}


def _read(name: str, value: Any, how: Reader) -> Any:
    label, reader, wanted = how
    try:
        return reader(value)
    except (KeyError, TypeError, ValueError, OverflowError):
        shown = "not usable" if "token" in name else repr(value)
        raise GongConfigurationError(f"{label} (extra {name}) is {shown}: give {wanted}.") from None


def _hosts(value: Any) -> tuple[str, ...]:
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    return tuple(str(part) for part in parts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.strip()


def _scopes(value: Any) -> tuple[str, ...]:
    words = _text(value).split()
    if not words or not all(word.startswith("api:") for word in words):
        raise ValueError
    return tuple(dict.fromkeys(words))


def _whole(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        # A URI gives texts, a number from the form may come as 3.0; true is a number to Python.
        number = float(value)
        if isinstance(value, bool) or number != int(number) or not 1 <= number <= most:
            raise ValueError
        return int(number)

    return read


def _number(most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = float(value)
        if isinstance(value, bool) or not 0 < number <= most:
            raise ValueError
        return number

    return read


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
        str(value).strip().lower()
    ]


SECONDS = (_number(86_400), "a number of seconds above 0, at most 86400")

READERS: dict[str, Reader] = {
    "allowed_hosts": ("Allowed hosts", _hosts, "hosts or origins, separated by commas"),
    "requests_per_second": ("Requests per second", _whole(1000), "a whole number from 1 to 1000"),
    "requests_per_day": ("Requests per day", _whole(10_000_000), "a whole number from 1 to 10000000"),
    "daily_share": ("Share of the day (%)", _number(100), "a percentage above 0, at most 100"),
    "backfill_share": ("Backfills' share of the day (%)", _number(100), "a percentage above 0, at most 100"),
    "quota_group": ("Quota group", _text, "a name as text"),
    "redis_conn_id": ("Redis connection", _text, "the name of an Airflow connection as text"),
    "max_wait": ("Longest wait (s)", *SECONDS),
    "connect_timeout": ("Connect timeout (s)", *SECONDS),
    "read_timeout": ("Read timeout (s)", *SECONDS),
    "read_only": ("Read only", _switch, "true or false"),
}

OAUTH_READERS: dict[str, Reader] = {
    "scopes": (
        "Scopes",
        _scopes,
        "scopes separated by spaces, such as api:calls:create api:calls:read:basic",
    ),
    "refresh_token": ("Refresh token", _text, "the token as text"),
    **READERS,
}
