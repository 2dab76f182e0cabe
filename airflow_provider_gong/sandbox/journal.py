"""What the sandbox was asked: for tests that count requests."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass
class Received:
    """One HTTP request to /v2, or for tokens."""

    method: str
    path: str
    time: datetime
    """By the clock of the sandbox."""
    has_cursor: bool
    """A cursor where this method wants it: in the query of a GET, at the top of the body of a POST."""
    query_keys: frozenset[str]
    body_keys: frozenset[str]
    """Nested ones with dots: `filter`, `filter.fromDateTime`, ...; of a form the names of its parts, once read."""
    status: int | None = None
    """None while the reply is on its way, and if a fault closed the connection; what was sent, if one altered it."""


class Journal:
    """Keep the requests in the order of their arrival; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[Received] = []

    def append(self, received: Received) -> None:
        """Keep a request."""
        with self._lock:
            self._received.append(received)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._received.clear()

    def to(self, path: str, method: str | None = None) -> list[Received]:
        """Return the requests to one path."""
        return [one for one in self if one.path == path and method in (None, one.method)]

    def __len__(self) -> int:
        with self._lock:
            return len(self._received)

    def __iter__(self) -> Iterator[Received]:
        with self._lock:
            return iter(list(self._received))

    def __getitem__(self, index: int) -> Received:
        with self._lock:
            return self._received[index]


def dotted_keys(body: Any, prefix: str = "") -> Iterator[str]:
    """Yield the keys of a body, nested ones with dots; never their values."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield f"{prefix}{name}"
            yield from dotted_keys(value, f"{prefix}{name}.")
