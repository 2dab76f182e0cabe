"""Dags that fill one destination side by side: a backfill, another one backwards, mapped months, and the hours."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator

DAY = timedelta(days=1)
DESTINATION = f"file://{os.environ['GONG_EXPORTS']}/backfill"
UNTIL = datetime.fromisoformat(os.environ.get("GONG_BACKFILL_UNTIL", "2026-06-01")).replace(
    tzinfo=timezone.utc  # noqa: UP017
)
# From here on days are backfilled, until the hourly Dag begins; before them months are exported.
DAYS = UNTIL - 96 * DAY
USUAL: dict[str, Any] = {
    "destination": DESTINATION,
    "gong_conn_id": "gong_backfill",
    "retries": 2,
    "retry_delay": timedelta(0),
}


def months() -> list[dict[str, str]]:
    """Return the eight months before the days; the last one ends where they begin."""
    firsts = [DAYS]
    while len(firsts) <= 8:
        firsts.append((firsts[-1] - DAY).replace(day=1))
    firsts.reverse()
    return [
        {"from_datetime": first.isoformat(), "to_datetime": after.isoformat()}
        for first, after in zip(firsts, firsts[1:])  # noqa: B905, RUF007
    ]


for dag_id in ("backfill_days", "backfill_backwards"):
    with DAG(
        dag_id,
        schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
        start_date=DAYS,
        # Some days ago: the Dags have no runs but those of backfills.
        end_date=UNTIL - DAY,
        catchup=False,
        max_active_runs=8,
    ):
        calls = GongExportCallsOperator(task_id="calls", **USUAL)
        GongExportTranscriptsOperator(task_id="transcripts", calls=calls.output, **USUAL)

with DAG("backfill_months", schedule=None):
    mapped = GongExportCallsOperator.partial(task_id="calls", **USUAL).expand_kwargs(months())
    GongExportTranscriptsOperator.partial(task_id="transcripts", **USUAL).expand(calls=mapped.output)

with DAG("backfill_hourly", schedule="0 * * * *", start_date=UNTIL, catchup=False, max_active_runs=1):
    newest = GongExportCallsOperator(task_id="calls", initial_from_datetime=UNTIL, **USUAL)
    GongExportTranscriptsOperator(task_id="transcripts", calls=newest.output, **USUAL)

with DAG("backfill_check", schedule=None):
    for stream in ("calls", "transcripts"):
        # Some transcripts are not ready yet, and some calls are too short for one.
        GongCheckExportOperator(task_id=stream, dataset=f"{DESTINATION}/{stream}", max_pending_share=0.2)
