"""A Dag whose tasks are links to Gong."""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_gong.operators.calls import GongGetCallOperator, GongListCallsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.operators.meetings import GongCreateMeetingOperator
from airflow_provider_gong.operators.users import GongListUsersOperator

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
    users = GongListUsersOperator(task_id="users", gong_conn_id="gong_past")
    GongCreateMeetingOperator(
        task_id="meeting",
        gong_conn_id="gong_past",
        start_time="2026-02-01T10:00Z",
        end_time="2026-02-01T11:00Z",
        organizer_email="{{ ti.xcom_pull('users')[0]['emailAddress'] }}",
        invitees=["buyer@example.com"],
    ).set_upstream(users)
    GongExportCallsOperator(
        task_id="export",
        gong_conn_id="gong_past",
        destination=f"file://{os.environ['GONG_EXPORTS']}/opens_in_gong",
        from_datetime="2026-01-08",
        to_datetime="2026-01-09",
        include_private=True,
    )
