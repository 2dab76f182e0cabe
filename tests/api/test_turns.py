"""What all who share a quota owe each other: to wait when Gong says so, and to leave room beside backfills."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import calls, turns, users
from airflow_provider_gong.api.throttle import FileThrottle
from airflow_provider_gong.api.turns import LONGEST_HOLD
from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited
from tests.api.test_throttle import Clock, moments, most_in_a_second, take
from tests.api.transport import Reply, Transport, Waits, client_of, error

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock, tmp_path: Path) -> Any:
    """Return a function that makes a throttle; all of them share a quota and a clock."""

    def make(**settings: Any) -> FileThrottle:
        defaults: dict[str, Any] = {"clock": clock, "sleep": clock.sleep, "directory": tmp_path, "share": 1}
        return FileThrottle("acme", **defaults | settings)

    return make


# Holds


def test_a_hold_of_one_lets_another_wait(throttle: Any, clock: Clock) -> None:
    throttle().hold(20)
    throttle().acquire()
    assert clock.waits == [pytest.approx(20)]


def test_a_hold_that_is_longer_than_one_may_wait_is_told_at_once(throttle: Any, clock: Clock) -> None:
    throttle().hold(5 * HOUR)
    with pytest.raises(GongRateLimited, match=r"Gong told one .*: it ends in 18000 s\.") as caught:
        throttle().acquire()
    assert caught.value.retry_after == pytest.approx(5 * HOUR)
    assert clock.waits == []


def test_the_longest_hold_counts(throttle: Any, clock: Clock) -> None:
    for seconds in (10, 30, 20):
        throttle().hold(seconds)
    throttle().acquire()
    assert clock.waits == [pytest.approx(30)]


def test_a_hold_ends(throttle: Any, clock: Clock) -> None:
    throttle().hold(30)
    clock.now += 30.001
    throttle().acquire()
    assert clock.waits == []


def test_no_hold_is_longer_than_a_day(throttle: Any) -> None:
    throttle().hold(1e9)
    with pytest.raises(GongRateLimited) as caught:
        throttle().acquire()
    assert caught.value.retry_after == LONGEST_HOLD


def test_the_second_is_kept_when_a_hold_ends(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", share=1, directory=tmp_path)
    throttle.hold(1)
    held_until = time.time() + 0.9
    threads = [threading.Thread(target=throttle.acquire) for _ in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = moments(throttle)
    assert len(times) == 7
    assert times[0] >= held_until * 1000
    assert most_in_a_second(times) == 3


def test_who_waits_for_a_turn_when_gong_says_no_waits_on(throttle: Any, clock: Clock) -> None:
    def meanwhile(seconds: float) -> None:
        if not clock.waits:
            throttle().hold(10)
        clock.sleep(seconds)

    take(throttle(per_second=1), 1)
    started = clock.now
    throttle(per_second=1, sleep=meanwhile).acquire()
    assert clock.now - started == pytest.approx(10, abs=0.01)
    # The turn that was not used has been given back.
    assert len(moments(throttle())) == 2


def test_a_turn_that_a_long_hold_takes_is_given_back(throttle: Any, clock: Clock) -> None:
    def meanwhile(seconds: float) -> None:
        throttle().hold(HOUR)
        clock.sleep(seconds)

    take(throttle(per_second=1), 1)
    with pytest.raises(GongRateLimited, match="it ends in"):
        throttle(per_second=1, sleep=meanwhile, backfill_share=1.0).acquire()
    assert len(moments(throttle())) == 1
    with closing(sqlite3.connect(throttle().path)) as database:
        assert database.execute("SELECT count(*) FROM backfills").fetchone() == (0,)


def test_one_hold_after_the_other_is_waited_for_no_longer_than_allowed(
    throttle: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.waits) < 9:
            throttle().hold(25)

    monkeypatch.setattr(f"{turns.__name__}.time.monotonic", clock)
    throttle().hold(25)
    with pytest.raises(GongRateLimited, match=r"it ends in 25 s\."):
        throttle(sleep=meanwhile, max_wait=60).acquire()
    assert clock.waits == [pytest.approx(25)] * 2


def test_a_hold_follows_a_clock_that_is_set_back(throttle: Any, clock: Clock) -> None:
    throttle().hold(20)
    clock.now -= 24 * HOUR
    throttle().acquire()
    assert clock.waits == [pytest.approx(20)]


def test_a_hold_survives_the_end_of_its_process(tmp_path: Path) -> None:
    program = (
        "import sys; from airflow_provider_gong.api.throttle import FileThrottle; "
        "FileThrottle('acme', directory=sys.argv[1]).hold(7200)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    with pytest.raises(GongRateLimited) as caught:
        FileThrottle("acme", directory=tmp_path).acquire()
    assert 7100 < (caught.value.retry_after or 0) <= 7200


def test_threads_that_wait_are_held_too(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", per_second=1, share=1, directory=tmp_path)
    throttle.acquire()
    threads = [threading.Thread(target=throttle.acquire) for _ in range(2)]
    for thread in threads:
        thread.start()
    throttle.hold(2)
    for thread in threads:
        thread.join()
    first, *rest = moments(throttle)
    assert all(moment - first >= 1900 for moment in rest)
    assert len(rest) == 2


# What Gong says


class Holds:
    """Takes the place of a throttle and keeps for how long it was to hold."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def acquire(self) -> None:
        pass

    def hold(self, seconds: float) -> None:
        self.asked.append(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({}, 1.0), ({"Retry-After": "0"}, 1.0)]
)
def test_each_429_holds_all(headers: dict[str, str], seconds: float) -> None:
    holds, limited = Holds(), error(429, headers=headers)
    client = client_of(Transport(limited, limited, Reply(body={"users": []})), throttle=holds)
    client.send(users.list_users())
    assert holds.asked == [seconds] * 2


def test_a_429_of_hours_holds_all_before_it_is_told() -> None:
    holds = Holds()
    with pytest.raises(GongRateLimited):
        client_of(Transport(error(429, headers={"Retry-After": "9000"})), throttle=holds).send_raw(
            calls.list_calls()
        )
    assert holds.asked == [9000.0]


def test_other_trouble_holds_nobody() -> None:
    holds = Holds()
    transport = Transport(error(503, headers={"Retry-After": "7"}), Reply(body={"users": []}))
    client_of(transport, throttle=holds).send(users.list_users())
    assert holds.asked == []


def test_nobody_waits_twice_for_the_same_429(throttle: Any, clock: Clock) -> None:
    class Sleep(Waits):
        def __call__(self, seconds: float) -> None:
            super().__call__(seconds)
            clock.now += seconds

    waits = Sleep()
    transport = Transport(error(429, headers={"Retry-After": "20"}), Reply(body={"users": []}))
    client_of(transport, throttle=throttle(), waits=waits).send(users.list_users())
    assert waits == [20.0]
    assert sum(clock.waits) < 0.01


# Backfills


def test_backfills_are_refused_beyond_their_share_while_others_go_on(throttle: Any, clock: Clock) -> None:
    backfill = throttle(per_day=10, backfill_share=0.5)
    take(backfill, 5)
    waited = sum(clock.waits)
    with pytest.raises(GongRateLimited, match="backfills have, 5 requests, is spent: it renews in") as caught:
        backfill.acquire()
    assert caught.value.retry_after == pytest.approx(24 * HOUR - waited, abs=0.01)
    others = throttle(per_day=10)
    take(others, 5)
    with pytest.raises(GongRateLimited, match="Our share of the day, 10 requests"):
        others.acquire()


def test_requests_of_others_leave_backfills_their_share(throttle: Any) -> None:
    take(throttle(per_day=10), 4)
    take(throttle(per_day=10, backfill_share=0.5), 5)
    with pytest.raises(GongRateLimited, match="backfills"):
        throttle(per_day=10, backfill_share=0.5).acquire()


def test_backfills_never_get_more_than_the_day_leaves(throttle: Any) -> None:
    take(throttle(per_day=10, share=0.8), 6)
    backfill = throttle(per_day=10, share=0.8, backfill_share=0.5)
    take(backfill, 2)
    with pytest.raises(GongRateLimited, match="Our share of the day, 8 requests"):
        backfill.acquire()


def test_the_day_of_backfills_is_the_last_24_hours(throttle: Any, clock: Clock) -> None:
    backfill = throttle(per_day=4, backfill_share=0.5)
    take(backfill, 1)
    clock.now += 12 * HOUR
    take(backfill, 1)
    clock.now += 12 * HOUR + 1
    take(backfill, 1)
    with pytest.raises(GongRateLimited) as caught:
        backfill.acquire()
    assert caught.value.retry_after == pytest.approx(12 * HOUR, abs=2)


def test_backfills_keep_the_second_together_with_others(throttle: Any) -> None:
    backfill, other = throttle(backfill_share=0.5), throttle()
    for _ in range(6):
        backfill.acquire()
        other.acquire()
    assert most_in_a_second(moments(other)) == 3


def test_a_share_without_any_request_is_refused(throttle: Any) -> None:
    with pytest.raises(GongConfigurationError, match="backfill_share"):
        throttle(per_day=10, backfill_share=0.05)
