"""What an operator makes of the arguments and of the answer of a new call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.posted import posted_before
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongRequestRefused,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.api.endpoint import Request


def read_or_keep(reading: Callable[[str, Any], Any], name: str, value: Any) -> Any:
    """Read an argument; one that cannot be read stays as it is."""
    try:
        return reading(name, value)
    except GongConfigurationError:
        return value


def created_call(request: Request, reply: dict[str, Any]) -> str:
    """Return the id of a new call; when it was lost on the way, the next attempt is told it."""
    if not reply.get("callId"):
        error = GongUnexpectedResponse(
            "The reply has no 'callId'; report it with the request id.",
            operation=request.operation,
            request_id=reply.get("requestId"),
        )
        error.in_doubt = True
        raise error
    return str(reply["callId"])


def known_call(refusal: GongRequestRefused, client_unique_id: str) -> str:
    """Return the call that has this `client_unique_id` already; raise the refusal when it says something else."""
    found = {posted_before(message, client_unique_id) for message in refusal.messages} - {None}
    call_id = found.pop() if len(found) == 1 and refusal.status == 400 else None
    if call_id is None:
        raise refusal
    return call_id
