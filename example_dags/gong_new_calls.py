"""React to new calls: the triggerer sees them in Gong, and a run reads their transcripts as soon as they are ready.

Nothing has to reach Airflow from outside. One run has all calls of one look or more, so it goes by the ids that the
events list. Only external calls are watched for; docs/events.md has the other filters of `GongNewCallsTrigger` and what
it promises.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_gong.operators.transcripts import GongGetCallTranscriptsOperator
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor
from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger

# [START new_calls_asset]
NEW_CALLS = Asset(
    "gong_new_calls",
    watchers=[
        AssetWatcher(
            name="gong_new_calls",
            trigger=GongNewCallsTrigger(asset_name="gong_new_calls", scope="External"),
        )
    ],
)
# [END new_calls_asset]


# An asset among the inlets of a task keeps what it remembers while its Dag file is away for a moment.
@task(inlets=[NEW_CALLS])
def ids_of_new_calls(triggering_asset_events: Any = None) -> list[str]:
    """Return the ids of the calls that the events of this run list, each once: a crash repeats some."""
    events = triggering_asset_events[NEW_CALLS]
    return list(dict.fromkeys(call["id"] for event in events for call in event.extra["payload"]["calls"]))


@task
def longest(transcripts: Any) -> dict[str, Any]:
    """Work on the transcripts: here the call with the most said."""
    counts = {one["callId"]: sum(len(part["sentences"]) for part in one["transcript"]) for one in transcripts}
    call_id = max(counts, key=lambda one: counts[one], default=None)
    return {"call_id": call_id, "sentences": counts.get(call_id, 0)}


with DAG(
    dag_id="gong_new_calls",
    schedule=[NEW_CALLS],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["gong"],
    doc_md=__doc__,
):
    call_ids = ids_of_new_calls()
    # Some calls never get a transcript, so the tasks behind go on with those that have one by then.
    ready = GongTranscriptSensor(
        task_id="wait_for_transcripts",
        call_ids=call_ids,
        deferrable=True,
        poke_interval=300,
        timeout=timedelta(hours=6).total_seconds(),
        soft_fail=True,
    )
    transcripts = GongGetCallTranscriptsOperator(
        task_id="get_transcripts", call_ids=call_ids, trigger_rule="all_done"
    )
    ready >> transcripts
    longest(transcripts.output)
