"""Raw requests: any address of Gong's API, checked before the credentials go there."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

import airflow_provider_gong.api as package
from airflow_provider_gong.api.base_url import origin
from airflow_provider_gong.api.endpoint import Endpoint, Request
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_gong.api.endpoint import RequestFunction
    from airflow_provider_gong.api.form import Form

    Pairs = Iterable[tuple[str, str]]

# TRACE and CONNECT are no way to talk to an API; the first would show the credentials in its reply.
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

PRINTABLE = re.compile(r"[!-~]+")
ABSOLUTE = re.compile(r"(https?://[^/]*)(.*)", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
VERSIONED = re.compile(r"/?(v\d+/.+)")
# What some server on the way may take for a separator, once it has decoded the path.
SEPARATORS = re.compile(r"[/\\;?#%\x00-\x1f\x7f]")
PLAIN = re.compile(r"[\w-]+", re.ASCII)

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t -~]*")
REFUSED_HEADERS = frozenset(
    {
        # Who we are.
        *("authorization", "cookie", "cookie2", "x-api-key"),
        # Which server is meant, and how much of the connection is this request.
        *("host", "connection", "content-length", "expect", "http2-settings", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
        # What another request is meant than the one we looked at.
        *("x-http-method", "x-http-method-override", "x-method-override", "x-original-method"),
        *("x-original-url", "x-rewrite-url"),
        # Where it comes from.
        *("forwarded", "via", "x-real-ip"),
    }
)
REFUSED_PREFIXES = ("proxy-", "x-forwarded-", "sec-")


def raw_request(
    *,
    base_url: str,
    url: str,
    method: str = "GET",
    query: Pairs = (),
    headers: Pairs = (),
    body: Any = None,
    form: Form | None = None,
) -> Request:
    """Return a request of any operation; a repeated name of the query is kept, one of a header is joined.

    It reads when its method is GET or HEAD, or when the described endpoint at its method and path does.

    :param base_url: the address of the connection, as `airflow_provider_gong.api.base_url.base_url` returns it.
    :param url: a path such as ``/v2/calls``, or an address on the same scheme, host and port.
    :param body: an object or a list, sent as JSON; a text is sent as it is.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    verb = method.strip().upper()
    if verb not in METHODS:
        raise GongConfigurationError(f"method={method!r} is none of {', '.join(METHODS)}.")
    path, in_url = read_url(url, base_url)
    checked = read_headers(headers)
    if form is not None and "Content-Type" in checked:
        raise GongConfigurationError("header has Content-Type: leave it out, since a form says its own.")
    if isinstance(body, str):
        checked.setdefault("Content-Type", "text/plain; charset=utf-8")
    return Request(
        _endpoint(verb, path), path, _query([*in_url, *query]), json_copy(body), form=form, headers=checked
    )


def read_url(url: str, base_url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the path of a URL, in one spelling, and its query.

    :raises GongConfigurationError: when it does not lead to Gong's API at `base_url`.
    """
    text = url.strip()
    if not PRINTABLE.fullmatch(text) or "\\" in text or "#" in text:
        raise _wrong_url("it is empty, or has a blank, a backslash, a # or a character that is not encoded")
    address, _, query = text.partition("?")
    if absolute := ABSOLUTE.fullmatch(address):
        _check_origin(absolute[1], base_url)
        address = absolute[2]
    elif SCHEME.match(address):
        raise _wrong_url("it leads to another server, or by another way than https")
    versioned = VERSIONED.fullmatch(address)
    if versioned is None:
        raise _wrong_url("its path does not begin with a version of the API")
    try:
        segments = [unquote(segment, errors="strict") for segment in versioned[1].split("/")]
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise _wrong_url("it has percent signs that encode no text in UTF-8") from None
    if any(SEPARATORS.search(segment) or not segment.strip(". ") for segment in segments):
        raise _wrong_url("its path has an empty part, dots that climb, a semicolon or an encoded separator")
    return "/" + "/".join(quote(segment, safe="~:@!$&'()*+,=") for segment in segments), pairs


def _check_origin(address: str, base_url: str) -> None:
    try:
        given = origin(address)
    except ValueError as problem:
        raise _wrong_url(f"{problem}") from None
    if given != base_url:
        raise _wrong_url(
            f"it leads to {given}, and the credentials of the connection are for {base_url} only"
        )


def _wrong_url(problem: str) -> GongConfigurationError:
    # The URL is not shown: its query may be personal, and what precedes an @ a secret.
    return GongConfigurationError(f"url: {problem}. To mend it: give a path of Gong's API such as /v2/calls.")


def read_headers(headers: Pairs) -> dict[str, str]:
    """Return headers by their usual spelling, without those that are the connection's own.

    :raises GongConfigurationError: naming the header that cannot be sent.
    """
    checked: dict[str, str] = {}
    for number, (name, value) in enumerate(headers):
        if not TOKEN.fullmatch(name):
            # Not shown: what follows a line break may be a secret.
            raise GongConfigurationError(f"header: the name of entry {number} is not one of a header.")
        key = "-".join(part.capitalize() for part in name.split("-"))
        # Some servers take both signs for the same.
        plain = name.lower().replace("_", "-")
        if plain in REFUSED_HEADERS or plain.startswith(REFUSED_PREFIXES):
            raise GongConfigurationError(
                f"header has {key}, which only the connection may set: leave it out."
            )
        if not HEADER_VALUE.fullmatch(value):
            raise GongConfigurationError(
                f"header: the value of {key} has a line break or a character beyond ASCII."
            )
        checked[key] = f"{checked[key]}, {value.strip()}" if key in checked else value.strip()
    return checked


def json_copy(body: Any) -> Any:
    """Return a copy of a body that shares nothing with the caller's, as it goes on the wire."""
    try:
        return json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise GongConfigurationError(
            "data holds what JSON does not have: give texts, numbers, booleans, lists and objects only."
        ) from None


def _query(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def _endpoint(method: str, path: str) -> Endpoint:
    found = described_endpoint(method, path)
    # Raw is raw: the whole reply, and a 404 as an error.
    return Endpoint(
        method,
        found.path if found else _without_values(path),
        result=None,
        scope=found.scope if found else "",
        reads=found.reads if found else method in ("GET", "HEAD"),
    )


def _without_values(path: str) -> str:
    """Return the path as logs and errors may have it: addresses and numbers of people are left out."""
    return "/".join(part if PLAIN.fullmatch(part) or not part else "{}" for part in path.split("/"))


def described_endpoint(method: str, path: str) -> Endpoint | None:
    """Return the endpoint of this package that a method and a path belong to, if there is one."""
    fitting = {
        function.endpoint
        for function in described().values()
        if function.endpoint.method == method and _fits(function.endpoint.path, path)
    }
    # /calls/extensive also looks like /calls/{id}.
    return min(fitting, key=lambda endpoint: endpoint.path.count("{"), default=None)


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part.startswith("{") or part == one for part, one in zip(parts, given, strict=True)
    )


@cache
def described() -> Mapping[str, RequestFunction[...]]:
    """Return all functions of this package that make requests, by names such as ``calls.list_calls``."""
    found: dict[str, RequestFunction[...]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, function in vars(module).items():
            is_its_own = getattr(function, "__module__", None) == module.__name__
            if is_its_own and isinstance(getattr(function, "endpoint", None), Endpoint):
                found[f"{info.name}.{name}"] = function
    return found
