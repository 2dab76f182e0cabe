"""Metrics and lineage of a real Airflow: its tasks and its triggerer tell a StatsD server and a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.hooks.metrics import METRICS
from airflow_provider_gong.sandbox import GongSandbox
from tests.support.openlineage import Events, environment
from tests.support.statsd import StatsD
from tests.system.conftest import connection
from tests.system.exported import Exported
from tests.system.real_airflow import RealAirflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

NOW = datetime(2026, 1, 11, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALLS, TRANSCRIPTS = "/v2/calls/extensive", "/v2/calls/transcript"
PATIENCE = 240

DAG_FILE = """
import os
from datetime import timedelta
from airflow.sdk import DAG
from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor

destination = f"file://{os.environ['GONG_EXPORTS']}"
window = {"from_datetime": "2026-01-05", "to_datetime": "2026-01-09"}

with DAG("observed", schedule=None, max_active_runs=1):
    wait = GongTranscriptSensor(
        task_id="wait", call_ids=[os.environ["AWAITED_CALL"]], deferrable=True, poke_interval=2,
        retries=2, retry_delay=timedelta(0),
    )
    calls = GongExportCallsOperator(task_id="calls", destination=destination, file_format="parquet", **window)
    transcripts = GongExportTranscriptsOperator(
        task_id="transcripts", destination=destination, calls=calls.output
    )
    check = GongCheckExportOperator(task_id="check", dataset=f"{destination}/calls")
    wait >> calls >> transcripts >> check
"""


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=60, days=10, now=NOW, per_second=None, per_day=None) as gong:
        gong.faults.add("rate_limited", path=CALLS)
        gong.faults.add("server_error", path=CALLS, skip=1)
        yield gong


@pytest.fixture(scope="module")
def statsd() -> Iterator[StatsD]:
    with StatsD() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("observed")


@pytest.fixture(scope="module")
def events(
    gong: GongSandbox, statsd: StatsD, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Events]:
    """Run the Dag to its end, and yield the events of it."""
    found = Events(folder / "events.jsonl")
    awaited = gong.world.add_call(NOW - HOUR, visible_at=NOW, transcript_at=NOW + HOUR).id
    settings = {
        **environment(found.file),
        **statsd.environment,
        "AIRFLOW_CONN_GONG_DEFAULT": connection(gong),
        "GONG_EXPORTS": str(folder),
        "AWAITED_CALL": awaited,
    }
    home = tmp_path_factory.mktemp("airflow")
    with RealAirflow(home, environment=settings, triggerer=True) as airflow:
        airflow.add_dag("observed", DAG_FILE)
        run_id = airflow.rest.trigger("observed")
        # The first look is that of the task.
        wait_until(lambda: len(gong.requests.to(TRANSCRIPTS)) >= 2, seconds=PATIENCE, what="looks")
        gong.clock.advance(2 * HOUR)
        airflow.rest.wait_for_run("observed", run_id, seconds=PATIENCE)
        # Who listens to the end of a task may be slower than the scheduler.
        wait_until(lambda: "observed.check" in _completed(found), seconds=60, what="the last event")
        yield found


def _completed(events: Events) -> set[str]:
    return {one["job"]["name"] for one in events.all() if one["eventType"] == "COMPLETE"}


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in datasets]


def test_the_lineage_leads_from_gong_to_the_check(events: Events, folder: Path) -> None:
    calls = events.last("COMPLETE", "observed.calls")
    transcripts = events.last("COMPLETE", "observed.transcripts")
    check = events.last("COMPLETE", "observed.check")
    assert names(calls["inputs"]) == [("gong://127.0.0.1", "calls")]
    # What the file system reports by itself is no dataset beside it.
    assert names(calls["outputs"]) == names(check["inputs"]) == [("file", f"{folder}/calls")]
    assert names(transcripts["inputs"]) == [("gong://127.0.0.1", "transcripts"), ("file", f"{folder}/calls")]
    assert names(transcripts["outputs"]) == [("file", f"{folder}/transcripts")]


@pytest.mark.parametrize("stream", ["calls", "transcripts"])
def test_the_rows_are_those_of_the_manifest(events: Events, folder: Path, stream: str) -> None:
    [manifest] = Exported(folder / stream).manifests()
    [output] = events.last("COMPLETE", f"observed.{stream}")["outputs"]
    told = output["outputFacets"]["outputStatistics"]
    assert told["rowCount"] == manifest["rows"] > 10
    assert told["fileCount"] == len(manifest["parts"])
    assert told["size"] == sum(part["bytes"] for part in manifest["parts"])


def test_events_hold_no_secret(events: Events, gong: GongSandbox) -> None:
    assert gong.access_key not in events.text
    assert gong.access_key_secret not in events.text


@pytest.mark.usefixtures("events")
def test_each_request_is_counted_in_tasks_and_in_the_triggerer(gong: GongSandbox, statsd: StatsD) -> None:
    counted = statsd.counts("gong.requests", "operation")
    for path in (CALLS, TRANSCRIPTS):
        assert counted[(f"POST_{path}",)] == len(gong.requests.to(path))
    assert statsd.total("gong.requests") == len(gong.requests)
    assert statsd.total("gong.rate_limited") == 1
    assert statsd.counts("gong.retries", "reason") == {("GongRateLimited",): 1, ("GongUnavailable",): 1}
    assert statsd.counts("gong.deferrals", "reason") == {("not_yet",): 1}


@pytest.mark.usefixtures("events")
def test_the_rows_are_counted(folder: Path, statsd: StatsD) -> None:
    rows = {
        (stream,): Exported(folder / stream).manifests()[0]["rows"] for stream in ("calls", "transcripts")
    }
    assert statsd.counts("gong.rows", "stream") == rows


@pytest.mark.usefixtures("events")
def test_all_that_is_counted_is_described(statsd: StatsD) -> None:
    samples = statsd.samples("gong.")
    assert {sample.name for sample in samples} <= METRICS.keys()
    assert all(set(sample.tags) == set(METRICS[sample.name].tags) for sample in samples)
