"""Stream + window + destination -> manifest: read everything, then publish it, or leave no trace."""

from __future__ import annotations

import logging
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong import __version__
from airflow_provider_gong.exceptions import GongConfigurationError, GongCursorExpired
from airflow_provider_gong.exports.manifest import IdsFile, Manifest, Part, check_identity
from airflow_provider_gong.exports.publish import publish
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.writer import DEFAULT_FORMAT, PART_BYTES, Writer, rewrite, sha256_of

if TYPE_CHECKING:
    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Batch, Stream
    from airflow_provider_gong.exports.window import Window
    from airflow_provider_gong.exports.writer import Row

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 5.0
# A chain of pages lives about an hour from its first request.
_CURSOR_CHAINS = 3


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

    def add(self, batch: Batch) -> list[Row]:
        """Count a batch and return its rows that were not seen before."""
        self.received += batch.received
        self.announced = batch.announced if batch.announced is not None else self.announced
        self.private += batch.private
        self.pages += 1
        self.pending += batch.pending
        fresh = [row for row in batch.rows if self._is_new(row)]
        self.duplicates += len(batch.rows) - len(fresh)
        return fresh

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
    except ValueError:
        return None
    return start if start.tzinfo else start.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class Export:
    """One run of an export into a dataset."""

    stream: Stream
    client: GongClient
    host: str
    dataset: Dataset
    run: Run
    window: Window
    file_format: str = DEFAULT_FORMAT
    part_bytes: int = PART_BYTES

    @property
    def identity(self) -> dict[str, Any]:
        """Return what must be the same for all exports of a dataset."""
        return {
            "host": self.host,
            "stream": self.stream.name,
            **self.stream.selection,
            "format": self.file_format,
        }

    def execute(self) -> Manifest:
        """Read the window and publish it; an exception leaves what was published before."""
        check_identity(self.identity, self.dataset.newest(), str(self.dataset.root))
        self.dataset.plan(self.run, self.window)
        began, before = time.monotonic(), self.client.requests
        with tempfile.TemporaryDirectory(prefix="gong-export-") as folder:
            taken = self._ids_of_others()
            tally, draft = self._read(Path(folder), taken)
            # Listed again: another run may have published while this one was reading.
            draft = _without(self._ids_of_others() - taken, draft, Path(folder), tally)
            manifest = replace(
                self._describe(draft, tally),
                requests=self.client.requests - before,
                seconds=round(time.monotonic() - began, 3),
            )
            publish(self.dataset, self.run, manifest, draft)
        return manifest

    def _read(self, folder: Path, taken: set[int | str]) -> tuple[Tally, Writer]:
        for chain in range(_CURSOR_CHAINS):
            draft_folder = folder / f"chain-{chain}"
            draft_folder.mkdir()
            try:
                return self._read_chain(draft_folder, taken)
            except GongCursorExpired:
                log.warning("The cursor expired: reading the window again from its beginning")
        raise GongConfigurationError(
            f"Paging through {self.window} took longer than Gong's cursors live (about an hour), "
            f"{_CURSOR_CHAINS} times: export shorter windows."
        )

    def _read_chain(self, folder: Path, taken: set[int | str]) -> tuple[Tally, Writer]:
        tally, draft = Tally(ids=set(taken)), Writer(folder, self.file_format, self.part_bytes)
        progress = Progress(self.stream.name, self.client)
        try:
            for batch in self.stream.read(self.client, self.window):
                draft.write(tally.add(batch))
                progress.report(tally, draft.rows)
        finally:
            draft.close()
        return tally, draft

    def _ids_of_others(self) -> set[int | str]:
        """Return the ids in exported windows, other than this one, that share a moment with it."""
        return {
            compact(row_id)
            for window in self.dataset.overlapping(self.window)
            if window != self.window and (manifest := self.dataset.manifest(window)) is not None
            for row_id in exported_ids(self.dataset, manifest, self.stream)
        }

    def _describe(self, draft: Writer, tally: Tally) -> Manifest:
        folder = self.dataset.partition(self.window)
        parts = tuple(
            Part(f"{folder}/{part.name}", part.rows, part.bytes, part.sha256) for part in draft.parts
        )
        why = (f"{len(tally.pending)} transcripts are not ready yet",) if tally.pending else ()
        return Manifest(
            identity=self.identity,
            window=self.window,
            parts=parts,
            ids=IdsFile(
                self.dataset.relative(self.dataset.ids_path(self.window)),
                draft.rows,
                sha256_of(draft.ids_path),
            ),
            rows=draft.rows,
            first_start=tally.first_start.isoformat() if tally.first_start else None,
            last_start=tally.last_start.isoformat() if tally.last_start else None,
            announced=tally.announced,
            received=tally.received,
            private_dropped=tally.private,
            duplicates_dropped=tally.duplicates,
            pending=tuple(tally.pending),
            complete=not why,
            incomplete_because=why,
            run=self.run.describe(),
            package_version=__version__,
        )


def _without(taken: set[int | str], draft: Writer, folder: Path, tally: Tally) -> Writer:
    if not taken:
        return draft
    kept_folder = folder / "kept"
    kept_folder.mkdir()
    kept = rewrite(draft, kept_folder, lambda row_id: compact(row_id) not in taken)
    tally.duplicates += draft.rows - kept.rows
    return kept


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
