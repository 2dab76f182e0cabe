"""From an HTTP reply to its JSON object or to the error it stands for."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

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
    GongUnavailable,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from requests import Response

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

# The wording differs from endpoint to endpoint, with and without a period: match loosely.
EMPTY = re.compile(r"\bno\b.*\bfound\b", re.IGNORECASE)
SCOPE = re.compile(r"permission to use '([^']+)'", re.IGNORECASE)
# Seen in public clients; Gong documents neither text.
DEAD_CURSOR = re.compile(r"cursor has expired|failed to verify cursor", re.IGNORECASE)

MOST_MESSAGES = 10
LONGEST_MESSAGE = 300


class Facts(TypedDict):
    """What every error that follows a reply carries."""

    operation: str
    status: int
    request_id: str | None
    messages: tuple[str, ...]


def read_reply(request: Request, response: Response) -> dict[str, Any] | None:
    """Return the JSON object of a reply, None for an empty list, or raise what the reply stands for."""
    if response.status_code // 100 == 2:
        return _object(request, response)
    body = _json(response)
    facts = _facts(request, response, body if isinstance(body, dict) else {})
    if _is_empty_list(request, facts):
        log.info(
            "%s: nothing found. A key that may not see the data gets the same answer; "
            "if there should be some, check what its user may see in Gong.",
            request.operation,
        )
        return None
    raise _error(response, facts)


def _object(request: Request, response: Response) -> dict[str, Any]:
    body = _json(response)
    if isinstance(body, dict):
        return body
    # A JSON reply that cannot be read has lost its end on the way; a page of HTML comes from another server.
    claims_json = "json" in response.headers.get("Content-Type", "")
    if body is None and claims_json:
        problem = "the reply ends too early to be JSON"
    elif body is None:
        problem = "the reply is not JSON: check Base URL, and that no proxy answers instead"
    else:
        problem = "the reply is JSON but not an object"
    raise GongUnexpectedResponse(
        problem, cut_off=body is None and claims_json, **_facts(request, response, {})
    )


def _json(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _facts(request: Request, response: Response, body: dict[str, Any]) -> Facts:
    errors = body.get("errors")
    texts = errors if isinstance(errors, list) else []
    request_id = body.get("requestId") or response.headers.get("x-traceid")
    return {
        "operation": request.operation,
        "status": response.status_code,
        "request_id": str(request_id) if request_id else None,
        "messages": tuple(str(text)[:LONGEST_MESSAGE] for text in texts[:MOST_MESSAGES]),
    }


def _is_empty_list(request: Request, facts: Facts) -> bool:
    if facts["status"] != 404 or not request.endpoint.empty_on_404:
        return False
    # A first page that promised more cannot be followed by nothing: that would end the list early.
    follows = "cursor" in request.query or "cursor" in (request.body or {})
    return not follows and any(EMPTY.search(text) for text in facts["messages"])


def _error(response: Response, facts: Facts) -> GongReplyError:
    status = facts["status"]
    said = " ".join(facts["messages"])
    if status == 429:
        return GongRateLimited(
            "Gong's limit is reached.", retry_after=retry_after(response.headers.get("Retry-After")), **facts
        )
    if status >= 500:
        return GongUnavailable(
            "Gong failed; try again later.",
            retry_after=retry_after(response.headers.get("Retry-After")),
            **facts,
        )
    if status < 400:
        return _redirect(response, facts)
    if status in (401, 403) and (scope := SCOPE.search(said)):
        return GongMissingScope(f"Give the access key the scope {scope[1]} in Gong.", scope=scope[1], **facts)
    if status == 400 and DEAD_CURSOR.search(said):
        return GongCursorExpired(
            "A chain of pages lives for about an hour: start it again, with a shorter window.",
            **facts,
        )
    kind, hint = REFUSED.get(status, (GongRequestRefused, ""))
    return kind(hint, **facts)


REFUSED: dict[int, tuple[type[GongRequestRefused], str]] = {
    401: (
        GongAuthenticationError,
        "The access key is not accepted: it may be mistyped, expired, revoked, "
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
    409: (GongConflict, "This contradicts what Gong already has."),
}


def _redirect(response: Response, facts: Facts) -> GongUnexpectedResponse:
    host = urlsplit(response.headers.get("Location", "")).hostname
    if not host:
        return GongUnexpectedResponse("The reply is a redirect, which is not followed.", **facts)
    return GongUnexpectedResponse(
        f"Gong redirects to {host}. Redirects are not followed, since they lose the credentials: "
        f"set https://{host} as Base URL of the connection if it belongs to Gong.",
        **facts,
    )


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header; None when there is none that makes sense.

    Gong sends whole seconds; a proxy in between may send a date.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(
        0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    )
