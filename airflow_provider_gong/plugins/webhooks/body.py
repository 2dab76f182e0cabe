"""The body of a request, never more of it than wanted and never for longer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow_provider_gong.plugins.webhooks.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

# A call with all its content has some hundred kilobytes.
MAX_BYTES = 5 * 1024 * 1024
SECONDS = 10.0


async def read_body(request: Request, *, limit: int = MAX_BYTES, seconds: float = SECONDS) -> bytes:
    """Return the body.

    :raises Refused: when it is too large or comes too slowly.
    """
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18 or int(length) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(request, limit)
    except TimeoutError:
        raise Refused(408, "too_slow", f"The body did not come within {seconds:g} seconds.") from None


async def _collect(request: Request, limit: int) -> bytes:
    from starlette.requests import ClientDisconnect

    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise _too_large(limit)
    except ClientDisconnect:
        raise Refused(400, "cut_off", "The body was cut off.") from None
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"The body has more than {limit} bytes.")
