"""A stretch of time as windows of one length, and the timetable that has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gong.exports.plan.cadence import Cadence

MOMENTS = st.datetimes(
    min_value=datetime(2001, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))
LENGTHS = st.sampled_from(["P1M", "P5M", "P1Y", "P1Y6M", "P1W", "P1D", "P10D", "PT6H", "P1DT12H", "PT90M"])


def starts(length: str, start: datetime, end: datetime) -> list[str]:
    return [f"{window.start:%Y-%m-%d}" for window in Cadence.read(length).windows(start, end)]


@pytest.mark.parametrize(
    ("text", "months", "span"),
    [
        ("P1M", 1, timedelta(0)),
        ("P2Y6M", 30, timedelta(0)),
        ("P100Y", 1200, timedelta(0)),
        ("P2W", 0, timedelta(days=14)),
        ("P1DT6H", 0, timedelta(days=1, hours=6)),
        ("PT1M", 0, timedelta(minutes=1)),
        ("PT30S", 0, timedelta(seconds=30)),
    ],
)
def test_durations_are_read(text: str, months: int, span: timedelta) -> None:
    assert Cadence.read(text) == Cadence(text, months, span)


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P0D", "P0M", "1M", "monthly"),
        *("P1M1D", "P1.5D", "P-1D", "-P1D", "P1M ", "P٣D"),
        *("P101Y", "P40000D", f"P{'9' * 30}W"),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$"):
        Cadence.read(text)


@given(start=MOMENTS, days=st.floats(0.001, 900), length=LENGTHS)
def test_windows_touch_and_cover_the_range(start: datetime, days: float, length: str) -> None:
    end = start + timedelta(seconds=int(days * 86_400))
    cadence = Cadence.read(length)
    windows = list(cadence.windows(start, end))
    assert (windows[0].start, windows[-1].end) == (start, end)
    assert all(window.start < window.end for window in windows)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    whole = cadence.whole(windows)
    assert whole == windows[: len(whole)]
    assert len(windows) - len(whole) <= 1


def test_months_have_the_length_that_they_have() -> None:
    start, end = datetime(2023, 11, 15, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
    assert starts("P1M", start, end) == ["2023-11-15", "2023-12-15", "2024-01-15", "2024-02-15", "2024-03-15"]


def test_months_from_the_31st_do_not_stay_at_a_shorter_month() -> None:
    start, end = datetime(2023, 12, 31, tzinfo=UTC), datetime(2024, 5, 31, tzinfo=UTC)
    assert starts("P1M", start, end) == ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


@pytest.mark.parametrize(("end", "whole"), [("2024-03-01", 2), ("2024-02-29", 1), ("2024-01-02", 0)])
def test_window_that_is_cut_off_is_not_whole(end: str, whole: int) -> None:
    cadence = Cadence.read("P1M")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    windows = list(cadence.windows(start, datetime.fromisoformat(end).replace(tzinfo=UTC)))
    assert len(cadence.whole(windows)) == whole


@pytest.mark.parametrize(
    ("length", "start", "cron"),
    [
        ("P1M", "2023-01-01", "0 0 1 * *"),
        ("P1M", "2023-01-15T06:30", "30 6 15 * *"),
        ("P3M", "2023-02-01", "0 0 1 2,5,8,11 *"),
        ("P1Y", "2023-07-01", "0 0 1 7 *"),
        ("P1D", "2023-01-01", "0 0 * * *"),
        ("P7D", "2023-01-01", "0 0 * * 0"),
        ("P1W", "2023-01-07", "0 0 * * 6"),
        ("PT1H", "2023-01-01T05:10", "10 * * * *"),
        ("PT6H", "2023-01-01T01:00", "0 1,7,13,19 * * *"),
    ],
)
def test_windows_that_cron_knows_have_a_timetable(length: str, start: str, cron: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert Cadence.read(length).timetable(moment) == f'CronDataIntervalTimetable("{cron}", timezone="UTC")'


@pytest.mark.parametrize(
    ("length", "start"),
    [
        ("P5M", "2023-01-01"),  # drifts through the year
        ("P2Y", "2023-01-01"),
        ("P1M", "2023-01-29"),  # no 29 February
        ("P10D", "2023-01-01"),
        ("PT5H", "2023-01-01"),
        ("PT30M", "2023-01-01"),
        ("P1D", "2023-01-01T00:00:01"),
    ],
)
def test_other_windows_have_none(length: str, start: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert Cadence.read(length).timetable(moment) is None
