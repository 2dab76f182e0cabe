"""Stream + window + destination -> manifest: read everything, then publish it, or leave no trace."""

from __future__ import annotations

import gc
import logging
import shutil
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong import __version__
from airflow_provider_gong.exceptions import GongConfigurationError, GongCursorExpired, GongReplyError
from airflow_provider_gong.exports.batches import Revisited
from airflow_provider_gong.exports.formats import DEFAULT_FORMAT
from airflow_provider_gong.exports.intake import Intake, while_cursors_live
from airflow_provider_gong.exports.lookback import Findings, is_blind
from airflow_provider_gong.exports.manifest import IdsFile, Manifest, Part, check_identity
from airflow_provider_gong.exports.publish import publish
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.tally import Progress, Tally, compact
from airflow_provider_gong.exports.writer import PART_BYTES, Writer, rewrite, sha256_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.batches import Batch, Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.history import History
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.window import Window

log = logging.getLogger(__name__)


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
    history: History | None = None
    sample: bytes | None = field(default=None, init=False)
    """One of the exported rows, encoded; None before there is any."""

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
        # A thread may begin a file while it is removed, which must not hide why the export ended.
        with tempfile.TemporaryDirectory(prefix="gong-export-", ignore_cleanup_errors=True) as folder:
            with self._listed_once():
                self._check_identity()
                staging = self.dataset.staging_of(self.run)
                plan = staging.begin(self.window, self.identity)
                intake = Intake(self.stream, self.client, staging, plan, Path(folder))
                try:
                    manifest, draft = self._prepare(intake)
                except GongReplyError:
                    # The attempt that goes on from here tells what the export has cost in all.
                    intake.note(requests=intake.requests)
                    raise
            publish(self.dataset, self.run, manifest, draft)
        return manifest

    def _prepare(self, intake: Intake) -> tuple[Manifest, Writer]:
        """Read everything into local files, and describe it."""
        began = time.monotonic()
        taken = self._ids_of_others()
        findings = self._look(intake)
        with frozen_heap():
            tally, draft = self._read(intake, taken, findings)
        # Looked at again: another run may have published while this one was reading.
        with self._listed_once():
            self._check_identity()
            draft = _without(self._ids_of_others() - taken, draft, intake.folder, tally)
            draft.format.report_extras()
            self.sample = draft.first
            manifest = replace(
                self._describe(draft, tally),
                requests=intake.requests,
                seconds=round(time.monotonic() - began, 3),
            )
            if self.history and findings:
                manifest = self.history.tell(findings, tally, manifest, self.run, intake.folder)
        return manifest, draft

    @contextmanager
    def _listed_once(self) -> Iterator[None]:
        """Let a phase of the export see one listing of each dataset, made afresh."""
        with ExitStack() as listings:
            for dataset in (self.dataset, *(self.history.beside if self.history else ())):
                listings.enter_context(dataset.listed_once())
            yield

    def _look(self, intake: Intake) -> Findings | None:
        """Look back, unless an earlier attempt has done so."""
        if self.history is None:
            return None
        if intake.plan.findings is not None:
            return Findings.read(intake.plan.findings)
        before = intake.requests
        findings = while_cursors_live(self.history.look, self.window)
        if intake.requests > before:
            intake.note(findings=findings.write())
        return findings

    def _check_identity(self) -> None:
        for manifest in (self.dataset.newest(), self.dataset.manifest(self.window)):
            check_identity(self.identity, manifest, str(self.dataset.root))
        if self.history:
            self.history.check_identity(self.identity)

    def _read(self, intake: Intake, taken: set[int | str], findings: Findings | None) -> tuple[Tally, Writer]:
        def read() -> tuple[Tally, Writer]:
            folder = Path(tempfile.mkdtemp(dir=intake.folder))
            try:
                return self._read_once(intake, folder, taken, findings)
            except GongCursorExpired:
                shutil.rmtree(folder)
                raise

        return while_cursors_live(read, self.window)

    def _read_once(
        self, intake: Intake, folder: Path, taken: set[int | str], findings: Findings | None
    ) -> tuple[Tally, Writer]:
        # What changed is exported again, although another window holds it.
        changed = set(map(compact, findings.changed)) if findings else set()
        tally, draft = Tally(ids=taken - changed), self._writer(folder)
        progress = Progress(self.stream.name, self.client)
        # Closed at once when writing fails: nothing more shall be asked for then.
        with closing(self._batches(intake, tally, findings)) as batches, closing(draft):
            for batch in batches:
                draft.write(tally.add(batch))
                progress.report(tally, draft.rows)
        return tally, draft

    def _writer(self, folder: Path) -> Writer:
        return Writer(folder, self.file_format, self.part_bytes, self.stream.name)

    def _batches(self, intake: Intake, tally: Tally, findings: Findings | None) -> Generator[Batch]:
        """Read the window, and what belongs to this export although it lies outside of it."""
        if not isinstance(self.stream, Revisited):
            yield from intake.batches()
            return
        wanted = dict.fromkeys([*findings.late, *findings.changed]) if findings else {}
        # Decided one by one, when the window is read and counted.
        unread = (row_id for row_id in wanted if not tally.knows(row_id))
        yield from intake.batches(unread)
        held = self._held_before(tally)
        tally.revisited = self.stream.reaches_beyond or bool(wanted)
        tally.lost = dict.fromkeys(held, "gone")
        for batch in intake.by_id(held):
            tally.lost |= dict.fromkeys(batch.private_ids, "private")
            # What is not shown any more is not held: an attempt after this one finds nothing of it.
            tally.revisited |= bool(batch.rows)
            # It was exported: what Gong does not show any more is not waited for.
            yield replace(batch, pending=[])
        tally.lost = {one: reason for one, reason in tally.lost.items() if not tally.knows(one)}
        self._refuse_blindness(tally)

    def _refuse_blindness(self, tally: Tally) -> None:
        """Replace no export by one of a key that may not see its calls any more."""
        before = self.dataset.manifest(self.window)
        gone = sum(reason == "gone" for reason in tally.lost.values())
        if before is not None and is_blind(gone, before.rows, tally.received):
            raise GongConfigurationError(
                f"Gong shows {gone} of the {before.rows} calls no more that {self.dataset.manifest_path(self.window)} "
                "holds, too many to be deletions: check what the user of the access key may see. The export stays "
                "as it is; if the calls were deleted, delete that manifest and clear this run."
            )

    def _held_before(self, tally: Tally) -> list[str]:
        """Return what the export that this one replaces holds besides: the late records that it had found."""
        manifest = self.dataset.manifest(self.window)
        if manifest is None:
            return []
        ids = exported_ids(self.dataset, manifest, self.stream)
        return [row_id for row_id in ids if not tally.knows(row_id)]

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
            revisited=tally.revisited,
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


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Keep the garbage collector from walking Airflow's modules over and over while pages become rows.

    Half a million objects live as long as the process; visiting them at each collection took a tenth of the export.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
