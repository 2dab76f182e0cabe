"""Checks of datasets that a test writes: ranges, gaps, doubled ids, and what a check costs."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.check.check import Expectations, check, uncovered
from airflow_provider_gong.exports.manifest import IdsFile, Manifest, Part
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import batch, day, export, run, window

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from airflow_provider_gong.exports.check.receipt import Receipt
    from airflow_provider_gong.exports.dataset import Dataset

HOUR = timedelta(hours=1)


def kinds(receipt: Receipt) -> list[str]:
    return [problem.kind for problem in receipt.problems]


def write_days(dataset: Dataset, *numbers: int) -> None:
    for number in numbers:
        export(dataset, batch(number), window=window(number, number + 1), run=run(f"run-{number}")).execute()


# Ranges and gaps


def test_whole_dataset_is_checked_by_default(dataset: Dataset) -> None:
    write_days(dataset, 3, 4, 5)
    receipt = check(dataset, Expectations())
    assert receipt.ok
    assert (receipt.start, receipt.end, receipt.rows) == (day(3), day(6), 3)


def test_gap_between_windows_names_the_dag_to_run(dataset: Dataset) -> None:
    write_days(dataset, 3, 6)
    [problem] = check(dataset, Expectations()).problems
    assert problem.what == f"Nothing covers {window(4, 6)}"
    assert "airflow backfill create --dag-id gong --from-date 2026-01-04T00:00:00+00:00" in problem.mend
    assert "--to-date 2026-01-05T23:59:59+00:00" in problem.mend


def test_window_across_the_end_of_a_range_is_in_it_and_a_neighbour_is_not(dataset: Dataset) -> None:
    write_days(dataset, 3, 4, 5, 6)
    receipt = check(dataset, Expectations(start=day(4), end=day(5) + 6 * HOUR))
    assert [span.window for span in receipt.spans] == [window(4, 5), window(5, 6)]
    assert receipt.ok


def test_long_window_that_ends_after_the_range_covers_it(dataset: Dataset) -> None:
    export(dataset, batch(1), window=Window(day(1), day(1, 6))).execute()
    assert check(dataset, Expectations(start=day(3, 2), end=day(4, 2))).ok


def test_range_with_nothing_in_it_is_one_gap(dataset: Dataset) -> None:
    write_days(dataset, 3)
    receipt = check(dataset, Expectations(start=day(10), end=day(12)))
    assert receipt.gaps == [window(10, 12)]
    assert kinds(receipt) == ["gap"]


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        (day(5), day(5), "must be earlier than to_datetime"),
        (datetime.now(UTC) + HOUR, None, "from_datetime="),
        (None, datetime.now(UTC) + HOUR, "to_datetime="),
    ],
)
def test_range_that_makes_no_sense_is_refused(
    start: datetime | None, end: datetime | None, named: str
) -> None:
    with pytest.raises(GongConfigurationError, match=named):
        Expectations(start=start, end=end)


bounds = st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda one: (one[0], one[0] + one[1]))


@given(st.lists(bounds), bounds)
def test_every_hour_is_covered_or_in_exactly_one_gap(
    windows: list[tuple[int, int]], whole: tuple[int, int]
) -> None:
    def moment(hour: int) -> datetime:
        return day(1) + hour * HOUR

    def hours(spans: Iterable[Window]) -> list[datetime]:
        return [span.start + n * HOUR for span in spans for n in range((span.end - span.start) // HOUR)]

    given_windows = [Window(moment(start), moment(end)) for start, end in windows]
    # Only those that have a part in the range are ever asked about.
    inside = [one for one in given_windows if one.overlaps(Window(*map(moment, whole)))]
    gaps = list(uncovered(inside, Window(*map(moment, whole))))
    covered = set(hours(inside))
    expected = [moment(hour) for hour in range(*whole) if moment(hour) not in covered]
    assert hours(gaps) == expected
    assert all(before.end < after.start for before, after in pairwise(gaps))


# Ages


def test_age_is_counted_from_the_newest_window_even_outside_the_range(dataset: Dataset) -> None:
    write_days(dataset, 3, 4)
    ranges: list[dict[str, Any]] = [{}, {"end": day(4)}, {"start": day(10), "end": day(12)}]
    for expected in ranges:
        old = check(dataset, Expectations(max_age=2 * HOUR, **expected), now=day(5) + 3 * HOUR)
        young = check(dataset, Expectations(max_age=4 * HOUR, **expected), now=day(5) + 3 * HOUR)
        assert "age" in kinds(old)
        assert "age" not in kinds(young)
    [age, *_] = old.problems
    assert age.what == (
        "The newest export ends 2026-01-05T00:00:00+00:00, 3:00:00 ago, more than fail_if_older_than=2:00:00"
    )


# Doubled and outstanding ids


def copy_as(dataset: Dataset, source: Window, target: Window) -> None:
    """Publish an export once more as that of another window, as only two runs in the same moment can."""
    manifest = dataset.manifest(source)
    assert manifest is not None
    body = json.loads(manifest.to_json())
    body["window"] = {"from": target.start.isoformat(), "to": target.end.isoformat()}
    body["run"] |= {"run_id": "later", "written_at": "2027-01-01T00:00:00+00:00"}
    path = dataset.manifest_path(target)
    path.fs.makedirs(path.parent.path, exist_ok=True)
    path.fs.pipe_file(path.path, json.dumps(body).encode())


def test_doubled_ids_name_both_windows_and_the_run_that_wrote_first(dataset: Dataset) -> None:
    export(dataset, batch(1, 2, "a-3")).execute()
    copy_as(dataset, window(), Window(day(1), day(3)))
    receipt = check(dataset, Expectations())
    assert receipt.doubled == 3
    [problem] = [one for one in receipt.problems if one.kind == "doubled"]
    assert (
        problem.what
        == f"3 ids are held by both the export of {window()} and that of {Window(day(1), day(3))}"
    )
    assert problem.mend == "clear the task 'export' in the run 'run-1' of the Dag 'gong'"


def write_bare(dataset: Dataset, of: Window, ids: list[str], **facts: Any) -> None:
    """Write a manifest and its ids file without an export."""
    content = gzip.compress("".join(f"{one}\tabc\n" for one in ids).encode(), mtime=0)
    path = dataset.ids_path(of)
    path.fs.makedirs(path.parent.path, exist_ok=True)
    path.fs.pipe_file(path.path, content)
    ids_file = IdsFile(dataset.relative(path), len(ids), hashlib.sha256(content).hexdigest())
    name = f"{dataset.partition(of)}/part-00000-abc.jsonl"
    part = dataset.root / name
    part.fs.makedirs(part.parent.path, exist_ok=True)
    part.fs.pipe_file(part.path, b"")
    parts = (Part(name, len(ids), 0, ""),) if ids else ()
    manifest = Manifest(identity={}, window=of, parts=parts, ids=ids_file, rows=len(ids), **facts)
    target = dataset.manifest_path(of)
    target.fs.pipe_file(target.path, manifest.to_json())


def test_id_twice_in_one_export_is_doubled(dataset: Dataset) -> None:
    write_bare(dataset, window(), ["1", "2", "1"])
    receipt = check(dataset, Expectations())
    assert (receipt.doubled, kinds(receipt)) == (1, ["doubled"])
    assert receipt.problems[0].what == f"1 ids are held by the export of {window()} twice"


@pytest.mark.parametrize(
    ("facts", "doubled"),
    [
        ({}, 1),
        ({"revisited": True}, 0),
        # As manifests of former versions have it.
        ({"looked_back": {"from": "2026-01-01T00:00:00+00:00"}}, 0),
        ({"pending_since": {}}, 0),
    ],
)
def test_only_exports_of_records_of_other_times_may_hold_what_others_hold(
    dataset: Dataset, facts: dict[str, Any], doubled: int
) -> None:
    write_bare(dataset, window(1, 2), ["1", "2"])
    write_bare(dataset, window(2, 3), ["2", "3"], **facts)
    assert check(dataset, Expectations()).doubled == doubled


def test_ids_are_compared_with_all_their_digits(dataset: Dataset) -> None:
    write_bare(dataset, window(1, 2), ["10000000000000000001", "7", "07"])
    write_bare(dataset, window(2, 3), ["10000000000000000002", "70"])
    assert check(dataset, Expectations()).ok


@pytest.mark.parametrize(
    ("rows", "later", "still"),
    [
        ([], [], 1),  # a transcript that is not ready
        ([], ["9"], 0),  # brought by a later export
        (["9"], [], 1),  # a conversation whose row is there without its transcript
    ],
)
def test_pending_ids_count_until_another_export_brings_them(
    dataset: Dataset, rows: list[str], later: list[str], still: int
) -> None:
    why = {"complete": False, "incomplete_because": ("1 transcripts are not ready yet",)}
    write_bare(dataset, window(1, 2), ["1", *rows], pending=("9",), **why)
    write_bare(dataset, window(2, 3), ["2", *later])
    receipt = check(dataset, Expectations(max_pending_share=0))
    assert receipt.pending == still
    assert kinds(receipt) == ["pending"] * still
    if still:
        assert receipt.problems[0].what.startswith("1 of 3 ids (33.3%) are pending or given up")


def test_pending_share_may_be_reached_and_not_passed(dataset: Dataset) -> None:
    write_bare(dataset, window(), ["1", "2", "3"], pending=("9",))
    assert check(dataset, Expectations(max_pending_share=0.25)).ok
    assert kinds(check(dataset, Expectations(max_pending_share=0.24))) == ["pending"]


# What it costs


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is asked of the local file system."""
    from collections import Counter

    counted: Counter[str] = Counter()
    for name in ("ls", "find", "cat_file", "info", "open"):
        original = getattr(LocalFileSystem, name)

        def counting(
            self: Any, *args: Any, _name: str = name, _original: Any = original, **kwargs: Any
        ) -> Any:
            counted[_name] += 1
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(LocalFileSystem, name, counting)
    return counted


def pile_up(dataset: Dataset, years: int) -> int:
    """Write the names of old manifests, one for each hour; whoever reads one finds it damaged."""
    folder = Path(dataset.root.path) / "_manifests"
    start, count = datetime(2025, 12, 1, tzinfo=UTC), 0
    for number in range(1, years * 365 * 24):
        end = start - number * HOUR
        month = folder / f"{end:%Y-%m}"
        month.mkdir(parents=True, exist_ok=True)
        (month / f"{end:%Y%m%dT%H%M%SZ}_{end - HOUR:%Y%m%dT%H%M%SZ}.json").touch()
        count += 1
    return count


def test_work_for_a_recent_range_does_not_grow_with_the_archive(
    local_dataset: Dataset, steps: Counter[str]
) -> None:
    write_days(local_dataset, *range(1, 8))
    recent = Expectations(start=day(1), end=day(8), max_age=timedelta(days=36_000))
    steps.clear()
    assert check(local_dataset, recent).ok
    young = dict(steps)
    assert pile_up(local_dataset, years=4) > 30_000
    steps.clear()
    receipt = check(local_dataset, recent)
    assert (receipt.ok, len(receipt.spans)) == (True, 7)
    assert {name: steps[name] for name in ("cat_file", "ls", "open")} == {
        name: young.get(name, 0) for name in ("cat_file", "ls", "open")
    }
    assert young["cat_file"] == 2 * 7 + 1
    # Of `ls`, one for the months, one for this month, one for the parts of each day.
    assert sum(steps.values()) == sum(young.values())


def test_memory_holds_ids_as_numbers_and_no_files(local_dataset: Dataset) -> None:
    ids_each, windows = 4_000, 25
    for number in range(windows):
        first = 10**18 + number * ids_each
        write_bare(
            local_dataset,
            window(number + 1, number + 2) if number < 30 else window(),
            [str(one) for one in range(first, first + ids_each)],
        )
    tracemalloc.start()
    try:
        assert check(local_dataset, Expectations()).rows == ids_each * windows
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A number takes 36 bytes and its place in a set up to 85 while it grows; the text and its place would take 150.
    assert peak / (ids_each * windows) < 140
