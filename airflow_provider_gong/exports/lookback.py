"""Look back over what is exported already: calls that came late, changed, turned private or vanished since.

Gong shows calls minutes to many hours after they took place, so that a window which was read right at its end lacks
some. The newest run of a dataset asks Gong again for the time that earlier windows cover, without content, and
compares: what no manifest has is fetched into the run's own window, what changed is written again, and what is gone
is told in the dataset of deletions. Whatever the clocks of Gong and of ours say, only time that manifests cover is
asked for; uncovered time is left to its own window.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.dataset import IdsOutOfStep
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.window import Window, covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.glances import Glimpse
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.streams import Calls

log = logging.getLogger(__name__)

LOOKBACK = timedelta(days=7)
SHORT_LOOKBACK = timedelta(hours=24)

# More deletions than these are rather a key that lost sight of the calls: Gong tells the two apart by nothing.
MOST_DELETIONS = 10
MOST_DELETIONS_SHARE = 0.5

Key = int | str


@dataclass
class Findings:
    """What a look back found out.

    :param within: the time it reached over, of which only covered stretches were asked for.
    :param late: ids that no manifest has.
    :param changed: ids whose basic record differs from what was exported last.
    :param deleted: ids that are gone or private now, each with the reason.
    :param doubted: how many calls seem to be gone, but so many that it is not believed.
    """

    within: Window
    late: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: dict[str, str] = field(default_factory=dict)
    doubted: int = 0

    def describe(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        return {
            "from": self.within.start.isoformat(),
            "late": len(self.late),
            "changed": len(self.changed),
            "deleted": len(self.deleted),
            "doubted": self.doubted,
        }


def reach(window: Window, lookback: timedelta) -> Window:
    """Return the time before a window that its run looks back over.

    The first run of a UTC day reaches as far as `lookback`, the others of the day a day at most.
    """
    first_of_day = window.start.date() < window.end.date()
    far = lookback if first_of_day else min(lookback, SHORT_LOOKBACK)
    return Window(min(window.end - far, window.start), window.start)


@dataclass(frozen=True, kw_only=True)
class Lookback:
    """A dataset of calls and that of its deletions, as the newest run sees them."""

    stream: Calls
    client: GongClient
    dataset: Dataset
    deletions: Dataset | None
    within: Window

    def look(self) -> Findings:
        """Compare what is exported with what Gong shows now."""
        findings = Findings(self.within)
        if self.within.is_snapshot:
            return findings
        windows = self.dataset.overlapping(self.within)
        known = self._known(windows)
        unseen = {key for key, hash_ in known.items() if hash_ is not None}
        shown = 0
        for stretch in covered(windows, self.within):
            for glimpse in self.stream.glance(self.client, stretch):
                shown += 1
                unseen.discard(compact(glimpse.id))
                _judge(glimpse, known, findings)
        self.judge_unseen(unseen, known, findings)
        _doubt(findings, known, shown)
        return findings

    def _known(self, windows: list[Window]) -> dict[Key, str | None]:
        """Return the ids of the windows with the hash that was exported last, None for what was deleted since."""
        known: dict[Key, str | None] = {}
        for window in sorted(windows, key=lambda one: (one.end, one.start)):
            known |= {compact(row_id): hash_ for row_id, hash_ in _entries(self.dataset, window, self.stream)}
            if self.deletions is not None:
                known |= {
                    compact(row_id): None for row_id, _ in _entries(self.deletions, window, self.stream)
                }
        return known

    def judge_unseen(self, unseen: set[Key], known: dict[Key, str | None], findings: Findings) -> None:
        """Ask by id for calls that their time does not show any more: the start may have changed."""
        for glimpse in self.stream.glance_at(self.client, map(str, sorted(unseen, key=str))):
            unseen.discard(compact(glimpse.id))
            _judge(glimpse, known, findings)
        findings.deleted |= {str(key): "gone" for key in sorted(unseen, key=str)}


def _judge(glimpse: Glimpse, known: dict[Key, str | None], findings: Findings) -> None:
    """Tell what became of a call that Gong shows."""
    key = compact(glimpse.id)
    exported = known.get(key)
    if glimpse.private:
        if exported is not None:
            findings.deleted[glimpse.id] = "private"
    elif exported is None:
        findings.late.append(glimpse.id)
    elif exported not in ("", glimpse.hash):
        findings.changed.append(glimpse.id)
    # Two pages may show the same call.
    known[key] = None if glimpse.private else glimpse.hash


def _doubt(findings: Findings, known: dict[Key, str | None], shown: int) -> None:
    """Believe no mass of deletions: a key that may not see the calls any more gets the same answers."""
    gone = [row_id for row_id, reason in findings.deleted.items() if reason == "gone"]
    nothing_left = not shown and len(gone) > 1
    too_many = len(gone) > MOST_DELETIONS and len(gone) > MOST_DELETIONS_SHARE * len(known)
    if nothing_left or too_many:
        findings.doubted = len(gone)
        for row_id in gone:
            del findings.deleted[row_id]
        log.warning(
            "Gong shows %d of %d exported calls no more, too many to be deletions: check what the user of the access "
            "key may see. Nothing is reported as deleted",
            len(gone),
            len(known),
        )


def _entries(dataset: Dataset, window: Window, stream: Any) -> Iterator[tuple[str, str]]:
    """Return the ids that an exported window holds, with their hashes as far as these are known."""
    manifest: Manifest | None = dataset.manifest(window)
    if manifest is None:
        return
    try:
        yield from dataset.ids(manifest)
    except IdsOutOfStep:
        yield from ((row_id, "") for row_id in exported_ids(dataset, manifest, stream))
