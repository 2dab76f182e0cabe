"""Upload what a dialer recorded: tell Gong about each call, send its recording, wait until Gong shows it.

The dialer leaves each recording in a folder, beside a description of the call with the arguments of
`GongCreateCallOperator` and the name of the recording::

    {
        "client_unique_id": "dialer-000173",
        "actual_start": "2026-01-31T09:30:00-05:00",
        "direction": "Outbound",
        "primary_user": "234599484848423",
        "parties": [
            {"userId": "234599484848423"},
            {"context": [{"system": "Salesforce", "objects": [{"objectType": "Contact", "objectId": "0030900000"}]}]}
        ],
        "recording": "dialer-000173.mp3"
    }

The customer is named by the CRM's id and not by a telephone number: what one task hands to the next is kept in
Airflow's database. The folder is the Airflow variable `gong_recordings`, for example `s3://my_aws@dialer/out`.
What Gong accepted is moved into its subfolder `done`. What failed stays, and the next run takes it up again: Gong
recognises a call by its `client_unique_id` and never makes a second one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, ObjectStoragePath, Variable, task, task_group, teardown

from airflow_provider_gong.operators.calls import GongAddCallMediaOperator, GongCreateCallOperator
from airflow_provider_gong.sensors.calls import GongCallSensor

# Airflow refuses to map a task more than 1024 times (max_map_length); the next run takes the rest.
MOST_UPLOADS = 500


@task
def find_descriptions() -> list[str]:
    """Return where the descriptions of the calls lie that wait in the folder."""
    folder = ObjectStoragePath(Variable.get("gong_recordings", "file:///tmp/recordings"))
    return sorted(str(path) for path in folder.iterdir() if path.suffix == ".json")[:MOST_UPLOADS]


@task(multiple_outputs=True)
def read(description: str) -> dict[str, Any]:
    """Return what a description says, and where the recording lies."""
    path = ObjectStoragePath(description)
    call = json.loads(path.read_text())
    return {**call, "file": str(path.parent / call["recording"])}


@task
def file_away(description: str, recording: str) -> None:
    """Move a recording and its description out of the way."""
    for path in map(ObjectStoragePath, (recording, description)):
        done = path.parent / "done"
        done.mkdir(exist_ok=True)
        # An attempt that broke off may have moved the first of the two.
        if path.exists():
            path.rename(done / path.name)


@teardown
def finish() -> None:
    """Keep the run open until every upload is over: Airflow ends it as failed when the first of them fails early."""


@task_group
def upload(description: str) -> None:
    """Bring one recording to Gong; each goes its own way, whatever happens to the others."""
    call: Any = read(description)
    # [START create_call]
    create_call = GongCreateCallOperator(
        task_id="create_call",
        client_unique_id=call["client_unique_id"],
        actual_start=call["actual_start"],
        direction=call["direction"],
        primary_user=call["primary_user"],
        parties=call["parties"],
    )
    # [END create_call]
    created: Any = create_call.output
    # [START add_call_media]
    add_call_media = GongAddCallMediaOperator(
        task_id="add_call_media", call_id=created["call_id"], file=call["file"]
    )
    # [END add_call_media]
    # [START call_sensor]
    wait_until_shown = GongCallSensor(
        task_id="wait_until_shown",
        call_id=created["call_id"],
        deferrable=True,
        poke_interval=300,
        timeout=timedelta(days=1).total_seconds(),
    )
    # [END call_sensor]
    add_call_media >> [wait_until_shown, file_away(description, call["file"])]


with DAG(
    dag_id="gong_dialer_upload",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["gong"],
    doc_md=__doc__,
):
    upload.expand(description=find_descriptions()) >> finish()
