"""Meetings: what is sent, what comes back, and what may be done twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pendulum
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api import meetings
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongConflict,
    GongError,
    GongForbidden,
    GongMissingScope,
    GongNotFound,
    GongRequestRefused,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.operators.meetings import (
    NO_SUCH_MEETING,
    GongCreateMeetingOperator,
    GongDeleteMeetingOperator,
    GongMeetingOperator,
    GongUpdateMeetingOperator,
)
from airflow_provider_gong.sandbox.access import SCOPES
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

MEETING: dict[str, Any] = {
    "start_time": "2026-02-01T10:00:00-05:00",
    "end_time": "2026-02-01T16:00:00Z",
    "invitees": ["buyer@example.com", {"email": "boss@example.com", "displayName": "The Boss"}],
}
ADDRESSES = ("buyer@example.com", "boss@example.com")


def organizer(gong: GongSandbox) -> str:
    return gong.world.find_users()[0].email


def attempt(
    kind: type[GongMeetingOperator], *, try_number: int = 1, conf: Any = None, **arguments: Any
) -> TaskResult:
    """Run one try of a task that Airflow may retry."""
    operator = kind(task_id="meet", retries=2, **arguments)
    return run_task(operator, try_number=try_number, run=RunSpec(conf=conf or {}))


def create(gong: GongSandbox, **arguments: Any) -> TaskResult:
    return attempt(GongCreateMeetingOperator, **{"organizer_email": organizer(gong)} | MEETING | arguments)


def update(gong: GongSandbox, **arguments: Any) -> TaskResult:
    return attempt(GongUpdateMeetingOperator, **{"organizer_email": organizer(gong)} | MEETING | arguments)


def delete(**arguments: Any) -> TaskResult:
    return attempt(GongDeleteMeetingOperator, **arguments)


@pytest.fixture
def meeting_id(quiet: GongSandbox) -> str:
    """Return the id of the only meeting; the requests for it are forgotten."""
    found: str = create(quiet).succeeded().xcom["meeting_id"]
    quiet.requests.clear()
    return found


def assert_failed_for_good(result: TaskResult, cause: type[GongError]) -> str:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    return str(result.error)


def assert_left_for_retry(result: TaskResult, cause: type[GongError]) -> None:
    assert result.state == "up_for_retry"
    assert type(result.error) is cause


# Requests as values


def test_requests_are_those_of_the_api() -> None:
    arguments: dict[str, Any] = MEETING | {
        "organizer_email": "rep@example.com",
        "title": "Kick-off",
        "external_id": "outside-1",
        "provider": "zoom",
    }
    create_one = GongCreateMeetingOperator(task_id="meet", **arguments)
    assert create_one.request() == meetings.create_meeting(**arguments)
    update_one = GongUpdateMeetingOperator(task_id="meet", meeting_id="7", **arguments)
    assert update_one.request() == meetings.update_meeting(meeting_id="7", **arguments)
    delete_one = GongDeleteMeetingOperator(task_id="meet", meeting_id="7", organizer_email="rep@example.com")
    assert delete_one.request() == meetings.delete_meeting(meeting_id="7", organizer_email="rep@example.com")


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_what_rendered_to_nothing_is_left_out(nothing: str | None) -> None:
    optional = dict.fromkeys(("title", "external_id", "provider"), nothing)
    arguments: dict[str, Any] = MEETING | {"organizer_email": "rep@example.com"}
    task = GongCreateMeetingOperator(task_id="meet", **arguments, **optional)
    assert task.request() == meetings.create_meeting(**arguments)
    gone = GongDeleteMeetingOperator(task_id="meet", meeting_id="7", organizer_email=nothing)
    assert gone.request() == meetings.delete_meeting(meeting_id="7")


@pytest.mark.parametrize("name", ["start_time", "end_time", "organizer_email", "invitees"])
@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_what_is_required_and_rendered_to_nothing_is_named(name: str, nothing: str | None) -> None:
    arguments: dict[str, Any] = {"organizer_email": "rep@example.com"} | MEETING | {name: nothing}
    with pytest.raises(GongConfigurationError, match=f"^{name} is missing: Gong requires it\\.$"):
        GongCreateMeetingOperator(task_id="meet", **arguments).request()


@pytest.mark.parametrize("kind", [GongUpdateMeetingOperator, GongDeleteMeetingOperator])
@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_a_meeting_without_id_is_refused(kind: Any, nothing: str | None) -> None:
    more = {"organizer_email": "rep@example.com"} | (MEETING if kind is GongUpdateMeetingOperator else {})
    with pytest.raises(GongConfigurationError, match=r"^meeting_id='' is not an identifier of Gong"):
        kind(task_id="meet", meeting_id=nothing, **more).request()


@pytest.mark.parametrize(
    "invitees",
    [
        ["a@example.com", "b@example.com"],
        ("a@example.com", {"email": "b@example.com"}),
        '["a@example.com", {"email": "b@example.com"}]',
        "a@example.com,b@example.com",
        " a@example.com , b@example.com ",
    ],
)
def test_invitees_are_read_from_all_that_templates_give(invitees: Any) -> None:
    arguments: dict[str, Any] = MEETING | {"organizer_email": "rep@example.com", "invitees": invitees}
    assert GongCreateMeetingOperator(task_id="meet", **arguments).request().body["invitees"] == [
        {"email": "a@example.com"},
        {"email": "b@example.com"},
    ]


@pytest.mark.parametrize(
    ("invitees", "problem"),
    [
        ("a@example.com,,b@example.com", r"invitees\[1\] is no e-mail address"),
        ("a@example.com,", r"invitees\[1\] is no e-mail address"),
        ("['a@example.com']", "invitees is not valid JSON: render it with the tojson filter"),
    ],
)
def test_text_that_is_no_list_of_addresses_is_refused(invitees: str, problem: str) -> None:
    arguments: dict[str, Any] = MEETING | {"organizer_email": "rep@example.com", "invitees": invitees}
    with pytest.raises(GongConfigurationError, match=f"^{problem}"):
        GongCreateMeetingOperator(task_id="meet", **arguments).request()


@pytest.mark.parametrize(
    "start",
    [datetime(2026, 2, 1, 15, tzinfo=UTC), pendulum.datetime(2026, 2, 1, 15), "2026-02-01 15:00:00+00:00"],
)
def test_moments_may_be_of_any_kind(start: Any) -> None:
    arguments: dict[str, Any] = MEETING | {"organizer_email": "rep@example.com", "start_time": start}
    body = GongCreateMeetingOperator(task_id="meet", **arguments).request().body
    assert body["startTime"] == "2026-02-01T15:00:00+00:00"


# Create


def test_create_returns_the_meeting_and_pushes_its_id(quiet: GongSandbox) -> None:
    result = create(quiet, title="Kick-off", external_id="outside-1", provider="zoom").succeeded()
    [made] = quiet.meetings
    assert result.xcom == {
        "meeting_id": made.id,
        "meeting_url": made.url,
        "additional_invitees": [{"email": "coordinator@example.com", "displayName": "Gong Coordinator"}],
    }
    assert result.xcoms["meeting_id"] == made.id
    assert made.body == {
        "startTime": "2026-02-01T10:00:00-05:00",
        "endTime": "2026-02-01T16:00:00+00:00",
        "organizerEmail": organizer(quiet),
        "invitees": [
            {"email": "buyer@example.com"},
            {"email": "boss@example.com", "displayName": "The Boss"},
        ],
        "title": "Kick-off",
        "externalId": "outside-1",
        "provider": "zoom",
    }


def test_create_understands_rendered_templates(quiet: GongSandbox) -> None:
    conf = {
        "start": "2026-02-01T10:00:00Z",
        "end": "2026-02-01T11:00:00Z",
        "organizer": organizer(quiet),
        "people": MEETING["invitees"],
    }
    create(
        quiet,
        conf=conf,
        start_time="{{ dag_run.conf['start'] }}",
        end_time="{{ dag_run.conf['end'] }}",
        organizer_email="{{ dag_run.conf['organizer'] }}",
        invitees="{{ dag_run.conf['people'] | tojson }}",
        title="{{ dag_run.conf.get('title') }}",
    ).succeeded()
    [made] = quiet.meetings
    assert made.body == {
        "startTime": "2026-02-01T10:00:00+00:00",
        "endTime": "2026-02-01T11:00:00+00:00",
        "organizerEmail": organizer(quiet),
        "invitees": [
            {"email": "buyer@example.com"},
            {"email": "boss@example.com", "displayName": "The Boss"},
        ],
    }


def test_moment_without_offset_is_utc_with_a_warning(quiet: GongSandbox) -> None:
    result = create(quiet, start_time="2026-02-01T10:00:00").succeeded()
    assert quiet.meetings[0].body["startTime"] == "2026-02-01T10:00:00+00:00"
    assert [line for line in result.logs if "start_time has no offset from UTC" in line]
    assert not [line for line in result.logs if "end_time has no offset" in line]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["lost_reply", "dropped_connection", "truncated_json"])
def test_create_is_not_repeated_when_its_reply_is_lost(quiet: GongSandbox, fault: str) -> None:
    quiet.faults.add(fault, times=None)
    result = create(quiet)
    cause = GongUnavailable if fault == "lost_reply" else GongUnexpectedResponse
    said = assert_failed_for_good(result, cause)
    assert "look in Gong before you repeat it" in said
    assert len(quiet.meetings) == len(quiet.requests) == 1


@pytest.mark.usefixtures("no_waiting")
def test_create_is_repeated_when_gong_asks_to_wait(quiet: GongSandbox) -> None:
    quiet.faults.add("rate_limited", times=2)
    create(quiet).succeeded()
    assert len(quiet.meetings) == 1
    assert len(quiet.requests) == 3


def test_create_fails_for_good_when_gong_tells_no_id(quiet: GongSandbox) -> None:
    quiet.faults.add("missing_items")
    said = assert_failed_for_good(create(quiet), GongUnexpectedResponse)
    assert said.startswith(
        "POST /v2/meetings: The reply has no 'meetingId': look in Gong whether the meeting exists"
    )
    assert "(request id " in said


def test_bad_arguments_send_nothing_and_show_no_address(quiet: GongSandbox) -> None:
    result = create(
        quiet, organizer_email="Ann Secret", invitees=["buyer@example.com", {"displayName": "Bob Secret"}]
    )
    said = assert_failed_for_good(result, GongConfigurationError)
    assert said.startswith("organizer_email is no e-mail address")
    assert "invitees[1].email is no e-mail address" in said
    assert not [word for word in ("Secret", *ADDRESSES) if word in said + "".join(result.logs)]
    assert len(quiet.requests) == 0


# What Gong refuses


def test_what_gong_tells_the_user_is_told(quiet: GongSandbox) -> None:
    quiet.meetings.disconnect_provider(fix_url="https://app.gong.io/settings/meet")
    said = assert_failed_for_good(create(quiet), GongConflict)
    assert "Provider disconnected" in said
    assert "Google Meet is disconnected from Gong. Contact your Gong Admin." in said
    assert "Mend it at https://app.gong.io/settings/meet" in said
    assert "or the settings of your company do not allow it." in said


def test_company_without_the_release_is_told_so(quiet: GongSandbox, meeting_id: str) -> None:
    quiet.meetings.released = False
    for result in (create(quiet), update(quiet, meeting_id=meeting_id), delete(meeting_id=meeting_id)):
        said = assert_failed_for_good(result, GongForbidden)
        assert (
            "The Meetings API is in limited release: if the key may do other things, ask your contact" in said
        )
        assert "Trusted IPs" in said


def test_missing_scope_is_not_taken_for_a_missing_release(quiet: GongSandbox, connect: Connect) -> None:
    key = quiet.access.add_key(scopes=SCOPES - {"api:meetings:user:create"})
    connect(quiet, {"login": key.access_key, "password": key.access_key_secret})
    said = assert_failed_for_good(create(quiet), GongMissingScope)
    assert "api:meetings:user:create" in said
    assert "limited release" not in said


def test_stranger_cannot_organise(quiet: GongSandbox) -> None:
    result = create(quiet, organizer_email="stranger@example.com")
    said = assert_failed_for_good(result, GongNotFound)
    assert "No Gong user found corresponding to the provided organizer email" in said
    assert not [line for line in (said, *result.logs) if "stranger@example.com" in line]


# Update


def test_update_replaces_the_meeting(quiet: GongSandbox, meeting_id: str) -> None:
    result = update(quiet, meeting_id=meeting_id, title="Later", invitees="buyer@example.com").succeeded()
    assert result.xcom == {"meeting_id": meeting_id}
    [made] = quiet.meetings
    assert made.id == meeting_id
    assert made.body["title"] == "Later"
    assert made.body["invitees"] == [{"email": "buyer@example.com"}]


@pytest.mark.usefixtures("no_waiting")
def test_update_whose_reply_is_lost_is_left_to_the_next_try(quiet: GongSandbox, meeting_id: str) -> None:
    quiet.faults.add("lost_reply")
    lost = update(quiet, meeting_id=meeting_id, title="Later")
    assert_left_for_retry(lost, GongUnavailable)
    assert len(quiet.requests) == 1
    again = update(quiet, meeting_id=meeting_id, title="Later", try_number=2).succeeded()
    assert again.xcom == {"meeting_id": meeting_id}
    assert [one.body["title"] for one in quiet.meetings] == ["Later"]


# Delete


@pytest.mark.parametrize("ignore_missing", [False, True, "False", "true"])
def test_delete_removes_the_meeting(quiet: GongSandbox, meeting_id: str, ignore_missing: bool | str) -> None:
    result = delete(meeting_id=meeting_id, organizer_email=organizer(quiet), ignore_missing=ignore_missing)
    assert result.succeeded().xcom == {"meeting_id": meeting_id, "deleted": True}
    assert len(quiet.meetings) == 0
    assert [one.body_keys for one in quiet.requests] == [{"organizerEmail"}]


def test_delete_needs_no_organizer(quiet: GongSandbox, meeting_id: str) -> None:
    assert delete(meeting_id=f" {meeting_id} ").succeeded().xcom == {
        "meeting_id": meeting_id,
        "deleted": True,
    }
    assert len(quiet.meetings) == 0


def test_delete_understands_rendered_templates(quiet: GongSandbox, meeting_id: str) -> None:
    result = delete(
        conf={"id": int(meeting_id), "gone": True},
        meeting_id="{{ dag_run.conf['id'] }}",
        organizer_email="{{ dag_run.conf.get('organizer') }}",
        ignore_missing="{{ dag_run.conf['gone'] }}",
    )
    assert result.succeeded().xcom == {"meeting_id": meeting_id, "deleted": True}


def test_meeting_that_is_gone_is_an_error(quiet: GongSandbox) -> None:
    said = assert_failed_for_good(delete(meeting_id="7782342274025937895"), GongNotFound)
    assert "The given meeting ID was not found." in said
    assert len(quiet.requests) == 1


@pytest.mark.usefixtures("quiet")
def test_meeting_that_is_gone_may_be_ignored() -> None:
    result = delete(meeting_id="7782342274025937895", ignore_missing=True).succeeded()
    assert result.xcom == {"meeting_id": "7782342274025937895", "deleted": False}
    assert [line for line in result.logs if "Gong knows no such meeting" in line]


def test_meeting_of_another_organizer_is_never_taken_for_gone(quiet: GongSandbox, meeting_id: str) -> None:
    other = quiet.world.find_users()[1].email
    said = assert_failed_for_good(
        delete(meeting_id=meeting_id, organizer_email=other, ignore_missing=True), GongNotFound
    )
    assert "organizer email" in said
    assert len(quiet.meetings) == 1


@pytest.mark.parametrize(
    ("text", "is_gone"),
    [
        ("The given meeting ID was not found.", True),
        ("No meeting found corresponding to the provided meeting ID", True),
        ("No Gong meeting found corresponding to the provided organizer email", False),
        ("No Gong user found corresponding to the provided organizer email", False),
        ("No handler found for DELETE /v2/meetings/7", False),
        ("Not Found", False),
    ],
)
def test_only_words_about_the_id_of_a_meeting_mean_that_it_is_gone(text: str, is_gone: bool) -> None:
    assert bool(NO_SUCH_MEETING.search(text)) == is_gone


def test_404_that_is_not_about_a_meeting_is_never_taken_for_gone(quiet: GongSandbox) -> None:
    quiet.faults.add("server_error", status=404)
    assert_failed_for_good(delete(meeting_id="7782342274025937895", ignore_missing=True), GongNotFound)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["lost_reply", "truncated_json"])
def test_delete_that_may_find_nothing_is_repeated_after_a_lost_reply(
    quiet: GongSandbox, meeting_id: str, fault: str
) -> None:
    quiet.faults.add(fault)
    lost = delete(meeting_id=meeting_id, ignore_missing="True")
    assert_left_for_retry(lost, GongUnavailable if fault == "lost_reply" else GongUnexpectedResponse)
    assert len(quiet.meetings) == 0
    again = delete(meeting_id=meeting_id, ignore_missing="True", try_number=2).succeeded()
    assert again.xcom == {"meeting_id": meeting_id, "deleted": False}


@pytest.mark.usefixtures("no_waiting")
def test_delete_that_must_find_the_meeting_is_not_repeated(quiet: GongSandbox, meeting_id: str) -> None:
    quiet.faults.add("lost_reply")
    said = assert_failed_for_good(delete(meeting_id=meeting_id), GongUnavailable)
    assert "look in Gong before you repeat it" in said
    assert len(quiet.requests) == 1


def test_switch_that_is_neither_true_nor_false_deletes_nothing(quiet: GongSandbox, meeting_id: str) -> None:
    result = delete(meeting_id=meeting_id, ignore_missing="perhaps")
    assert "ignore_missing='perhaps' is neither true nor false." in assert_failed_for_good(
        result, GongConfigurationError
    )
    assert len(quiet.meetings) == 1


# The hook


def test_integration_status_tells_who_could_meet(quiet: GongSandbox) -> None:
    from airflow_provider_gong.hooks.gong import GongHook

    with GongHook() as hook:
        users = hook.send(
            meetings.get_meeting_integration_status(emails=[organizer(quiet), "stranger@example.com"])
        )
    assert [(user["exists"], user["valid"]) for user in users] == [(True, True), (False, False)]


def test_read_only_connection_creates_nothing(quiet: GongSandbox, connect: Connect) -> None:
    connect(quiet, read_only=True)
    said = assert_failed_for_good(create(quiet), GongConfigurationError)
    assert "read-only" in said
    assert len(quiet.requests) == 0


def test_refusal_of_gong_is_passed_on(quiet: GongSandbox) -> None:
    quiet.faults.add("server_error", status=400)
    assert_failed_for_good(create(quiet), GongRequestRefused)
