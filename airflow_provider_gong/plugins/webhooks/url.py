"""URLs that mean the same, written the same way."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def normalised(url: str) -> str:
    """Return the URL with the host in small letters, without default port and closing slashes, evenly escaped.

    :raises ValueError: when it is no absolute URL of http or https.
    """
    if not url.isascii():
        url = "".join(char if char.isascii() else _escaped(char) for char in url)
    if any(char <= " " or char == "\x7f" for char in url):
        raise ValueError("white space or control characters")
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in DEFAULT_PORTS or not host or parts.username is not None:
        raise ValueError("not a URL of http or https")
    port = "" if parts.port in (None, DEFAULT_PORTS[scheme]) else f":{parts.port}"
    host = f"[{host}]" if ":" in host else host
    query = f"?{_evenly(parts.query)}" if parts.query else ""
    return f"{scheme}://{host}{port}{_evenly(parts.path).rstrip('/')}{query}"


def _evenly(text: str) -> str:
    # Only letters and digits may be written either way; an escaped slash is not a slash.
    return ESCAPE.sub(lambda found: _decoded(found[1]), text)


def _decoded(digits: str) -> str:
    char = chr(int(digits, 16))
    return char if char in UNRESERVED else f"%{digits.upper()}"


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
