"""The quota in a real Redis: several machines, their clocks, and a server that is not there."""

from __future__ import annotations

import multiprocessing
import socketserver
import subprocess
import sys
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api.redis_throttle import RedisThrottle
from airflow_provider_gong.api.turns import DAY, LONGEST_HOLD, SECOND
from airflow_provider_gong.exceptions import GongConfigurationError, GongQuotaUnavailable, GongRateLimited
from airflow_provider_gong.sandbox import GongSandbox
from tests.api import redis_hammer
from tests.api.test_throttle import most_in_a_second
from tests.support.redis_server import PASSWORD, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Any]:
    with server.client(decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def throttle(redis: Any, server: RedisServer) -> Iterator[Any]:
    """Return a function that makes a throttle with a client of its own, as each machine has."""
    clients = []

    def make(group: str = "acme", **settings: Any) -> RedisThrottle:
        clients.append(server.client())
        defaults: dict[str, Any] = {"redis": clients[-1], "name": "quota", "share": 1}
        return RedisThrottle(group, **defaults | settings)

    yield make
    for client in clients:
        client.close()


def take(throttle: RedisThrottle, turns: int) -> None:
    for _ in range(turns):
        throttle.acquire()


def moments(redis: Any, kind: str = "turns") -> list[int]:
    """Return when requests were let through, in milliseconds."""
    keys = redis.keys(f"*:{kind}")
    assert isinstance(keys, list)
    entries = [entry for key in keys for entry in redis.zrange(key, 0, -1, withscores=True)]
    return sorted(int(score) for _, score in entries)


# Turns


def test_turns_come_one_after_the_other(throttle: Any, redis: Any) -> None:
    waits: list[float] = []
    # Nobody waits, so that the turns pile up.
    take(throttle(sleep=waits.append), 7)
    times = moments(redis)
    assert [later - sooner for sooner, later in pairwise(times[::3])] == [SECOND + 1, SECOND + 1]
    assert most_in_a_second(times) == 3
    # None leaves together with another one.
    assert min(later - sooner for sooner, later in pairwise(times)) == SECOND // 3
    assert len(waits) == 6


def test_a_turn_that_takes_longer_than_allowed_is_refused_and_left_to_others(
    throttle: Any, redis: Any
) -> None:
    take(throttle(per_second=1), 1)
    with pytest.raises(GongRateLimited, match="Too many tasks share 1 requests a second") as caught:
        throttle(per_second=1, max_wait=0.5).acquire()
    assert 0.5 < (caught.value.retry_after or 0) <= 1.041
    assert len(moments(redis)) == 1


@pytest.mark.parametrize(("backfill_share", "key"), [(None, "turns"), (0.5, "backfills")])
def test_a_spent_share_is_worth_coming_back_for_when_some_of_it_is_free(
    backfill_share: float | None, key: str, throttle: Any, redis: Any
) -> None:
    limits: dict[str, Any] = {
        "per_day": 300,
        "share": 1,
        "backfill_share": backfill_share,
        "per_second": 1000,
    }
    limit = 300 if backfill_share is None else 150
    take(throttle(**limits), limit)
    # As if they had been an hour apart.
    (name,) = redis.scan_iter(f"*:{key}")
    for number, (turn, moment) in enumerate(redis.zrange(name, 0, -1, withscores=True)):
        redis.zadd(name, {turn: moment - (limit - number) * 60_000})
    with pytest.raises(GongRateLimited) as caught:
        throttle(**limits).acquire()
    wait = 24 * HOUR - limit * 60 + (limit // 50 - 1) * 60
    assert caught.value.retry_after == pytest.approx(wait, abs=5)


def test_a_spent_day_is_refused_at_once_with_the_time_of_its_return(throttle: Any, redis: Any) -> None:
    take(throttle(per_day=10, share=0.5, per_second=1000), 5)
    with pytest.raises(GongRateLimited, match="Our share of the day, 5 requests, is spent") as caught:
        throttle(per_day=10, share=0.5).acquire()
    assert caught.value.retry_after == pytest.approx(24 * HOUR, abs=2)
    assert len(moments(redis)) == 5


def test_yesterdays_requests_do_not_count(throttle: Any, redis: Any) -> None:
    take(throttle(per_day=2), 2)
    (key,) = redis.keys("*:turns")
    for name, score in redis.zrange(key, 0, -1, withscores=True):
        redis.zadd(key, {name: score - DAY - 10})
    take(throttle(per_day=2), 1)
    assert len(moments(redis)) == 1


def test_backfills_are_refused_beyond_their_share_while_others_go_on(throttle: Any, redis: Any) -> None:
    limits = {"per_day": 6, "per_second": 1000}
    take(throttle(**limits), 1)
    backfill = throttle(**limits, backfill_share=0.5)
    take(backfill, 3)
    with pytest.raises(GongRateLimited, match="backfills have, 3 requests, is spent"):
        backfill.acquire()
    take(throttle(**limits), 2)
    with pytest.raises(GongRateLimited, match="Our share of the day, 6 requests"):
        throttle(**limits).acquire()
    assert (len(moments(redis)), len(moments(redis, "backfills"))) == (6, 3)


def test_two_groups_do_not_meet(throttle: Any) -> None:
    throttle("acme").hold(HOUR)
    take(throttle("acme too", per_day=1), 1)
    with pytest.raises(GongRateLimited, match="Our share of the day"):
        throttle("acme too", per_day=1).acquire()
    take(throttle("another", per_day=1), 1)


def test_keys_expire_and_name_nobody(throttle: Any, redis: Any) -> None:
    keyed = throttle("https://us-1.api.gong.io\nMYKEY", backfill_share=0.5)
    keyed.acquire()
    keyed.hold(30)
    keys: Any = redis.keys("*")
    assert len(keys) == 4
    assert not [key for key in keys if "MYKEY" in key or "us-1" in key]
    ends = {key.rpartition(":")[2]: redis.pttl(key) for key in keys}
    assert 0 < ends.pop("hold") <= 30_000
    assert all(DAY < end <= DAY + 2 * SECOND for end in ends.values()), ends


def test_a_quota_without_any_request_is_refused(throttle: Any) -> None:
    with pytest.raises(GongConfigurationError, match="daily_share"):
        throttle(per_day=10, share=0.01)


# Holds


def test_a_hold_of_one_lets_another_wait(throttle: Any) -> None:
    throttle().hold(1)
    began = time.monotonic()
    throttle().acquire()
    assert 0.9 < time.monotonic() - began < 5


def test_the_longest_hold_counts_and_is_told_at_once(throttle: Any) -> None:
    for seconds in (HOUR, 3 * HOUR, 2 * HOUR):
        throttle().hold(seconds)
    with pytest.raises(GongRateLimited, match="Gong told one") as caught:
        throttle().acquire()
    assert caught.value.retry_after == pytest.approx(3 * HOUR, abs=2)


def test_a_hold_of_no_time_holds_nobody(throttle: Any) -> None:
    throttle().hold(0)
    began = time.monotonic()
    throttle().acquire()
    assert time.monotonic() - began < 0.5


def test_no_hold_is_longer_than_a_day(throttle: Any) -> None:
    throttle().hold(1e12)
    with pytest.raises(GongRateLimited) as caught:
        throttle().acquire()
    assert caught.value.retry_after == pytest.approx(LONGEST_HOLD, abs=2)


def test_who_waits_for_a_turn_when_gong_says_no_gives_it_back(throttle: Any, redis: Any) -> None:
    def meanwhile(_: float) -> None:
        throttle().hold(HOUR)

    take(throttle(per_second=1), 1)
    with pytest.raises(GongRateLimited, match="Gong told one"):
        throttle(per_second=1, sleep=meanwhile, backfill_share=0.5).acquire()
    assert (len(moments(redis)), len(moments(redis, "backfills"))) == (1, 0)


# Machines


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    """Return a Gong that enforces its limits."""
    with GongSandbox(calls=0, days=0, per_second=3, per_day=24) as gong:
        yield gong


def start(server: RedisServer, gong: GongSandbox, *arguments: int) -> subprocess.Popen[str]:
    command = [redis_hammer.__file__, server.port, PASSWORD, gong.url, gong.access_key]
    return subprocess.Popen(
        [sys.executable, *map(str, [*command, gong.access_key_secret, *arguments])],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("redis")
def test_machines_together_keep_the_second_and_the_day(server: RedisServer, gong: GongSandbox) -> None:
    # Whatever their clocks say.
    processes = [start(server, gong, 24, 5, hours) for hours in (0, 5, -7)]
    told = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3
    assert [one.status for one in gong.requests] == [200] * 24
    assert "Our share of the day, 24 requests, is spent" in "".join(told)


@pytest.mark.usefixtures("redis")
def test_a_429_of_one_machine_holds_another(server: RedisServer, gong: GongSandbox) -> None:
    gong.faults.add("rate_limited", retry_after=3600)
    first = start(server, gong, 24, 1, 0)
    assert "429" in first.communicate(timeout=60)[0]
    seen = len(gong.requests)
    told = start(server, gong, 24, 1, 9).communicate(timeout=60)[0]
    assert "it ends in 3" in told
    assert len(gong.requests) == seen


def test_a_server_with_an_earlier_clock_does_not_stop_us(throttle: Any, redis: Any) -> None:
    take(throttle(backfill_share=0.5), 2)
    # As if the turns had been reserved by a clock that was five hours ahead.
    for key in ("turns", "backfills"):
        (name,) = redis.keys(f"*:{key}")
        ahead = {
            f"{int(one.split('-')[0]) + 5 * 3_600_000}-{one.split('-')[1]}": score + 5 * 3_600_000
            for one, score in redis.zrange(name, 0, -1, withscores=True)
        }
        redis.delete(name)
        redis.zadd(name, ahead)
    began = time.monotonic()
    take(throttle(backfill_share=0.5), 2)
    assert time.monotonic() - began < 5
    times = moments(redis)
    assert len(times) == len(moments(redis, "backfills")) == 4
    assert times[-1] - times[0] < 5000


def test_threads_share_a_client(throttle: Any, redis: Any) -> None:
    shared = throttle(per_second=100)
    threads = [threading.Thread(target=take, args=(shared, 20)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments(redis)) == 120
    assert most_in_a_second(moments(redis)) == 100


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_throttle_works_on_after_a_fork_in_the_middle_of_a_turn(throttle: Any, redis: Any) -> None:
    shared, stop = throttle(per_second=10**6, per_day=10**9), threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            shared.acquire()

    busy = threading.Thread(target=keep_busy)
    busy.start()
    children = [multiprocessing.get_context("fork").Process(target=take, args=(shared, 5)) for _ in range(10)]
    try:
        for child in children:
            child.start()
        for child in children:
            child.join(20)
    finally:
        stop.set()
        busy.join()
        for child in children:
            child.kill()
    assert [child.exitcode for child in children] == [0] * 10


# A server that is of no use


def refused(throttle: RedisThrottle) -> str:
    with pytest.raises(GongQuotaUnavailable) as caught:
        throttle.acquire()
    error = caught.value
    assert error.retryable
    assert "connection 'quota'" in str(error)
    assert PASSWORD not in str(error)
    assert error.__suppress_context__
    return str(error)


def test_a_server_that_goes_in_the_middle_is_told(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, server.client() as client:
        throttle = RedisThrottle("acme", redis=client, name="quota")
        throttle.acquire()
        server.stop()
        assert f"connecting to 127.0.0.1:{server.port}" in refused(throttle)
        with pytest.raises(GongQuotaUnavailable):
            throttle.hold(1)
        server.start()
        throttle.acquire()


def test_a_server_that_goes_while_one_waits_lets_nothing_through(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, server.client() as client:
        throttle = RedisThrottle(
            "acme", redis=client, name="quota", per_second=1, sleep=lambda _: server.stop()
        )
        throttle.acquire()
        refused(throttle)


def test_a_read_only_replica_is_told(throttle: Any, redis: Any) -> None:
    ours = throttle()
    redis.replicaof("127.0.0.1", "1")
    try:
        assert "ReadOnlyError" in refused(ours)
    finally:
        redis.replicaof("NO", "ONE")
    ours.acquire()


def test_a_wrong_password_is_told_without_it(server: RedisServer) -> None:
    with server.client(password="mistyped-password") as client:
        told = refused(RedisThrottle("acme", redis=client, name="quota"))
    assert "AuthenticationError" in told
    assert "mistyped" not in told


def test_a_server_that_quotes_the_password_is_not_quoted() -> None:
    class Quoting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while said := self.request.recv(4096):
                self.request.sendall(f"-ERR unknown command, args beginning with: {said!r}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Quoting) as quoting:
        threading.Thread(target=quoting.serve_forever, daemon=True).start()
        from redis import Redis

        try:
            with Redis(host="127.0.0.1", port=quoting.server_address[1], password=PASSWORD) as client:
                refused(RedisThrottle("acme", redis=client, name="quota"))
        finally:
            quoting.shutdown()
