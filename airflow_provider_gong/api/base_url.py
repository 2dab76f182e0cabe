"""Where requests, and with them the credentials, may go."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv6Address

EXAMPLE = "copy it from Gong's API page, such as https://us-12345.api.gong.io"
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"{LABEL}(\.{LABEL})*")
PORTS = {"https": 443, "http": 80}


def base_url(value: str, allowed_hosts: Iterable[str] = ()) -> str:
    """Return the address of Gong's API as scheme, host and port; refuse any other place.

    Only https and hosts under gong.io are accepted, unless `allowed_hosts` lists the host. Plain http is
    accepted for a listed host of this machine, and for an origin that is listed with ``http://``.

    :param value: what the user gave; the scheme may be missing, ``/v2`` and a slash at the end are dropped.
    :param allowed_hosts: hosts (``127.0.0.1``) or origins (``http://sandbox:8080``) to accept besides Gong's.
    """
    try:
        url = _split(value.strip())
    except ValueError as problem:
        raise _error(str(problem), EXAMPLE) from None
    allowed = [entry.strip() for entry in allowed_hosts if entry.strip()]
    if url.path.rstrip("/") not in ("", "/v2") or url.query or url.fragment:
        raise _error(
            f"{_origin(url)} carries more than a host", f"leave out what follows the host; {EXAMPLE}"
        )
    if not _is_listed(url, allowed):
        _check_gongs(url, allowed)
    return _origin(url)


def origin(value: str) -> str:
    """Return the scheme, host and port of an address as `base_url` spells them, whatever place it is.

    :raises ValueError: saying what it is instead of an address.
    """
    return _origin(_split(value))


def is_host(text: str) -> bool:
    """Tell whether the text is a host name or an IP address."""
    return len(text) <= 253 and (bool(NAME.fullmatch(text)) or _address(text) is not None)


def _check_gongs(url: SplitResult, allowed: list[str]) -> None:
    if url.scheme == "http" and _is_listed(url._replace(scheme="https"), allowed):
        raise _error(
            f"{url.hostname} is listed in 'Allowed hosts', but only for https",
            f"use https, or list {_origin(url)} in 'Allowed hosts' (extra allowed_hosts)",
        )
    if not (url.hostname or "").endswith(".gong.io"):
        raise _error(
            f"{url.hostname} is not a host of Gong",
            f"{EXAMPLE}; to reach another server, list it in the field 'Allowed hosts' (extra allowed_hosts)",
        )
    if url.scheme != "https":
        raise _error(f"{_origin(url)} is not encrypted", f"write https://{url.hostname}")


def _split(value: str) -> SplitResult:
    if not value:
        raise ValueError("it is empty")
    try:
        url = urlsplit(value if "://" in value else f"https://{value}")
        port = url.port
    except ValueError:
        raise ValueError("it is not a URL") from None
    if "@" in url.netloc:
        # Not shown: it may hold the secret.
        raise ValueError(
            "it holds a user name or password, which belong into Access Key and Access Key Secret"
        )
    if url.scheme not in PORTS:
        raise ValueError(f"{url.scheme}:// is not a scheme of the web")
    host = (url.hostname or "").removesuffix(".")
    if not is_host(host):
        raise ValueError("it has no valid host name")
    shown = f"[{host}]" if ":" in host else host
    return url._replace(netloc=shown if port is None else f"{shown}:{port}")


def _origin(url: SplitResult) -> str:
    is_usual = url.port == PORTS[url.scheme]
    return f"{url.scheme}://{url.netloc.removesuffix(f':{url.port}') if is_usual else url.netloc}"


def _is_listed(url: SplitResult, allowed: list[str]) -> bool:
    return any(_allows(entry, url) for entry in allowed)


def _allows(entry: str, url: SplitResult) -> bool:
    try:
        listed = _split(entry)
    except ValueError as problem:
        # What precedes an @ may be a secret.
        raise GongConfigurationError(
            f"Allowed hosts: of {entry.rpartition('@')[2]!r}, {problem}. To mend it: give whole hosts such as "
            f"127.0.0.1 or [::1], or origins such as http://sandbox:8080."
        ) from None
    if "://" in entry:
        return _origin(listed) == _origin(url)
    if listed.hostname != url.hostname or listed.port not in (None, url.port or PORTS[url.scheme]):
        return False
    return url.scheme == "https" or _is_this_machine(url.hostname or "")


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _error(problem: str, mend: str) -> GongConfigurationError:
    return GongConfigurationError(f"Base URL: {problem}. To mend it: {mend}.")
