"""Calendars of coverage: which day has which rows, what is missing, and that long ranges stay readable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_gong.exports.check.calendar import days_of, lines
from airflow_provider_gong.exports.check.check import uncovered
from airflow_provider_gong.exports.check.receipt import Receipt, Span
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import day

ONE_DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def receipt(*spans: tuple[datetime, datetime, int], end: datetime | None = None) -> Receipt:
    """Return what a check finds of windows with rows."""
    found = [Span(Window(start, to), rows) for start, to, rows in spans]
    windows = [span.window for span in found]
    whole = Window(min(one.start for one in windows), end or max(one.end for one in windows))
    return Receipt(
        address="s3://bucket/gong/calls",
        start=whole.start,
        end=whole.end,
        spans=found,
        gaps=list(uncovered(windows, whole)),
    )


def daily(start: datetime, count: int, rows: int = 9, without: tuple[int, ...] = ()) -> Receipt:
    spans = [(start + n * ONE_DAY, start + (n + 1) * ONE_DAY, rows) for n in range(count) if n not in without]
    return receipt(*spans)


def test_rows_of_a_day_are_those_of_its_windows() -> None:
    noon = day(5) + 12 * HOUR
    days = days_of(receipt((day(5), noon, 3), (noon, day(6), 4), (day(6), day(7), 5)))
    assert [(one.date.day, one.rows, one.has_gap) for one in days] == [(5, 7, False), (6, 5, False)]


def test_rows_of_a_window_over_midnight_count_for_both_days() -> None:
    days = days_of(receipt((day(5) - HOUR, day(6) - HOUR, 240)))
    assert [(one.date.day, round(one.rows)) for one in days] == [(4, 10), (5, 230)]


def test_day_of_which_a_part_is_uncovered_says_how_much() -> None:
    [line] = list(lines(receipt((day(5), day(5) + 9 * HOUR, 3), end=day(6))))[1:]
    assert line == "2026-01-05 Mon |3 ######################################## ? 15:00:00 of it not exported"


def test_range_that_ends_within_a_day_asks_for_no_more_of_it() -> None:
    [_, last] = days_of(receipt((day(5), day(6) + HOUR, 3)))
    assert not last.has_gap
    [missing] = days_of(receipt((day(5), day(5) + HOUR, 3), end=day(6) + HOUR))[1:]
    assert missing.is_missing


def test_short_range_has_a_line_for_each_day() -> None:
    drawn = list(lines(daily(day(5), 4, rows=1234, without=(2,))))
    assert drawn == [
        "Coverage from 2026-01-05T00:00:00+00:00 to 2026-01-09T00:00:00+00:00: 3 exports, 3,702 rows",
        "2026-01-05 Mon |1,234 ########################################",
        "2026-01-06 Tue |1,234 ########################################",
        "2026-01-07 Wed |    0  ! not exported",
        "2026-01-08 Thu |1,234 ########################################",
    ]


def test_longer_range_has_a_line_for_each_month() -> None:
    spans = [(day(n), day(n + 1), rows) for n, rows in ((30, 0), (29, 900), (28, 100))]
    drawn = list(lines(receipt(*spans, (day(5, 2), day(10, 3), 3300))))
    assert drawn[1] == "        |1   5    10   15   20   25   30| rows"
    assert drawn[2] == "2026-01 |                           19.!| 1,000, 1 day with a gap"
    assert drawn[3] == "2026-02 |!!!!111111111111111111111111   | 2,400, 4 days with gaps"
    assert drawn[4] == "2026-03 |111111111                      | 900"
    assert drawn[5] == (
        "1 to 9: rows, 9 is the busiest day; . no rows, ! not exported, ? partly exported (days of UTC)"
    )


def test_very_long_range_has_a_line_for_each_year() -> None:
    start = datetime(2016, 1, 1, tzinfo=UTC)
    drawn = list(lines(daily(start, 3653, without=(7, *range(14, 21)))))
    assert drawn[2] == f"2016    |9?!{'9' * 49}3| 3,222, 8 days with gaps"
    assert drawn[3] == f"2017    |{'9' * 52}2| 3,285"
    assert "9 is the busiest week" in drawn[-1]


@pytest.mark.parametrize("days", [1, 31, 32, 400, 1_600, 1_700, 3_700, 9_000])
def test_calendar_has_never_more_than_sixty_lines(days: int) -> None:
    start = datetime(2000, 12, 31, tzinfo=UTC)
    drawn = list(lines(daily(start, days)))
    assert len(drawn) <= 60
    assert max(map(len, drawn)) <= 110


def test_scale_is_that_of_the_busiest_day_and_few_rows_are_not_none() -> None:
    spans = [
        (day(1) + n * ONE_DAY, day(2) + n * ONE_DAY, rows) for n, rows in enumerate([1, 9_000, 4_500, 0])
    ]
    drawn = list(lines(receipt(*spans, end=day(15, 3))))
    assert drawn[2].startswith("2026-01 |195.!!!")


def test_snapshots_leave_no_gaps_and_a_day_shows_its_last() -> None:
    moments = [(day(3), 100), (day(3) + HOUR, 110), (day(20, 3), 120)]
    found = Receipt(
        address="a",
        start=day(3),
        end=day(20, 3),
        holds_snapshots=True,
        spans=[Span(Window.snapshot(moment), rows) for moment, rows in moments],
    )
    days = {one.date.isoformat(): one.rows for one in days_of(found) if one.rows}
    assert days == {"2026-01-03": 110, "2026-03-20": 120}
    drawn = list(lines(found))
    assert drawn[2] == f"2026-01 |  9{'.' * 28}| 110"
    assert drawn[4] == f"2026-03 |{'.' * 19}9           | 120"
    assert drawn[-1] == "1 to 9: rows, 9 is the busiest day; . no rows (days of UTC)"


def test_dataset_without_rows_is_drawn_too() -> None:
    assert [line[14:] for line in lines(daily(day(5), 2, rows=0))][1:] == [" |0", " |0"]
    assert list(lines(Receipt(address="a"))) == []
