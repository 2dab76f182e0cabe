"""A reverse proxy as companies have it: it lets through one path only, under another name and for another host."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


class ReverseProxy:
    """Pass what comes below ``/hooks/`` on to ``/gong/webhooks/`` of a server; answer 404 to all else."""

    def __init__(self, target: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(target).netloc))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if not self.path.startswith("/hooks/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {
                name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]
            }
            inside = http.client.HTTPConnection(target, timeout=60)
            inside.request("POST", self.path.replace("/hooks/", "/gong/webhooks/", 1), body, headers)
            reply = inside.getresponse()
            content = reply.read()
            inside.close()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
