"""The rules that choose a window, each alone and in sequences of runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.window import (
    Choice,
    Window,
    WindowArguments,
    choose_window,
    last_gap,
    stamp,
    unstamp,
)
from tests.exports.doubles import day, run, window

if TYPE_CHECKING:
    from airflow_provider_gong.exports.run import Run

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Covered:
    """The windows of a dataset, in memory."""

    windows: list[Window] = field(default_factory=list)

    def newest_end(self, not_after: datetime) -> datetime | None:
        return max((one.end for one in self.windows if one.end <= not_after), default=None)

    def overlapping(self, window: Window) -> list[Window]:
        return [one for one in self.windows if one.overlaps(window)]

    def oldest_start(self) -> datetime | None:
        return min((one.start for one in self.windows), default=None)

    def gap_before(self, end: datetime) -> Window | None:
        return last_gap(one for one in self.windows if one.end <= end)


def choose(run_facts: Run, *covered: Window, kept: Window | None = None, **arguments: Any) -> Choice:
    return choose_window(WindowArguments(**arguments), run_facts, Covered(list(covered)), kept)


def head(now: datetime, **facts: Any) -> Run:
    return run(run_after=now, run_type="manual", **facts)


# A gap


@pytest.mark.parametrize(
    ("windows", "gap"),
    [
        ([], None),
        ([window(1, 2)], None),
        ([window(1, 3), window(3, 4)], None),
        ([window(1, 9), window(2, 3), window(9, 10)], None),
        ([window(1, 3), window(5, 6)], window(3, 5)),
        ([window(8, 9), window(5, 6), window(1, 3)], window(6, 8)),
    ],
)
def test_gap_is_the_last_stretch_that_no_window_covers(windows: list[Window], gap: Window | None) -> None:
    assert last_gap(windows) == gap


def test_head_run_names_the_beginning_that_was_never_exported() -> None:
    choice = choose(head(day(9)), window(5, 6), initial_from_datetime=day(1))
    assert (choice.window, choice.gap) == (window(6, 9), window(1, 5))
    assert choose(head(day(9)), window(1, 6), initial_from_datetime=day(1)).gap is None


def test_scheduled_run_names_the_gap_before_its_interval_and_a_backfill_does_not() -> None:
    facts = run(data_interval=(day(5), day(6)))
    assert choose(facts, window(1, 3)).gap == window(3, 5)
    assert choose(facts, window(1, 5)).gap is None
    assert choose(replace(facts, run_type="backfill"), window(1, 3)).gap is None


def test_head_run_names_the_gap_that_an_explicit_window_ahead_of_it_left() -> None:
    choice = choose(head(day(9)), window(1, 3), window(5, 6))
    assert (choice.window, choice.gap) == (window(6, 9), window(3, 5))


# A window


def test_windows_that_touch_do_not_overlap() -> None:
    assert not window(1, 2).overlaps(window(2, 3))
    assert not window(2, 3).overlaps(window(1, 2))


@pytest.mark.parametrize("other", [window(1, 3), window(2, 3), window(3, 9), window(2, 5), window(1, 9)])
def test_windows_that_share_a_moment_overlap(other: Window) -> None:
    assert window(2, 5).overlaps(other)
    assert other.overlaps(window(2, 5))


def test_snapshot_is_a_moment_of_whole_seconds_in_utc() -> None:
    moment = datetime(2026, 1, 1, 10, 0, 0, 999_999, tzinfo=timezone(2 * HOUR))
    snapshot = Window.snapshot(moment)
    assert snapshot.is_snapshot
    assert snapshot.start == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert not snapshot.overlaps(snapshot)
    assert not window().is_snapshot


def test_window_is_named_in_utc() -> None:
    assert window(1, 2).name == "20260101T000000Z_20260102T000000Z"
    assert str(window(1, 2)) == "[2026-01-01T00:00:00+00:00, 2026-01-02T00:00:00+00:00)"
    assert stamp(datetime(2026, 1, 1, 1, tzinfo=timezone(2 * HOUR))) == "20251231T230000Z"


def test_stamp_is_read_back() -> None:
    assert unstamp(stamp(day(5))) == day(5)


# Rule 1: kept


def test_kept_window_wins_over_everything() -> None:
    choice = choose(head(day(9)), window(1, 8), kept=window(3, 4), from_datetime=day(5), to_datetime=day(6))
    assert choice == Choice(window(3, 4), "kept from an earlier attempt of this run")


# Rule 2: arguments


def test_arguments_win_over_the_data_interval() -> None:
    choice = choose(
        run(data_interval=(day(7), day(8))), from_datetime=day(1), to_datetime=day(2), interval=DAY
    )
    assert choice == Choice(window(1, 2), "from_datetime and to_datetime")


def test_arguments_are_neither_cut_by_coverage_nor_held_back_by_settle() -> None:
    choice = choose(head(day(9)), window(1, 5), from_datetime=day(2), to_datetime=day(7), settle=HOUR)
    assert choice.window == window(2, 7)


def test_arguments_are_read_in_utc_and_whole_seconds() -> None:
    zone = timezone(-5 * HOUR)
    choice = choose(
        head(day(9)),
        from_datetime=datetime(2026, 1, 1, 0, 0, 0, 700_000, tzinfo=zone),
        to_datetime=datetime(2026, 1, 1, 1, 0, 0, 200_000, tzinfo=zone),
    )
    assert choice.window == Window(datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2026, 1, 1, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [({"to_datetime": day(2)}, "from_datetime"), ({"from_datetime": day(2)}, "to_datetime")],
)
def test_one_bound_without_the_other_is_refused(arguments: dict[str, Any], missing: str) -> None:
    message = f"{missing} is missing: give both from_datetime and to_datetime, or neither."
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(head(day(9)), **arguments)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (day(2), day(1)),
        (day(2), day(2)),
        (day(2), day(2) + timedelta(milliseconds=900)),
    ],
)
def test_bounds_without_a_whole_second_between_them_are_refused(start: datetime, end: datetime) -> None:
    message = (
        f"from_datetime={start.isoformat()} must be earlier than to_datetime={end.isoformat()} "
        "(windows are half-open and counted in whole seconds)."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(head(day(9)), from_datetime=start, to_datetime=end)


def test_argument_in_the_future_is_refused_without_any_excuse_for_clocks() -> None:
    end = datetime.now(UTC) + timedelta(seconds=30)
    with pytest.raises(GongConfigurationError, match=r"^to_datetime=.* lies in the future: .*has passed\.$"):
        choose(head(day(9)), from_datetime=day(1), to_datetime=end)


# Rule 3: interval


def test_interval_ends_at_the_logical_date() -> None:
    choice = choose(run(logical_date=day(5), data_interval=(day(5), day(5))), interval=DAY)
    assert choice == Choice(window(4, 5), "interval until the run was due")


def test_interval_ends_with_the_data_interval_where_the_logical_date_is_its_start() -> None:
    choice = choose(run(logical_date=day(5), data_interval=(day(5), day(6))), interval=DAY)
    assert choice.window == window(5, 6)


def test_interval_ends_at_a_logical_date_without_data_interval() -> None:
    assert choose(run(logical_date=day(5)), interval=DAY).window == window(4, 5)


def test_interval_begins_at_the_partition_date() -> None:
    choice = choose(run(logical_date=day(9), partition_date=day(3)), interval=DAY)
    assert choice == Choice(window(3, 4), "interval from the partition date")


def test_interval_of_a_run_without_any_date_leaves_the_head_rule() -> None:
    assert choose(head(day(9)), window(1, 5), interval=DAY).window == window(5, 9)


@pytest.mark.parametrize("interval", [timedelta(0), -DAY])
def test_interval_that_is_not_longer_than_nothing_is_refused(interval: timedelta) -> None:
    message = f"interval={interval} must be longer than zero, for example timedelta(days=1) or 'P1D'."
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(run(logical_date=day(5), data_interval=(day(1), day(2))), interval=interval)


# Rule 4: the data interval


def test_data_interval_is_the_window() -> None:
    choice = choose(run(data_interval=(day(3), day(4))), window(1, 9))
    assert choice == Choice(window(3, 4), "the Dag run's data interval")


def test_data_interval_needs_no_destination_and_no_single_active_run() -> None:
    facts = run(data_interval=(day(3), day(4)), max_active_runs=16)
    assert choose_window(WindowArguments(), facts, None).window == window(3, 4)


def test_settle_holds_both_bounds_back_so_that_neighbours_still_touch() -> None:
    first = choose(run(data_interval=(day(3), day(4))), settle=HOUR)
    second = choose(run(data_interval=(day(4), day(5))), settle=HOUR)
    assert first.window == Window(day(3) - HOUR, day(4) - HOUR)
    assert first.rule == "the Dag run's data interval, held back by settle=1:00:00"
    assert second.window is not None
    assert first.window.end == second.window.start


def test_neighbours_with_fractions_of_a_second_still_touch() -> None:
    bounds = [day(1) + timedelta(seconds=number * 60.75) for number in range(5)]
    chosen = [choose(run(data_interval=pair)).window for pair in pairwise(bounds)]
    assert all(one and other and one.end == other.start for one, other in pairwise(chosen))


def test_scheduler_whose_clock_is_seconds_ahead_is_excused() -> None:
    end = datetime.now(UTC) + timedelta(seconds=30)
    assert choose(run(data_interval=(day(1), end))).window is not None


def test_data_interval_in_the_future_is_refused() -> None:
    end = datetime.now(UTC) + timedelta(minutes=10)
    with pytest.raises(GongConfigurationError, match=r"\(the Dag run's data interval\) ends in the future: "):
        choose(run(data_interval=(day(1), end)))


# Rule 5: backfills


def test_backfill_without_a_window_is_refused_with_all_three_mends() -> None:
    message = (
        "A backfill run needs a window of its own, and this Dag's schedule gives it none: schedule the Dag with "
        "CronDataIntervalTimetable or CronTriggerTimetable(..., interval=...), or pass interval= "
        "(for example timedelta(days=1)) to the operator."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(run(run_type="backfill", data_interval=(day(3), day(3))), window(1, 2))


def test_backfill_with_an_interval_of_its_own_has_a_window() -> None:
    assert choose(run(run_type="backfill", logical_date=day(3)), interval=DAY).window == window(2, 3)
    assert choose(run(run_type="backfill", data_interval=(day(3), day(4)))).window == window(3, 4)


# Rule 6: the head rule


@pytest.mark.parametrize(
    ("covered", "now", "expected"),
    [
        pytest.param([window(1, 3)], 9, window(3, 9), id="from the newest end"),
        pytest.param([window(1, 3), window(5, 6)], 9, window(6, 9), id="the newest of several ends"),
        pytest.param([window(1, 3), window(2, 5)], 9, window(5, 9), id="overlapping windows"),
        pytest.param(
            [window(1, 3), window(5, 12)], 9, window(3, 5), id="a later window begins before this end"
        ),
        pytest.param([window(1, 3), window(9, 12)], 9, window(3, 9), id="a later window begins at this end"),
        pytest.param([window(1, 3), window(10, 12)], 9, window(3, 9), id="a later window does not matter"),
        pytest.param(
            [window(1, 3), window(7, 12), window(5, 10)], 9, window(3, 5), id="the first of two later"
        ),
        pytest.param([window(1, 9)], 9, None, id="covered exactly"),
        pytest.param([window(1, 3), window(3, 12)], 9, None, id="covered by a later window that touches"),
        pytest.param([window(1, 3), window(2, 12)], 9, None, id="covered by a later window that overlaps"),
    ],
)
def test_head_run_reads_what_lies_uncovered_before_it(
    covered: list[Window], now: int, expected: Window | None
) -> None:
    assert choose(head(day(now)), *covered).window == expected


def test_head_run_says_from_where_it_reads() -> None:
    choice = choose(head(day(9)), window(1, 3))
    assert choice.rule == "from the newest exported window until this run"


def test_head_run_with_nothing_left_says_what_covers_it() -> None:
    assert choose(head(day(9)), window(1, 9)) == Choice(
        None,
        "already covered by exports that reach 2026-01-09T00:00:00+00:00; "
        "this run ends 2026-01-09T00:00:00+00:00",
    )


def test_head_run_that_later_ones_cover_says_how_far_they_reach() -> None:
    choice = choose(head(day(4)), window(1, 6), initial_from_datetime=day(1))
    assert choice.window is None
    assert choice.rule == (
        "already covered by exports that reach 2026-01-06T00:00:00+00:00; "
        "this run ends 2026-01-04T00:00:00+00:00"
    )


def test_first_run_that_ends_before_the_initial_moment_has_nothing_to_export_yet() -> None:
    assert choose(head(day(2)), initial_from_datetime=day(5)) == Choice(
        None,
        "nothing to export yet: initial_from_datetime=2026-01-05T00:00:00+00:00, "
        "this run ends 2026-01-02T00:00:00+00:00",
    )


def test_empty_data_interval_leaves_the_head_rule() -> None:
    assert choose(run(run_after=day(9), data_interval=(day(4), day(4))), window(1, 3)).window == window(3, 9)


def test_head_run_is_held_back_by_settle_and_cut_to_whole_seconds() -> None:
    now = day(9) + timedelta(milliseconds=1500)
    chosen = choose(head(now), window(1, 3), settle=HOUR).window
    assert chosen == Window(day(3), day(9) - HOUR + timedelta(seconds=1))


def test_settle_longer_than_the_time_since_the_last_export_leaves_nothing() -> None:
    assert (
        choose(head(day(3) + HOUR), window(1, 3), settle=2 * HOUR, initial_from_datetime=day(1)).window
        is None
    )


def test_head_run_without_a_destination_is_refused() -> None:
    message = (
        "Nothing says which window to export: this run has no data interval, and without destination= there "
        "are no manifests to continue from. Pass from_datetime= and to_datetime=, interval=, or destination=."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose_window(WindowArguments(initial_from_datetime=day(1)), head(day(9)), None)


def test_head_run_beside_other_active_runs_is_refused() -> None:
    message = (
        "Continuing from the newest exported window needs one run at a time: set max_active_runs=1 on the Dag "
        "(it is 16), or give each run a window of its own (CronDataIntervalTimetable, "
        "interval=, or from_datetime= and to_datetime=)."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(head(day(9), max_active_runs=16), window(1, 3))


def test_head_run_in_the_future_is_refused() -> None:
    now = datetime.now(UTC) + timedelta(minutes=10)
    with pytest.raises(
        GongConfigurationError, match=r"ends in the future: .* Run it when the window has passed"
    ):
        choose(head(now), window(1, 3))


# Rule 7: the first run


def test_first_run_of_all_begins_at_the_initial_moment() -> None:
    choice = choose(head(day(9)), initial_from_datetime=day(2) + timedelta(milliseconds=300))
    assert choice == Choice(window(2, 9), "the first export, from initial_from_datetime")


def test_first_run_of_all_without_an_initial_moment_is_refused() -> None:
    message = (
        "This is the first export of the dataset and nothing says where it begins: pass "
        "initial_from_datetime= (for example '2026-01-01')."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        choose(head(day(9)))


def test_later_runs_do_not_go_back_to_the_initial_moment() -> None:
    assert choose(head(day(9)), window(4, 5), initial_from_datetime=day(2)).window == window(5, 9)


def test_first_run_reads_until_a_window_that_another_run_exported() -> None:
    assert choose(head(day(9)), window(5, 12), initial_from_datetime=day(2)).window == window(2, 5)


# Sequences of runs

BEGIN = day(1)


@dataclass
class Dag:
    """Airflow and a dataset in memory: runs publish, fail and are cleared, in any order."""

    settle: timedelta = timedelta(0)
    published: dict[str, Window] = field(default_factory=dict)
    planned: dict[tuple[str, int], Window] = field(default_factory=dict)

    def attempt(self, one: Run, succeeds: bool, **arguments: Any) -> None:
        kept = self.published.get(one.run_id) or self.planned.get((one.run_id, one.clear_number))
        arguments.update(initial_from_datetime=BEGIN, settle=self.settle)
        coverage = Covered(list(set(self.published.values())))
        chosen = choose_window(WindowArguments(**arguments), one, coverage, kept).window
        if chosen is None:
            return
        self.planned[one.run_id, one.clear_number] = chosen
        if succeeds:
            self.published[one.run_id] = chosen

    def times_covered(self) -> list[int]:
        """Count for each stretch, from the first start to the newest end, how many windows hold it."""
        windows = set(self.published.values())
        bounds = sorted({bound for one in windows for bound in (one.start, one.end)})
        stretches = [Window(*pair) for pair in pairwise(bounds)]
        return [sum(one.overlaps(stretch) for one in windows) for stretch in stretches]


# A busy machine is no reason to fail.
patiently = settings(deadline=None)

seconds = st.floats(0.0, 100_000.0, allow_nan=False).map(lambda value: timedelta(seconds=value))
outcomes = st.lists(st.booleans(), min_size=1, max_size=3)
clears = st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=6)
settles = st.sampled_from([timedelta(0), HOUR, timedelta(seconds=90.5)])


@patiently
@given(gaps=st.lists(st.tuples(seconds, outcomes), min_size=1, max_size=12), clears=clears, settle=settles)
def test_head_runs_cover_every_moment_exactly_once(
    gaps: list[tuple[timedelta, list[bool]]], clears: list[tuple[int, bool]], settle: timedelta
) -> None:
    dag, now, runs = Dag(settle), BEGIN, []
    for number, (gap, attempts) in enumerate(gaps):
        now += gap
        runs.append(run(f"head-{number}", run_after=now))
        for succeeds in attempts:
            dag.attempt(runs[-1], succeeds)
    for clear_number, (number, succeeds) in enumerate(clears, start=1):
        facts = runs[number % len(runs)]
        dag.attempt(replace(facts, clear_number=clear_number), succeeds)
    assert set(dag.times_covered()) <= {1}
    if dag.published:
        assert min(one.start for one in dag.published.values()) == BEGIN


@patiently
@given(order=st.permutations(range(6)), failures=st.sets(st.integers(0, 5)), length=seconds, settle=settles)
def test_data_intervals_cover_every_moment_exactly_once_in_whatever_order(
    order: list[int], failures: set[int], length: timedelta, settle: timedelta
) -> None:
    dag, length = Dag(settle), length + timedelta(seconds=1)
    runs = [
        run(f"scheduled-{number}", data_interval=(BEGIN + number * length, BEGIN + (number + 1) * length))
        for number in range(6)
    ]
    for number in order:
        dag.attempt(runs[number], number not in failures)
    for number in failures:
        dag.attempt(replace(runs[number], clear_number=1), True)
    assert dag.times_covered() == [1] * 6


kinds = st.sampled_from(["head", "scheduled", "explicit"])


@patiently
@given(
    steps=st.lists(st.tuples(kinds, seconds, st.booleans(), st.floats(0, 1)), min_size=1, max_size=15),
    clears=clears,
)
def test_mixed_runs_leave_no_moment_out(
    steps: list[tuple[str, timedelta, bool, float]], clears: list[tuple[int, bool]]
) -> None:
    # Explicit windows begin in the past that is exported; beyond it they would own exactly themselves.
    dag, now = Dag(), BEGIN
    runs: list[tuple[Run, dict[str, Any]]] = []
    for number, (kind, gap, succeeds, share) in enumerate(steps):
        before, now = now, now + gap + timedelta(seconds=2)
        newest = max((one.end for one in dag.published.values()), default=BEGIN)
        interval = (before, now) if kind == "scheduled" else None
        explicit = {"from_datetime": BEGIN + share * (newest - BEGIN), "to_datetime": now}
        runs.append(
            (
                run(f"{kind}-{number}", run_after=now, data_interval=interval),
                explicit if kind == "explicit" else {},
            )
        )
        dag.attempt(runs[-1][0], succeeds, **runs[-1][1])
    # What failed is cleared until it succeeds, after and between clears of others.
    failed = [number for number, (facts, _) in enumerate(runs) if facts.run_id not in dag.published]
    again = [(number % len(runs), succeeds) for number, succeeds in clears]
    for clear_number, (number, succeeds) in enumerate([*again, *((one, True) for one in failed)], start=1):
        facts, arguments = runs[number]
        dag.attempt(replace(facts, clear_number=clear_number), succeeds, **arguments)
    assert all(dag.times_covered())
    assert min(one.start for one in dag.published.values()) == BEGIN
