"""A dataset and its files: where parts, manifests and plans lie, and the order in which they change.

    date=2026-01-01/window=<from>_<to>/part-00000-<hash>.jsonl.gz   the rows
    _manifests/2026-01/<to>_<from>.json                             what is exported, in the month of `to`
    _manifests/2026-01/<to>_<from>.ids.gz                           the ids of it
    _runs/<run>.json                                                the window that a run published
    _staging/<run>/...                                              plan and finished slices of a run in progress

Names that begin with `_` are not data.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongFileError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.listing import Listing
from airflow_provider_gong.exports.manifest import Manifest
from airflow_provider_gong.exports.staging import Staging
from airflow_provider_gong.exports.window import Window, last_gap, stamp
from airflow_provider_gong.exports.writer import read_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.run import Run

log = logging.getLogger(__name__)

_STAGING_LIFETIME = timedelta(days=2)

LATEST = datetime.max.replace(tzinfo=UTC)


class Dataset:
    """The files of one stream at one destination."""

    def __init__(self, root: ObjectStoragePath) -> None:
        self.root = root
        self.staging = root / "_staging"
        self._manifests = root / "_manifests"
        self._kept: Listing | None = None

    # What is exported already

    @contextmanager
    def listed_once(self) -> Iterator[None]:
        """Answer what is asked within from one listing, made afresh; outside of it each question makes its own.

        A listing costs a request or two of object storage, and another run may publish at any time: so a phase of
        an export lists once, and the next phase again.
        """
        before, self._kept = self._kept, Listing(self._manifests)
        try:
            yield
        finally:
            self._kept = before

    def newest_end(self, not_after: datetime) -> datetime | None:
        """Return the latest end of an exported window that does not lie after the given moment."""
        listing = self._listing()
        for month in reversed(listing.months):
            ends = [window.end for window in listing.windows(month) if window.end <= not_after]
            if ends:
                return max(ends)
        return None

    def overlapping(self, window: Window) -> list[Window]:
        """Return the exported windows that share a moment with the given one."""
        listing, first = self._listing(), _month(window.start)
        months = (month for month in listing.months if month >= first)
        return [other for month in months for other in listing.windows(month) if other.overlaps(window)]

    def gap_before(self, end: datetime) -> Window | None:
        """Return the last stretch before the given end that lies uncovered between two windows.

        Looks at the two newest months with exports only, so that an old archive costs no more than a young one.
        """
        listing = self._listing()
        months = [month for month in listing.months if month <= _month(end)][-2:]
        return last_gap(window for month in months for window in listing.windows(month) if window.end <= end)

    def oldest_start(self) -> datetime | None:
        """Return where the windows of the oldest month with exports begin."""
        listing = self._listing()
        for month in listing.months:
            if windows := listing.windows(month):
                return min(window.start for window in windows)
        return None

    def newest(self, not_after: datetime = LATEST) -> Manifest | None:
        """Return the manifest whose window ends last, of those that do not end after the given moment."""
        return next(self.manifests(not_after), None)

    def manifests(self, not_after: datetime = LATEST) -> Iterator[Manifest]:
        """Yield the manifests that do not end after the given moment, the newest first."""
        listing = self._listing()
        for month in reversed(listing.months):
            windows = [window for window in listing.windows(month) if window.end <= not_after]
            for window in sorted(windows, key=lambda one: (one.end, one.start), reverse=True):
                manifest = self.manifest(window)
                if manifest is not None:
                    yield manifest

    def manifest(self, window: Window) -> Manifest | None:
        """Read the manifest of a window, or None when there is none."""
        path = self.manifest_path(window)
        content = storage.read_bytes(path)
        return None if content is None else Manifest.from_json(content, str(path))

    def ids(self, manifest: Manifest) -> Iterator[tuple[str, str]]:
        """Return the ids of an export, each with the short hash of its basic record, in the order of the rows."""
        content = storage.read_bytes(self.root / manifest.ids.name)
        if content is None or hashlib.sha256(content).hexdigest() != manifest.ids.sha256:
            raise IdsOutOfStep(f"{self.root / manifest.ids.name} does not belong to its manifest.")
        return read_ids(content)

    def parts_in(self, window: Window) -> set[str]:
        """Return the parts that lie in the partition of a window, named by a manifest or not."""
        folder = self.partition(window)
        names = storage.names_in(self.root / folder)
        return {f"{folder}/{name}" for name in names if name.startswith("part-")}

    def parts_named(self, window: Window) -> set[str]:
        """Return the parts that the manifest of a window names."""
        manifest = self.manifest(window)
        return {part.name for part in manifest.parts} if manifest else set()

    # Where things lie

    def manifest_path(self, window: Window) -> ObjectStoragePath:
        """Return where the manifest of a window lies."""
        return self._manifests / _month(window.end) / f"{stamp(window.end)}_{stamp(window.start)}.json"

    def ids_path(self, window: Window) -> ObjectStoragePath:
        """Return where the ids of a window lie."""
        return self._manifests / _month(window.end) / f"{stamp(window.end)}_{stamp(window.start)}.ids.gz"

    def partition(self, window: Window) -> str:
        """Return the folder of a window's parts, relative to the dataset."""
        folder = f"snapshot={stamp(window.start)}" if window.is_snapshot else f"window={window.name}"
        return f"date={window.start:%Y-%m-%d}/{folder}"

    def relative(self, path: ObjectStoragePath) -> str:
        """Return a path's name relative to the dataset."""
        return str(path).removeprefix(f"{self.root}/")

    # The window of a run

    def kept_window(self, run: Run) -> Window | None:
        """Return the window that this run published, or that an attempt since the last clear planned."""
        published = _window_in(storage.read_bytes(self._run_path(run)))
        if published is not None:
            manifest = self.manifest(published)
            if manifest is not None and manifest.run.get("key") == run.key:
                return published
        plan = self.staging_of(run).plan()
        return plan.window if plan else None

    def staging_of(self, run: Run) -> Staging:
        """Return the workspace of a run that is under way."""
        return Staging(self.staging, run)

    def record_run(self, run: Run, window: Window) -> None:
        """Remember which window a run publishes, so that clearing it reads the same."""
        storage.put_bytes(json.dumps(window.write()).encode(), self._run_path(run), self.staging)

    def clean_up(self, run: Run) -> None:
        """Remove the staging of a run, and what crashed runs left there two days ago."""
        try:
            storage.remove(self.staging_of(run).root)
            for name in storage.names_in(self.staging):
                if storage.older_than(self.staging / name, _STAGING_LIFETIME):
                    log.info("Sweeping %s, left by a run that did not finish", self.staging / name)
                    storage.remove(self.staging / name)
        except GongFileError as error:
            # Everything is published. An attempt that woke up beside this one may be writing there.
            log.warning("Files in progress are left for a later run to remove: %s", error)

    def _run_path(self, run: Run) -> ObjectStoragePath:
        return self.root / "_runs" / f"{run.key}.json"

    def _listing(self) -> Listing:
        return self._kept or Listing(self._manifests)


class IdsOutOfStep(Exception):  # noqa: N818 - a fact for the caller to act on, not an error of its own
    """The ids file is from another attempt than the manifest: an attempt was killed between the two."""


def _month(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m")


def _window_in(content: bytes | None) -> Window | None:
    try:
        return Window.read(json.loads(content or b"{}"))
    except (ValueError, KeyError, TypeError):
        # Absent, or damaged: the window is chosen again.
        return None
