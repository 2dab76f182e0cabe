"""From the Dag run to the window [from, to) that an export reads.

Windows are half-open and counted in whole seconds (fractions are cut off, so that neighbours still touch).
The rules are tried in order; the first that applies wins, and the task log names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_gong.exports.run import Run

# The scheduler's clock may be ahead of the worker's; an argument of the user's has no such excuse.
_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, order=True)
class Window:
    """A half-open stretch of time in UTC: `start` is inside, `end` is not."""

    start: datetime
    end: datetime

    @classmethod
    def read(cls, bounds: dict[str, str]) -> Window:
        """Return the window that `write` wrote."""
        return cls(datetime.fromisoformat(bounds["from"]), datetime.fromisoformat(bounds["to"]))

    def write(self) -> dict[str, str]:
        """Write the window as it stands in manifests and plans."""
        return {"from": self.start.isoformat(), "to": self.end.isoformat()}

    @property
    def name(self) -> str:
        """Name the window as its partition does: `20260101T000000Z_20260102T000000Z`."""
        return f"{stamp(self.start)}_{stamp(self.end)}"

    @classmethod
    def snapshot(cls, moment: datetime) -> Window:
        """Return the window of a stream that has no past: the state at a moment."""
        return cls(_whole_second(moment), _whole_second(moment))

    @property
    def is_snapshot(self) -> bool:
        """Tell whether this is a moment rather than a stretch of time."""
        return self.start == self.end

    def overlaps(self, other: Window) -> bool:
        """Tell whether the two windows share a moment."""
        return self.start < other.end and other.start < self.end

    def __str__(self) -> str:
        if self.is_snapshot:
            return self.start.isoformat()
        return f"[{self.start.isoformat()}, {self.end.isoformat()})"


def stamp(moment: datetime) -> str:
    """Write a moment as file names of a dataset do."""
    # Not %Y: it writes years of less than four digits as they are.
    moment = moment.astimezone(UTC)
    return f"{moment.year:04d}{moment:%m%dT%H%M%SZ}"


def unstamp(text: str) -> datetime:
    """Read a moment from a file name of a dataset."""
    # Not `strptime`: it takes ten times as long, and a month of hourly exports has 744 names.
    return datetime.fromisoformat(text)


def covered(windows: Iterable[Window], within: Window) -> list[Window]:
    """Return the stretches of time that the windows cover, cut to the given one and joined where they touch."""
    stretches: list[Window] = []
    for window in sorted(windows):
        start, end = max(window.start, within.start), min(window.end, within.end)
        if start >= end:
            continue
        if stretches and start <= stretches[-1].end:
            stretches[-1] = Window(stretches[-1].start, max(end, stretches[-1].end))
        else:
            stretches.append(Window(start, end))
    return stretches


def last_gap(windows: Iterable[Window]) -> Window | None:
    """Return the last stretch of time that lies uncovered between two of the windows."""
    reached, gap = None, None
    for window in sorted(windows):
        if reached is not None and window.start > reached:
            gap = Window(reached, window.start)
        reached = max(reached or window.end, window.end)
    return gap


@dataclass(frozen=True, kw_only=True)
class WindowArguments:
    """What the Dag author said about the window."""

    from_datetime: datetime | None = None
    to_datetime: datetime | None = None
    interval: timedelta | None = None
    initial_from_datetime: datetime | None = None
    settle: timedelta = timedelta(0)


class Coverage(Protocol):
    """What is exported already: the windows of a dataset's manifests."""

    def newest_end(self, not_after: datetime) -> datetime | None:
        """Return the latest end of a window that does not lie after the given moment."""

    def overlapping(self, window: Window) -> list[Window]:
        """Return the windows that share a moment with the given one."""

    def gap_before(self, end: datetime) -> Window | None:
        """Return the last stretch before the given end that lies uncovered between two windows."""

    def oldest_start(self) -> datetime | None:
        """Return where the exported windows begin."""


@dataclass(frozen=True)
class Choice:
    """The window of a run and the rule that chose it; no window means that nothing is left to export.

    `gap` is a stretch of time that no run will come back to by itself.
    """

    window: Window | None
    rule: str
    gap: Window | None = None


def choose_window(
    arguments: WindowArguments, run: Run, coverage: Coverage | None, kept: Window | None = None
) -> Choice:
    """Apply the rules in their order.

    :param coverage: the dataset's windows; None without a destination, where nothing is remembered
    :param kept: the window that an earlier attempt of this run planned or published
    :raises GongConfigurationError: when no rule applies, or the arguments contradict each other
    """
    if kept is not None:
        return Choice(kept, "kept from an earlier attempt of this run")
    choice = _from_arguments(arguments) or _from_run(arguments, run)
    if choice is None:
        choice = _from_coverage(arguments, run, coverage)
    elif coverage is not None and run.run_type == "scheduled":
        choice = replace(choice, gap=_gap_until(choice, coverage))
    _refuse_the_future(choice)
    return choice


def _from_arguments(arguments: WindowArguments) -> Choice | None:
    start, end = arguments.from_datetime, arguments.to_datetime
    if start is None and end is None:
        return None
    if start is None or end is None:
        missing = "from_datetime" if start is None else "to_datetime"
        raise GongConfigurationError(
            f"{missing} is missing: give both from_datetime and to_datetime, or neither."
        )
    window = Window(_whole_second(start), _whole_second(end))
    if window.start >= window.end:
        raise GongConfigurationError(
            f"from_datetime={start.isoformat()} must be earlier than to_datetime={end.isoformat()} "
            "(windows are half-open and counted in whole seconds)."
        )
    if window.end > datetime.now(UTC):
        raise GongConfigurationError(
            f"to_datetime={end.isoformat()} lies in the future: what happens until then would never be "
            "exported. Give a to_datetime that has passed."
        )
    return Choice(window, "from_datetime and to_datetime")


def _from_run(arguments: WindowArguments, run: Run) -> Choice | None:
    if arguments.interval is not None and arguments.interval <= timedelta(0):
        raise GongConfigurationError(
            f"interval={arguments.interval} must be longer than zero, for example timedelta(days=1) or 'P1D'."
        )
    for bounds, rule in _intervals(arguments, run):
        window = Window(*(_whole_second(bound - arguments.settle) for bound in bounds))
        if window.start < window.end:
            held_back = f", held back by settle={arguments.settle}" if arguments.settle else ""
            return Choice(window, rule + held_back)
    if run.is_backfill:
        raise GongConfigurationError(
            "A backfill run needs a window of its own, and this Dag's schedule gives it none: schedule the Dag with "
            "CronDataIntervalTimetable or CronTriggerTimetable(..., interval=...), or pass interval= "
            "(for example timedelta(days=1)) to the operator."
        )
    return None


def _intervals(arguments: WindowArguments, run: Run) -> Iterable[tuple[tuple[datetime, datetime], str]]:
    # The end of a data interval rather than the logical date: the two are one moment where the interval is empty,
    # but the logical date of CronDataIntervalTimetable and CronTriggerTimetable(interval=...) is the start.
    due = run.data_interval[1] if run.data_interval else run.logical_date
    if arguments.interval is not None and run.partition_date is not None:
        yield (
            (run.partition_date, run.partition_date + arguments.interval),
            "interval from the partition date",
        )
    elif arguments.interval is not None and due is not None:
        yield (due - arguments.interval, due), "interval until the run was due"
    if run.data_interval is not None:
        yield run.data_interval, "the Dag run's data interval"


def _from_coverage(arguments: WindowArguments, run: Run, coverage: Coverage | None) -> Choice:
    _check_head_rule(run, coverage)
    assert coverage is not None  # noqa: S101 - checked on the line above, for the type checker
    end = _whole_second(run.run_after - arguments.settle)
    start = coverage.newest_end(end)
    if start is None:
        return _first(arguments, end, coverage)
    window = Window(start, end)
    choice = _uncovered(window, "from the newest exported window until this run", coverage)
    return replace(choice, gap=coverage.gap_before(start) or _unread_beginning(arguments, coverage))


def _gap_until(choice: Choice, coverage: Coverage) -> Window | None:
    """Return the time that lies between the newest export and a scheduled window, as after a change of `settle`."""
    if choice.window is None:
        return None
    reached = coverage.newest_end(choice.window.start)
    return None if reached is None or reached == choice.window.start else Window(reached, choice.window.start)


def _unread_beginning(arguments: WindowArguments, coverage: Coverage) -> Window | None:
    """Return the time before all exports that `initial_from_datetime` asks for."""
    if arguments.initial_from_datetime is None:
        return None
    wanted, oldest = _whole_second(arguments.initial_from_datetime), coverage.oldest_start()
    return None if oldest is None or wanted >= oldest else Window(wanted, oldest)


def _first(arguments: WindowArguments, end: datetime, coverage: Coverage) -> Choice:
    if arguments.initial_from_datetime is None:
        raise GongConfigurationError(
            "This is the first export of the dataset and nothing says where it begins: pass "
            "initial_from_datetime= (for example '2026-01-01')."
        )
    start = _whole_second(arguments.initial_from_datetime)
    if start >= end:
        return Choice(
            None,
            f"nothing to export yet: initial_from_datetime={start.isoformat()}, this run ends {end.isoformat()}",
        )
    return _uncovered(Window(start, end), "the first export, from initial_from_datetime", coverage)


def _check_head_rule(run: Run, coverage: Coverage | None) -> None:
    if coverage is None:
        raise GongConfigurationError(
            "Nothing says which window to export: this run has no data interval, and without destination= there "
            "are no manifests to continue from. Pass from_datetime= and to_datetime=, interval=, or destination=."
        )
    if run.max_active_runs != 1:
        raise GongConfigurationError(
            "Continuing from the newest exported window needs one run at a time: set max_active_runs=1 on the Dag "
            f"(it is {run.max_active_runs}), or give each run a window of its own (CronDataIntervalTimetable, "
            "interval=, or from_datetime= and to_datetime=)."
        )


def _uncovered(window: Window, rule: str, coverage: Coverage) -> Choice:
    """Cut off what later windows cover; whatever ends before the window's start is its past already."""
    later = coverage.overlapping(window) if window.start < window.end else []
    end = min([window.end, *(other.start for other in later)])
    if window.start < end:
        return Choice(Window(window.start, end), rule)
    reach = max([window.start, *(other.end for other in later)])
    return Choice(
        None,
        f"already covered by exports that reach {reach.isoformat()}; this run ends {window.end.isoformat()}",
    )


def _refuse_the_future(choice: Choice) -> None:
    if choice.window is not None and choice.window.end > datetime.now(UTC) + _CLOCK_SKEW:
        raise GongConfigurationError(
            f"The window {choice.window} ({choice.rule}) ends in the future: what happens until then would never be "
            "exported. Run it when the window has passed (a CronPartitionTimetable does with run_offset=-1)."
        )


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
