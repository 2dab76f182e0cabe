import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_provider_gong.sandbox.clock import Clock

MOMENT = datetime(2026, 1, 11, tzinfo=UTC)


def test_by_default_it_runs_with_the_real_time() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_set_clock_stands_still_until_it_runs_again() -> None:
    clock = Clock()
    clock.set(MOMENT)
    assert clock.now() == clock.now() == MOMENT
    clock.run()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_advancing_moves_a_standing_and_a_running_clock() -> None:
    standing, running = Clock(MOMENT), Clock()
    standing.advance(timedelta(hours=1))
    running.advance(timedelta(hours=1))
    assert standing.now() == MOMENT + timedelta(hours=1)
    first = running.now()
    assert first - datetime.now(UTC) > timedelta(minutes=59)
    time.sleep(0.002)
    assert running.now() > first


def test_skipped_time_counts_as_time_that_went_by() -> None:
    clock = Clock(MOMENT)
    start = clock.monotonic()
    clock.advance(timedelta(seconds=10))
    clock.set(MOMENT + timedelta(seconds=60))
    clock.set(MOMENT)
    assert 60 <= clock.monotonic() - start < 61


def test_time_is_told_in_utc() -> None:
    clock = Clock(datetime(2026, 1, 11, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == MOMENT
    assert clock.now().tzinfo is UTC


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Clock(datetime(2026, 1, 11))  # noqa: DTZ001
