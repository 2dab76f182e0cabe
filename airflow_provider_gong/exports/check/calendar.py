"""A calendar of coverage: the rows of each day, and the days that no export covers, as text of few lines.

Rows of a window count for the days that it covers, evenly: a window of a day for its day, one of a month for each
day of it. Days are those of UTC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_gong.exports.check.receipt import Receipt

    Cells = Callable[[list["Day"]], dict[int, list["Day"]]]

_ONE_DAY = timedelta(days=1)
# How long a range may be to be shown in lines of a day, and of a month.
_DAYS, _MONTHS = 31, 54
_BAR = 40
MISSING, PARTLY, EMPTY = "!", "?", "."


@dataclass
class Day:
    """A day of the range: its rows, how much of it should be covered, how much is not."""

    date: date
    asked: timedelta
    rows: float = 0.0
    uncovered: timedelta = timedelta(0)

    @property
    def is_missing(self) -> bool:
        """Tell whether nothing of the day is covered."""
        return self.uncovered >= self.asked

    @property
    def has_gap(self) -> bool:
        """Tell whether some of the day is not covered."""
        return bool(self.uncovered)


def days_of(receipt: Receipt) -> list[Day]:
    """Return each day of the range of a check."""
    if receipt.start is None or receipt.end is None:
        return []
    # The last snapshot lies right at the end of the range, and its day belongs to it.
    end = receipt.end + timedelta(seconds=1) if receipt.holds_snapshots else receipt.end
    days = {day: Day(day, asked) for day, asked in _by_day(Window(receipt.start, end))}
    for span in receipt.spans:
        if span.window.is_snapshot:
            if (day := span.window.start.date()) in days:
                days[day].rows = span.rows
            continue
        length = span.window.end - span.window.start
        for day, part in _by_day(span.window):
            if day in days:
                days[day].rows += span.rows * (part / length)
    for gap in receipt.gaps:
        for day, part in _by_day(gap):
            days[day].uncovered += part
    return list(days.values())


def _by_day(window: Window) -> Iterator[tuple[date, timedelta]]:
    """Return the days of a window, and how much of each lies in it."""
    start = window.start.astimezone(UTC)
    while start < window.end:
        midnight = datetime.combine(start.date() + _ONE_DAY, time(), UTC)
        yield start.date(), min(midnight, window.end) - start
        start = midnight


def shade(rows: float, busiest: float, steps: int) -> int:
    """Return the step of a scale from 1 to `steps` for a number of rows; 0 for none."""
    return math.ceil(steps * rows / busiest) if rows and busiest else 0


def month_of(day: Day) -> str:
    """Return the month of a day, as rows of a calendar are named."""
    return f"{day.date:%Y-%m}"


def lines(receipt: Receipt) -> Iterator[str]:
    """Draw the calendar: a line for each day, month or year, so that there are never more than some sixty."""
    days = days_of(receipt)
    if not days or receipt.start is None or receipt.end is None:
        return
    months = len({month_of(day) for day in days})
    yield (
        f"Coverage from {receipt.start.isoformat()} to {receipt.end.isoformat()}: "
        f"{len(receipt.spans):,} exports, {receipt.rows:,} rows"
    )
    if len(days) <= _DAYS:
        yield from _day_lines(days)
        return
    if months <= _MONTHS:
        unit = "day"
        yield f"{'':7} |{'1   5    10   15   20   25   30':31}| rows"
        yield from _block_lines(days, month_of, _each_day, 31)
    else:
        unit = "week"
        yield f"{'':7} |{'a character for each week':53}| rows"
        yield from _block_lines(days, lambda day: f"{day.date.year:<7}", _each_week, 53)
    uncovered = f", {MISSING} not exported, {PARTLY} partly exported" if receipt.covers_time else ""
    yield f"1 to 9: rows, 9 is the busiest {unit}; {EMPTY} no rows{uncovered} (days of UTC)"


def _day_lines(days: list[Day]) -> Iterator[str]:
    busiest = max(day.rows for day in days)
    width = len(f"{busiest:,.0f}")
    for day in days:
        line = f"{day.date:%Y-%m-%d %a} |{day.rows:{width},.0f} {'#' * shade(day.rows, busiest, _BAR)}"
        yield f"{line} {told_gap(day)}".rstrip()


def told_gap(day: Day) -> str:
    """Say in words what of a day is not covered."""
    if not day.has_gap:
        return ""
    return f"{MISSING} not exported" if day.is_missing else f"{PARTLY} {day.uncovered} of it not exported"


def _block_lines(days: list[Day], name: Callable[[Day], str], cells: Cells, columns: int) -> Iterator[str]:
    blocks = [(key, list(block)) for key, block in groupby(days, name)]
    busiest = max(_rows(cell) for _, block in blocks for cell in cells(block).values())
    for key, block in blocks:
        drawn = {number: _character(cell, busiest) for number, cell in cells(block).items()}
        text = "".join(drawn.get(number, " ") for number in range(columns))
        gaps = sum(day.has_gap for day in block)
        told = f", {gaps} days with gaps" if gaps > 1 else ", 1 day with a gap" if gaps else ""
        yield f"{key} |{text}| {_rows(block):,.0f}{told}"


def _each_day(block: list[Day]) -> dict[int, list[Day]]:
    return {day.date.day - 1: [day] for day in block}


def _each_week(block: list[Day]) -> dict[int, list[Day]]:
    """Return the days of a year in sevens, counted from the first of January."""
    return {
        number: list(week)
        for number, week in groupby(block, lambda day: (day.date.timetuple().tm_yday - 1) // 7)
    }


def _rows(days: list[Day]) -> float:
    return sum(day.rows for day in days)


def _character(days: list[Day], busiest: float) -> str:
    if any(day.has_gap for day in days):
        return MISSING if all(day.is_missing for day in days) else PARTLY
    return str(shade(_rows(days), busiest, 9) or EMPTY)
