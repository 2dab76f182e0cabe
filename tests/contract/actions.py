"""What the connector that Airflow users had before calls its actions and their inputs.

`Action.inputs` are its inputs in snake_case, each with the default that it declares; the connection is left out,
since every operator has one.
"""

from dataclasses import dataclass
from typing import Any

UNSET = None
"""The connector declares no default."""


@dataclass(frozen=True)
class Action:
    """One action: the operator that does it, the operation of Gong behind it, and its inputs."""

    operator: str
    operation: str | None
    inputs: dict[str, Any]


def _action(operator: str, operation: str | None, *names: str, **defaults: Any) -> Action:
    return Action(operator, operation, dict.fromkeys(names, UNSET) | defaults)


_MEETING = ("start_time", "end_time", "organizer_email", "invitees", "external_id", "title")
_EVENT = (
    *("reporting_system", "event_timestamp", "event_id", "content_id", "content_url", "content_title"),
    *("action_name", "share_id", "sharer", "sharing_message_subject", "sharing_message_body"),
    *("content_properties", "event_properties", "crm_context", "non_company_participants"),
    *("user_agent", "mobile_app_id", "agent_platform", "more_info_url", "workspace_id"),
)

ACTIONS = (
    _action("GongAddCallMediaOperator", "PUT /v2/calls/{id}/media", "call_id", "file", "file_name"),
    _action(
        "GongCreateCallOperator",
        "POST /v2/calls",
        *("client_unique_id", "primary_user", "parties", "direction", "actual_start", "scheduled_start"),
        *("scheduled_end", "title", "purpose", "duration", "disposition", "context", "custom_data"),
        *("speakers_timeline", "meeting_url", "call_provider_code", "download_media_url", "workspace_id"),
        "language_code",
    ),
    _action("GongCreateMeetingOperator", "POST /v2/meetings", *_MEETING),
    _action("GongUpdateMeetingOperator", "PUT /v2/meetings/{meetingId}", "meeting_id", *_MEETING),
    _action("GongDeleteMeetingOperator", "DELETE /v2/meetings/{meetingId}", "meeting_id"),
    _action(
        "GongReportCustomActionOperator",
        "PUT /v2/customer-engagement/action",
        *_EVENT,
        *("event_info_url", "actor"),
    ),
    _action(
        "GongReportContentSharedOperator",
        "PUT /v2/customer-engagement/content/shared",
        *_EVENT,
        *("share_info_url", "recipients"),
    ),
    _action(
        "GongReportContentViewedOperator",
        "PUT /v2/customer-engagement/content/viewed",
        *_EVENT,
        *("view_action_title", "view_info_url", "viewer"),
    ),
    _action(
        "GongEraseEmailAddressOperator",
        "POST /v2/data-privacy/erase-data-for-email-address",
        "email_address",
    ),
    _action(
        "GongErasePhoneNumberOperator", "POST /v2/data-privacy/erase-data-for-phone-number", "phone_number"
    ),
    _action("GongGetCallOperator", "GET /v2/calls/{id}", "call_id"),
    _action(
        "GongGetCallTranscriptsOperator",
        "POST /v2/calls/transcript",
        *("cursor", "from_date_time", "to_date_time", "workspace_id", "call_ids"),
    ),
    _action("GongListLogsOperator", "GET /v2/logs", "cursor", "log_type", "from_date_time", "to_date_time"),
    _action("GongGetUserOperator", "GET /v2/users/{id}", "user_id"),
    _action(
        "GongListCallsOperator", "GET /v2/calls", "cursor", "from_date_time", "to_date_time", "workspace_id"
    ),
    _action("GongListFolderCallsOperator", "GET /v2/library/folder-content", "folder_id"),
    _action("GongListLibraryFoldersOperator", "GET /v2/library/folders", "workspace_id"),
    _action(
        "GongListEmailAddressReferencesOperator",
        "GET /v2/data-privacy/data-for-email-address",
        "email_address",
    ),
    _action(
        "GongListPhoneNumberReferencesOperator", "GET /v2/data-privacy/data-for-phone-number", "phone_number"
    ),
    _action("GongListUsersOperator", "GET /v2/users", "cursor", include_avatars=False),
    _action("GongListWorkspacesOperator", "GET /v2/workspaces"),
    _action(
        "GongRequestOperator",
        None,
        *("url", "method", "data", "form_data", "file_data", "file_data_file_names"),
        *("query_parameter", "header", "timeout"),
        response_type="json",
        debug_request=False,
        retry_delay_ms=0,
        retry_on_all_errors=False,
        max_retry_count=0,
        use_exponential_backoff=False,
    ),
)
