"""Export Gong every day: yesterday's calls, their transcripts, yesterday's log entries and today's users.

Each run has a full day of its own (`CronDataIntervalTimetable`), so that runs may be cleared, repeated and
backfilled in any order. One run at a time (`max_active_runs=1`) lets the newest look back for calls that Gong showed
late. The files go below the Airflow variable `gong_destination`, for example
`s3://my_aws@my-bucket/gong`; without it below `/tmp/gong`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, task

from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)

DESTINATION = "{{ var.value.get('gong_destination', 'file:///tmp/gong') }}"

Summary = Any  # the dictionary that an export returns; None of one that was skipped


@task(trigger_rule="none_failed")  # a backfill run skips the users, and still has a report
def report(calls: Summary, transcripts: Summary, logs: Summary, users: Summary) -> None:
    """Print what the run brought, and what happened on each day, from the files that the exports wrote."""
    from collections import Counter

    from airflow_provider_gong.exports import read_export

    line = "{:<12} {:<26} {:<26} {:>6} {:>8} {:>9}"
    print(line.format("stream", "from", "to", "rows", "pending", "requests"))
    columns = ("window_from", "window_to", "rows", "pending", "requests")
    for stream, summary in (("calls", calls), ("transcripts", transcripts), ("users", users), ("logs", logs)):
        if summary:
            print(line.format(stream, *(str(summary[column]) for column in columns)))

    days: dict[str, Counter[str]] = {}
    for record in read_export(calls):
        basics = record["metaData"]
        started = datetime.fromisoformat(basics["started"]).astimezone(UTC)
        day = days.setdefault(f"{started:%Y-%m-%d}", Counter())
        day.update(calls=1, minutes=round(basics["duration"] / 60), external=basics["scope"] == "External")
    print("\n{:<12} {:>6} {:>9} {:>9}".format("day", "calls", "minutes", "external"))
    for name, day in sorted(days.items()):
        print("{:<12} {:>6} {:>9} {:>9}".format(name, day["calls"], day["minutes"], day["external"]))


with DAG(
    dag_id="gong_daily_export",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["gong"],
    doc_md=__doc__,
):
    calls = GongExportCallsOperator(task_id="export_calls", destination=DESTINATION)
    transcripts = GongExportTranscriptsOperator(
        task_id="export_transcripts", destination=DESTINATION, calls=calls.output
    )
    users = GongExportUsersOperator(task_id="export_users", destination=DESTINATION)
    logs = GongExportLogsOperator(task_id="export_logs", destination=DESTINATION, log_type="UserActivityLog")

    report(calls=calls.output, transcripts=transcripts.output, users=users.output, logs=logs.output)
