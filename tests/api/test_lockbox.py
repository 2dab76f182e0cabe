"""The lock on OAuth tokens and the note behind it, in files and in Redis."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.api.lockbox import FileLockbox, RedisLockbox
from airflow_provider_gong.exceptions import GongTokensUnavailable
from tests.support.redis_server import PASSWORD, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_gong.api.lockbox import Lockbox

KINDS = ("file", "redis")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture(params=KINDS)
def lockbox(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Lockbox]:
    if request.param == "file":
        return lambda name: FileLockbox(name, directory=tmp_path)
    redis: RedisServer = request.getfixturevalue("redis")
    return lambda name: RedisLockbox(
        f"{tmp_path}{name}", redis=redis.client(), server="quota", hold_seconds=0.4
    )


def test_one_at_a_time_holds_it(lockbox: Callable[[str], Lockbox]) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(5):
            with lockbox("acme").hold(10):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.002)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_long_holder_keeps_it_and_the_others_are_told(lockbox: Callable[[str], Lockbox]) -> None:
    with lockbox("acme").hold(0):
        with pytest.raises(GongTokensUnavailable, match="Another process"), lockbox("acme").hold(1.2):
            pass
        with lockbox("another").hold(0):
            pass
    with lockbox("acme").hold(0):
        pass


def test_the_note_is_the_last_one(lockbox: Callable[[str], Lockbox]) -> None:
    assert lockbox("acme").read() == {}
    lockbox("acme").write({"a": 1})
    lockbox("acme").write({"b": 2})
    assert lockbox("acme").read() == {"b": 2}
    assert lockbox("another").read() == {}


HOLD = """
import sys, time
from tests.api.test_lockbox import dying
dying(*sys.argv[1:])
"""


def dying(kind: str, place: str, port: str) -> None:
    """Take the lock, say so, and be killed."""
    lockbox: Lockbox = FileLockbox("acme", directory=place)
    if kind == "redis":
        from redis import Redis

        redis = Redis(host="127.0.0.1", port=int(port), password=PASSWORD)
        lockbox = RedisLockbox(f"{place}acme", redis=redis, server="quota", hold_seconds=0.4)
    with lockbox.hold(1):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        time.sleep(60)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_holder_is_not_waited_for_long(kind: str, redis: RedisServer, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", HOLD, kind, str(tmp_path), str(redis.port)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
    lockbox: Lockbox = FileLockbox("acme", directory=tmp_path)
    if kind == "redis":
        lockbox = RedisLockbox(f"{tmp_path}acme", redis=redis.client(), server="quota", hold_seconds=0.4)
    with lockbox.hold(5):
        pass


def test_a_damaged_note_is_as_good_as_none(tmp_path: Path) -> None:
    lockbox = FileLockbox("acme", directory=tmp_path)
    lockbox.path.write_text("{")
    assert lockbox.read() == {}


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    lockbox = FileLockbox("acme", directory=tmp_path)
    lockbox.path.with_suffix(".draft").mkdir()
    with pytest.raises(GongTokensUnavailable, match="quota_dir"):
        lockbox.write({})


def test_a_redis_that_is_gone_is_told_without_what_it_says(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = server.client()
    lockbox = RedisLockbox("acme", redis=client, server="quota")
    with (
        pytest.raises(GongTokensUnavailable, match=r"'quota'.*\(ConnectionError\)") as caught,
        lockbox.hold(1),
    ):
        pass
    assert caught.value.retryable
    assert PASSWORD not in str(caught.value)
