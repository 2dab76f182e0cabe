"""Look back over what is exported already: calls that came late, changed, turned private or vanished since.

Gong shows calls minutes to many hours after they took place, so that a window which was read right at its end lacks
some. The newest run of a dataset asks Gong again for the time that earlier windows cover, without content, and
compares: what no manifest has is fetched into the run's own window, what changed is written again, and what is gone
is told in the dataset of deletions. Whatever the clocks of Gong and of ours say, only time that manifests cover is
asked for; uncovered time is left to its own window.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.dataset import IdsOutOfStep
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.window import Window, covered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

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
Seen = dict[Key, str | None]


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

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Findings:
        """Return what `write` wrote."""
        return cls(**facts | {"within": Window.read(facts["within"])})

    def write(self) -> dict[str, Any]:
        """Write it as it stands in a plan, for the attempts that follow."""
        return asdict(self) | {"within": self.within.write()}

    def describe(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        return {
            "from": self.within.start.isoformat(),
            "late": len(self.late),
            "changed": len(self.changed),
            "deleted": len(self.deleted),
            "doubted": self.doubted,
        }


def reach(window: Window, lookback: timedelta, before: datetime | None = None) -> Window:
    """Return the time before a window that its run looks back over.

    The first run of a UTC day reaches as far as `lookback`, the others of the day a day at most.

    :param before: where the newest export before the window ends; None when there is none
    """
    before = before or window.start
    if before.date() < window.end.date():
        # A day less before the last export: such looks come daily, and after a pause the window is longer.
        start = min(window.end - lookback, before - max(lookback - SHORT_LOOKBACK, timedelta(0)))
    else:
        start = window.end - min(lookback, SHORT_LOOKBACK)
    return Window(min(start, window.start), window.start)


class DeletedRows:
    """The rows of a dataset of deletions."""

    @staticmethod
    def row_id(record: dict[str, Any]) -> str:
        """Return the id of the call that was deleted."""
        return str(record["id"])


@dataclass(frozen=True, kw_only=True)
class Lookback:
    """A dataset of calls and that of its deletions, as the newest run sees them.

    :param window: the run's own window, whose former attempts may have told deletions.
    """

    stream: Calls
    client: GongClient
    dataset: Dataset
    deletions: Dataset | None
    window: Window
    within: Window

    def look(self) -> Findings:
        """Compare what is exported with what Gong shows now."""
        findings = Findings(self.within)
        if self.within.is_snapshot:
            return findings
        windows = self.dataset.overlapping(self.within)
        shown = {
            compact(glimpse.id): _hash_of(glimpse)
            for stretch in covered(windows, self.within)
            for glimpse in self.stream.glance(self.client, stretch)
        }
        known = self._known(windows, shown)
        for key, hash_ in shown.items():
            _judge(key, hash_, known.get(key), findings)
        # Their time does not show them any more: the start may have changed.
        unseen = sorted((str(key) for key, hash_ in known.items() if hash_ is not None and key not in shown))
        self._judge_unseen(unseen, known, findings)
        _doubt(findings, len(known), len(shown))
        return findings

    def _known(self, windows: list[Window], shown: Seen) -> Seen:
        """Return the ids of the windows with the hash that was exported last, None for what was deleted since."""
        known: Seen = {}
        deletions = self.deletions.overlapping(self.within) if self.deletions else []
        for window in sorted({*windows, *deletions, self.window}, key=lambda one: (one.end, one.start)):
            if window != self.window:
                known |= self._entries_of(window, shown)
            if self.deletions is not None:
                told = entries(self.deletions, window, DeletedRows())
                known |= {compact(row_id): None for row_id, _ in told}
        return known

    def _entries_of(self, window: Window, shown: Seen) -> Iterator[tuple[Key, str]]:
        """Return the ids and hashes of a window, as far as it lies in the time that is looked at."""
        held = ((compact(row_id), hash_) for row_id, hash_ in entries(self.dataset, window, self.stream))
        if window.start >= self.within.start:
            return held
        # Rows stand in the order of their starts. Without this, a first export of years would be asked for by id.
        return dropwhile(lambda entry: entry[0] not in shown, held)

    def _judge_unseen(self, unseen: list[str], known: Seen, findings: Findings) -> None:
        found: Seen = {compact(one.id): _hash_of(one) for one in self.stream.glance_at(self.client, unseen)}
        for key, hash_ in found.items():
            _judge(key, hash_, known.get(key), findings)
        findings.deleted |= {row_id: "gone" for row_id in unseen if compact(row_id) not in found}


def _hash_of(glimpse: Glimpse) -> str | None:
    return None if glimpse.private else glimpse.hash


def _judge(key: Key, hash_: str | None, exported: str | None, findings: Findings) -> None:
    """Tell what became of a call that Gong shows; a private one has no hash, nor has one that is not exported."""
    if hash_ is None:
        if exported is not None:
            findings.deleted[str(key)] = "private"
    elif exported is None:
        findings.late.append(str(key))
    elif exported not in ("", hash_):
        findings.changed.append(str(key))


def is_blind(gone: int, known: int, shown: int) -> bool:
    """Tell whether so many calls are gone that it is rather the access key which lost sight of them."""
    nothing_left = not shown and gone > 1
    return nothing_left or (gone > MOST_DELETIONS and gone > MOST_DELETIONS_SHARE * known)


def _doubt(findings: Findings, known: int, shown: int) -> None:
    """Believe no mass of deletions: a key that may not see the calls any more gets the same answers."""
    gone = [row_id for row_id, reason in findings.deleted.items() if reason == "gone"]
    if is_blind(len(gone), known, shown):
        findings.doubted = len(gone)
        for row_id in gone:
            del findings.deleted[row_id]
        log.warning(
            "Gong shows %d of %d exported calls no more, too many to be deletions: check what the user of the access "
            "key may see. Nothing is reported as deleted",
            len(gone),
            known,
        )


def entries(dataset: Dataset, window: Window, stream: Any) -> Iterator[tuple[str, str]]:
    """Return the ids that an exported window holds, with their hashes as far as these are known."""
    manifest: Manifest | None = dataset.manifest(window)
    if manifest is None:
        return
    try:
        yield from dataset.ids(manifest)
    except IdsOutOfStep:
        yield from ((row_id, "") for row_id in exported_ids(dataset, manifest, stream))
