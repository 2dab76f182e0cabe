"""Is it all there? Check every morning what `gong_daily_export` wrote, without a request to Gong.

A check fails when a day is missing, rows are doubled, files are damaged or the newest export is too old, and says
what mends it. `_coverage.html` in each dataset shows a calendar of it. The files are those below the Airflow variable
`gong_destination`, or without it those below `/tmp/gong`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from airflow_provider_gong.operators.check_export import GongCheckExportOperator

DESTINATION = "{{ var.value.get('gong_destination', 'file:///tmp/gong') }}"

with DAG(
    dag_id="gong_check_exports",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["gong"],
    doc_md=__doc__,
):
    # [START check_export]
    GongCheckExportOperator(
        task_id="check_calls",
        dataset=f"{DESTINATION}/calls",
        fail_if_older_than="PT36H",
    )
    # [END check_export]

    for stream in ("transcripts", "users", "logs/log_type=UserActivityLog"):
        GongCheckExportOperator(
            task_id=f"check_{stream.partition('/')[0]}",
            dataset=f"{DESTINATION}/{stream}",
            fail_if_older_than="PT36H",
            # The transcripts of last night are not ready yet.
            max_pending_share=0.2,
        )
