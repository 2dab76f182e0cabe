"""What the newest run of a dataset does about the windows before its own.

Of calls it looks back (`airflow_provider_gong.exports.lookback`) and reports deletions in a dataset of their own; of
transcripts it asks again for those that were not ready. Both tell how far the dataset is complete.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_gong.exports.lookback import LOOKBACK, DeletedRows, Findings, Lookback, entries, reach
from airflow_provider_gong.exports.manifest import IdsFile, Manifest, Part, check_identity
from airflow_provider_gong.exports.publish import publish
from airflow_provider_gong.exports.reader import rows_of
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.window import Window, covered
from airflow_provider_gong.exports.writer import PART_BYTES, Row, Writer, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Calls
    from airflow_provider_gong.exports.tally import Tally
    from airflow_provider_gong.exports.window import WindowArguments

log = logging.getLogger(__name__)

DELETIONS = "deletions"


def is_head(run: Run, window: Window, arguments: WindowArguments, dataset: Dataset) -> bool:
    """Tell whether a run is the one that looks back: the newest of its dataset, and alone.

    Windows that were asked for, mapped ones and backfills own exactly themselves, in whatever order they run.
    """
    if arguments.from_datetime is not None or run.map_index >= 0 or run.is_backfill:
        return False
    newest = dataset.newest()
    if newest is not None and newest.window != window and newest.window.end > window.start:
        return False
    if run.max_active_runs != 1:
        log.info(
            "Calls that Gong shows late are looked for in Dags with max_active_runs=1 only; this one has %d",
            run.max_active_runs,
        )
        return False
    return True


class History(Protocol):
    """The past of a dataset, and how the newest run deals with it."""

    @property
    def beside(self) -> tuple[Dataset, ...]:
        """Return the datasets that are read and written beside that of the export."""

    def look(self) -> Findings:
        """Find what of the past belongs to this run."""

    def check_identity(self, identity: dict[str, Any]) -> None:
        """Refuse a dataset beside that of the export which holds another kind."""

    def tell(self, findings: Findings, tally: Tally, manifest: Manifest, run: Run, folder: Path) -> Manifest:
        """Return the manifest with what is known of the past, when everything was read."""


@dataclass(frozen=True, kw_only=True)
class CallsHistory:
    """The past of a dataset of calls: late, changed, private and vanished ones.

    :param lookback: how far the newest run looks back.
    :param is_head: this is the newest run; others only tell what their own window lost.
    """

    stream: Calls
    client: GongClient
    dataset: Dataset
    deletions: Dataset
    window: Window
    lookback: timedelta
    is_head: bool = True

    @property
    def beside(self) -> tuple[Dataset, ...]:
        """Return the deletions."""
        return (self.deletions,)

    def look(self) -> Findings:
        """Find what came late, changed or vanished."""
        if not self.is_head:
            return self._look_at_told()
        within = reach(self.window, self.lookback, self.dataset.newest_end(self.window.start))
        findings = Lookback(
            stream=self.stream,
            client=self.client,
            dataset=self.dataset,
            deletions=self.deletions,
            window=self.window,
            within=within,
        ).look()
        log.info(
            "Looked back to %s: %d late, %d changed, %d deleted calls",
            within.start.isoformat(),
            len(findings.late),
            len(findings.changed),
            len(findings.deleted),
        )
        return findings

    def _look_at_told(self) -> Findings:
        """Find the calls that are back of those that this window told as deleted.

        No later window says so when the lookback does not reach them any more, and readers would miss them for ever.
        """
        shown = self.stream.glance_at(self.client, self._told())
        back = [glimpse.id for glimpse in shown if not glimpse.private]
        return Findings(Window(self.window.start, self.window.start), changed=back)

    def _told(self) -> dict[str, str]:
        """Return the deletions that this window tells so far, each with its reason."""
        existing = self.deletions.manifest(self.window)
        return {row["id"]: row["reason"] for row in rows_of(self.deletions, existing)} if existing else {}

    def check_identity(self, identity: dict[str, Any]) -> None:
        """Refuse deletions of other calls."""
        check_identity(identity | {"stream": DELETIONS}, self.deletions.newest(), str(self.deletions.root))

    def tell(self, findings: Findings, tally: Tally, manifest: Manifest, run: Run, folder: Path) -> Manifest:
        """Publish the deletions, and return the manifest with what the look back adds to it."""
        self._publish_deletions(self._deleted(findings, tally), manifest, run, folder)
        if not self.is_head:
            return self._as_before(manifest)
        reached = self._complete_through(findings)
        doubted = f"{findings.doubted} exported calls are not shown any more, too many to be believed"
        why = (*manifest.incomplete_because, *([doubted] if findings.doubted else []))
        return replace(
            manifest,
            looked_back=findings.describe(),
            complete_through=reached.isoformat() if reached else None,
            complete=not why,
            incomplete_because=why,
        )

    def _as_before(self, manifest: Manifest) -> Manifest:
        """Keep what the run looked back over when it was the newest: the calls that it found then are kept too."""
        before = self.dataset.manifest(self.window)
        if before is None:
            return manifest
        return replace(manifest, looked_back=before.looked_back, complete_through=before.complete_through)

    def _deleted(self, findings: Findings, tally: Tally) -> dict[str, str]:
        """Return what is to be told: what was told for this window stays so, unless the call is exported again."""
        deleted = self._told() | self._lost(tally) | findings.deleted
        return {row_id: reason for row_id, reason in deleted.items() if not tally.knows(row_id)}

    def _lost(self, tally: Tally) -> dict[str, str]:
        """Return what this window held before and no later one knows: a look back sees to what those hold."""
        if not tally.lost:
            return {}
        left = {compact(row_id): row_id for row_id in tally.lost}
        after = Window(self.window.end, self.window.end + max(self.lookback, LOOKBACK))
        for dataset, rows in ((self.dataset, self.stream), (self.deletions, DeletedRows())):
            for window in dataset.overlapping(after):
                for row_id, _ in entries(dataset, window, rows):
                    left.pop(compact(row_id), None)
        return {row_id: tally.lost[row_id] for row_id in left.values()}

    def _complete_through(self, findings: Findings) -> datetime | None:
        """Return the moment before which every call is exported, private or given up.

        A call has `lookback` to appear. So that is the time that a far look back has reached, as long as the
        windows leave no gap before it; between two such looks what the last one reached still holds.
        """
        before = self.dataset.newest(self.window.start)
        known = _moment(before.complete_through) if before else None
        if findings.within.end - findings.within.start < self.lookback - (
            self.window.end - self.window.start
        ):
            return known
        oldest = self.dataset.oldest_start()
        since = known or oldest
        if since is None or findings.doubted:
            return known
        windows = [*self.dataset.overlapping(Window(since, self.window.end)), self.window]
        [first, *_] = covered(windows, Window(since, self.window.end))
        reached = min(findings.within.start, first.end if first.start == since else since)
        return max(reached, known) if known else reached if reached > since else None

    def _publish_deletions(self, deleted: dict[str, str], calls: Manifest, run: Run, folder: Path) -> None:
        if not deleted and self.deletions.manifest(self.window) is None:
            return
        identity = calls.identity | {"stream": DELETIONS}
        draft = self._draft(deleted, folder, str(identity["format"]))
        partition = self.deletions.partition(self.window)
        manifest = replace(
            calls,
            identity=identity,
            parts=tuple(
                Part(f"{partition}/{part.name}", part.rows, part.bytes, part.sha256) for part in draft.parts
            ),
            ids=IdsFile(
                self.deletions.relative(self.deletions.ids_path(self.window)),
                draft.rows,
                sha256_of(draft.ids_path),
            ),
            rows=draft.rows,
            first_start=None,
            last_start=None,
            announced=None,
            received=draft.rows,
            private_dropped=0,
            duplicates_dropped=0,
            # What is outstanding of the calls is told by their own manifest.
            pending=(),
            complete=True,
            incomplete_because=(),
            # A call may come back and be deleted again.
            revisited=True,
            requests=0,
            seconds=0.0,
        )
        publish(self.deletions, run, manifest, draft)

    def _draft(self, deleted: dict[str, str], folder: Path, file_format: str) -> Writer:
        place = folder / DELETIONS
        place.mkdir()
        draft = Writer(place, file_format, PART_BYTES, DELETIONS)
        # Not the time of day: a rerun that finds the same writes the same.
        seen_at = self.window.end.astimezone(UTC).isoformat()
        rows: list[dict[str, Any]] = [
            {"id": row_id, "reason": reason, "seen_at": seen_at} for row_id, reason in sorted(deleted.items())
        ]
        draft.write(Row.of(row, id=row["id"]) for row in rows)
        draft.close()
        return draft


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
