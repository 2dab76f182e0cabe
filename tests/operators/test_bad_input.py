"""What each operator says to arguments that templates rendered wrongly; it sends nothing then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators.base import GongOperator
from tests.contract.actions import ACTIONS
from tests.operators.reading import refusal
from tests.rules.test_house_rules import OPERATORS

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

PARAMS = {
    "later": "2026-02-01T11:00:00Z",
    "soon": "2026-02-01 10:00:00+00:00",
    "name": "Jane Doe",
    "people": ["Jane Doe", {"displayName": "Jane Doe"}],
    "word": "perhaps",
}
MEETING = {
    "start_time": "{{ params.later }}",
    "end_time": "{{ params.soon }}",
    "organizer_email": "{{ params.name }}",
    "invitees": "{{ params.people | tojson }}",
}
EVENT = {
    "reporting_system": "{{ none }}",
    "event_timestamp": "{{ params.word }}",
    "crm_context": '{{ [{"system": params.word}] | tojson }}',
}
CONTENT = {"content_id": "1", "content_url": "https://content.example.com/1", "content_title": "Prices"}

NO_ID = "{} is not an identifier of Gong: give its digits as text, such as '7782342274025937895'."
NO_ADDRESS = "{} is no e-mail address: give one such as 'name@example.com', without blanks and names."
NO_MEETING = NO_ID.format("meeting_id='7/8'")
OF_MEETING = " ".join(
    [
        *map(NO_ADDRESS.format, ("organizer_email", "invitees[0]", "invitees[1].email")),
        "start_time='2026-02-01T11:00:00+00:00' is not before end_time='2026-02-01T10:00:00+00:00'.",
    ]
)
NO_SYSTEM = "reporting_system is missing: Gong requires it."
UNKNOWN_CRM = "crm_context[0].system is unknown: use one of Salesforce, HubSpot, MicrosoftDynamic, Generic."
NO_MOMENT = (
    "event_timestamp='perhaps' is not a date and time: give a datetime or ISO 8601 text such as "
    "2026-01-31T08:00:00+00:00."
)
NO_PERSON = "email_address has no @: give one address and nothing else, such as name@example.com."
NO_NUMBER = (
    "phone_number does not begin with +: give one number with + and country code, such as +1 425 555 2671."
)

LINES: list[tuple[str, dict[str, Any], str]] = [
    (
        "GongAddCallMediaOperator",
        {"call_id": "{{ params.name }}", "file": "/recordings/1.mp3"},
        NO_ID.format("call_id='Jane Doe'"),
    ),
    (
        "GongCreateCallOperator",
        {
            "client_unique_id": "dialer-1",
            "actual_start": "{{ params.later }}",
            "direction": "{{ params.word }}",
            "primary_user": "7",
            "parties": '{{ [{"name": params.name}] | tojson }}',
        },
        "direction='perhaps' is unknown: use one of Inbound, Outbound, Conference, Unknown. "
        "parties has no party whose userId is primary_user: add one for the user who hosted the call.",
    ),
    ("GongCreateMeetingOperator", MEETING, OF_MEETING),
    (
        "GongUpdateMeetingOperator",
        MEETING | {"meeting_id": "7/8"},
        f"{NO_MEETING} {OF_MEETING}",
    ),
    (
        "GongDeleteMeetingOperator",
        {"meeting_id": "7/8", "organizer_email": "{{ params.name }}"},
        f"{NO_MEETING} {NO_ADDRESS.format('organizer_email')}",
    ),
    (
        "GongReportCustomActionOperator",
        EVENT | {"agent_platform": "{{ params.word }}"},
        f"{NO_SYSTEM} {UNKNOWN_CRM} agent_platform='perhaps' is unknown: use one of Windows, Linux, MacOS, iOS, "
        f"Android. {NO_MOMENT}",
    ),
    (
        "GongReportContentSharedOperator",
        EVENT | CONTENT | {"content_title": " ", "recipients": '[{"name": "{{ params.name }}"}]'},
        f"{NO_SYSTEM} content_title is missing: Gong requires it. recipients[0].email is missing: Gong requires "
        f"it. {UNKNOWN_CRM} {NO_MOMENT}",
    ),
    (
        "GongReportContentViewedOperator",
        EVENT | CONTENT | {"tracking_id": "{{ params.word }}", "viewer": "{}"},
        f"{NO_SYSTEM} {UNKNOWN_CRM} tracking_id and viewer were both given, which Gong refuses: leave one of them "
        f"out. {NO_MOMENT}",
    ),
    (
        "GongEraseEmailAddressOperator",
        {"email_address": "{{ params.name }}", "confirm": "{{ 1 == 1 }}"},
        NO_PERSON,
    ),
    (
        "GongErasePhoneNumberOperator",
        {"phone_number": "0171 555 0100", "confirm": "{{ 1 == 1 }}"},
        NO_NUMBER,
    ),
    ("GongGetCallOperator", {"call_id": "{{ params.name }}"}, NO_ID.format("call_id='Jane Doe'")),
    (
        "GongGetCallTranscriptsOperator",
        {"call_ids": "{{ params.people }}"},
        "call_ids is not valid JSON: render it with the tojson filter, as in {{ value | tojson }}.",
    ),
    (
        "GongListLogsOperator",
        {"log_type": "{{ params.word }}", "from_datetime": "{{ params.later }}"},
        "log_type='perhaps' is not a log of Gong: give one of AccessLog, UserActivityLog, UserCallPlay, "
        "ExternallySharedCallAccess, ExternallySharedCallPlay.",
    ),
    ("GongGetUserOperator", {"user_id": "{{ params.name }}"}, NO_ID.format("user_id='Jane Doe'")),
    (
        "GongListCallsOperator",
        {"from_datetime": "{{ params.later }}", "to_datetime": "{{ none }}"},
        "to_datetime rendered to nothing and cannot be left out: check the template.",
    ),
    ("GongListFolderCallsOperator", {"folder_id": "{{ params.name }}"}, NO_ID.format("folder_id='Jane Doe'")),
    (
        "GongListLibraryFoldersOperator",
        {"workspace_id": "{{ params.name }}"},
        NO_ID.format("workspace_id='Jane Doe'"),
    ),
    ("GongListEmailAddressReferencesOperator", {"email_address": "{{ params.name }}"}, NO_PERSON),
    ("GongListPhoneNumberReferencesOperator", {"phone_number": "{{ params.name }}"}, NO_NUMBER),
    (
        "GongListUsersOperator",
        {"include_avatars": "{{ params.word }}"},
        "include_avatars='perhaps' is neither true nor false.",
    ),
    # It takes nothing but the connection.
    (
        "GongListWorkspacesOperator",
        {"gong_conn_id": "gong_{{ params.word }}"},
        "Base URL: it is empty. To mend it: copy it from Gong's API page, such as https://us-12345.api.gong.io.",
    ),
    (
        "GongRequestOperator",
        {"method": "{{ params.word }}", "url": "/v2/users"},
        "method='perhaps' is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE.",
    ),
]


def test_each_operator_has_a_line() -> None:
    assert [name for name, _, _ in LINES] == [action.operator for action in ACTIONS]


@pytest.mark.parametrize(("name", "arguments", "message"), LINES, ids=[name for name, _, _ in LINES])
def test_what_is_wrong_is_told_before_anything_is_sent(
    name: str,
    arguments: dict[str, Any],
    message: str,
    gong: GongSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONG_PERHAPS", '{"conn_type": "gong", "login": "k", "password": "s"}')
    [kind] = [operator for operator in OPERATORS if operator.__name__ == name]
    assert issubclass(kind, GongOperator)
    assert refusal(kind, GongConfigurationError, params=PARAMS, **arguments) == message
    assert len(gong.requests) == 0
