"""Wait for what Gong does later; start it by hand, against a local Gong.

Every task is a template to copy. While they wait they hold no worker: the triggerer looks, or wakes a worker to look.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_provider_gong.operators.calls import GongListCallsOperator
from airflow_provider_gong.sensors.calls import GongCallSensor
from airflow_provider_gong.sensors.logs import GongLogSensor
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor
from airflow_provider_gong.sensors.users import GongUserSensor

# Every run has the moment it was due; a run that is started by hand has no data interval.
NOW = "{{ dag_run.run_after }}"
YESTERDAY = "{{ dag_run.run_after - macros.timedelta(days=1) }}"

with DAG(
    dag_id="gong_sensors",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    params={"user_id": Param(type="string", description="Gong's identifier of a user")},
    default_args={"deferrable": True, "timeout": timedelta(hours=12).total_seconds()},
    tags=["gong"],
    doc_md=__doc__,
):
    # [START calls_of_a_window]
    enough_calls = GongCallSensor(
        task_id="wait_for_enough_calls", min_calls=10, from_datetime=YESTERDAY, to_datetime=NOW
    )
    # [END calls_of_a_window]
    list_calls = GongListCallsOperator(task_id="list_calls", from_datetime=YESTERDAY, to_datetime=NOW)
    # [START transcripts_of_given_calls]
    some_transcripts = GongTranscriptSensor(
        task_id="wait_for_given_transcripts",
        call_ids=list_calls.output,
        min_share=0.5,
        poke_interval=600,
        soft_fail=True,
    )
    # [END transcripts_of_given_calls]
    # [START transcripts_of_a_window]
    transcripts_of_the_day = GongTranscriptSensor(
        task_id="wait_for_transcripts_of_the_day",
        from_datetime=YESTERDAY,
        to_datetime=NOW,
        min_share=0.5,
        poke_interval=1800,
    )
    # [END transcripts_of_a_window]
    # [START user]
    user = GongUserSensor(task_id="wait_for_user", user_id="{{ params.user_id }}", wait_until_active=False)
    # [END user]
    # [START log_entry]
    log_entry = GongLogSensor(
        task_id="wait_for_log_entry",
        log_type="UserActivityLog",
        from_datetime=YESTERDAY,
        where={"logRecord.action": ["INSERT", "UPDATE"]},
    )
    # [END log_entry]
    enough_calls >> list_calls
