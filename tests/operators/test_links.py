"""The link from a task to its call in Gong's application, as Airflow's task runner pushes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, BaseOperator, BaseOperatorLink

from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.calls import (
    GongAddCallMediaOperator,
    GongCreateCallOperator,
    GongGetCallOperator,
)
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.operators.links import (
    GongCallLink,
    GongCompanyLink,
    GongMeetingLink,
    call_url,
    company_url,
    push_call_url,
)
from airflow_provider_gong.operators.meetings import GongCreateMeetingOperator
from airflow_provider_gong.operators.transcripts import GongGetCallTranscriptsOperator
from airflow_provider_gong.provider_info import get_provider_info
from tests.operators.exporting import attempt, bounds
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from airflow_provider_gong.operators.export_base import GongExportOperator
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.support.task_runner import TaskResult

CALL = "7782342274025937895"
LINK = "_link_GongCallLink"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("api.gong.io", f"https://app.gong.io/call?id={CALL}"),
        ("us-12345.api.gong.io", f"https://us-12345.app.gong.io/call?id={CALL}"),
        ("api.gong.io.example.com", None),
        ("myapi.gong.io", None),
        ("gong.io", None),
        ("127.0.0.1", None),
        ("", None),
    ],
)
def test_the_application_stands_beside_the_api(host: str, url: str | None) -> None:
    assert call_url(None, host, CALL) == url


def test_what_gong_says_itself_counts_more() -> None:
    given = "https://us-1.app.gong.io/call?id=5"
    assert call_url(given, "us-2.api.gong.io", CALL) == given


@pytest.mark.parametrize("given", [None, "", 5, "javascript:alert(1)", "/call?id=5"])
def test_what_is_no_web_address_is_not_taken_for_one(given: Any) -> None:
    assert call_url(given, "api.gong.io", CALL) == f"https://app.gong.io/call?id={CALL}"


@pytest.mark.parametrize(
    ("given", "host", "url"),
    [
        (None, "us-12345.api.gong.io", "https://us-12345.app.gong.io/"),
        (None, "api.gong.io", "https://app.gong.io/"),
        (None, "127.0.0.1", None),
        (None, "api.gong.io.example.com", None),
        ("https://us-1.app.gong.io/call?id=5", "us-2.api.gong.io", "https://us-1.app.gong.io/"),
        ("http://127.0.0.1:8080/call?id=5", "127.0.0.1", "http://127.0.0.1:8080/"),
        ("javascript:alert(1)", "127.0.0.1", None),
        ("https:///call?id=5", "us-2.api.gong.io", "https://us-2.app.gong.io/"),
        ("https://[half/call", "us-2.api.gong.io", "https://us-2.app.gong.io/"),
        (5, "us-2.api.gong.io", "https://us-2.app.gong.io/"),
    ],
)
def test_the_company_is_where_its_calls_are_or_beside_the_api(
    given: object, host: str, url: str | None
) -> None:
    assert company_url(given, host) == url


class Pushing(BaseOperator):
    operator_extra_links = (GongCallLink(),)

    def __init__(self, *, url: str | None, fails: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.fails = fails

    def execute(self, context: Any) -> None:
        push_call_url(context, self.url)
        if self.fails:
            raise RuntimeError("something else")


def pushed(url: str | None, *, fails: bool = False) -> dict[str, Any]:
    with DAG("linked", schedule=None):
        operator = Pushing(task_id="push", url=url, fails=fails)
    result = run_task(operator)
    assert not any("Failed to push an xcom" in line for line in result.logs)
    return result.xcoms


def test_airflow_keeps_the_address_as_the_link() -> None:
    assert pushed("https://app.gong.io/call?id=5")[LINK] == "https://app.gong.io/call?id=5"


def test_a_task_that_fails_later_keeps_its_link() -> None:
    assert pushed("https://app.gong.io/call?id=5", fails=True)[LINK] == "https://app.gong.io/call?id=5"


def test_a_task_without_an_address_has_an_empty_link() -> None:
    assert pushed(None)[LINK] == ""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (GongCreateCallOperator, GongCallLink),
        (GongAddCallMediaOperator, GongCallLink),
        (GongGetCallOperator, GongCallLink),
        (GongGetCallTranscriptsOperator, GongCallLink),
        (GongCreateMeetingOperator, GongMeetingLink),
        (GongExportCallsOperator, GongCompanyLink),
        (GongExportConversationsOperator, GongCompanyLink),
        (GongExportTranscriptsOperator, GongCompanyLink),
        (GongExportUsersOperator, GongCompanyLink),
        (GongExportLogsOperator, GongCompanyLink),
    ],
)
def test_operators_of_one_thing_in_gong_have_the_link(
    kind: type[BaseOperator], expected: type[BaseOperatorLink]
) -> None:
    [link] = kind.operator_extra_links
    assert (type(link), link.name) == (expected, "Open in Gong")


def meet(gong: GongSandbox) -> TaskResult:
    organizer = gong.world.find_users()[0].email
    times = {"start_time": "2026-02-01T10:00Z", "end_time": "2026-02-01T11:00Z"}
    return run_task(
        GongCreateMeetingOperator(
            task_id="meet", organizer_email=organizer, invitees=["buyer@example.com"], **times
        )
    )


def test_a_meeting_opens_where_gong_says(gong: GongSandbox) -> None:
    xcoms = meet(gong).succeeded().xcoms
    assert xcoms["return_value"]["meeting_url"].startswith("https://")
    assert xcoms["_link_GongMeetingLink"] == xcoms["return_value"]["meeting_url"]


def test_the_transcripts_of_one_call_open_the_call(
    gong: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The local Gong stands at no address of Gong, which is what tells where the application is.
    monkeypatch.setattr(GongHook, "host", "us-12345.api.gong.io")
    ids = [call.id for call in gong.world.visible_calls()][:2]
    one = run_task(GongGetCallTranscriptsOperator(task_id="one", call_ids=ids[:1])).succeeded()
    two = run_task(GongGetCallTranscriptsOperator(task_id="two", call_ids=ids)).succeeded()
    assert one.xcoms[LINK] == f"https://us-12345.app.gong.io/call?id={ids[0]}"
    assert two.xcoms[LINK] == ""


COMPANY_LINK = "_link_GongCompanyLink"
# The application of all local Gongs, as their calls tell.
COMPANY = "https://app.example.com/"
# Few enough calls for XCom.
SOME_HOURS = {"from_datetime": "2026-01-08T12:00Z", "to_datetime": "2026-01-08T16:00Z"}


@pytest.mark.parametrize("kind", [GongExportCallsOperator, GongExportConversationsOperator])
@pytest.mark.parametrize("stored", [True, False])
def test_an_export_of_calls_opens_where_gong_says_they_are(
    gong: GongSandbox, destination: str, kind: type[GongExportOperator], stored: bool
) -> None:
    to = {"destination": destination} if stored else {}
    exported = attempt(kind, **SOME_HOURS, **to).succeeded()
    assert exported.xcom
    assert exported.xcoms[COMPANY_LINK] == COMPANY


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (GongExportCallsOperator, {**bounds(5), "primary_user_ids": ["1"]}),
        (GongExportTranscriptsOperator, bounds(5)),
        (GongExportUsersOperator, {}),
        (GongExportLogsOperator, {**bounds(5), "log_type": "AccessLog"}),
    ],
)
def test_an_export_without_such_an_address_opens_the_application_of_its_host(
    gong: GongSandbox,
    destination: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[GongExportOperator],
    arguments: dict[str, Any],
) -> None:
    unknown = attempt(kind, destination=destination, **arguments).succeeded()
    assert unknown.xcoms[COMPANY_LINK] == ""
    # The local Gong stands at no address of Gong, which is what tells where the application is.
    monkeypatch.setattr(GongHook, "host", "us-12345.api.gong.io")
    known = attempt(kind, destination=f"{destination}/known", **arguments).succeeded()
    assert known.xcoms[COMPANY_LINK] == "https://us-12345.app.gong.io/"


def test_an_export_that_is_skipped_for_being_empty_has_its_link(
    gong: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GongHook, "host", "us-12345.api.gong.io")
    skipped = attempt(GongExportCallsOperator, **bounds(5), primary_user_ids=["1"], skip_if_empty=True)
    assert skipped.state == "skipped"
    assert skipped.xcoms[COMPANY_LINK] == "https://us-12345.app.gong.io/"


def test_an_export_that_had_nothing_to_ask_opens_no_connection_for_a_link(
    gong: GongSandbox, destination: str
) -> None:
    first = attempt(GongExportCallsOperator, **bounds(5), destination=destination).succeeded()
    nothing = attempt(
        GongExportTranscriptsOperator,
        calls={**first.xcom, "uri": None, "files": [], "rows": 0},
        destination=destination,
        gong_conn_id="gong_that_is_not_there",
    ).succeeded()
    assert nothing.xcom["uri"] is None
    assert nothing.xcoms[COMPANY_LINK] == ""


def test_airflow_is_told_of_the_links() -> None:
    links = (GongCallLink, GongMeetingLink, GongCompanyLink)
    named = [f"{link.__module__}.{link.__name__}" for link in links]
    assert get_provider_info()["extra-links"] == named
