"""From an HTTP reply to its JSON object or to the error it stands for."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from airflow_provider_gong.api.base_url import is_host
from airflow_provider_gong.exceptions import (
    GongAuthenticationError,
    GongConflict,
    GongCursorExpired,
    GongForbidden,
    GongMissingScope,
    GongNotFound,
    GongRateLimited,
    GongReplyError,
    GongRequestRefused,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

# Gong names what it did not find and goes on in one of two ways; other servers say "not found" in their own.
EMPTY = re.compile(r"No [\w ]+ found (corresponding|for the specified)")
SCOPE = re.compile(r"permission to use '([^']+)'", re.IGNORECASE)
# Seen in public clients; Gong documents neither text.
DEAD_CURSOR = re.compile(r"cursor has expired|failed to verify cursor", re.IGNORECASE)

# What `_json` returns for text that is not JSON, since null is.
UNREADABLE = object()

DAY = 86_400.0
MOST_MESSAGES = 10
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class RawReply:
    """A reply as it came.

    :param content: the body; None when it was lost on the way.
    :param stalled: it was lost by silence.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes | None
    stalled: bool = False

    @property
    def is_success(self) -> bool:
        """Tell whether Gong did what it was asked."""
        return self.status // 100 == 2


@dataclass(frozen=True)
class Reply:
    """A reply that was understood; its body is None for an empty list."""

    body: dict[str, Any] | None
    status: int
    request_id: str | None


class Facts(TypedDict):
    """What every error that follows a reply carries."""

    operation: str
    status: int
    request_id: str | None
    messages: tuple[str, ...]


def read_reply(request: Request, raw: RawReply) -> Reply:
    """Return the JSON object of a reply, None for an empty list, or raise what the reply stands for."""
    body, facts = _read(request, raw)
    if raw.is_success:
        if not isinstance(body, dict):
            raise in_doubt(request, _no_object(raw, body, facts))
        return Reply(body, raw.status, facts["request_id"])
    if _is_empty_list(request, facts):
        log.info(
            "%s: nothing found. A key that may not see the data gets the same answer; "
            "if there should be some, check what its user may see in Gong.",
            request.operation,
        )
        return Reply(None, raw.status, facts["request_id"])
    raise in_doubt(request, _error(raw, facts))


def check_reply(request: Request, raw: RawReply) -> RawReply:
    """Return the reply of a success, whatever its body is, or raise what the reply stands for."""
    _, facts = _read(request, raw)
    if not raw.is_success:
        raise in_doubt(request, _error(raw, facts))
    return raw


def _read(request: Request, raw: RawReply) -> tuple[Any, Facts]:
    """Return the JSON of a reply, as far as it is any, and the facts about it; one that was cut off raises."""
    body = _json(raw.content or b"")
    facts = _facts(request, raw, body if isinstance(body, dict) else {})
    # A limit or a failure of Gong is told by the status alone.
    if _is_cut_off(raw, body) and not _is_trouble(raw.status):
        raise in_doubt(request, _cut_off(raw, facts))
    return body, facts


def tells_of_a_worn_token(raw: RawReply) -> bool:
    """Tell whether a refusal may be mended by a new access token: neither a scope nor the company is at fault."""
    if raw.status != 401:
        return False
    body = _json(raw.content or b"")
    said = " ".join(str(text) for text in _messages(body if isinstance(body, dict) else {}))
    return not SCOPE.search(said) and "inactive" not in said.lower()


def in_doubt(request: Request, error: GongReplyError) -> GongReplyError:
    """Return the error; when a write may have been carried out all the same, make the error say so."""
    refused = isinstance(error, GongRateLimited)
    if error.retryable and not request.endpoint.reads and not refused:
        error.retryable = False
        error.in_doubt = True
    return error


def _is_trouble(status: int) -> bool:
    return status == 429 or status >= 500


def _is_cut_off(raw: RawReply, body: Any) -> bool:
    # A JSON reply that cannot be read has lost its end on the way; a page of HTML comes from another server.
    claims_json = "json" in raw.headers.get("Content-Type", "")
    return raw.content is None or (bool(raw.content) and body is UNREADABLE and claims_json)


def _cut_off(raw: RawReply, facts: Facts) -> GongReplyError:
    if raw.stalled:
        return GongTimeout("The rest of the reply did not come in time.", **facts)
    return GongUnexpectedResponse("The reply was cut off on its way.", cut_off=True, **facts)


def _no_object(raw: RawReply, body: Any, facts: Facts) -> GongUnexpectedResponse:
    if not raw.content:
        # Gong answers every success with an object, so that one without any body has lost it.
        return GongUnexpectedResponse("The reply is empty.", cut_off=raw.status != 204, **facts)
    if body is UNREADABLE:
        problem = "The reply is not JSON: check Base URL, and that no proxy answers instead."
    else:
        problem = "The reply is JSON, but not the object that Gong promises."
    return GongUnexpectedResponse(problem, **facts)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except RecursionError:
        return None
    except ValueError:
        return UNREADABLE


def _facts(request: Request, raw: RawReply, body: dict[str, Any]) -> Facts:
    texts = _messages(body)
    request_id = body.get("requestId") or raw.headers.get("x-traceid")
    return {
        "operation": request.operation,
        "status": raw.status,
        "request_id": str(request_id) if request_id else None,
        "messages": tuple(_shortened(str(text)) for text in texts[:MOST_MESSAGES]),
    }


def _shortened(text: str) -> str:
    """Cut a text in its middle: what was given stands there, what Gong says of it before and after."""
    half = LONGEST_MESSAGE // 2
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:half]} ... {text[-half:]}"


def _messages(body: dict[str, Any]) -> list[Any]:
    """Return what Gong says of an error; meetings add words for the user and the address of a remedy."""
    errors = body.get("errors")
    texts = list(errors) if isinstance(errors, list) else []
    if body.get("userFacingError"):
        texts.append(body["userFacingError"])
    if body.get("fixUrl"):
        texts.append(f"Mend it at {body['fixUrl']}")
    return texts


def _is_empty_list(request: Request, facts: Facts) -> bool:
    if facts["status"] != 404 or not request.endpoint.empty_on_404:
        return False
    # A first page that promised more cannot be followed by nothing: that would end the list early.
    follows = "cursor" in request.query or "cursor" in (request.body or {})
    return not follows and any(EMPTY.match(text) for text in facts["messages"])


def _error(raw: RawReply, facts: Facts) -> GongReplyError:
    status = facts["status"]
    said = " ".join(facts["messages"])
    if _is_trouble(status):
        return _trouble(raw, facts)
    if status < 400:
        return _redirect(raw, facts)
    if status in (401, 403) and (scope := SCOPE.search(said)):
        return GongMissingScope(f"Give the access key the scope {scope[1]} in Gong.", scope=scope[1], **facts)
    if status == 400 and DEAD_CURSOR.search(said):
        return GongCursorExpired(
            "A chain of pages lives for about an hour: start it again, with a shorter window.",
            **facts,
        )
    kind, hint = REFUSED.get(status, (GongRequestRefused, ""))
    return kind(hint, **facts)


def _trouble(raw: RawReply, facts: Facts) -> GongUnavailable:
    wait = retry_after(raw.headers.get("Retry-After"))
    when = "try again later" if wait is None else f"try again in {wait:.0f} s"
    if raw.status == 429:
        return GongRateLimited(f"Gong's limit is reached; {when}.", retry_after=wait, **facts)
    return GongUnavailable(f"Gong failed; {when}.", retry_after=wait, **facts)


REFUSED: dict[int, tuple[type[GongRequestRefused], str]] = {
    401: (
        GongAuthenticationError,
        "The access key or token is not accepted: it may be mistyped, expired, revoked, "
        "or belong to another company than Base URL.",
    ),
    403: (
        GongForbidden,
        "Gong refuses this client: add its address to the Trusted IPs of the access key, "
        "check that Base URL is the one shown on Gong's API page, and that the feature is licensed.",
    ),
    404: (
        GongNotFound,
        "Nothing is at this address: check the identifier, whether the key's user may see it, and Base URL.",
    ),
    409: (GongConflict, "Gong has this already, or the settings of your company do not allow it."),
}


def _redirect(raw: RawReply, facts: Facts) -> GongUnexpectedResponse:
    location = raw.headers.get("Location")
    if location is None:
        return GongUnexpectedResponse(
            "Gong does not answer with this status: check Base URL and any proxy.", **facts
        )
    host = _host(location)
    if not host:
        return GongUnexpectedResponse("The reply is a redirect, which is not followed.", **facts)
    return GongUnexpectedResponse(
        f"Gong redirects to {host}. Redirects are not followed, since they lose the credentials: "
        f"set https://{host} as Base URL of the connection if it belongs to Gong.",
        **facts,
    )


def _host(location: str) -> str | None:
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        return None
    return host if is_host(host) else None


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, a day at most; None when there is none that makes sense.

    Gong sends whole seconds; a proxy in between may send a date.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), DAY)
    try:
        moment = parsedate_to_datetime(text)
        wait = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait), DAY)
