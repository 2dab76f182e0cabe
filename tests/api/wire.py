"""A server on this machine that sends bytes as they are, and falls silent when it has none left."""

from __future__ import annotations

import socket
import threading
from typing import Self


class Wire:
    """Answer each connection with the next bytes; `hold` keeps it open without another word."""

    def __init__(self, *answers: bytes, hold: bool = False) -> None:
        self.answers = list(answers)
        self.hold = hold
        self.received: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        # Wakes the thread, if it still waits for somebody to come.
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join()
        self.listener.close()

    def _serve(self) -> None:
        while not self.over.is_set():
            connection, _ = self.listener.accept()
            with connection:
                received = connection.recv(65536)
                if received and self.answers:
                    self.received.append(received)
                    connection.sendall(self.answers.pop(0))
                    if self.hold:
                        self.over.wait(30)


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body
