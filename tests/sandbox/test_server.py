import gc
import logging
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
import requests

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client


def test_stopping_leaves_no_thread_and_no_socket() -> None:
    before = set(threading.enumerate())
    gong = GongSandbox(days=1).start()
    port = gong.port
    client = Client(gong)
    assert client.get("/v2/workspaces").status_code == 200
    gong.stop()
    client.session.close()
    assert set(threading.enumerate()) <= before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    gc.collect()  # A socket left open would warn, and warnings are errors.


def test_stop_does_not_wait_for_a_slow_reply(gong: GongSandbox) -> None:
    gong.faults.add("slow", seconds=60)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(requests.get, f"{gong.url}/v2/users", timeout=50)
        while not len(gong.requests):
            time.sleep(0.01)
        gong.stop()
        # The reply itself would have come after 60 seconds, and not with this status.
        assert waiting.result(timeout=50).status_code == 500


def test_a_stopped_sandbox_can_be_started_again_and_keeps_its_state() -> None:
    gong = GongSandbox(days=1)
    with gong, Client(gong).session as session:
        assert session.get(f"{gong.url}/v2/users").status_code == 200
    with gong, Client(gong).session as session:
        assert session.get(f"{gong.url}/v2/users").status_code == 200
    assert len(gong.requests) == 2


def test_a_running_sandbox_is_not_started_twice(gong: GongSandbox) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        gong.start()


def test_a_sandbox_that_does_not_run_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = GongSandbox(days=1).url


def test_it_listens_on_the_loopback_interface_only(gong: GongSandbox) -> None:
    assert gong.url.startswith("http://127.0.0.1:")


def test_requests_are_noted_without_their_values(client: Client) -> None:
    gong = client.gong
    body = {"filter": {"callIds": ["1234"]}, "contentSelector": {"exposedFields": {"parties": True}}}
    client.post("/v2/calls/extensive", {**body, "cursor": "x"})
    client.get("/v2/users", cursor="x", includeAvatars="true")
    requests.get(f"{gong.url}/_sandbox/requests", timeout=10)
    first, second = gong.requests
    assert len(gong.requests) == 2
    assert (first.method, first.path, first.status) == ("POST", "/v2/calls/extensive", 400)
    assert first.body_keys == {
        *("cursor", "filter", "filter.callIds", "contentSelector"),
        *("contentSelector.exposedFields", "contentSelector.exposedFields.parties"),
    }
    assert first.has_cursor
    assert first.time == gong.clock.now()
    assert second.query_keys == {"cursor", "includeAvatars"}
    assert second.has_cursor
    assert "1234" not in repr(list(gong.requests))
    assert gong.requests.to("/v2/users") == [second]


def test_a_cursor_in_the_query_of_a_post_is_not_noted_as_one(client: Client) -> None:
    client.ask("POST", "/v2/calls/transcript", params={"cursor": "x"}, json={"filter": {}})
    assert not client.gong.requests[0].has_cursor
    assert client.gong.requests[0].query_keys == {"cursor"}


def test_latency_delays_every_reply(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("airflow_provider_gong.sandbox.front.asyncio", SimpleNamespace(sleep=sleep))
    client.gong.latency = 2.5
    client.get("/v2/workspaces")
    client.post("/v2/calls/extensive", {"filter": {}})
    assert slept == [2.5, 2.5]


def test_a_failure_of_the_sandbox_itself_is_logged_and_has_gongs_shape(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(client.gong.world, "workspaces")
    with caplog.at_level(logging.ERROR):
        reply = client.get("/v2/workspaces")
    assert reply.status_code == 500
    assert reply.json()["errors"] == ["Internal server error occurred"]
    assert "The sandbox itself failed at GET /v2/workspaces" in caplog.text


def test_equal_seeds_give_equal_companies_and_keys() -> None:
    now = datetime(2026, 1, 11, tzinfo=UTC)
    one, two = (GongSandbox(seed=5, days=3, now=now) for _ in range(2))
    other = GongSandbox(seed=6, days=3, now=now)
    assert one.world.calls() == two.world.calls()
    assert (one.access_key, one.access_key_secret) == (two.access_key, two.access_key_secret)
    assert one.world.calls() != other.world.calls()
    assert one.access_key != other.access_key


def test_today_can_be_chosen_apart_from_the_clock() -> None:
    gong = GongSandbox(days=3, calls=2, today=date(2025, 6, 1))
    assert gong.world.calls()[0].started.date() == date(2025, 5, 29)
    assert gong.clock.now() - datetime.now(UTC) < timedelta(seconds=5)


def test_importing_it_imports_neither_airflow_nor_the_client() -> None:
    code = (
        "import sys, airflow_provider_gong.sandbox.__main__\n"
        "names = {'airflow', 'airflow_provider_gong.api', 'airflow_provider_gong.exceptions'}\n"
        "assert not names & set(sys.modules), names & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
