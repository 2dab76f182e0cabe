"""Answer a request to be forgotten: what refers to the person, erase it, wait until it is gone, clean the warehouse.

Start it with the number of the request, for example `airflow dags trigger gong_privacy_request -c
'{"request": "2026-017"}'`. The e-mail address itself is no parameter of the run, since Airflow keeps and shows those:
it is read from the Airflow variable `gong_privacy_secret_<request>` when the tasks run (better still from a
secrets backend), and masked in logs and rendered templates. Delete that variable when the run is over.

Delete the person from your CRM and mail system first, or Gong imports the data again. Erasure takes hours: the wait
holds no worker. What was exported before is deleted by the ids of the calls, from the tables of the connection
`warehouse`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, Param

from airflow_provider_gong.operators.privacy import (
    GongEraseEmailAddressOperator,
    GongListEmailAddressReferencesOperator,
)
from airflow_provider_gong.sensors.privacy import GongErasureSensor

ADDRESS = "{{ var.value['gong_privacy_secret_' ~ params.request] }}"
# Gong's ids are digits, so that they may stand in SQL as they are.
DELETE_CALLS = """
DELETE FROM gong_transcripts WHERE call_id IN ('{{ ti.xcom_pull("erase")["call_ids"] | join("', '") }}');
DELETE FROM gong_calls WHERE call_id IN ('{{ ti.xcom_pull("erase")["call_ids"] | join("', '") }}');
"""

with DAG(
    dag_id="gong_privacy_request",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    params={"request": Param(type="string", pattern=r"^[\w-]+$", description="Number of the request")},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["gong"],
    doc_md=__doc__,
):
    # [START list_email_address_references]
    references = GongListEmailAddressReferencesOperator(task_id="list_references", email_address=ADDRESS)
    # [END list_email_address_references]
    # [START erase_email_address]
    erase = GongEraseEmailAddressOperator(task_id="erase", email_address=ADDRESS, confirm=True)
    # [END erase_email_address]
    # [START erasure_sensor]
    gone = GongErasureSensor(
        task_id="wait_until_erased",
        email_address=ADDRESS,
        deferrable=True,
        poke_interval=3600,
        timeout=timedelta(days=3).total_seconds(),
    )
    # [END erasure_sensor]
    delete_exported = SQLExecuteQueryOperator(
        task_id="delete_exported", conn_id="warehouse", sql=DELETE_CALLS, split_statements=True
    )
    references >> erase >> gone >> delete_exported
