"""An S3 on this machine that fails at requests of your choice: moto's server behind a switch."""

from __future__ import annotations

import io
import socket
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable

    Which = Callable[["S3Request"], bool]
    Answer = tuple[str, list[tuple[str, str]], bytes]


class S3Fault(StrEnum):
    """What can go wrong between a client and S3."""

    SLOW_DOWN = "slow_down"
    """503, the prefix has too many requests."""
    INTERNAL_ERROR = "internal_error"
    """500."""
    DENIED = "denied"
    """403: nobody who knows S3 sends it again."""
    DROPPED = "dropped"
    """The connection closes before S3 acts."""
    LOST_REPLY = "lost_reply"
    """S3 carries the request out, then the connection closes without a reply."""
    CUT_REPLY = "cut_reply"
    """S3 carries the request out, then the connection closes in the middle of the reply."""


_ANSWERS = {
    S3Fault.SLOW_DOWN: ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    S3Fault.INTERNAL_ERROR: (
        "500 Internal Server Error",
        "InternalError",
        "We encountered an internal error.",
    ),
    S3Fault.DENIED: ("403 Forbidden", "AccessDenied", "Access Denied"),
}


@dataclass(frozen=True)
class S3Request:
    """A request as it came, counted from 0 since the last strike was set."""

    number: int
    method: str
    target: str


class StruckS3:
    """Serve S3 on a free loopback port; requests that `strike` chooses meet a fault."""

    def __init__(self) -> None:
        self.requests: list[S3Request] = []
        self.struck: list[S3Request] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._fault = S3Fault.DENIED
        self._which: Which = lambda request: False
        outer = self

        class Handler(_Handler):
            s3 = outer

        self._server = make_server("127.0.0.1", 0, self._moto, threaded=True, request_handler=Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="struck-s3", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def strike(self, fault: S3Fault, which: Which) -> None:
        """Let requests meet a fault from now on, and count anew."""
        with self._lock:
            self._fault, self._which = fault, which
            self.requests, self.struck = [], []

    def rest(self) -> None:
        """Let everything go well again, and count anew."""
        self.strike(S3Fault.DENIED, lambda request: False)

    def meet(self, method: str, target: str) -> S3Fault | None:
        """Return the fault that a request meets."""
        with self._lock:
            request = S3Request(len(self.requests), method, target)
            self.requests.append(request)
            if not self._which(request):
                return None
            self.struck.append(request)
            return self._fault

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Carry a request out."""
        told: list[Any] = []
        body = b"".join(self._moto(environ, lambda status, headers, *_: told.extend((status, headers))))
        return told[0], told[1], body


class _Handler(MotoRequestHandler):
    """Answer the requests of a connection one after the other: a new one for each would take twice the time."""

    s3: StruckS3
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def handle_expect_100(self) -> bool:
        """Let the client send its body; it waits for this."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ["wsgi.input"], environ["wsgi.input_terminated"] = io.BytesIO(body), True
        fault = self.s3.meet(self.command, self.path)
        if fault is S3Fault.DROPPED:
            self._hang_up()
            return
        answer = _refusal(fault) if fault in _ANSWERS else self.s3.answer(environ)
        if fault is S3Fault.LOST_REPLY:
            self._hang_up()
            return
        self._send(*answer, cut=fault is S3Fault.CUT_REPLY)

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes, *, cut: bool) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_request(self, *_: Any) -> None:
        """Keep quiet: who asks what is in `requests`."""


def _refusal(fault: S3Fault) -> Answer:
    status, code, message = _ANSWERS[fault]
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return status, [("Content-Type", "application/xml")], body
