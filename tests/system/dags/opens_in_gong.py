"""A Dag whose tasks are links to Gong."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_gong.operators.calls import GongGetCallOperator, GongListCallsOperator

with DAG("opens_in_gong", schedule=None):
    calls = GongListCallsOperator(
        task_id="calls",
        gong_conn_id="gong_past",
        from_datetime="2026-01-08",
        to_datetime="2026-01-09",
        include_private=True,
    )
    GongGetCallOperator(
        task_id="call", gong_conn_id="gong_past", call_id="{{ ti.xcom_pull('calls')[0]['id'] }}"
    ).set_upstream(calls)
