"""Is it all there? Reads the manifests of a dataset and says what is missing, doubled, damaged, outstanding or old.

Asks Gong nothing. Manifests outside the range are not read, so that a check of the last weeks costs the same however
old the archive is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.check.evidence import Look, looks
from airflow_provider_gong.exports.check.receipt import Problem, Receipt, Span, clear, gap_problems
from airflow_provider_gong.exports.deletions import owner_of
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
# Outstanding transcripts are measured by their share; other reasons are problems of their own.
_PENDING_REASON = "transcripts are not ready yet"


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a dataset should be like."""

    start: datetime | None = None
    end: datetime | None = None
    max_pending_share: float = 0.05
    max_age: timedelta | None = None
    max_lag: timedelta | None = None
    verify_content: bool = False

    def __post_init__(self) -> None:
        """Refuse a range that holds nothing or has not passed."""
        if self.start and self.end and self.start >= self.end:
            raise GongConfigurationError(
                f"from_datetime={self.start.isoformat()} must be earlier than to_datetime={self.end.isoformat()}."
            )
        for name, moment in (("from_datetime", self.start), ("to_datetime", self.end)):
            if moment and moment > datetime.now(UTC):
                raise GongConfigurationError(
                    f"{name}={moment.isoformat()} lies in the future, of which nothing can be exported yet: give "
                    "one that has passed, or leave it out."
                )

    @property
    def reach(self) -> Window:
        """Return the windows to list: from the start on, and to the newest of all, whose age counts."""
        # A second earlier: a snapshot of the very start is inside.
        return Window((self.start or _EARLIEST) - _SECOND, _LATEST)

    def include(self, window: Window) -> bool:
        """Tell whether a window has a part in the range."""
        start, end = self.start or _EARLIEST, self.end or _LATEST
        return window.start < end and (window.end > start or window.start >= start)


@dataclass
class _Seen:
    """What all looks together tell; each id is kept as a number."""

    holds_deletions: bool = False
    ids: set[int | str] = field(default_factory=set)
    doubled: set[int | str] = field(default_factory=set)
    pending: set[int | str] = field(default_factory=set)
    given_up: set[int | str] = field(default_factory=set)
    # Rows that are there and still wait for their transcript, as in conversations.
    unfinished: set[int | str] = field(default_factory=set)
    waiting: list[tuple[int, Window, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    dag_id: str | None = None
    reached: datetime | None = None

    def add(self, look: Look) -> None:
        self.problems += look.problems
        self.spans.append(Span(look.window, look.manifest.rows if look.manifest else 0))
        if look.manifest is None:
            return
        self.dag_id = look.manifest.run.get("dag_id", self.dag_id)
        # Deletions of an earlier version repeat what is outstanding of their calls.
        if self.holds_deletions:
            self._add_ids(look, again=True, unfinished=set())
            return
        self.problems += _incomplete(look.manifest)
        pending, given_up = (
            {compact(one) for one in ids} for ids in (look.manifest.pending, look.manifest.given_up)
        )
        self.pending |= pending
        self.given_up |= given_up
        if waiting := len(pending | given_up):
            self.waiting.append((waiting, look.window, clear(look.manifest)))
        # Each snapshot holds all users again.
        if not look.window.is_snapshot:
            # Windows come in the order of their starts. What overlaps others has no business with their ids.
            alone = self.reached is None or look.window.start >= self.reached
            self._add_ids(look, alone and look.manifest.may_hold_others, pending | given_up)
            self.reached = max(self.reached or look.window.end, look.window.end)

    def _add_ids(self, look: Look, again: bool, unfinished: set[int | str]) -> None:
        for one in look.compact_ids():
            if one in self.ids and not again:
                self.doubled.add(one)
            self.ids.add(one)
            if one in unfinished:
                self.unfinished.add(one)
            else:
                # A later window has brought what was waited for.
                self.unfinished.discard(one)

    def still(self, ids: set[int | str]) -> int:
        """Count the ids that no other export has brought since."""
        return sum(one not in self.ids or one in self.unfinished for one in ids)


def check(dataset: Dataset, expected: Expectations, now: datetime | None = None) -> Receipt:
    """Compare a dataset with what it should be.

    :param now: the moment from which ages are counted; by default the present one
    """
    listed = dataset.overlapping(expected.reach)
    owner = owner_of(dataset)
    seen = _Seen(holds_deletions=owner is not None)
    windows = [window for window in listed if expected.include(window)]
    for look in looks(dataset, windows, content=expected.verify_content):
        seen.add(look)
    receipt = Receipt(
        address=f"{dataset.root.protocol}://{dataset.root.path}",
        spans=seen.spans,
        holds_snapshots=bool(listed) and all(window.is_snapshot for window in listed),
        holds_deletions=seen.holds_deletions,
        pending=seen.still(seen.pending),
        given_up=seen.still(seen.given_up - seen.pending),
        doubled=len(seen.doubled),
    )
    newest = max(listed, key=lambda window: (window.end, window.start), default=None)
    _set_range(receipt, expected)
    receipt.problems += _age(dataset, newest, expected, now or datetime.now(UTC))
    # No deletion is no fault, where there are calls that might have been deleted.
    if owner is None or owner.newest_end(_LATEST) is None:
        receipt.problems += _emptiness(dataset, receipt)
    receipt.problems += gap_problems(receipt.gaps, seen.dag_id)
    receipt.problems += seen.problems
    receipt.problems += _doubled(dataset, seen)
    receipt.problems += _pending(receipt, seen, expected.max_pending_share)
    return receipt


def _set_range(receipt: Receipt, expected: Expectations) -> None:
    windows = [span.window for span in receipt.spans]
    receipt.start = expected.start or min((window.start for window in windows), default=None)
    receipt.end = expected.end or max((window.end for window in windows), default=None)
    if receipt.start is not None and receipt.end is not None and receipt.covers_time:
        receipt.gaps = list(uncovered(windows, Window(receipt.start, receipt.end)))


def uncovered(windows: Iterable[Window], whole: Window) -> Iterator[Window]:
    """Return the stretches of time that none of the windows covers, in their order."""
    reached = whole.start
    for window in sorted(windows):
        if window.start > reached:
            yield Window(reached, min(window.start, whole.end))
        reached = max(reached, window.end)
    if reached < whole.end:
        yield Window(reached, whole.end)


def _emptiness(dataset: Dataset, receipt: Receipt) -> Iterator[Problem]:
    if receipt.spans or receipt.gaps:
        return
    folders = [name for name in storage.names_in(dataset.root) if not name.startswith(("_", "date="))]
    if folders and dataset.newest_end(_LATEST) is None:
        mend = f"name one of the datasets below it ({', '.join(folders[:5])})"
        yield Problem("empty", "There is no export here", mend)
    else:
        mend = "export it first, or mend the address or the range"
        yield Problem("empty", "There is no export in the range", mend)


def _age(dataset: Dataset, newest: Window | None, expected: Expectations, now: datetime) -> Iterator[Problem]:
    end = newest.end if newest else dataset.newest_end(_LATEST)
    if end is not None:
        yield from _too_old("The newest export ends", end, now, "fail_if_older_than", expected.max_age)
    through = _complete_through(dataset, newest) if newest else None
    if through is not None:
        known = "The exports are complete through"
        yield from _too_old(known, through, now, "fail_if_incomplete_for", expected.max_lag)
    elif newest is not None and expected.max_lag is not None:
        what = "The newest export does not say how far the exports are complete, and fail_if_incomplete_for is given"
        yield Problem("age", what, "let the newest run look back: lookback= and max_active_runs=1")


def _too_old(
    known: str, moment: datetime, now: datetime, argument: str, limit: timedelta | None
) -> Iterator[Problem]:
    age = now - moment
    if limit is not None and age > limit:
        what = f"{known} {moment.isoformat()}, {_length(age)} ago, more than {argument}={_length(limit)}"
        yield Problem(
            "age", what, "look why no later run of its Dag has exported, then start or clear that run"
        )


def _complete_through(dataset: Dataset, newest: Window) -> datetime | None:
    """Return how far the newest manifest knows to be complete; a damaged one is told of elsewhere."""
    try:
        manifest = dataset.manifest(newest)
        return datetime.fromisoformat((manifest and manifest.complete_through) or "")
    except (GongConfigurationError, KeyError, TypeError, ValueError):
        return None


def _incomplete(manifest: Manifest) -> Iterator[Problem]:
    reasons = [why for why in manifest.incomplete_because if not why.endswith(_PENDING_REASON)]
    if not manifest.complete and (reasons or not manifest.pending):
        why = "; ".join(reasons) or "no reason given"
        what = f"The export of {manifest.window} is not complete ({why})"
        yield Problem("incomplete", what, clear(manifest))


def _doubled(dataset: Dataset, seen: _Seen) -> Iterator[Problem]:
    """Name the pairs of windows that hold the same ids; reads the ids again, which is rarely needed."""
    if not seen.doubled:
        return
    holders: dict[int | str, Manifest] = {}
    pairs: Counter[tuple[Window, Window]] = Counter()
    mends: dict[tuple[Window, Window], str] = {}
    for look in looks(dataset, [span.window for span in seen.spans]):
        for one in look.compact_ids():
            if one not in seen.doubled or look.manifest is None:
                continue
            if one not in holders:
                holders[one] = look.manifest
                continue
            pair = holders[one].window, look.window
            pairs[pair] += 1
            mends[pair] = clear(min(holders[one], look.manifest, key=_written_at))
    for (first, second), count in pairs.items():
        where = (
            f"both the export of {first} and that of {second}"
            if first != second
            else f"the export of {first} twice"
        )
        # The earlier one is exported again without what the later one holds.
        yield Problem("doubled", f"{count:,} ids are held by {where}", mends[first, second])


def _written_at(manifest: Manifest) -> str:
    return str(manifest.run.get("written_at", ""))


def _pending(receipt: Receipt, seen: _Seen, max_share: float) -> Iterator[Problem]:
    waiting = receipt.pending + receipt.given_up
    total = receipt.rows + waiting - len(seen.unfinished)
    share = waiting / max(1, total)
    if share <= max_share:
        return
    most = sorted(seen.waiting, key=lambda one: (-one[0], one[1]))[:3]
    places = "; ".join(f"{number:,} of {window}, {mend}" for number, window, mend in most)
    what = (
        f"{waiting:,} of {total:,} ids ({share:.1%}) are pending or given up, more than "
        f"max_pending_share={max_share:g}"
    )
    yield Problem(
        "pending", what, f"when Gong has had time, export the windows with most of them again ({places})"
    )


def _length(time: timedelta) -> str:
    """Write a length of time for people: days and hours, or what is smaller."""
    return str(timedelta(seconds=round(time.total_seconds())))
