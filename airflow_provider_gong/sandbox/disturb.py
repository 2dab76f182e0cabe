"""How each kind of fault changes what a client receives."""

import json
from typing import Any

from fastapi import Response
from starlette.types import Scope

from airflow_provider_gong.sandbox.faults import Fault, FaultKind
from airflow_provider_gong.sandbox.replies import error_reply

HTML = "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>"


def instead_of_answer(fault: Fault | None, scope: Scope) -> Response | None:
    """Return what a client receives although Gong never saw the request; None: let Gong answer."""
    if fault is None:
        return None
    match fault.kind:
        case FaultKind.SERVER_ERROR:
            return error_reply(fault.status, "Internal server error occurred")
        case FaultKind.RATE_LIMITED:
            headers = {"Retry-After": str(fault.retry_after)}
            return error_reply(429, "API request limit exceeded", headers=headers)
        case FaultKind.EXPIRED_CURSOR:
            return error_reply(400, "cursor has expired")
        case FaultKind.NOT_JSON:
            return Response(HTML, media_type="text/html")
        case FaultKind.REDIRECT:
            return Response(status_code=307, headers={"Location": fault.location + scope["path"]})
    return None


def disturb(fault: Fault | None, answer: Response, cursor: str | None) -> tuple[Response, bool]:
    """Return the answer as the client receives it, and whether it arrives completely."""
    if fault is None:
        return answer, True
    match fault.kind:
        case FaultKind.DROPPED_CONNECTION:
            return answer, False
        case FaultKind.TRUNCATED_JSON:
            return _with_body(answer, answer.body[: len(answer.body) // 2]), True
        case FaultKind.MISSING_ITEMS:
            return _rewritten(answer, _without_items), True
        case FaultKind.REPEATED_CURSOR:
            return _rewritten(answer, lambda body: _with_cursor(body, cursor)), True
    return answer, True


def _without_items(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in ("requestId", "records")}


def _with_cursor(body: dict[str, Any], cursor: str | None) -> dict[str, Any]:
    return {**body, "records": {**body.get("records", {}), "cursor": cursor}}


def _rewritten(answer: Response, change: Any) -> Response:
    if answer.status_code != 200:
        return answer
    return _with_body(answer, json.dumps(change(json.loads(bytes(answer.body)))).encode())


def _with_body(answer: Response, body: bytes | memoryview) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(bytes(body), answer.status_code, headers)
