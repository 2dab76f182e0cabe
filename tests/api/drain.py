"""A server on this machine that reads bodies of any length and keeps their hashes only."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CHUNK = 1 << 16
HEAD = 4096


@dataclass(frozen=True)
class Drained:
    """What is known of a body: its headers, the beginning, the length and the hash."""

    headers: dict[str, str]
    head: bytes
    length: int
    sha256: str


class Drain:
    """Answer each request with the next status, once its whole body has come; the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses or (201,))
        self.bodies: list[Drained] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        drain = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = _drained(self)
                if body is None:
                    self.close_connection = True
                    return
                drain.bodies.append(body)
                status = drain.statuses[0] if len(drain.statuses) == 1 else drain.statuses.pop(0)
                answer = json.dumps({"requestId": "r", "callId": "7", "errors": []}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                return

        return Handler


def _drained(handler: BaseHTTPRequestHandler) -> Drained | None:
    """Read a body to its end; None when it breaks off."""
    left = length = int(handler.headers["Content-Length"])
    digest, head = hashlib.sha256(), b""
    while left:
        chunk = handler.rfile.read(min(left, CHUNK))
        if not chunk:
            return None
        head += chunk[: HEAD - len(head)]
        digest.update(chunk)
        left -= len(chunk)
    return Drained(dict(handler.headers), head, length, digest.hexdigest())
