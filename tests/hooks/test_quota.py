"""Where the hook counts the requests of a connection: in a file of the machine, or in a real Redis."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import users, workspaces
from airflow_provider_gong.api.redis_throttle import RedisThrottle
from airflow_provider_gong.exceptions import GongConfigurationError, GongQuotaUnavailable, GongRateLimited
from airflow_provider_gong.hooks import quota
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.hooks.quota import _say_where
from airflow_provider_gong.sandbox import GongSandbox
from tests.support.redis_server import PASSWORD, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PER_MACHINE = "counted for this machine only"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Name the server in the connection `quota` and return a client."""
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps(server.connection()))
    with server.client(decode_responses=True) as client:
        client.flushall()
        yield client


def turns(redis: Any, kind: str = "turns") -> int:
    return sum(redis.zcard(key) for key in redis.keys(f"*:{kind}"))


def send(*, backfill: bool = False) -> None:
    with GongHook(backfill=backfill) as hook:
        hook.send(workspaces.list_workspaces())


def refusal() -> str:
    with pytest.raises(GongConfigurationError) as caught:
        send()
    return str(caught.value)


# In a file


def test_once_in_a_process_it_is_told_that_a_machine_counts_alone(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    _say_where.cache_clear()
    with caplog.at_level(logging.INFO):
        send()
        send()
    assert caplog.text.count(PER_MACHINE) == 1


@pytest.mark.parametrize("where", [{}, {"redis_conn_id": "quota"}], ids=["file", "redis"])
def test_a_hook_of_a_backfill_is_held_to_its_share(
    redis: Any, connect: Callable[..., None], where: dict[str, str]
) -> None:
    connect(requests_per_day=10, daily_share=100, backfill_share=20, **where)
    send(backfill=True)
    send(backfill=True)
    with pytest.raises(GongRateLimited, match="backfills have, 2 requests"):
        send(backfill=True)
    send()


@pytest.mark.parametrize("where", [{}, {"redis_conn_id": "quota"}], ids=["file", "redis"])
def test_a_429_holds_the_next_hook(
    redis: Any, connect: Callable[..., None], gong: GongSandbox, where: dict[str, str]
) -> None:
    connect(**where)
    gong.faults.add("rate_limited", retry_after=3600)
    with pytest.raises(GongRateLimited, match="429"):
        send()
    with pytest.raises(GongRateLimited, match="Gong told one") as caught:
        send()
    assert caught.value.retry_after == pytest.approx(3600, abs=30)
    assert len(gong.requests) == 1


# In Redis


def test_requests_are_counted_in_the_redis_of_the_connection(
    redis: Any, connect: Callable[..., None], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    connect(redis_conn_id="quota")
    _say_where.cache_clear()
    with caplog.at_level(logging.INFO):
        send()
        send(backfill=True)
    assert (turns(redis), turns(redis, "backfills")) == (2, 1)
    assert PER_MACHINE not in caplog.text
    assert not (tmp_path / "quota").exists()


def test_a_closed_hook_leaves_no_connection_to_redis(redis: Any, connect: Callable[..., None]) -> None:
    connect(redis_conn_id="quota")
    before = redis.info("clients")["connected_clients"]
    with GongHook() as hook:
        hook.send(workspaces.list_workspaces())
        assert redis.info("clients")["connected_clients"] == before + 1
    assert redis.info("clients")["connected_clients"] == before


def test_without_a_port_it_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., None], server: RedisServer
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps(server.connection(port=None)))
    monkeypatch.setattr(quota, "REDIS_PORT", server.port)
    connect(redis_conn_id="quota")
    send()


def test_a_redis_that_is_down_is_told_and_nothing_is_sent(
    connect: Callable[..., None], gong: GongSandbox, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    down = {"conn_type": "redis", "host": "127.0.0.1", "port": unused_port, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps(down))
    connect(redis_conn_id="quota")
    with pytest.raises(GongQuotaUnavailable, match=f"connection 'quota' .*127.0.0.1:{unused_port}") as caught:
        send()
    assert PASSWORD not in str(caught.value)
    assert len(gong.requests) == 0
    working, told = GongHook().test_connection()
    assert (working, "connection 'quota'" in told) == (False, True)


def test_a_redis_that_does_not_answer_is_given_up_soon(
    connect: Callable[..., None], redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "REDIS_TIMEOUT", 0.1)
    connect(redis_conn_id="quota")
    with GongHook() as hook:
        hook.send(users.list_users())
        redis.execute_command("CLIENT", "PAUSE", "3000", "ALL")
        with pytest.raises(GongQuotaUnavailable, match="TimeoutError"):
            hook.send(users.list_users())


def test_a_missing_package_is_told_with_the_command(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.redis.hooks.redis", None)
    connect(redis_conn_id="quota")
    assert "pip install 'airflow-provider-gong[redis]'" in refusal()


def test_a_connection_that_does_not_exist_is_named(connect: Callable[..., None]) -> None:
    connect(redis_conn_id="mistyped")
    assert "no connection 'mistyped'" in refusal()
    assert "no connection 'mistyped'" in GongHook().test_connection()[1]


def test_a_connection_without_a_host_is_named(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps({"conn_type": "redis"}))
    connect(redis_conn_id="quota")
    assert refusal() == "The Redis connection 'quota' has no host: fill it in."


def test_extras_that_redis_refuses_are_told_without_their_values(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"conn_type": "redis", "host": "127.0.0.1", "password": PASSWORD}
    extra = {"cluster": True, "db": 3}
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps({**fields, "extra": extra}))
    connect(redis_conn_id="quota")
    assert "The Redis connection 'quota' is not one that Redis can use (ValueError)" in refusal()
    assert PASSWORD not in refusal()


def test_a_cluster_that_is_down_is_told(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    fields = {"conn_type": "redis", "host": "127.0.0.1", "port": unused_port, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps({**fields, "extra": {"cluster": True}}))
    connect(redis_conn_id="quota")
    with pytest.raises(GongQuotaUnavailable, match="connection 'quota'") as caught:
        send()
    assert PASSWORD not in str(caught.value)


def test_the_client_is_made_for_the_throttle_only(redis: Any, connect: Callable[..., None]) -> None:
    connect(redis_conn_id="quota")
    with GongHook() as hook:
        assert isinstance(hook.get_conn()._throttle, RedisThrottle)
    assert turns(redis) == 0


# Several machines without Redis

TASK = """
from airflow_provider_gong.api import workspaces
from airflow_provider_gong.hooks.gong import GongHook

with GongHook() as hook:
    for _ in range(4):
        hook.send(workspaces.list_workspaces())
"""


def test_a_pool_of_three_slots_with_a_request_a_second_keeps_gongs_limit(
    connect: Callable[..., None], tmp_path: Path
) -> None:
    with GongSandbox(calls=0, days=0, per_second=3) as gong:
        fields = {"host": gong.url, "login": gong.access_key, "password": gong.access_key_secret}
        connect(fields, requests_per_second=1)

        def run(number: int) -> None:
            machine = {"AIRFLOW__GONG__QUOTA_DIR": str(tmp_path / f"machine {number % 2}")}
            subprocess.run([sys.executable, "-c", TASK], env=os.environ | machine, check=True, timeout=120)

        # As Airflow's pool does: each slot runs a task, then the next one.
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(run, range(6)))
        assert [one.status for one in gong.requests] == [200] * 24
    assert len(list(tmp_path.glob("machine */*.sqlite"))) == 2
