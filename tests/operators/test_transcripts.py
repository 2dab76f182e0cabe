"""Transcripts of given calls and of the calls of a window."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_gong.api import transcripts
from airflow_provider_gong.exceptions import GongConfigurationError, GongMissingScope
from airflow_provider_gong.exports import records as limits
from airflow_provider_gong.operators.calls import GongListCallsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.operators.library import GongListFolderCallsOperator
from airflow_provider_gong.operators.transcripts import GongGetCallTranscriptsOperator
from airflow_provider_gong.sandbox.access import SCOPES
from airflow_provider_gong.sandbox.world.transcript import transcript
from tests.operators.exporting import bounds, day
from tests.operators.reading import attempt, refusal, result_of
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect
    from tests.support.task_runner import TaskResult

WINDOW: dict[str, Any] = bounds(9)
CALLS = "/v2/calls/extensive"
TRANSCRIPTS = "/v2/calls/transcript"
UNKNOWN = "1234567890123456789"


def get(**arguments: Any) -> TaskResult:
    return attempt(GongGetCallTranscriptsOperator, **arguments).succeeded()


def refused(**arguments: Any) -> str:
    return refusal(GongGetCallTranscriptsOperator, GongConfigurationError, **arguments)


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["callId"] for record in records]


def ready(gong: GongSandbox, **which: Any) -> list[str]:
    """Return the calls of the ninth that have a transcript."""
    return gong.world.call_ids(day(9), day(10), transcribed=True, **which)


def shuffled(values: list[str]) -> list[str]:
    return sorted(values, key=lambda value: value[::-1])


# What is asked


def test_calls_are_asked_for_by_id() -> None:
    operator = GongGetCallTranscriptsOperator(task_id="read", call_ids='["7", 8, "7"]', **WINDOW)
    assert operator.request() == transcripts.list_call_transcripts(call_ids=["7", "8"], **WINDOW)


def test_calls_of_a_window_are_asked_for_by_window_and_workspace() -> None:
    operator = GongGetCallTranscriptsOperator(
        task_id="read", from_datetime="2026-01-09", to_datetime="2026-01-10T00:00:00Z", workspace_id="5"
    )
    assert operator.request() == transcripts.list_call_transcripts(workspace_id="5", **WINDOW)


# Of given calls


def test_transcripts_are_gongs_records(gong: GongSandbox) -> None:
    call_id = ready(gong)[0]
    assert get(call_ids=[call_id]).xcom == [
        {"callId": call_id, "transcript": transcript(gong.world.call(call_id))}
    ]


def test_more_than_100_ids_are_asked_for_100_at_a_time_and_keep_their_order(gong: GongSandbox) -> None:
    wanted = shuffled(ready(gong))[:201]
    result = get(call_ids=wanted)
    assert ids(result.xcom) == wanted
    assert [(request.path, request.has_cursor) for request in gong.requests] == [(TRANSCRIPTS, False)] * 3
    assert result.xcoms["missing_call_ids"] == []
    assert "next_cursor" not in result.xcoms


def test_ids_given_twice_are_asked_for_and_returned_once(gong: GongSandbox) -> None:
    wanted = ready(gong)[:100]
    assert ids(get(call_ids=[*wanted, *reversed(wanted)]).xcom) == wanted
    assert len(gong.requests) == 1


def test_missing_transcripts_are_told(gong: GongSandbox) -> None:
    wanted = [UNKNOWN, *ready(gong)[:2]]
    result = get(call_ids=wanted)
    assert ids(result.xcom) == wanted[1:]
    assert result.xcoms["missing_call_ids"] == [UNKNOWN]
    assert f"1 calls have no transcript: {UNKNOWN}" in "\n".join(result.logs)


def test_log_tells_no_more_than_twenty_missing_ids(gong: GongSandbox) -> None:
    unknown = [str(int(UNKNOWN) + number) for number in range(130)]
    result = get(call_ids=unknown)
    assert result.xcom == []
    assert result.xcoms["missing_call_ids"] == unknown
    told = "\n".join(result.logs)
    assert "130 calls have no transcript" in told
    assert [one for one in unknown if one in told] == unknown[:20]


def test_private_calls_are_returned_when_asked_for_by_id(gong: GongSandbox) -> None:
    private = sorted(set(ready(gong, include_private=True)) - set(ready(gong)))
    assert private
    assert ids(get(call_ids=private).xcom) == private
    assert gong.requests.to(CALLS) == []


def test_given_calls_may_be_narrowed_by_a_window(gong: GongSandbox) -> None:
    wanted = ready(gong)[:50]
    noon = gong.world.call(wanted[20]).started
    result = get(call_ids=wanted, from_datetime=noon)
    assert ids(result.xcom) == wanted[20:]
    assert result.xcoms["missing_call_ids"] == wanted[:20]


@pytest.mark.parametrize("form", ["list", "text", "numbers"])
def test_ids_may_be_a_list_or_its_text(gong: GongSandbox, form: str) -> None:
    wanted = ready(gong)[:3]
    given: Any = {
        "list": wanted,
        "text": "{{ ti.xcom_pull('before') | tojson }}",
        "numbers": [*map(int, wanted)],
    }
    assert ids(get(call_ids=given[form], xcoms={"before": wanted}).xcom) == wanted


def test_calls_may_be_the_records_of_another_operator(gong: GongSandbox) -> None:
    listed = result_of(GongListCallsOperator, **WINDOW)
    exported = result_of(
        GongExportCallsOperator,
        content="basic",
        from_datetime=day(9),
        to_datetime=day(9) + timedelta(hours=9),
    )
    folder = next(folder for folder in gong.library.folders if gong.library.content(folder))
    kept = result_of(GongListFolderCallsOperator, folder_id=folder.id)
    have = set(gong.world.call_ids(transcribed=True, include_private=True))
    for records, wanted in (
        (listed, [record["id"] for record in listed]),
        (exported, [record["metaData"]["id"] for record in exported]),
        (kept, [record["id"] for record in kept]),
    ):
        assert wanted
        assert ids(get(call_ids=records).xcom) == [one for one in dict.fromkeys(wanted) if one in have]


@pytest.mark.parametrize(
    "given", [[], "[]", "{{ params.calls | tojson }}", "{{ params.calls }}", "{{ none }}", ""]
)
def test_no_calls_are_no_transcripts_and_no_request(gong: GongSandbox, given: Any) -> None:
    result = get(call_ids=given, params={"calls": []}, **WINDOW)
    assert result.xcom == []
    assert result.xcoms["missing_call_ids"] == []
    assert len(gong.requests) == 0


class Skipping(BaseOperator):
    def execute(self, context: Any) -> None:
        raise AirflowSkipException("no calls today")


def test_calls_of_a_task_that_was_skipped_are_none_and_not_all(gong: GongSandbox) -> None:
    with DAG("skipped_calls", schedule=None) as dag:
        before = Skipping(task_id="before")
        GongGetCallTranscriptsOperator(
            task_id="get", call_ids=before.output, trigger_rule="none_failed", **WINDOW
        )
    result = run_dag(dag)
    assert result.states == {"before": "skipped", "get": "success"}
    assert result.xcoms == {"get": []}
    assert len(gong.requests) == 0


def test_mapped_tasks_get_the_calls_of_a_list_each(gong: GongSandbox) -> None:
    wanted = ready(gong)[:4]
    with DAG("transcripts_of_a_dag", schedule=None) as dag:
        GongGetCallTranscriptsOperator.partial(task_id="get").expand(call_ids=[wanted[:3], wanted[3:], []])
    result = run_dag(dag)
    assert result.state == "success"
    found = {name: ids(records) for name, records in result.xcoms.items()}
    assert found == {"get[0]": wanted[:3], "get[1]": wanted[3:], "get[2]": []}


def test_a_list_of_calls_is_handed_on_within_a_dag(gong: GongSandbox) -> None:
    with DAG("calls_and_transcripts", schedule=None) as dag:
        listed = GongListCallsOperator(
            task_id="calls", from_datetime=day(9), to_datetime=day(9) + timedelta(hours=8)
        )
        GongGetCallTranscriptsOperator(task_id="get", call_ids=listed.output)
    result = run_dag(dag)
    have = set(gong.world.call_ids(transcribed=True))
    assert ids(result.xcoms["get"]) == [one["id"] for one in result.xcoms["calls"] if one["id"] in have] != []


def test_ids_that_xcom_cannot_take_fail_before_more_is_asked(
    gong: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "XCOM_LIMIT", 1000)
    assert "use GongExportTranscriptsOperator with destination=" in refused(call_ids=ready(gong))
    assert len(gong.requests) == 1


# Of a window


def test_private_calls_of_a_window_are_left_out(gong: GongSandbox) -> None:
    result = get(**WINDOW)
    assert ids(result.xcom) == ready(gong)
    dropped = len(ready(gong, include_private=True)) - len(ready(gong))
    assert dropped > 1
    assert f"Dropped {dropped} transcripts of calls that are private or not shown by Gong" in "\n".join(
        result.logs
    )
    assert [request.path for request in gong.requests] == [TRANSCRIPTS, CALLS] * 3
    assert "missing_call_ids" not in result.xcoms


@pytest.mark.parametrize("include_private", [True, "true", "{{ 1 == 1 }}"])
def test_private_calls_of_a_window_are_returned_when_wanted(gong: GongSandbox, include_private: Any) -> None:
    assert ids(get(**WINDOW, include_private=include_private).xcom) == ready(gong, include_private=True)
    assert gong.requests.to(CALLS) == []


def test_parts_of_a_window_leave_out_private_calls_as_the_whole_does(gong: GongSandbox) -> None:
    first = get(**WINDOW, max_pages=1)
    assert [request.path for request in gong.requests] == [TRANSCRIPTS, CALLS]
    rest = get(**WINDOW, cursor=first.xcoms["next_cursor"])
    assert ids(first.xcom + rest.xcom) == ready(gong)


def test_a_transcript_whose_call_is_not_shown_is_left_out(
    gong: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, *others = ready(gong)
    page = type(gong.world).page

    def without_early(world: Any, which: Any, **where: Any) -> Any:
        return [call for call in page(world, which, **where) if which.transcribed or call.id != early]

    monkeypatch.setattr(type(gong.world), "page", without_early)
    assert ids(get(**WINDOW).xcom) == others


def test_one_end_of_the_window_will_do(gong: GongSandbox) -> None:
    late = day(10) + timedelta(hours=20)
    assert ids(get(from_datetime=late).xcom) == gong.world.call_ids(late, transcribed=True) != []
    early = gong.world.calls()[5].started
    assert ids(get(to_datetime=early).xcom) == gong.world.call_ids(None, early, transcribed=True) != []


def test_calls_are_those_of_the_workspace(gong: GongSandbox) -> None:
    workspace_id = gong.world.workspaces[1]["id"]
    found = ids(get(**WINDOW, workspace_id=workspace_id).xcom)
    assert found == ready(gong, workspace_id=workspace_id)
    assert 0 < len(found) < len(ready(gong))


def test_scope_for_telling_private_calls_is_named_when_it_is_missing(
    gong: GongSandbox, connect: Connect
) -> None:
    key = gong.access.add_key(scopes=SCOPES - {"api:calls:read:extensive"})
    connect(gong, {"login": key.access_key, "password": key.access_key_secret})
    assert "api:calls:read:extensive" in refusal(GongGetCallTranscriptsOperator, GongMissingScope, **WINDOW)
    assert ids(get(**WINDOW, include_private=True).xcom) == ready(gong, include_private=True)
    assert ids(get(call_ids=ready(gong)[:1]).xcom) == ready(gong)[:1]


# What is refused


@pytest.mark.parametrize("window", [{}, {"from_datetime": "", "to_datetime": "{{ none }}"}])
def test_neither_calls_nor_a_window_is_refused(gong: GongSandbox, window: Any) -> None:
    assert refused(**window) == (
        "Neither call_ids nor a window is given: give call_ids, or from_datetime and to_datetime."
    )
    assert len(gong.requests) == 0


@pytest.mark.parametrize("given", [["7"], [], "[]", "{{ none }}"])
def test_workspace_beside_calls_is_refused_whatever_they_are(gong: GongSandbox, given: Any) -> None:
    message = refused(call_ids=given, workspace_id="5")
    assert message == "workspace_id cannot stand beside call_ids, Gong refuses it: leave one of them out."
    assert len(gong.requests) == 0


@pytest.mark.parametrize("paging", [{"cursor": "abc"}, {"max_pages": "1"}])
def test_paging_beside_more_than_100_calls_is_refused(gong: GongSandbox, paging: Any) -> None:
    message = refused(call_ids=ready(gong)[:101], **paging)
    assert message.startswith(f"{next(iter(paging))} cannot stand beside 101 call_ids: ")
    assert len(gong.requests) == 0


def test_pages_of_up_to_100_calls_may_be_bounded(gong: GongSandbox) -> None:
    wanted = ready(gong)[:100]
    assert ids(get(call_ids=wanted, max_pages=1).xcom) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("7782342274025937895", "call_ids is str, not a list"),
        ({"uri": "file:///data"}, "call_ids is dict, not a list"),
        ('{"id": "7"}', "call_ids is dict, not a list"),
        ("[7", "call_ids is not valid JSON"),
        ([{}], "call_ids= holds a record without metaData.id or id"),
        (["7", "{{ none }}"], "or an empty id"),
        (["7", None], "or an empty id"),
        ([["7"]], "call_ids= holds a record without"),
        ([7.0], "call_ids=7.0 is not an identifier"),
        ([True], "call_ids=True is not an identifier"),
    ],
)
def test_what_is_no_list_of_calls_is_refused_before_any_request(
    gong: GongSandbox, given: Any, said: str
) -> None:
    assert said in refused(call_ids=given, **WINDOW)
    assert len(gong.requests) == 0


def test_a_record_without_id_is_not_shown(gong: GongSandbox) -> None:
    assert "jane@example.com" not in refused(call_ids=[{"parties": [{"emailAddress": "jane@example.com"}]}])
    assert len(gong.requests) == 0


def test_nothing_that_was_said_is_in_a_log_or_an_error(
    gong: GongSandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    wanted = ready(gong)[:5]
    result = get(call_ids=wanted)
    said = {
        sentence["text"]
        for record in result.xcom
        for monologue in record["transcript"]
        for sentence in monologue["sentences"]
    }
    monkeypatch.setattr(limits, "XCOM_LIMIT", 10)
    failed = attempt(GongGetCallTranscriptsOperator, call_ids=wanted)
    shown = "\n".join([*result.logs, *failed.logs, str(failed.error), json.dumps(result.rendered)])
    assert len(said) > 20
    assert [text for text in said if text in shown] == []
