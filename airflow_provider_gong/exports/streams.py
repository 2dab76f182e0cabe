"""What can be exported: how each stream is asked for and what one of its rows is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_gong.api import calls, logs, transcripts, users
from airflow_provider_gong.exports.ahead import read_ahead
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.content import content_selector, selected_blocks
from airflow_provider_gong.exports.glances import IDS_PER_REQUEST, Glimpse, by_id
from airflow_provider_gong.exports.rows import (
    basic_data,
    call_record,
    call_row,
    is_private,
    log_row,
    record_id,
    transcript_row,
)
from airflow_provider_gong.exports.slices import TooMuch, bounded, id_slices, time_slices
from airflow_provider_gong.exports.writer import Row, short_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from airflow_provider_gong.api.client import GongClient, Page
    from airflow_provider_gong.exports.slices import Slice
    from airflow_provider_gong.exports.window import Window


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls whose actual start lies in the window, 100 whole records a request."""

    name: ClassVar[str] = "calls"
    reaches_beyond: ClassVar[bool] = False
    workspace_id: str | None = None
    primary_user_ids: tuple[str, ...] | None = None
    content: str | dict[str, Any] = "default"
    include_private: bool = False

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""
        return _folder(self.name, workspace=self.workspace_id)

    @property
    def deletions_folder(self) -> str:
        """Return the dataset of deletions below the destination."""
        return _folder("deletions", workspace=self.workspace_id)

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""
        filters = {"primary_user_ids": sorted(set(self.primary_user_ids))} if self.primary_user_ids else {}
        return {
            "workspace_id": self.workspace_id,
            "filters": filters,
            "content": self.content,
            "include_private": self.include_private,
        }

    def read(
        self, client: GongClient, window: Window, others: Iterable[str] = (), *, most: int | None = None
    ) -> Iterator[Batch]:
        """Read the calls that started in the window, then others by their ids."""
        selector = content_selector(self.content)
        blocks = selected_blocks(selector)
        for page in self.pages(client, window, selector, most):
            public = self.public(page.items)
            rows = [call_row(call_record(record, blocks)) for record in public]
            yield Batch(rows, len(page.items), page.total, private=len(page.items) - len(public))
        yield from self.revisit(client, others)

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window of so many records."""
        return time_slices(self, window, records)

    def pages(
        self, client: GongClient, window: Window, selector: dict[str, Any] | None, most: int | None = None
    ) -> Iterator[Page]:
        """Ask for the calls that started in the window, with what the selector wants of each."""
        request = calls.list_calls_extensive(
            from_datetime=window.start,
            to_datetime=window.end,
            workspace_id=self.workspace_id,
            primary_user_ids=self.primary_user_ids,
            content_selector=selector,
        )
        return read_ahead(bounded(client.pages(request), most))

    def public(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the calls that may be exported."""
        return [record for record in records if self.include_private or not is_private(record)]

    def private_ids(self, records: list[dict[str, Any]]) -> list[str]:
        """Return the ids of the calls that may not be exported."""
        private = [record for record in records if is_private(record) and not self.include_private]
        return [record_id(basic_data(record), "id") for record in private]

    def revisit(self, client: GongClient, ids: Iterable[str]) -> Iterator[Batch]:
        """Read calls of other times by their ids; what Gong does not show, or is private, is left out."""
        selector = content_selector(self.content)
        blocks = selected_blocks(selector)
        for records in by_id(client, ids, selector):
            public = self.public(records)
            rows = [call_row(call_record(record, blocks)) for record in public]
            yield Batch(rows, len(records), private_ids=self.private_ids(records))

    def glance(self, client: GongClient, window: Window) -> Iterator[Glimpse]:
        """See which calls Gong shows for a window, without their content."""
        request = calls.list_calls_extensive(
            from_datetime=window.start,
            to_datetime=window.end,
            workspace_id=self.workspace_id,
            primary_user_ids=self.primary_user_ids,
        )
        for page in client.pages(request):
            yield from map(self._glimpse, page.items)

    def glance_at(self, client: GongClient, call_ids: Iterable[str]) -> Iterator[Glimpse]:
        """See which of the given calls Gong shows, without their content."""
        for records in by_id(client, call_ids, None):
            yield from map(self._glimpse, records)

    def _glimpse(self, record: dict[str, Any]) -> Glimpse:
        basic = basic_data(record)
        basic["id"] = record_id(basic, "id")
        return Glimpse(basic["id"], short_hash(basic), is_private(record) and not self.include_private)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""
        return str(record["metaData"]["id"])


@dataclass(frozen=True, kw_only=True)
class Transcripts:
    """Transcripts of given calls, or of the calls of a window; asked by id, 100 a request."""

    name: ClassVar[str] = "transcripts"
    workspace_id: str | None = None
    include_private: bool = False
    filters: dict[str, Any] = field(default_factory=dict)
    # Numbers take less memory than their texts.
    call_ids: tuple[int | str, ...] | None = None
    calls_window: Window | None = None
    calls_reach: datetime | None = None
    """Before it, the calls export that the ids come from is complete; None: it does not say."""
    calls_since: datetime | None = None
    """How far the calls export that the ids come from has looked back; None: it did not."""
    reaches_beyond: bool = False
    """Among the calls that the ids come from are late and changed ones of other windows."""

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""
        return _folder(self.name, workspace=self.workspace_id)

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""
        return {
            "workspace_id": self.workspace_id,
            "filters": self.filters,
            "include_private": self.include_private,
        }

    def read(
        self, client: GongClient, window: Window, others: Iterable[str] = (), *, most: int | None = None
    ) -> Iterator[Batch]:
        """Read the transcripts that are ready, of others too, and name the calls whose transcript is not."""
        # Others fill up the last request of the window.
        tally = Batch([], 0)
        ids = self._given(most) if self.call_ids is not None else self._list(client, window, tally, most)
        for batch in self._ask(client, chain(zip(ids, repeat(False)), zip(others, repeat(True)))):
            batch.announced, batch.private, tally.private = tally.announced, tally.private, 0
            yield batch
        if tally.private:
            yield Batch([], 0, tally.announced, private=tally.private)

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window of so many records, or the list of ids."""
        if self.call_ids is None:
            return time_slices(self, window, records)
        return id_slices(
            "window", lambda client, ids: self._ask(client, zip(ids, repeat(False))), self._given()
        )

    def revisit(self, client: GongClient, ids: Iterable[str]) -> Iterator[Batch]:
        """Read the transcripts of calls of other times by their ids."""
        return self._ask(client, zip(ids, repeat(True)))

    def _leave_out_private(self, client: GongClient, batch: Batch, doubtful: set[str]) -> None:
        """Look again at calls of other times: one may have turned private since it was listed."""
        asked = [row.id for row in batch.rows if row.id in doubtful]
        shown = {one.id: one for one in Calls(include_private=self.include_private).glance_at(client, asked)}
        gone = [row_id for row_id in asked if row_id not in shown]
        batch.private_ids = [row_id for row_id in asked if row_id in shown and shown[row_id].private]
        batch.rows = [row for row in batch.rows if row.id not in {*gone, *batch.private_ids}]
        batch.pending += gone

    def _ask(self, client: GongClient, call_ids: Iterable[tuple[str, bool]]) -> Iterator[Batch]:
        """Ask for the transcripts of calls; those marked True were listed at another time."""
        ids = iter(call_ids)
        while pairs := list(islice(ids, IDS_PER_REQUEST)):
            # The window's own mark counts where both ask for a call.
            marks = dict(reversed(pairs))
            asked = {call_id: marks[call_id] for call_id, _ in pairs}
            found = transcripts_by_id(client, list(asked))
            rows = [transcript_row(found[call_id]) for call_id in asked if call_id in found]
            batch = Batch(rows, len(rows), pending=[call_id for call_id in asked if call_id not in found])
            self._leave_out_private(client, batch, {call_id for call_id, other in asked.items() if other})
            yield batch

    def _given(self, most: int | None = None) -> Iterator[str]:
        ids = self.call_ids or ()
        if most is not None and len(ids) > most:
            raise TooMuch(len(ids))
        return map(str, ids)

    def _list(self, client: GongClient, window: Window, tally: Batch, most: int | None) -> Iterator[str]:
        """List the calls of the window: transcripts do not say which of them are private."""
        listed = Calls(workspace_id=self.workspace_id, content="basic", include_private=self.include_private)
        for batch in listed.read(client, window, most=most):
            tally.announced = batch.announced
            tally.private += batch.private
            yield from (row.id for row in batch.rows)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""
        return str(record["callId"])


@dataclass(frozen=True, kw_only=True)
class Users:
    """All users of the company, as they are now."""

    name: ClassVar[str] = "users"
    include_avatars: bool = False

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""
        return self.name

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""
        return {"include_avatars": self.include_avatars}

    def read(self, client: GongClient, window: Window) -> Iterator[Batch]:
        """Read all users; the window is the moment of the snapshot."""
        for page in client.pages(users.list_users(include_avatars=self.include_avatars or None)):
            rows = [Row.of(record, id=record_id(record, "id")) for record in page.items]
            yield Batch(rows, len(page.items), page.total)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""
        return str(record["id"])


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Log entries of one type whose event time lies in the window."""

    name: ClassVar[str] = "logs"
    log_type: str

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""
        return _folder(self.name, log_type=self.log_type)

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""
        return {"log_type": self.log_type}

    def read(self, client: GongClient, window: Window, *, most: int | None = None) -> Iterator[Batch]:
        """Read the log entries of the window; equal entries are counted, not dropped."""
        seen: Counter[str] = Counter()
        request = logs.list_logs(log_type=self.log_type, from_datetime=window.start, to_datetime=window.end)
        for page in read_ahead(bounded(client.pages(request), most)):
            yield Batch([log_row(record, seen) for record in page.items], len(page.items), page.total)

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window of so many records; equal entries are of the same moment, and so of the same slice."""
        return time_slices(self, window, records)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""
        return str(record["_id"])


def _folder(name: str, **partitions: str | None) -> str:
    return "/".join([name, *(f"{key}={value}" for key, value in partitions.items() if value is not None)])


def transcripts_by_id(client: GongClient, call_ids: list[str]) -> dict[str, dict[str, Any]]:
    """Ask for the transcripts of up to `IDS_PER_REQUEST` calls; those that are not ready are absent."""
    # By id alone: dates beside the ids would drop calls whose start differs from the listed one,
    # and Gong refuses a workspace beside ids.
    found: dict[str, dict[str, Any]] = {}
    for page in client.pages(transcripts.list_call_transcripts(call_ids=call_ids)):
        found |= {record_id(record, "callId"): record for record in page.items}
    return found
