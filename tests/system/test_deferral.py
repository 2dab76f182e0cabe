"""Exports that Gong lets wait, in an Airflow with a triggerer: deferred, or retried when Gong said."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.system.exported import Exported
from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.system

# Whole days that are past whenever the test runs; the clocks of these Gongs run, so that waits can be seen.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
# Longer than the tasks may be held, and long enough to see that they wait.
WAIT = 8
SECONDS = 240

DAG_FILE = """
import os
from datetime import timedelta
from airflow.sdk import DAG
from airflow_provider_gong.operators.exports import GongExportCallsOperator

class SoonBack(GongExportCallsOperator):
    least_wait = 5.0

window = {"from_datetime": os.environ["WINDOW_FROM"], "to_datetime": os.environ["WINDOW_TO"]}
with DAG("waiting", schedule=None, max_active_runs=1):
    SoonBack(
        task_id="deferred", gong_conn_id="gong_deferring", deferrable=True, retries=0,
        destination=f"file://{os.environ['GONG_EXPORTS']}/deferred", **window,
    )
    GongExportCallsOperator(
        task_id="retried", gong_conn_id="gong_retrying", retries=1, retry_delay=timedelta(hours=3),
        destination=f"file://{os.environ['GONG_EXPORTS']}/retried", **window,
    )
"""


@pytest.fixture(scope="module")
def gongs() -> Iterator[dict[str, GongSandbox]]:
    """Start a Gong for each task, which lets its second request wait."""
    with ExitStack() as stack:
        found = {
            name: stack.enter_context(GongSandbox(seed=5, calls=120, days=4, per_second=None, per_day=None))
            for name in ("gong_deferring", "gong_retrying")
        }
        for gong in found.values():
            gong.faults.add("rate_limited", retry_after=WAIT, skip=1)
        yield found


@pytest.fixture(scope="module")
def exports_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def waited(
    gongs: dict[str, GongSandbox], exports_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RealAirflow, dict[str, Any]]]:
    """Run both tasks to their end."""
    environment = {f"AIRFLOW_CONN_{name.upper()}": connection(gong) for name, gong in gongs.items()}
    environment |= {
        "GONG_EXPORTS": str(exports_folder),
        "WINDOW_FROM": (TODAY - timedelta(days=3)).isoformat(),
        "WINDOW_TO": (TODAY - timedelta(days=1)).isoformat(),
    }
    with RealAirflow(tmp_path_factory.mktemp("airflow"), environment=environment, triggerer=True) as airflow:
        airflow.add_dag("waiting", DAG_FILE)
        run_id = airflow.rest.trigger("waiting")
        yield airflow, airflow.rest.wait_for_run("waiting", run_id, seconds=SECONDS)


def connection(gong: GongSandbox) -> str:
    extra = {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000, "max_wait": 1}
    fields = {"host": gong.url, "login": gong.access_key, "password": gong.access_key_secret}
    return json.dumps({"conn_type": "gong", **fields, "extra": extra})


def tries(airflow: RealAirflow, run: dict[str, Any]) -> dict[str, tuple[str, int]]:
    found = airflow.rest.task_instances("waiting", run["dag_run_id"])
    return {task["task_id"]: (task["state"], task["try_number"]) for task in found}


def test_both_end_well_and_only_one_needed_a_retry(waited: tuple[RealAirflow, dict[str, Any]]) -> None:
    airflow, run = waited
    assert run["state"] == "success", airflow.rest.all_logs("waiting", run["dag_run_id"])
    assert tries(airflow, run) == {"deferred": ("success", 1), "retried": ("success", 2)}


def test_the_deferred_export_says_until_when_and_is_resumed_by_the_triggerer(
    waited: tuple[RealAirflow, dict[str, Any]],
) -> None:
    airflow, run = waited
    log = airflow.rest.log("waiting", run["dag_run_id"], "deferred")
    assert "Deferred until" in log
    assert "429" in log
    assert log.count("Exporting calls of") == 2


def test_nobody_asked_while_gong_let_them_wait(
    waited: tuple[RealAirflow, dict[str, Any]], gongs: dict[str, GongSandbox]
) -> None:
    for gong in gongs.values():
        asked = list(gong.requests)
        [refused] = [place for place, one in enumerate(asked) if one.status == 429]
        pause = asked[refused + 1].time - asked[refused].time
        assert pause >= timedelta(seconds=WAIT)


def test_each_call_is_exported_once(waited: tuple[RealAirflow, dict[str, Any]], exports_folder: Path) -> None:
    deferred, retried = (
        Exported(exports_folder / name / "calls").call_ids() for name in ("deferred", "retried")
    )
    assert deferred == retried
    assert len(deferred) == len(set(deferred)) > 200
