"""What was counted while reading an export, and what the task log says of it meanwhile."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.batches import Batch
    from airflow_provider_gong.exports.writer import Row

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 5.0


@dataclass
class Tally:
    """What was counted while reading; the ids keep one that two pages show from being exported twice."""

    received: int = 0
    announced: int | None = None
    private: int = 0
    duplicates: int = 0
    pages: int = 0
    first_start: datetime | None = None
    last_start: datetime | None = None
    pending: list[str] = field(default_factory=list)
    ids: set[int | str] = field(default_factory=set)
    revisited: bool = False
    """Records of other times may be among the rows."""
    lost: dict[str, str] = field(default_factory=dict)
    """What the export that is replaced holds and this one does not, each with the reason."""

    def add(self, batch: Batch) -> list[Row]:
        """Count a batch and return its rows that were not seen before."""
        self.received += batch.received
        self.announced = batch.announced if batch.announced is not None else self.announced
        self.private += batch.private
        self.pages += 1
        fresh = [row for row in batch.rows if self._is_new(row)]
        self.duplicates += len(batch.rows) - len(fresh)
        # A row that is left out here is pending where it stands.
        left_out = {row.id for row in batch.rows} - {row.id for row in fresh} if batch.pending else ()
        self.pending += [call_id for call_id in batch.pending if call_id not in left_out]
        return fresh

    def knows(self, row_id: str) -> bool:
        """Tell whether a record was read, or found not to be ready."""
        return compact(row_id) in self.ids or row_id in self.pending

    def _is_new(self, row: Row) -> bool:
        key = compact(row.id)
        if key in self.ids:
            return False
        self.ids.add(key)
        if start := moment(row.start):
            self.first_start = min(start, self.first_start or start)
            self.last_start = max(start, self.last_start or start)
        return True


def compact(row_id: str) -> int | str:
    """Return an id in the form that takes least memory: Gong's are numbers of up to 20 digits."""
    is_number = row_id.isascii() and row_id.isdecimal() and not row_id.startswith("0")
    return int(row_id) if is_number else row_id


def moment(text: str | None) -> datetime | None:
    """Return the moment that a record tells; one that cannot be read is no reason to fail an export."""
    try:
        start = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return None
    return start if start.tzinfo else start.replace(tzinfo=UTC)


class Progress:
    """Tell in the task log how far the export is, at most once every few seconds."""

    def __init__(self, name: str, client: GongClient) -> None:
        self._name = name
        self._client = client
        self._said = time.monotonic()

    def report(self, tally: Tally, rows: int) -> None:
        """Log a line if the last one is some seconds old."""
        now = time.monotonic()
        if now - self._said >= _PROGRESS_SECONDS:
            self._said = now
            log.info(
                "%s: page %d, %d rows of %s announced, %d requests",
                self._name,
                tally.pages,
                rows,
                "an unknown number" if tally.announced is None else tally.announced,
                self._client.requests,
            )
