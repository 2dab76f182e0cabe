"""Use each operator once; start it by hand, against a local Gong.

Every task is a template to copy. Among them are tasks that create, change and delete: do not point this Dag at the
Gong of your company.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from airflow_provider_gong.operators.calls import GongGetCallOperator, GongListCallsOperator
from airflow_provider_gong.operators.engagement import (
    GongReportContentSharedOperator,
    GongReportContentViewedOperator,
    GongReportCustomActionOperator,
)
from airflow_provider_gong.operators.library import (
    GongListFolderCallsOperator,
    GongListLibraryFoldersOperator,
)
from airflow_provider_gong.operators.logs import GongListLogsOperator
from airflow_provider_gong.operators.meetings import (
    GongCreateMeetingOperator,
    GongDeleteMeetingOperator,
    GongUpdateMeetingOperator,
)
from airflow_provider_gong.operators.privacy import (
    GongErasePhoneNumberOperator,
    GongListPhoneNumberReferencesOperator,
)
from airflow_provider_gong.operators.request import GongRequestOperator
from airflow_provider_gong.operators.transcripts import GongGetCallTranscriptsOperator
from airflow_provider_gong.operators.users import GongGetUserOperator, GongListUsersOperator
from airflow_provider_gong.operators.workspaces import GongListWorkspacesOperator

# Every run has the moment it was due; a run that is started by hand has no data interval.
NOW = "{{ dag_run.run_after }}"
YESTERDAY = "{{ dag_run.run_after - macros.timedelta(days=1) }}"
TOMORROW = "{{ dag_run.run_after + macros.timedelta(days=1) }}"
AN_HOUR_LATER = "{{ dag_run.run_after + macros.timedelta(days=1, hours=1) }}"
# Not among the parameters of the run, which Airflow keeps and shows.
PHONE_NUMBER = "{{ var.value.gong_privacy_secret_phone_number }}"

with DAG(
    dag_id="gong_operators",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    tags=["gong"],
    doc_md=__doc__,
):
    # [START list_workspaces]
    list_workspaces = GongListWorkspacesOperator(task_id="list_workspaces")
    # [END list_workspaces]
    # [START list_users]
    list_users = GongListUsersOperator(task_id="list_users", max_pages=1)
    # [END list_users]
    # [START get_user]
    get_user = GongGetUserOperator(task_id="get_user", user_id="{{ ti.xcom_pull('list_users')[0]['id'] }}")
    # [END get_user]
    # [START list_calls]
    list_calls = GongListCallsOperator(task_id="list_calls", from_datetime=YESTERDAY, to_datetime=NOW)
    # [END list_calls]
    # [START get_call]
    get_call = GongGetCallOperator(task_id="get_call", call_id="{{ ti.xcom_pull('list_calls')[0]['id'] }}")
    # [END get_call]
    # [START get_call_transcripts]
    get_call_transcripts = GongGetCallTranscriptsOperator(
        task_id="get_call_transcripts", call_ids=list_calls.output
    )
    # [END get_call_transcripts]
    # [START list_logs]
    list_logs = GongListLogsOperator(
        task_id="list_logs", log_type="UserActivityLog", from_datetime=YESTERDAY, to_datetime=NOW
    )
    # [END list_logs]
    # [START list_library_folders]
    list_library_folders = GongListLibraryFoldersOperator(
        task_id="list_library_folders", workspace_id="{{ ti.xcom_pull('list_workspaces')[0]['id'] }}"
    )
    # [END list_library_folders]
    # [START list_folder_calls]
    list_folder_calls = GongListFolderCallsOperator(
        task_id="list_folder_calls", folder_id="{{ ti.xcom_pull('list_library_folders')[0]['id'] }}"
    )
    # [END list_folder_calls]
    # [START create_meeting]
    create_meeting = GongCreateMeetingOperator(
        task_id="create_meeting",
        title="Kick-off",
        start_time=TOMORROW,
        end_time=AN_HOUR_LATER,
        organizer_email="{{ ti.xcom_pull('get_user')['emailAddress'] }}",
        invitees=["buyer@example.com", {"email": "boss@example.com", "displayName": "The boss"}],
        external_id="{{ run_id }}",
    )
    # [END create_meeting]
    # [START update_meeting]
    update_meeting = GongUpdateMeetingOperator(
        task_id="update_meeting",
        meeting_id="{{ ti.xcom_pull('create_meeting')['meeting_id'] }}",
        title="Kick-off, without the boss",
        start_time=TOMORROW,
        end_time=AN_HOUR_LATER,
        organizer_email="{{ ti.xcom_pull('get_user')['emailAddress'] }}",
        invitees=["buyer@example.com"],
    )
    # [END update_meeting]
    # [START delete_meeting]
    delete_meeting = GongDeleteMeetingOperator(
        task_id="delete_meeting",
        meeting_id="{{ ti.xcom_pull('create_meeting')['meeting_id'] }}",
        organizer_email="{{ ti.xcom_pull('get_user')['emailAddress'] }}",
        ignore_missing=True,
    )
    # [END delete_meeting]
    # [START report_content_shared]
    report_content_shared = GongReportContentSharedOperator(
        task_id="report_content_shared",
        reporting_system="content-portal",
        event_id="{{ run_id }}-shared",
        event_timestamp=YESTERDAY,
        content_id="price-list-7",
        content_title="Price list",
        content_url="https://content.example.com/price-list-7",
        share_id="{{ run_id }}",
        sharer={"id": "{{ ti.xcom_pull('get_user')['id'] }}"},
        recipients=[{"email": "buyer@example.com"}],
    )
    # [END report_content_shared]
    # [START report_content_viewed]
    report_content_viewed = GongReportContentViewedOperator(
        task_id="report_content_viewed",
        reporting_system="content-portal",
        event_id="{{ run_id }}-viewed",
        event_timestamp=NOW,
        content_id="price-list-7",
        content_title="Price list",
        content_url="https://content.example.com/price-list-7",
        view_action_title="Document Viewed",
        share_id="{{ run_id }}",
        viewer={"email": "buyer@example.com"},
        agent_platform="iOS",
    )
    # [END report_content_viewed]
    # [START report_custom_action]
    report_custom_action = GongReportCustomActionOperator(
        task_id="report_custom_action",
        reporting_system="content-portal",
        event_id="{{ run_id }}-signed",
        event_timestamp=NOW,
        action_name="Contract Signed",
        content_title="Contract",
        actor={"email": "buyer@example.com"},
        event_properties=[{"name": "seats", "value": "120", "dataType": "number"}],
    )
    # [END report_custom_action]
    # [START list_phone_number_references]
    list_phone_number_references = GongListPhoneNumberReferencesOperator(
        task_id="list_phone_number_references", phone_number=PHONE_NUMBER
    )
    # [END list_phone_number_references]
    # [START erase_phone_number]
    erase_phone_number = GongErasePhoneNumberOperator(
        task_id="erase_phone_number", phone_number=PHONE_NUMBER, dry_run=True
    )
    # [END erase_phone_number]
    # [START request]
    request = GongRequestOperator(
        task_id="request",
        endpoint="calls.list_calls_extensive",
        arguments={
            "call_ids": ["{{ ti.xcom_pull('list_calls')[0]['id'] }}"],
            "content_selector": {"exposedFields": {"content": {"brief": True}}},
        },
    )
    # [END request]
    # [START raw_request]
    raw_request = GongRequestOperator(
        task_id="raw_request",
        method="GET",
        url="/v2/users",
        query_parameter={"includeAvatars": "true"},
        max_retry_count=3,
        use_exponential_backoff=True,
    )
    # [END raw_request]

    list_users >> get_user
    list_calls >> [get_call, request]
    list_workspaces >> list_library_folders >> list_folder_calls
    get_user >> create_meeting >> update_meeting >> delete_meeting
    get_user >> report_content_shared >> report_content_viewed >> report_custom_action
    list_phone_number_references >> erase_phone_number
