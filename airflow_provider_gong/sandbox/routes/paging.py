"""Pages of 100 records, and the cursor to the next one.

https://help.gong.io/apidocs/introduction-2
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Response

from airflow_provider_gong.sandbox.cursors import PAGE_SIZE, Cursor, CursorError
from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.state import Gong

T = TypeVar("T")
Place = tuple[str, ...]


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list of records that is served in pages."""

    name: str
    """The key of the reply that holds the records."""
    place_names: tuple[str, ...]
    """What a cursor says about the place of a record."""
    place: Callable[[T], Place]
    fetch: Callable[[Place | None, int], Sequence[T]]
    """Return so many records after a place."""
    total: Callable[[], int]
    render: Callable[[T], dict[str, Any]]
    empty: str | None = None
    """What Gong says, with 404, when a filter matches nothing; None: an empty list."""

    def serve(self, gong: Gong, token: Any) -> Response:
        """Return the page that a cursor points to; the first one without a cursor."""
        cursor = self._read(gong, token) if token else None
        records = self.fetch(cursor.place if cursor else None, PAGE_SIZE + 1)
        if not records and cursor is None and self.empty is not None:
            raise Refusal(404, self.empty)
        page, more = records[:PAGE_SIZE], len(records) > PAGE_SIZE
        number = cursor.page_number if cursor else 0
        total = cursor.total if cursor else self.total()
        about: dict[str, Any] = {
            "totalRecords": total,
            "currentPageSize": len(page),
            "currentPageNumber": number,
        }
        if more:
            expires = cursor.expires if cursor else gong.cursors.expiry()
            following = Cursor(number + 1, total, expires, self.place(page[-1]))
            about["cursor"] = gong.cursors.sign(following, self.place_names)
        return reply({"records": about, self.name: [self.render(record) for record in page]})

    def _read(self, gong: Gong, token: Any) -> Cursor:
        try:
            return gong.cursors.read(str(token), self.place_names)
        except CursorError as error:
            raise Refusal(400, str(error)) from None
