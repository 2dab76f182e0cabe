"""What the HTTP library may log of our requests: addresses without their query, which may be personal."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ours: ContextVar[bool] = ContextVar("a request of ours is on its way", default=False)


class _WithoutQuery(logging.Filter):
    """Cut the query off the addresses in a record; what others send is their own business."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get() and isinstance(record.args, tuple):
            record.args = tuple(
                value.partition("?")[0] if isinstance(value, str) else value for value in record.args
            )
        return True


_FILTER = _WithoutQuery()


@contextmanager
def discreet() -> Iterator[None]:
    """Let urllib3 log no query while this lasts."""
    # Each time, since whoever sets up logging may have taken it away.
    logging.getLogger("urllib3.connectionpool").addFilter(_FILTER)
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
