"""Sensors and the watcher for new calls in a real Airflow, whose triggerer is killed now and then."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.system.conftest import connection
from tests.system.real_airflow import RealAirflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

HOUR = timedelta(hours=1)
TRANSCRIPTS = "/v2/calls/transcript"
PATIENCE = 240

WAITS = """
from airflow.sdk import DAG
from airflow_provider_gong.sensors.calls import GongCallSensor
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor

with DAG("waits", schedule=None):
    GongTranscriptSensor.partial(
        task_id="transcript", deferrable=True, poke_interval=4, timeout=1800
    ).expand(call_ids={ids})
    GongCallSensor(task_id="call", call_id="{call_id}", deferrable=True, poke_interval=4, timeout=1800)
"""

SHORT_WAIT = """
from airflow.sdk import DAG
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor

with DAG("short_wait", schedule=None):
    GongTranscriptSensor(
        task_id="wait", call_ids=["7782342274025937895"], deferrable=True, poke_interval=3600, timeout={timeout}
    )
"""

WATCH = """
from airflow.sdk import DAG, Asset, AssetWatcher, task
from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger

trigger = GongNewCallsTrigger(asset_name="watched_calls", poll_interval=2)
watched = Asset("watched_calls", watchers=[AssetWatcher(name="watched_calls", trigger=trigger)])

with DAG("watch", schedule=[watched]):

    @task(inlets=[watched])
    def told(triggering_asset_events):
        events = triggering_asset_events[watched]
        return [call["id"] for event in events for call in event.extra["payload"]["calls"]]

    told()
"""


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=0, days=0, per_second=None, per_day=None) as gong:
        yield gong


@pytest.fixture(scope="module")
def airflow(gong: GongSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    environment = {
        # A watcher begins when its Dag file is read while the Dag is not paused.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # So that what a dead triggerer had is soon given to the next.
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
    }
    airflow = RealAirflow(tmp_path_factory.mktemp("waiting"), environment=environment, triggerer=True)
    with airflow:
        # In the database, as one that is made in the UI: a triggerer asks its supervisor for it, out of a thread.
        fields = json.loads(connection(gong))
        stored = {**fields, "connection_id": "gong_default", "extra": json.dumps(fields["extra"])}
        airflow.rest.request("POST", "/connections", json=stored)
        yield airflow


def states(airflow: RealAirflow, dag_id: str, run_id: str) -> set[str]:
    return {ti["state"] for ti in airflow.rest.task_instances(dag_id, run_id)}


def wait_until_deferred(airflow: RealAirflow, dag_id: str, run_id: str) -> None:
    wait_until(
        lambda: states(airflow, dag_id, run_id) == {"deferred"},
        seconds=PATIENCE,
        what=f"deferred tasks of {dag_id}",
    )


def test_waits_go_on_after_a_kill_of_the_triggerer(airflow: RealAirflow, gong: GongSandbox) -> None:
    now = datetime.now(UTC)
    later = now + 2 * HOUR
    ids = [
        gong.world.add_call(now - HOUR, visible_at=now, transcript_at=later, title=str(n)).id
        for n in range(5)
    ]
    hidden = gong.world.add_call(now - HOUR, visible_at=later).id
    airflow.add_dag("waits", WAITS.format(ids=[[one] for one in ids], call_id=hidden))
    run_id = airflow.rest.trigger("waits")
    wait_until_deferred(airflow, "waits", run_id)
    gong.requests.clear()
    wait_until(
        lambda: len(gong.requests.to(TRANSCRIPTS)) >= 2, seconds=PATIENCE, what="looks of the triggerer"
    )
    airflow.kill("triggerer")
    gong.clock.advance(2 * HOUR)
    gong.requests.clear()
    time.sleep(5)
    assert len(gong.requests) == 0
    airflow.start_again("triggerer")
    airflow.rest.wait_for_run("waits", run_id, seconds=PATIENCE)
    # One look for all five, or two when the triggerer took them up in two goes.
    assert len(gong.requests.to(TRANSCRIPTS)) <= 2
    results = [airflow.rest.xcom("waits", run_id, "transcript", map_index=n) for n in range(5)]
    assert results == [{"ready": [one], "missing": []} for one in ids]
    assert airflow.rest.xcom("waits", run_id, "call")["id"] == hidden


def test_a_timeout_is_kept_while_the_triggerer_is_away(airflow: RealAirflow, gong: GongSandbox) -> None:
    timeout = 30
    airflow.add_dag("short_wait", SHORT_WAIT.format(timeout=timeout))
    run_id = airflow.rest.trigger("short_wait")
    wait_until_deferred(airflow, "short_wait", run_id)
    airflow.kill("triggerer")
    time.sleep(timeout)
    gong.requests.clear()
    airflow.start_again("triggerer")
    airflow.rest.wait_for_run("short_wait", run_id, "failed", seconds=PATIENCE)
    # The last look is one request, and the whole interval is not waited for.
    assert len(gong.requests) == 1
    log = airflow.rest.log("short_wait", run_id, "wait")
    assert f"Not done {timeout} s after the first look: 1 calls are missing." in log


def told(airflow: RealAirflow) -> list[str]:
    """Return the ids in all events of the watched asset."""
    events = airflow.rest.request("GET", "/assets/events", params={"limit": 200})["asset_events"]
    payloads: list[dict[str, Any]] = [event["extra"]["payload"] for event in events]
    return [call["id"] for payload in payloads for call in payload["calls"]]


def test_no_kill_of_the_triggerer_loses_a_call(airflow: RealAirflow, gong: GongSandbox) -> None:
    dice = random.Random(3)
    airflow.add_dag("watch", WATCH)
    added = {call.id for call in gong.world.visible_calls()}
    for _ in range(3):
        wait_until(lambda: added <= set(told(airflow)), seconds=PATIENCE, what="calls told of")
        for n in range(3):
            started = gong.clock.now() - timedelta(minutes=20 + n)
            added.add(gong.world.add_call(started, visible_at=gong.clock.now()).id)
        # Somewhere between the look, the event, its storage and what is remembered of it.
        time.sleep(3 * dice.random())
        airflow.kill("triggerer")
        airflow.start_again("triggerer")
    wait_until(lambda: added <= set(told(airflow)), seconds=PATIENCE, what="calls told of")
    # What was remembered before is not told of again and again: at most one batch a kill.
    assert len(told(airflow)) <= len(added) + 3 * 3
    first, *_ = airflow.rest.wait_for_runs("watch", 1, seconds=PATIENCE)
    assert set(airflow.rest.xcom("watch", first["dag_run_id"], "told")) <= added
