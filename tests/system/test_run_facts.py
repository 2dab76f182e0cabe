"""What a real Airflow tells a task about its run. The windows of the exports rest on these facts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.real_airflow import RealAirflow

pytestmark = pytest.mark.system

FIRST = "2026-01-01T00:00:00+00:00"
SECOND = "2026-01-02T00:00:00+00:00"
TICK = datetime(2026, 1, 5, tzinfo=UTC)
# Another day than that of the manual runs: a backfill leaves out what a run already has.
FILLED = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)

LATE_DAG = """
from airflow.sdk import DAG
from run_facts import WriteRunFacts

with DAG("late", schedule=None):
    WriteRunFacts(task_id="facts")
"""


def facts(airflow: RealAirflow, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """Return what the tries of the run have written down, oldest first."""
    lines = (airflow.home / f"{dag_id}.jsonl").read_text().splitlines()
    return [fact for fact in map(json.loads, lines) if fact["run_id"] == run_id]


def only_run(airflow: RealAirflow, dag_id: str) -> dict[str, Any]:
    """Return the facts of the only run of a Dag that runs by itself."""
    airflow.rest.unpause(dag_id)
    [run] = airflow.rest.wait_for_runs(dag_id)
    [fact] = facts(airflow, dag_id, run["dag_run_id"])
    return fact


def triggered(airflow: RealAirflow, dag_id: str, **kwargs: Any) -> dict[str, Any]:
    """Return the facts of the first try of a manual run."""
    airflow.rest.unpause(dag_id)
    run_id = airflow.rest.trigger(dag_id, **kwargs)
    airflow.rest.wait_for_run(dag_id, run_id)
    return facts(airflow, dag_id, run_id)[0]


def dates(fact: dict[str, Any]) -> tuple[Any, Any, Any]:
    return fact["logical_date"], fact["data_interval_start"], fact["data_interval_end"]


@pytest.fixture(scope="module")
def airflow(airflow: RealAirflow) -> RealAirflow:
    airflow.rest.wait_for_dags("facts_manual", "facts_cron", "facts_cron_partition")
    return airflow


def test_cron_string_gives_an_empty_interval(airflow: RealAirflow) -> None:
    fact = only_run(airflow, "facts_cron")
    assert fact["run_type"] == "scheduled"
    assert dates(fact) == (FIRST, FIRST, FIRST)
    assert fact["run_after"] == FIRST


def test_interval_timetable_runs_at_the_end_of_its_day(airflow: RealAirflow) -> None:
    fact = only_run(airflow, "facts_cron_interval")
    assert dates(fact) == (FIRST, FIRST, SECOND)
    assert fact["run_after"] == SECOND


def test_trigger_timetable_with_interval_has_no_task_in_its_first_run(airflow: RealAirflow) -> None:
    airflow.rest.unpause("facts_cron_trigger_interval")
    first, second = airflow.rest.wait_for_runs("facts_cron_trigger_interval", 2)
    assert facts(airflow, "facts_cron_trigger_interval", first["dag_run_id"]) == []
    [fact] = facts(airflow, "facts_cron_trigger_interval", second["dag_run_id"])
    assert dates(fact) == (FIRST, FIRST, SECOND)
    assert fact["run_after"] == SECOND


def test_partition_timetable_gives_a_partition_date_and_no_logical_date(airflow: RealAirflow) -> None:
    fact = only_run(airflow, "facts_cron_partition")
    assert dates(fact) == (None, None, None)
    assert fact["partition_date"] == fact["run_after"] == FIRST
    assert fact["context_has"] == []


def test_manual_run_has_no_dates(airflow: RealAirflow) -> None:
    fact = triggered(airflow, "facts_manual")
    assert fact["run_type"] == "manual"
    assert dates(fact) == (None, None, None)
    assert fact["context_has"] == []
    assert fact["run_after"] is not None


def test_manual_run_with_a_logical_date_has_an_empty_interval(airflow: RealAirflow) -> None:
    fact = triggered(airflow, "facts_manual", logical_date=TICK)
    assert dates(fact) == (TICK.isoformat(),) * 3


def test_manual_run_of_an_interval_timetable_has_the_day_before_its_logical_date(
    airflow: RealAirflow,
) -> None:
    fact = triggered(airflow, "facts_cron_interval_on_demand", logical_date=TICK)
    assert dates(fact) == (TICK.isoformat(), (TICK - DAY).isoformat(), TICK.isoformat())


def test_manual_run_with_a_partition_key_has_its_date(airflow: RealAirflow) -> None:
    fact = triggered(airflow, "facts_cron_partition_on_demand", partition_key="2026-01-05T00:00:00")
    assert fact["partition_date"] == TICK.isoformat()
    assert dates(fact) == (None, None, None)


def test_asset_triggered_run_has_no_dates(airflow: RealAirflow) -> None:
    airflow.rest.unpause("facts_asset")
    airflow.rest.asset_event("facts", {"n": 1})
    fact = only_run(airflow, "facts_asset")
    assert fact["run_type"] == "asset_triggered"
    assert dates(fact) == (None, None, None)


@pytest.mark.parametrize(
    ("dag_id", "expected"),
    [
        ("facts_cron_on_demand", (FILLED, FILLED, FILLED)),
        ("facts_cron_interval_on_demand", (FILLED, FILLED, FILLED + DAY)),
        ("facts_cron_trigger_interval_on_demand", (FILLED - DAY, FILLED - DAY, FILLED)),
        ("facts_cron_partition_on_demand", (None, None, None)),
    ],
)
def test_backfill_runs_have_the_dates_of_the_timetable(
    airflow: RealAirflow, dag_id: str, expected: tuple[datetime | None, ...]
) -> None:
    airflow.rest.unpause(dag_id)
    before = len(airflow.rest.runs(dag_id))
    airflow.rest.create_backfill(dag_id, FILLED, FILLED)
    run = airflow.rest.wait_for_runs(dag_id, before + 1)[-1]
    [fact] = facts(airflow, dag_id, run["dag_run_id"])
    assert fact["run_type"] == "backfill"
    assert dates(fact) == tuple(date and date.isoformat() for date in expected)


def test_clearing_raises_clear_and_try_number(airflow: RealAirflow) -> None:
    run_id = triggered(airflow, "facts_manual")["run_id"]
    airflow.rest.clear_run("facts_manual", run_id)
    airflow.rest.wait_for_run("facts_manual", run_id)
    airflow.rest.clear_task("facts_manual", run_id, "facts")
    airflow.rest.wait_for_run("facts_manual", run_id)
    tries = [(fact["clear_number"], fact["try_number"]) for fact in facts(airflow, "facts_manual", run_id)]
    assert tries == [(0, 1), (1, 2), (2, 3)]


def test_retry_raises_only_the_try_number(airflow: RealAirflow) -> None:
    run_id = triggered(airflow, "facts_retry")["run_id"]
    tries = [(fact["clear_number"], fact["try_number"]) for fact in facts(airflow, "facts_retry", run_id)]
    assert tries == [(0, 1), (0, 2)]
    assert "the first try fails" in airflow.rest.log("facts_retry", run_id, "facts", try_number=1)
    assert airflow.rest.xcom("facts_retry", run_id, "facts")["try_number"] == 2


def test_dag_can_be_added_while_airflow_runs(airflow: RealAirflow) -> None:
    airflow.add_dag("late", LATE_DAG)
    fact = triggered(airflow, "late", conf={"x": 7})
    assert fact["run_type"] == "manual"
