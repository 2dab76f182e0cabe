"""What a check of a dataset found: its coverage, its problems, each with the mend."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.window import Window

#: How many problems an error names.
NAMED_PROBLEMS = 20
#: How many gaps go to XCom, which lies in Airflow's database.
XCOM_GAPS = 100


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be, and what puts it right."""

    kind: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}: {self.mend}"


@dataclass(frozen=True)
class Span:
    """A window and how many rows its export holds."""

    window: Window
    rows: int


@dataclass(kw_only=True)
class Receipt:
    """The findings of a check; `start` and `end` are the range that was looked at."""

    address: str
    start: datetime | None = None
    end: datetime | None = None
    holds_snapshots: bool = False
    holds_deletions: bool = False
    spans: list[Span] = field(default_factory=list)
    gaps: list[Window] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    pending: int = 0
    given_up: int = 0
    doubled: int = 0

    @property
    def covers_time(self) -> bool:
        """Tell whether days without an export are missing: snapshots are moments, deletions come as they come."""
        return not (self.holds_snapshots or self.holds_deletions)

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems

    @property
    def rows(self) -> int:
        """Return the rows of all windows."""
        return sum(span.rows for span in self.spans)

    def error(self) -> str:
        """Name the problems, each with its mend, in one text."""
        count = len(self.problems)
        head = f"{self.address}: {count} problem{'s' if count != 1 else ''}."
        return "\n- ".join([head, *named(self.problems)])

    def to_xcom(self) -> dict[str, Any]:
        """Return what the task returns: small, and without personal data."""
        windows = [span.window for span in self.spans]
        return {
            "ok": self.ok,
            "problems": named(self.problems),
            "windows": len(self.spans),
            "rows": self.rows,
            "covered_from": min(window.start for window in windows).isoformat() if windows else None,
            "covered_to": max(window.end for window in windows).isoformat() if windows else None,
            "gaps": [
                # The names of an export's arguments: a mapped export fills them.
                {"from_datetime": gap.start.isoformat(), "to_datetime": gap.end.isoformat()}
                for gap in self.gaps[:XCOM_GAPS]
            ],
            "pending": self.pending,
            "given_up": self.given_up,
            "doubled": self.doubled,
        }


def named(problems: Sequence[Problem], limit: int = NAMED_PROBLEMS) -> list[str]:
    """Return the texts of the first problems of each kind, and how many more there are."""
    kept = first_of_each_kind(problems, limit)
    left = len(problems) - len(kept)
    return [*map(str, kept), *([f"and {left:,} more"] if left else [])]


def first_of_each_kind(problems: Sequence[Problem], limit: int) -> list[Problem]:
    """Return as many problems as the limit allows, in their order, no kind crowded out by another."""
    # A hundred gaps must not hide the one damaged part.
    rank: Counter[str] = Counter()
    ranked = []
    for index, problem in enumerate(problems):
        ranked.append((rank[problem.kind], index))
        rank[problem.kind] += 1
    return [problems[index] for index in sorted(index for _, index in sorted(ranked)[:limit])]


def clear(manifest: Manifest) -> str:
    """Say which task of which run writes the export of a manifest again."""
    run = manifest.run
    if not run.get("run_id"):
        return "clear the run that exported it"
    mapped = f" (map index {run['map_index']})" if run.get("map_index", -1) >= 0 else ""
    return (
        f"clear the task {run['task_id']!r}{mapped} in the run {run['run_id']!r} of the Dag {run['dag_id']!r}"
    )


def gap_problems(gaps: Iterable[Window], dag_id: str | None) -> list[Problem]:
    """Name each gap, and how to export it."""
    return [Problem("gap", f"Nothing covers {gap}", _export(gap, dag_id)) for gap in gaps]


def _export(gap: Window, dag_id: str | None) -> str:
    from datetime import timedelta

    # The last second, because Airflow takes both ends for inclusive.
    last = gap.end - timedelta(seconds=1)
    return (
        f"export it with from_datetime='{gap.start.isoformat()}' and to_datetime='{gap.end.isoformat()}' or, if "
        f"the runs of the Dag have data intervals, airflow backfill create --dag-id {dag_id or '<dag>'} "
        f"--from-date {gap.start.isoformat()} --to-date {last.isoformat()} --reprocess-behavior completed"
    )
