"""What the lists share that come in pages: how far they read, and what XCom can take."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.api.client import Page
    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

NEXT_CURSOR = "next_cursor"

Records: TypeAlias = "list[dict[str, Any]]"
Select: TypeAlias = "Callable[[Records], Records]"


@dataclass
class Found:
    """The records of a list so far, each id once, as many as XCom can take.

    :param id_name: the field that tells records apart; None for records without an id.
    :param limit: bytes of JSON.
    :param mend: what to do when the limit is passed.
    """

    id_name: str | None
    limit: int
    mend: str
    records: Records = field(default_factory=list)
    pages: int = 0
    dropped: int = 0
    _ids: set[str] = field(default_factory=set)
    _size: int = 0

    def add(self, page: Records, select: Select) -> None:
        """Add the records of a page, as far as they are selected."""
        from airflow_provider_gong.exports.jsonlines import encode

        records = select(page)
        self.pages += 1
        self.dropped += len(page) - len(records)
        fresh = [record for record in records if self._is_new(record)]
        self.records += fresh
        self._size += sum(len(encode(record)) + 1 for record in fresh)
        if self._size > self.limit:
            raise GongConfigurationError(
                f"The list exceeds {self.limit:,} bytes, more than fits into XCom: {self.mend}."
            )

    def _is_new(self, record: dict[str, Any]) -> bool:
        from airflow_provider_gong.exports.rows import record_id

        if self.id_name is None:
            return True
        key = record_id(record, self.id_name)
        is_new = key not in self._ids
        self._ids.add(key)
        return is_new


class GongListOperator(GongActionOperator):
    """Base of the lists that come in pages of 100 records.

    :param cursor: Page to begin with. (templated) Default: None, the first page.
    :param max_pages: How many pages to read at most. (templated) Default: None, all.
    """

    template_fields: Sequence[str] = gong_fields("cursor", "max_pages")

    id_name: ClassVar[str | None] = "id"
    """The field of a record that tells it from the others."""
    dropped: ClassVar[str] = "private calls"
    """What may be left out of the result."""
    export: ClassVar[str]
    """The operator for lists that are too long for XCom."""

    def __init__(
        self, *, cursor: str | None = None, max_pages: int | str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.cursor = cursor
        self.max_pages = max_pages

    def perform(self, context: Context) -> Records:
        """Read the pages and return their records."""
        return self.fetch(context, [self.request()])

    def selection(self) -> Select:
        """Return what selects the records of a page that belong to the result."""
        return list

    def fetch(self, context: Context, requests: Iterable[Request]) -> Records:
        """Read the pages of requests, from the cursor on and up to the last page allowed."""
        cursor, max_pages = read.as_text(self.cursor), read.as_pages("max_pages", self.max_pages)
        select = self.selection()
        client = self.hook.get_conn()
        sent_before = client.requests
        found = self._nothing_yet()
        for request in requests:
            for page in client.pages(request.with_cursor(cursor) if cursor else request):
                found.add(page.items, select)
                if found.pages == max_pages:
                    break
            if page.cursor is not None:
                self._tell_the_rest(context, found, page)
        sent = client.requests - sent_before
        log.info("Read %d records from %d pages with %d requests", len(found.records), found.pages, sent)
        if found.dropped:
            log.info("Dropped %d %s; include_private=True returns them", found.dropped, self.dropped)
        return found.records

    def _nothing_yet(self) -> Found:
        from airflow_provider_gong.exports import records

        mend = f"use {self.export} with destination=, or read fewer with max_pages= or narrower arguments"
        return Found(self.id_name, records.XCOM_LIMIT, mend)

    def _tell_the_rest(self, context: Context, found: Found, page: Page) -> None:
        log.warning(
            "max_pages cut the list short: %d records from %d pages are returned, and Gong counts %s in all; "
            "cursor= of another task goes on with the XCom %r within the hour",
            len(found.records),
            found.pages,
            "an unknown number" if page.total is None else page.total,
            NEXT_CURSOR,
        )
        context["ti"].xcom_push(key=NEXT_CURSOR, value=page.cursor)
