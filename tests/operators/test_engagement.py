"""Engagement events: what is sent, what comes back, and when an event may be reported again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api import engagement
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongRequestRefused,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.operators.engagement import (
    GongReportContentSharedOperator,
    GongReportContentViewedOperator,
    GongReportCustomActionOperator,
)
from airflow_provider_gong.operators.engagement_base import GongEventOperator
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

Kind: TypeAlias = type[GongEventOperator]

LINKS = [{"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": "0013"}]}]
BUYER = {"email": "buyer@example.com", "name": "A Buyer", "context": LINKS}
PROPERTIES = [{"name": "Pages", "value": 3, "dataType": "number"}]
EVENT: dict[str, Any] = {"reporting_system": "portal", "event_timestamp": "2026-02-01T10:00:00-05:00"}
CONTENT: dict[str, Any] = {
    "content_id": "7",
    "content_url": "https://content.example.com/7",
    "content_title": "Price list",
}
MORE: dict[str, Any] = {
    "event_id": "event-1",
    "workspace_id": "623457276584334",
    "action_name": "Document Signed",
    "share_id": "share-1",
    "sharer": {"id": "234599484848423"},
    "sharing_message_subject": "Prices",
    "sharing_message_body": "<b>Hello</b>",
    "non_company_participants": [BUYER],
    "more_info_url": "https://content.example.com/more",
    "crm_context": LINKS,
    "content_properties": PROPERTIES,
    "event_properties": PROPERTIES,
    "user_agent": "Mozilla/5.0",
    "mobile_app_id": "com.example.content",
    "agent_platform": "iOS",
}
OWN: dict[Kind, dict[str, Any]] = {
    GongReportCustomActionOperator: {
        "tracking_id": "track-1",
        "event_info_url": "https://content.example.com/e",
        "actor": BUYER,
    },
    GongReportContentSharedOperator: {
        "tracking_id": "track-1",
        "share_info_url": "https://content.example.com/s",
        "recipients": [BUYER],
    },
    GongReportContentViewedOperator: {
        "view_action_title": "Document Viewed",
        "view_info_url": "https://content.example.com/v",
        "viewer": BUYER,
    },
}
FUNCTIONS: dict[Kind, Any] = {
    GongReportCustomActionOperator: engagement.report_custom_action,
    GongReportContentSharedOperator: engagement.report_content_shared,
    GongReportContentViewedOperator: engagement.report_content_viewed,
}
NAMES: dict[Kind, str] = {
    GongReportCustomActionOperator: "customEvent",
    GongReportContentSharedOperator: "contentShared",
    GongReportContentViewedOperator: "contentViewed",
}
each_event = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)


def operator(kind: Kind, **arguments: Any) -> GongEventOperator:
    return kind(task_id="report", retries=2, **EVENT | CONTENT | arguments)


def report(kind: Kind, *, try_number: int = 1, conf: Any = None, **arguments: Any) -> TaskResult:
    """Run one try of a task that Airflow may retry."""
    return run_task(operator(kind, **arguments), try_number=try_number, run=RunSpec(conf=conf or {}))


def assert_failed_for_good(result: TaskResult, cause: type[GongError]) -> str:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    return str(result.error)


# Requests as values


@each_event
def test_request_is_that_of_the_api(kind: Kind) -> None:
    assert operator(kind, **MORE, **OWN[kind]).request() == FUNCTIONS[kind](
        **EVENT, **CONTENT, **MORE, **OWN[kind]
    )


def test_tracking_id_may_stand_for_the_viewer() -> None:
    task = operator(GongReportContentViewedOperator, tracking_id="track-1")
    assert task.request() == engagement.report_content_viewed(**EVENT, **CONTENT, tracking_id="track-1")


@each_event
@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_what_rendered_to_nothing_is_left_out(kind: Kind, nothing: str | None) -> None:
    optional = dict.fromkeys((*MORE, *OWN[kind]), nothing)
    assert operator(kind, **optional).request() == FUNCTIONS[kind](**EVENT, **CONTENT)


@each_event
@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_what_is_required_and_rendered_to_nothing_is_named(kind: Kind, nothing: str | None) -> None:
    required = EVENT if kind is GongReportCustomActionOperator else EVENT | CONTENT
    with pytest.raises(GongConfigurationError) as refusal:
        operator(kind, **dict.fromkeys(EVENT | CONTENT, nothing)).request()
    assert str(refusal.value) == " ".join(f"{name} is missing: Gong requires it." for name in required)


def test_action_needs_no_content() -> None:
    task = GongReportCustomActionOperator(task_id="report", **EVENT)
    assert task.request() == engagement.report_custom_action(**EVENT)


@each_event
@pytest.mark.parametrize("name", ["crm_context", "sharer"])
def test_text_that_is_no_json_is_refused(kind: Kind, name: str) -> None:
    with pytest.raises(GongConfigurationError, match=f"^{name} is str, neither an object nor a list"):
        operator(kind, **{name: "Salesforce"}).request()
    with pytest.raises(GongConfigurationError, match=f"^{name} is not valid JSON"):
        operator(kind, **{name: "{'system': 'Salesforce'}"}).request()


# Reporting


@each_event
def test_event_arrives_with_all_it_has(quiet: GongSandbox, kind: Kind) -> None:
    result = report(kind, **MORE, **OWN[kind]).succeeded()
    assert result.xcom == {"already_reported": False}
    [event] = quiet.engagement
    assert event.kind == NAMES[kind]
    assert event.body == FUNCTIONS[kind](**EVENT, **CONTENT, **MORE, **OWN[kind]).body
    assert [one.method for one in quiet.requests] == ["PUT"]


@each_event
def test_rendered_templates_are_understood(quiet: GongSandbox, kind: Kind) -> None:
    conf = EVENT | CONTENT | MORE | OWN[kind]
    structured = {name for name, value in conf.items() if isinstance(value, list | dict)}
    templates: dict[str, Any] = {
        name: f"{{{{ dag_run.conf['{name}']{' | tojson' if name in structured else ''} }}}}" for name in conf
    }
    report(kind, conf=conf, **templates).succeeded()
    [event] = quiet.engagement
    assert event.body == FUNCTIONS[kind](**conf).body


@each_event
def test_moment_without_offset_is_utc_with_a_warning(quiet: GongSandbox, kind: Kind) -> None:
    result = report(kind, event_timestamp="2026-02-01 10:00").succeeded()
    assert quiet.engagement[0].body["eventTimestamp"] == "2026-02-01T10:00:00+00:00"
    assert [line for line in result.logs if "event_timestamp has no offset from UTC" in line]


@each_event
def test_event_that_gong_has_already_is_a_success(quiet: GongSandbox, kind: Kind) -> None:
    assert report(kind, event_id="event-1").succeeded().xcom == {"already_reported": False}
    again = report(kind, event_id="event-1").succeeded()
    assert again.xcom == {"already_reported": True}
    assert [line for line in again.logs if "Gong has this event already" in line]
    assert len(quiet.engagement) == 1


@pytest.mark.usefixtures("no_waiting")
@each_event
@pytest.mark.parametrize("fault", ["lost_reply", "truncated_json"])
def test_event_with_id_is_reported_once_although_its_reply_is_lost(
    quiet: GongSandbox, kind: Kind, fault: str
) -> None:
    quiet.faults.add(fault)
    lost = report(kind, event_id="event-1")
    assert lost.state == "up_for_retry"
    assert type(lost.error) is (GongUnavailable if fault == "lost_reply" else GongUnexpectedResponse)
    assert "look in Gong" not in str(lost.error)
    again = report(kind, event_id="event-1", try_number=2).succeeded()
    assert again.xcom == {"already_reported": True}
    assert len(quiet.engagement) == 1
    assert len(quiet.requests) == 2


@pytest.mark.usefixtures("no_waiting")
@each_event
@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_event_without_id_is_not_repeated_when_its_reply_is_lost(
    quiet: GongSandbox, kind: Kind, nothing: str | None
) -> None:
    quiet.faults.add("lost_reply")
    said = assert_failed_for_good(report(kind, event_id=nothing), GongUnavailable)
    assert "look in Gong before you repeat it" in said
    assert len(quiet.requests) == 1


@pytest.mark.usefixtures("quiet")
@each_event
def test_hint_tells_what_a_missing_id_means(kind: Kind) -> None:
    def hints(result: TaskResult) -> list[str]:
        return [line for line in result.succeeded().logs if "Without event_id Gong cannot recognise" in line]

    assert len(hints(report(kind))) == 1
    assert hints(report(kind, event_id="event-1")) == []


@pytest.mark.usefixtures("no_waiting")
def test_event_is_sent_again_when_gong_asks_to_wait(quiet: GongSandbox) -> None:
    quiet.faults.add("rate_limited")
    report(GongReportCustomActionOperator).succeeded()
    assert len(quiet.engagement) == 1


# Failures


def test_bad_arguments_send_nothing_and_show_no_address(quiet: GongSandbox) -> None:
    result = report(
        GongReportContentSharedOperator,
        reporting_system="",
        recipients=[{"email": "buyer@example.com"}, {"email": "Ann Secret"}],
        sharer={"email": "rep@example.com"},
        crm_context=[{"system": "SAP"}],
    )
    said = assert_failed_for_good(result, GongConfigurationError)
    for problem in (
        "reporting_system is missing",
        "recipients[1].email is no",
        "crm_context[0].system is unknown",
    ):
        assert problem in said
    shown = said + "".join(result.logs)
    assert not [word for word in ("Secret", "buyer@example.com", "rep@example.com") if word in shown]
    assert len(quiet.requests) == 0


def test_viewer_and_tracking_id_together_are_refused(quiet: GongSandbox) -> None:
    result = report(GongReportContentViewedOperator, viewer=BUYER, tracking_id="track-1")
    said = assert_failed_for_good(result, GongConfigurationError)
    assert said.startswith("tracking_id and viewer were both given")
    assert len(quiet.requests) == 0


@each_event
def test_what_gong_refuses_fails_at_once(quiet: GongSandbox, kind: Kind) -> None:
    quiet.faults.add("server_error", status=400)
    assert_failed_for_good(report(kind, event_id="event-1"), GongRequestRefused)
    assert len(quiet.requests) == 1
