"""Faults on demand: what goes wrong between a client and Gong, at a request of your choice."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class FaultKind(StrEnum):
    """What can go wrong."""

    SERVER_ERROR = "server_error"
    """`status` (default 503) instead of an answer."""
    RATE_LIMITED = "rate_limited"
    """429 with `Retry-After: retry_after` (default 1); `times` makes a burst of them."""
    DROPPED_CONNECTION = "dropped_connection"
    """The connection closes in the middle of the body."""
    TRUNCATED_JSON = "truncated_json"
    """The status is right, and so is the length, but the JSON ends in the middle."""
    NOT_JSON = "not_json"
    """200 with a page of HTML."""
    MISSING_ITEMS = "missing_items"
    """200 without the key that holds the records."""
    REPEATED_CURSOR = "repeated_cursor"
    """The cursor of the request comes back. Strikes only requests that carry a cursor."""
    EXPIRED_CURSOR = "expired_cursor"
    """400 "cursor has expired". Strikes only requests that carry a cursor."""
    REDIRECT = "redirect"
    """307 to the same path on another host (`location`)."""
    SLOW = "slow"
    """The right answer, `seconds` (default 1) late."""
    LOST_REPLY = "lost_reply"
    """Gong carries the request out, then the connection closes without a reply."""
    CUT_REQUEST = "cut_request"
    """The connection closes before Gong acts; of a form as soon as `after_bytes` (default 1) have arrived."""


OF_SEQUENCES = frozenset({FaultKind.REPEATED_CURSOR, FaultKind.EXPIRED_CURSOR})


@dataclass
class Fault:
    """One fault, and which requests it strikes.

    :param path: only requests to this path; `*` stands for anything; default: any path
    :param method: only requests of this method; default: any
    :param skip: let so many matching requests pass first
    :param times: strike so many requests; None: all
    """

    kind: FaultKind
    path: str = "*"
    method: str | None = None
    skip: int = 0
    times: int | None = 1
    status: int = 503
    retry_after: int = 1
    seconds: float = 1.0
    location: str = "https://other-host.example.com"
    after_bytes: int = 1
    matched: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def matches(self, method: str, path: str, has_cursor: bool) -> bool:
        """Tell whether a request is of the kind that this fault strikes."""
        return (
            fnmatchcase(path, self.path)
            and self.method in (None, method)
            and (has_cursor or self.kind not in OF_SEQUENCES)
        )

    def is_due(self) -> bool:
        """Tell whether the fault strikes the request that was matched last."""
        return self.matched > self.skip and (self.times is None or self.struck < self.times)


class Faults:
    """Hold the faults to come; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, kind: FaultKind | str, **settings: Any) -> Fault:
        """Add a fault; the settings are those of `Fault`. The result counts how often it struck."""
        if kind not in list(FaultKind):
            raise ValueError(f"{kind!r} is not one of {', '.join(FaultKind)}")
        fault = Fault(FaultKind(kind), **settings)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """Return all faults, also those that have struck."""
        with self._lock:
            return list(self._faults)

    def strike(self, method: str, path: str, has_cursor: bool) -> Fault | None:
        """Return the fault that a request meets: the first that is due."""
        with self._lock:
            due = None
            for fault in self._faults:
                if fault.matches(method, path, has_cursor):
                    fault.matched += 1
                    due = fault if due is None and fault.is_due() else due
            if due is not None:
                due.struck += 1
            return due
