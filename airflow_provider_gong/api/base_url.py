"""Where requests, and with them the credentials, may go."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLE = "copy it from Gong's API page, such as https://us-12345.api.gong.io"
HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
PORTS = {"https": 443, "http": 80}


def base_url(value: str, allowed_hosts: Iterable[str] = ()) -> str:
    """Return the address of Gong's API as scheme, host and port; refuse any other place.

    Only https and hosts under gong.io are accepted, unless `allowed_hosts` lists the host. Plain http is
    accepted for a listed host of this machine, and for an origin that is listed with ``http://``.

    :param value: what the user gave; the scheme may be missing, ``/v2`` and a slash at the end are dropped.
    :param allowed_hosts: hosts (``127.0.0.1``) or origins (``http://sandbox:8080``) to accept besides Gong's.
    """
    url = _split(value.strip(), "Base URL")
    allowed = [entry.strip() for entry in allowed_hosts if entry.strip()]
    if url.path.rstrip("/") not in ("", "/v2") or url.query or url.fragment:
        raise _error(
            f"{_origin(url)} carries more than a host", f"leave out what follows the host; {EXAMPLE}"
        )
    if _is_listed(url, allowed):
        return _origin(url)
    if not (url.hostname or "").endswith(".gong.io"):
        raise _error(
            f"{url.hostname} is not a host of Gong",
            f"{EXAMPLE}; to reach another server, list it in the field 'Allowed hosts' (extra allowed_hosts)",
        )
    if url.scheme != "https":
        raise _error(f"{_origin(url)} is not encrypted", f"write https://{url.hostname}")
    return _origin(url)


def _split(value: str, field: str) -> SplitResult:
    if not value:
        raise _error("it is empty", EXAMPLE, field)
    try:
        url = urlsplit(value if "://" in value else f"https://{value}")
        _ = url.port
    except ValueError:
        raise _error("it is not a URL", EXAMPLE, field) from None
    if "@" in url.netloc:
        # Not shown: it may hold the secret.
        raise _error(
            "it holds a user name or password", "put them into Access Key and Access Key Secret", field
        )
    if url.scheme not in PORTS:
        raise _error(f"{url.scheme}:// is not a scheme of the web", EXAMPLE, field)
    if not HOST.fullmatch(url.hostname or ""):
        raise _error("it has no valid host name", EXAMPLE, field)
    return url


def _origin(url: SplitResult) -> str:
    host = url.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = "" if url.port in (None, PORTS[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{shown}{port}"


def _is_listed(url: SplitResult, allowed: list[str]) -> bool:
    for entry in allowed:
        listed = _split(entry, "Allowed hosts")
        if "://" in entry or listed.port:
            if _origin(listed) == _origin(url):
                return True
        elif listed.hostname == url.hostname and (
            url.scheme == "https" or _is_this_machine(url.hostname or "")
        ):
            return True
    return False


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _error(problem: str, mend: str, field: str = "Base URL") -> GongConfigurationError:
    return GongConfigurationError(f"{field}: {problem}. To mend it: {mend}.")
