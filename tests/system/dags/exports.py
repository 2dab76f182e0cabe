"""Dags that export the calls of a company in the past, one for each way in which a run can come about."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, CronPartitionTimetable, CronTriggerTimetable

from airflow_provider_gong.operators.exports import GongExportCallsOperator

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
BEGINNING: dict[str, Any] = {"initial_from_datetime": FIRST}

DAILY_INTERVAL = CronDataIntervalTimetable("@daily", timezone="UTC")
# No scheduled run at all, only those that a test asks for.
ON_DEMAND: dict[str, Any] = {"start_date": FIRST, "end_date": FIRST + 9 * DAY, "catchup": False}


def export(
    name: str,
    schedule: Any = None,
    dag: dict[str, Any] | None = None,
    **arguments: Any,
) -> None:
    """Make a Dag whose only task exports calls, to a destination of its own."""
    usual: dict[str, Any] = {
        "destination": f"file://{os.environ['GONG_EXPORTS']}/{name}",
        "gong_conn_id": "gong_past",
        "retries": 2,
        "retry_delay": timedelta(0),
    }
    with DAG(name, schedule=schedule, **{"max_active_runs": 1, **(dag or {})}):
        GongExportCallsOperator(task_id="export", **{**usual, **arguments})


def scheduled(first: datetime, last: datetime) -> dict[str, Any]:
    return {"start_date": first, "end_date": last, "catchup": True}


# Scheduled

export("exports_cron", "@daily", scheduled(FIRST + DAY, FIRST + 3 * DAY), **BEGINNING)
export("exports_cron_interval", DAILY_INTERVAL, scheduled(FIRST, FIRST + DAY))
export(
    "exports_trigger_interval",
    CronTriggerTimetable("@daily", timezone="UTC", interval=DAY),
    # The first run lies before the start of its task and has none.
    scheduled(FIRST, FIRST + 1.5 * DAY),
)
export(
    "exports_partition",
    CronPartitionTimetable("0 0 * * *", timezone="UTC", run_offset=-1),
    scheduled(FIRST, FIRST + DAY),
    interval=DAY,
)

# By hand, by an asset, by a backfill

export("exports_manual", **BEGINNING)
export("exports_manual_interval", interval="P1D")
export(
    "exports_explicit",
    from_datetime="{{ dag_run.conf['from'] }}",
    to_datetime="{{ dag_run.conf['to'] }}",
)
export("exports_cron_on_demand", "@daily", ON_DEMAND, **BEGINNING)
export("exports_asset", [Asset("exports")], **BEGINNING)
export("exports_interval_backfill", DAILY_INTERVAL, {**ON_DEMAND, "max_active_runs": 3})
export("exports_cron_backfill", "@daily", ON_DEMAND, **BEGINNING)
export("exports_cron_interval_backfill", "@daily", ON_DEMAND, interval=DAY)

export(
    "exports_partition_on_demand",
    CronPartitionTimetable("0 0 * * *", timezone="UTC", run_offset=-1),
    ON_DEMAND,
    interval=DAY,
)
export("exports_two_days", DAILY_INTERVAL, ON_DEMAND, interval="P2D")
with DAG("exports_mapped", schedule=None, max_active_runs=1):
    # One dataset, whose stretches of time are exported side by side.
    GongExportCallsOperator.partial(
        task_id="export",
        destination=f"file://{os.environ['GONG_EXPORTS']}/exports_mapped",
        gong_conn_id="gong_past",
    ).expand_kwargs(
        [
            {"from_datetime": f"2026-01-0{first}", "to_datetime": f"2026-01-0{first + 1}"}
            for first in (2, 3, 4)
        ]
    )

# What cannot be exported

export("exports_no_beginning")
export("exports_parallel", dag={"max_active_runs": 2}, **BEGINNING)
export("exports_xcom", destination=None, **BEGINNING)

# What fails first

export("exports_retried", gong_conn_id="gong_flaky", **BEGINNING)
export(
    "exports_overtaken",
    "@daily",
    scheduled(FIRST + DAY, FIRST + 3 * DAY),
    gong_conn_id="gong_stumbling",
    **BEGINNING,
)
for order in ("forwards", "backwards", "mixed"):
    export(
        f"exports_cleared_{order}",
        "@daily",
        scheduled(FIRST + DAY, FIRST + 3 * DAY),
        gong_conn_id="gong_closed",
        **BEGINNING,
    )
