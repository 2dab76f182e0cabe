import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_provider_gong.sandbox.clock import Clock

MOMENT = datetime(2026, 1, 11, tzinfo=UTC)


def test_by_default_it_runs_with_the_real_time() -> None:
    clock = Clock()
    assert datetime.now(UTC) <= clock.now() <= datetime.now(UTC)


def test_a_set_clock_stands_still_until_it_runs_again() -> None:
    clock = Clock()
    clock.set(MOMENT)
    assert clock.now() == clock.now() == MOMENT
    clock.run()
    assert datetime.now(UTC) <= clock.now() <= datetime.now(UTC)


def test_advancing_moves_a_standing_and_a_running_clock() -> None:
    standing, running = Clock(MOMENT), Clock()
    standing.advance(timedelta(hours=1))
    running.advance(timedelta(hours=1))
    assert standing.now() == MOMENT + timedelta(hours=1)
    hour = timedelta(hours=1)
    assert datetime.now(UTC) + hour <= running.now() <= datetime.now(UTC) + hour


def test_skipped_time_counts_as_time_that_went_by() -> None:
    clock = Clock(MOMENT)
    real = time.monotonic()
    start = clock.monotonic()
    clock.advance(timedelta(seconds=10))
    clock.set(MOMENT + timedelta(seconds=60))
    clock.set(MOMENT)
    assert 60 <= clock.monotonic() - start <= 60 + time.monotonic() - real


def test_time_is_told_in_utc() -> None:
    clock = Clock(datetime(2026, 1, 11, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == MOMENT
    assert clock.now().tzinfo is UTC


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Clock(datetime(2026, 1, 11))  # noqa: DTZ001
