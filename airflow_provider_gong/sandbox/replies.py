"""Replies in Gong's shape: every body has a request id, an error has a list of messages.

https://help.gong.io/apidocs/introduction-2
"""

import json
from typing import Any
from uuid import uuid4

from fastapi import Response

Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - the name of what it is
    """Answer a request with an error."""

    def __init__(self, status: int, *messages: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.messages = messages
        self.headers = headers


def reply(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a reply; its request id is that of the trace header, as recorded from Gong."""
    request_id = uuid4().hex[:19]
    return Response(
        json.dumps({"requestId": request_id, **body}, separators=(",", ":")),
        status_code=status,
        media_type="application/json",
        headers={"x-traceid": request_id, "x-gong-service-version": "PublicApiServer", **(headers or {})},
    )


def error_reply(status: int, *messages: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error in Gong's shape."""
    return reply({"errors": list(messages)}, status, headers)
