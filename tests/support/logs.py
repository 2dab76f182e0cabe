"""The log lines of a stretch of code, from structlog and the standard library alike."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

# What structlog adds to each entry and nobody asserts on.
_DECORATION = frozenset({"timestamp", "level", "logger", "loc", "event", "exc_info", "exception"})


class _Collector(logging.Handler):
    """Collect lines from both worlds; as a structlog processor it lets the entry pass on."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def __call__(self, logger: Any, method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        details = [f"{key}={value}" for key, value in entry.items() if key not in _DECORATION]
        self.lines.append(" ".join([str(entry.get("event", "")), *details]))
        return entry


@contextmanager
def captured_logs() -> Iterator[list[str]]:
    """Yield a list that grows by each line logged meanwhile, unredacted: a secret in it was really logged."""
    collector = _Collector()
    root = logging.getLogger()
    processors = structlog.get_config()["processors"]
    # Loggers hold on to the list itself, so it is changed in place. The last processor writes the entry out.
    processors.insert(len(processors) - 1, collector)
    root.addHandler(collector)
    try:
        yield collector.lines
    finally:
        root.removeHandler(collector)
        processors.remove(collector)
