"""What a request meets before and after Gong's own routes: the journal, delays and faults."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_gong.sandbox.disturb import disturb, instead_of_answer
from airflow_provider_gong.sandbox.faults import Fault, FaultKind
from airflow_provider_gong.sandbox.journal import Received, dotted_keys
from airflow_provider_gong.sandbox.replies import error_reply
from airflow_provider_gong.sandbox.state import Gong

logger = logging.getLogger(__name__)


Drop = Callable[[tuple[str, int]], None]
"""Closes the connection of a client, named by its host and port."""

# What programs ask for; people's pages and the control of the sandbox are left alone.
WATCHED = ("/v2", "/oauth2/generate-customer-token")


class Front:
    """Pass requests on to the application; note those of programs, and let faults strike them.

    A form is passed on while it arrives, since files may be large; other bodies are read first.
    """

    def __init__(self, app: ASGIApp, gong: Gong, drop: Drop) -> None:
        self._app = app
        self._gong = gong
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(WATCHED):
            await self._app(scope, receive, send)
            return
        raw = b"" if _is_form(scope) else await _read(receive)
        body = _parsed(raw)
        received = self._note(scope, body)
        fault = self._gong.faults.strike(received.method, received.path, received.has_cursor)
        await asyncio.sleep(self._delay(fault))
        rest = receive if _is_form(scope) else _replay(raw)
        if fault is not None and fault.kind is FaultKind.CUT_REQUEST:
            await _read(rest, at_least=fault.after_bytes)
            await self._close(scope, receive)
            return
        answer = instead_of_answer(fault, scope) or await self._answer(scope, rest)
        if fault is not None and fault.kind is FaultKind.LOST_REPLY:
            await self._close(scope, receive)
            return
        answer, complete = disturb(fault, answer, _cursor(scope, body))
        received.status = answer.status_code
        await _send(answer, complete, send)

    def _note(self, scope: Scope, body: Any) -> Received:
        received = Received(
            method=scope["method"],
            path=scope["path"],
            time=self._gong.clock.now(),
            has_cursor=_cursor(scope, body) is not None,
            query_keys=frozenset(_query(scope)),
            body_keys=frozenset(dotted_keys(body)),
        )
        self._gong.requests.append(received)
        # For the route that reads a form: only then its parts are known.
        scope["state"] = {**scope.get("state", {}), "received": received}
        return received

    def _delay(self, fault: Fault | None) -> float:
        slow = fault is not None and fault.kind is FaultKind.SLOW
        return self._gong.latency + (fault.seconds if fault is not None and slow else 0.0)

    async def _close(self, scope: Scope, receive: Receive) -> None:
        """Close a connection; the server would answer for us if we returned before it knows."""
        self._drop(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        """Run the application and keep its reply, so that a fault can alter it."""
        response = Response()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
                response.raw_headers = list(message["headers"])
            else:
                response.body += message.get("body", b"")

        try:
            await self._app(scope, receive, keep)
        except ClientDisconnect:
            return error_reply(400, "Malformed request")  # Nobody is left to read it.
        except Exception:
            logger.exception("The sandbox itself failed at %s %s", scope["method"], scope["path"])
            return error_reply(500, "Internal server error occurred")
        return response


def _is_form(scope: Scope) -> bool:
    return any(
        name == b"content-type" and value.lower().startswith(b"multipart/")
        for name, value in scope["headers"]
    )


async def _read(receive: Receive, *, at_least: int | None = None) -> bytes:
    """Return a body; or no more of it than has arrived with its first bytes."""
    body = bytearray()
    more = True
    while more and (at_least is None or len(body) < at_least):
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _cursor(scope: Scope, body: Any) -> str | None:
    """Return the cursor from where Gong reads it: the query of a GET, else the top of the body."""
    if scope["method"] == "GET":
        return _query(scope).get("cursor")
    return body.get("cursor") if isinstance(body, dict) else None


async def _send(response: Response, complete: bool, send: Send) -> None:
    """Send a reply; one that is not complete ends with the connection."""
    body = response.body if complete else response.body[: len(response.body) // 2]
    headers = response.raw_headers
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": not complete})
