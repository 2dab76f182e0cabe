"""What the HTTP library may log of our requests: no query and no values in the path, which may be personal."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ours: ContextVar[tuple[str, str] | None] = ContextVar(
    "path of our request, and as it is shown", default=None
)


class _WithoutValues(logging.Filter):
    """Take the values out of the addresses in a record; what others send is their own business."""

    def filter(self, record: logging.LogRecord) -> bool:
        ours = _ours.get()
        if ours is not None and isinstance(record.args, tuple):
            record.args = tuple(
                value.partition("?")[0].replace(*ours) if isinstance(value, str) else value
                for value in record.args
            )
        return True


_FILTER = _WithoutValues()


@contextmanager
def discreet(path: str, shown: str) -> Iterator[None]:
    """Let urllib3 log no query and no values in the path while this lasts.

    :param path: the path of the request.
    :param shown: what is logged in its place.
    """
    # Each time, since whoever sets up logging may have taken it away.
    logging.getLogger("urllib3.connectionpool").addFilter(_FILTER)
    token = _ours.set((path, shown))
    try:
        yield
    finally:
        _ours.reset(token)
