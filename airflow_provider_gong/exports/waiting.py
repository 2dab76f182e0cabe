"""Transcripts that were not ready: the newest run of their dataset asks for them again, until it gives them up."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.lookback import Findings, Lookback, Seen, reach
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.streams import Calls
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Transcripts
    from airflow_provider_gong.exports.tally import Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wait:
    """How long a transcript has been waited for.

    :param since: the end of the window whose run found it pending first.
    :param started_after: the call started at or after this moment.
    """

    since: datetime
    started_after: datetime

    @classmethod
    def read(cls, since: str, started_after: str) -> Wait:
        """Read what `write` wrote."""
        return cls(datetime.fromisoformat(since), datetime.fromisoformat(started_after))

    def write(self) -> list[str]:
        """Write it as it stands in a manifest."""
        return [self.since.isoformat(), self.started_after.isoformat()]


@dataclass(frozen=True, kw_only=True)
class TranscriptsHistory:
    """The past of a dataset of transcripts: those that are waited for, and those of late calls.

    :param lookback: how far to look back for late calls; None when the ids come from an export of calls, which did.
    :param everything: ask for what any manifest of the dataset names as pending, not only for what the newest
        runs hand on.
    """

    stream: Transcripts
    client: GongClient
    dataset: Dataset
    window: Window
    give_up_after: timedelta
    lookback: timedelta | None = None
    everything: bool = False

    @property
    def beside(self) -> tuple[Dataset, ...]:
        """Return none: nothing is written beside the transcripts."""
        return ()

    def look(self) -> Findings:
        """Find what earlier runs wait for, and which calls came late."""
        if self.waits:
            log.info("Asking again for %d transcripts that were not ready", len(self.waits))
        findings = Findings(Window(self.window.start, self.window.start))
        if self.lookback is not None:
            before = self.dataset.newest_end(self.window.start)
            findings = self._late_calls(reach(self.window, self.lookback, before))
        findings.late = [*self.waits, *findings.late]
        return findings

    def check_identity(self, identity: dict[str, Any]) -> None:
        """Accept any: nothing is written beside the transcripts."""

    def tell(self, findings: Findings, tally: Tally, manifest: Manifest, run: Run, folder: Path) -> Manifest:
        """Return the manifest with what is still waited for, and what is given up."""
        oldest = (self.stream.calls_since, self.stream.calls_reach, findings.within.start, self.window.start)
        new = Wait(self.window.end, min(moment for moment in oldest if moment))
        waits = {row_id: self.waits.get(row_id, new) for row_id in manifest.pending}
        kept = {one: wait for one, wait in waits.items() if self.window.end - wait.since < self.give_up_after}
        given_up = tuple(one for one in waits if one not in kept)
        if given_up:
            log.warning(
                "%d transcripts did not come within %s and are given up", len(given_up), self.give_up_after
            )
        why = (f"{len(kept)} transcripts are not ready yet",) if kept else ()
        return replace(
            manifest,
            pending=tuple(kept),
            pending_since={one: wait.write() for one, wait in kept.items()},
            given_up=given_up,
            complete=not why,
            incomplete_because=why,
            complete_through=self._complete_through(kept.values()),
        )

    @cached_property
    def waits(self) -> dict[str, Wait]:
        """Return what earlier runs wait for."""
        waits: dict[str, Wait] = {}
        for manifest in self._earlier():
            waits = _waits_of(manifest) | waits
            if manifest.pending_since is not None and not self.everything:
                # It names all that the runs before it waited for.
                break
        return self._unread(waits) if self.everything else waits

    def _late_calls(self, within: Window) -> Findings:
        stream = Calls(
            workspace_id=self.stream.workspace_id,
            content="basic",
            include_private=self.stream.include_private,
        )
        return LateCalls(
            stream=stream,
            client=self.client,
            dataset=self.dataset,
            deletions=None,
            window=self.window,
            within=within,
            transcripts=self.stream,
            waits=tuple(self.waits),
        ).look()

    def _complete_through(self, waits: Iterable[Wait]) -> str | None:
        """Return the moment before which all transcripts are exported or given up, as far as that is known."""
        if self.stream.calls_reach is None:
            return None
        return min([self.stream.calls_reach, *(wait.started_after for wait in waits)]).isoformat()

    def _earlier(self) -> Iterator[Manifest]:
        found = self.dataset.manifests() if self.everything else self.dataset.manifests(self.window.start)
        return (manifest for manifest in found if manifest.window != self.window)

    def _unread(self, waits: dict[str, Wait]) -> dict[str, Wait]:
        """Leave out what some export of the dataset holds by now, or has given up."""
        left = {compact(row_id): row_id for row_id in waits}
        for manifest in self._earlier():
            for row_id in (*exported_ids(self.dataset, manifest, self.stream), *manifest.given_up):
                left.pop(compact(row_id), None)
        return {row_id: waits[row_id] for row_id in left.values()}


@dataclass(frozen=True, kw_only=True)
class LateCalls(Lookback):
    """A look back for calls of which a dataset of transcripts knows nothing: neither exported nor waited for."""

    transcripts: Transcripts
    waits: tuple[str, ...]

    def _known(self, windows: list[Window], shown: Seen) -> Seen:
        known = set(map(compact, self.waits))
        for window in windows:
            manifest = self.dataset.manifest(window)
            if manifest is not None:
                ids = exported_ids(self.dataset, manifest, self.transcripts)
                known.update(key for key in map(compact, (*manifest.given_up, *ids)) if key in shown)
        # Not what Gong shows no more: deletions are told by the dataset of calls.
        return dict.fromkeys(known & shown.keys(), "")


def _waits_of(manifest: Manifest) -> dict[str, Wait]:
    if manifest.pending_since is not None:
        return {row_id: Wait.read(*times) for row_id, times in manifest.pending_since.items()}
    alone = Wait(manifest.window.end, manifest.window.start)
    return dict.fromkeys(manifest.pending, alone)
