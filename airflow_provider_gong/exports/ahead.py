"""Read ahead: the next page is on its way while this one becomes rows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Ask for the next item while the caller is busy with this one: Gong's answer and our work overlap."""
    coming = _Coming(items)
    while (item := coming.result()) is not _Coming.END:
        coming = _Coming(items)
        yield cast("Item", item)


class _Coming:
    """The next item, on its way; a daemon thread, so that a task that is stopped need not wait for the answer."""

    END = object()

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._item: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._fetch, name="gong-read-ahead", daemon=True)
        self._thread.start()

    def _fetch(self) -> None:
        try:
            self._item = next(self._items, self.END)
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._item
