"""The arithmetic of a plan: which windows are asked, what the others hold, what all of it costs."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gong.exports.plan.cadence import Cadence
from airflow_provider_gong.exports.plan.estimate import Estimate, Quota, requests_of, spread_evenly
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import Client, Timeline, evenly, window

START = datetime(2023, 1, 1, tzinfo=UTC)
LIST, TRANSCRIPTS, LOGS = "POST /v2/calls/extensive", "POST /v2/calls/transcript", "GET /v2/logs"


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Draw windows that touch, of any lengths, and the counts of some of them, the first and the last included."""
    lengths = draw(st.lists(st.integers(1, 100 * 86_400), min_size=1, max_size=40))
    windows, start = [], START
    for seconds in lengths:
        windows.append(Window(start, start + timedelta(seconds=seconds)))
        start = windows[-1].end
    asked = draw(st.sets(st.integers(0, len(windows) - 1))) | {0, len(windows) - 1}
    return Estimate(windows, {index: draw(st.integers(0, 100_000)) for index in sorted(asked)})


def months(number: int, counts: dict[int, int]) -> Estimate:
    end = START.replace(year=START.year + number // 12, month=number % 12 + 1)
    return Estimate(list(Cadence.read("P1M").windows(START, end)), counts)


@pytest.mark.parametrize(
    ("records", "calls", "transcripts", "logs"),
    [(0, 1, 0, 1), (1, 1, 1, 1), (99, 1, 1, 1), (100, 1, 1, 1), (101, 2, 2, 2), (1000, 10, 10, 10)],
)
def test_window_takes_one_request_per_hundred_and_one_if_empty(
    records: int, calls: int, transcripts: int, logs: int
) -> None:
    assert requests_of("calls", records) == {LIST: calls}
    assert requests_of("transcripts", records) == {LIST: calls, TRANSCRIPTS: transcripts}
    assert requests_of("calls+transcripts", records) == {LIST: calls, TRANSCRIPTS: transcripts}
    assert requests_of("logs", records) == {LOGS: logs}


@given(windows=st.integers(1, 5000), samples=st.integers(2, 50))
def test_asked_windows_are_the_first_the_last_and_evenly_in_between(windows: int, samples: int) -> None:
    asked = spread_evenly(windows, samples)
    assert asked == sorted(set(asked))
    assert len(asked) == min(windows, samples)
    assert (asked[0], asked[-1]) == (0, windows - 1)
    gaps = {after - before for before, after in pairwise(asked)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(estimates())
def test_estimate_lies_between_its_bounds(estimate: Estimate) -> None:
    assert len(estimate.guesses) == len(estimate.windows)
    assert all(0 <= guess.lowest <= guess.records <= guess.highest for guess in estimate.guesses)
    assert estimate.lowest <= estimate.records <= estimate.highest


@given(estimates())
def test_windows_in_between_are_no_busier_and_no_quieter_than_their_neighbours(estimate: Estimate) -> None:
    asked = sorted(estimate.counts)
    for index, guess in enumerate(estimate.guesses):
        days = (estimate.windows[index].end - estimate.windows[index].start) / timedelta(days=1)
        near = [max(i for i in asked if i <= index), min(i for i in asked if i >= index)]
        rates = [estimate.per_day[i] for i in near]
        # Half a record, since nobody has half a call.
        assert min(rates) * days - 0.501 <= guess.records <= max(rates) * days + 0.501


@given(estimates())
def test_counts_are_taken_as_they_are(estimate: Estimate) -> None:
    assert {index: estimate.guesses[index].records for index in estimate.counts} == estimate.counts


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30))
def test_nothing_is_guessed_when_every_window_was_asked(counts: list[int]) -> None:
    estimate = months(len(counts), dict(enumerate(counts)))
    assert estimate.lowest == estimate.records == estimate.highest == sum(counts)


def test_longer_months_hold_more_at_the_same_pace() -> None:
    estimate = months(4, {0: 310, 3: 300})
    assert [guess.records for guess in estimate.guesses] == [310, 280, 310, 300]


def test_steady_growth_is_found_exactly() -> None:
    windows = list(Cadence.read("P10D").windows(START, START + timedelta(days=110)))
    truth = [10 * (5 + index) for index in range(11)]
    estimate = Estimate(windows, {0: truth[0], 4: truth[4], 10: truth[10]})
    assert [guess.records for guess in estimate.guesses] == truth


def test_requests_are_counted_window_by_window() -> None:
    # Three windows of 101: as one list they would take 4 requests.
    estimate = Estimate(list(Cadence.read("P1D").windows(START, START + timedelta(days=3))), {0: 101, 2: 101})
    assert estimate.requests("calls") == {LIST: 6}
    assert estimate.requests("transcripts") == {LIST: 6, TRANSCRIPTS: 6}


@pytest.mark.parametrize(("requests", "days"), [(1, 1), (5000, 1), (5001, 2), (10_000, 2), (40_000, 8)])
def test_days_are_those_of_the_share(requests: int, days: int) -> None:
    quota = Quota(per_second=3, per_day=10_000, daily_share=80, backfill_share=50)
    assert quota.budget == 8000
    assert quota.days(requests) == days


def test_day_holds_no_more_than_its_seconds_allow() -> None:
    quota = Quota(per_second=1, per_day=1_000_000, daily_share=100, backfill_share=100)
    assert quota.days(86_400) == 1
    assert quota.days(86_401) == 2


@given(
    requests=st.integers(1, 10**7),
    per_day=st.integers(1, 10**6),
    daily_share=st.floats(1, 100),
    share=st.floats(0.1, 100),
)
def test_days_are_those_that_the_quota_lets_a_backfill_take(
    requests: int, per_day: int, daily_share: float, share: float
) -> None:
    quota = Quota(per_second=1000, per_day=per_day, daily_share=daily_share, backfill_share=share)
    of_a_day = min(math.floor(per_day * share / 100), math.floor(per_day * daily_share / 100))
    if of_a_day:
        assert quota.of_a_day == of_a_day
        assert (quota.days(requests) - 1) * of_a_day < requests <= quota.days(requests) * of_a_day


def test_a_backfill_never_takes_more_than_our_share() -> None:
    quota = Quota(per_second=3, per_day=10_000, daily_share=20, backfill_share=50)
    assert quota.of_a_day == quota.budget == 2000


def test_time_is_that_of_the_requests_per_second() -> None:
    quota = Quota(per_second=3, per_day=10_000, daily_share=80, backfill_share=50)
    assert quota.minutes(205) == pytest.approx(205 / 180)
    assert quota.percent_of_budget(2000) == 25


# Slices


@pytest.mark.parametrize(
    ("stream", "asked"),
    [("calls", 0), ("calls+transcripts", 100), ("transcripts", 106), ("conversations", 106)],
)
def test_large_windows_cost_what_their_slices_do(stream: str, asked: int) -> None:
    requests = requests_of(stream, 10_000)
    # One that counts, a hundred pages, and half an empty page for each of thirteen slices.
    assert requests[LIST] == 1 + 100 + 6
    assert requests.get(TRANSCRIPTS, 0) == asked


def test_slices_cost_about_what_was_estimated() -> None:
    for count in (2_001, 5_000, 30_000):
        stream = Timeline(evenly(count))
        left, client = stream.slices(window(), count), Client(requests=1)
        for piece in left:
            list(piece.read(client))  # type: ignore[arg-type]
        assert client.requests == pytest.approx(requests_of("calls", count)[LIST], rel=0.09)
