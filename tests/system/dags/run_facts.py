"""Dags whose only task writes down what it is told about its run."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    DAG,
    Asset,
    BaseOperator,
    CronDataIntervalTimetable,
    CronPartitionTimetable,
    CronTriggerTimetable,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017


class WriteRunFacts(BaseOperator):
    """Append the facts of the run to a file that is named after the Dag."""

    def __init__(self, *, fail_first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fail_first = fail_first

    def execute(self, context: Context) -> dict[str, Any]:
        facts = {
            **_facts_of_the_run(context["dag_run"]),
            "try_number": context["ti"].try_number,
            "max_active_runs": context["dag"].max_active_runs,
            "context_has": [key for key in ("logical_date", "data_interval_start", "ds") if key in context],
            "partition_date in context": _plain(context.get("partition_date")),
        }
        with Path(os.environ["AIRFLOW_HOME"], f"{self.dag_id}.jsonl").open("a") as file:
            file.write(json.dumps(facts) + "\n")
        if self.fail_first and context["ti"].try_number == 1:
            raise RuntimeError("the first try fails")
        return facts


FACTS = (
    "run_id",
    "run_type",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    "partition_key",
    "partition_date",
    "run_after",
    "clear_number",
)


def _facts_of_the_run(dag_run: Any) -> dict[str, Any]:
    return {name: _plain(getattr(dag_run, name)) for name in FACTS}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


TIMETABLES: dict[str, Any] = {
    "cron": "@daily",
    "cron_interval": CronDataIntervalTimetable("@daily", timezone="UTC"),
    "cron_trigger_interval": CronTriggerTimetable("@daily", timezone="UTC", interval=DAY),
    "cron_partition": CronPartitionTimetable("0 0 * * *", timezone="UTC"),
}

# The first run of the interval lies before the start of its task and has none, so it takes a second one.
SCHEDULED_HOURS = {"cron_trigger_interval": 36}

for name, timetable in TIMETABLES.items():
    # So few scheduled runs, and in the past: the answers do not depend on the day of the test.
    end = START + timedelta(hours=SCHEDULED_HOURS.get(name, 12))
    with DAG(f"facts_{name}", schedule=timetable, start_date=START, end_date=end, catchup=True):
        WriteRunFacts(task_id="facts")
    # No scheduled run at all, only those that a test asks for.
    with DAG(
        f"facts_{name}_on_demand",
        schedule=timetable,
        start_date=START,
        end_date=START + 30 * DAY,
        catchup=False,
        max_active_runs=1,
    ):
        WriteRunFacts(task_id="facts")

with DAG("facts_manual", schedule=None):
    WriteRunFacts(task_id="facts")

with DAG("facts_asset", schedule=[Asset("facts")]):
    WriteRunFacts(task_id="facts")

with DAG("facts_retry", schedule=None):
    WriteRunFacts(task_id="facts", fail_first=True, retries=1, retry_delay=timedelta(0))
