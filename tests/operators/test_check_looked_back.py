"""What the newest runs write again on purpose is no fault to a check."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from tests.operators.exporting import call_ids, day, export, interval_run, manifest, rows
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from airflow_provider_gong.operators.export_base import GongExportOperator
    from airflow_provider_gong.sandbox import GongSandbox

HOUR = timedelta(hours=1)


@pytest.fixture
def gong(quiet: GongSandbox) -> GongSandbox:
    """Return a company with a call on each of a few days."""
    for number in range(1, 6):
        quiet.world.add_call(day(number) + 9 * HOUR)
    return quiet


def run_day(kind: type[GongExportOperator], gong: GongSandbox, number: int, destination: str) -> Any:
    gong.clock.set(day(number + 1) + 6 * HOUR)
    return export(kind, destination=destination, run=interval_run(number, run_id=f"day-{number}"))


def clear(kind: type[GongExportOperator], number: int, destination: str, **arguments: Any) -> Any:
    run = interval_run(number, run_id=f"day-{number}", clear_number=1)
    return export(kind, destination=destination, run=run, **arguments)


def check(dataset: str) -> dict[str, Any]:
    task = GongCheckExportOperator(task_id="check", dataset=dataset, max_pending_share=0, on_problem="warn")
    result: dict[str, Any] = run_task(task).succeeded().xcom
    return result


def test_a_call_that_changed_is_not_doubled(gong: GongSandbox, destination: str) -> None:
    call = gong.world.add_call(day(2) + HOUR, title="Before")
    run_day(GongExportCallsOperator, gong, 2, destination)
    gong.world.alter_call(call.id, title="After")
    assert call.id in call_ids(rows(run_day(GongExportCallsOperator, gong, 3, destination)))
    assert (check(f"{destination}/calls")["doubled"], check(f"{destination}/calls")["ok"]) == (0, True)


def test_a_conversation_whose_transcript_has_come_is_not_pending(gong: GongSandbox, destination: str) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=day(3) + 20 * HOUR)
    summaries = [run_day(GongExportConversationsOperator, gong, number, destination) for number in (2, 3)]
    assert [slow.id in call_ids(rows(summary)) for summary in summaries] == [True, True]
    result = check(f"{destination}/conversations")
    assert (result["pending"], result["doubled"], result["ok"]) == (0, 0, True)


# Cleared when they are not the newest any more


@pytest.mark.parametrize(
    ("kind", "dataset"),
    [(GongExportCallsOperator, "calls"), (GongExportConversationsOperator, "conversations")],
)
def test_clearing_what_wrote_a_changed_call_again_doubles_nothing(
    gong: GongSandbox, destination: str, kind: type[GongExportOperator], dataset: str
) -> None:
    call = gong.world.add_call(day(2) + HOUR)
    for number in (2, 3, 4):
        run_day(kind, gong, number, destination)
        gong.world.alter_call(call.id, title=f"After {number}")
    for number in (2, 3):
        summary = clear(kind, number, destination)
        assert call.id in call_ids(rows(summary))
    result = check(f"{destination}/{dataset}")
    assert (result["doubled"], result["problems"]) == (0, [])


def test_clearing_what_brought_a_pending_transcript_doubles_nothing(
    gong: GongSandbox, destination: str
) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=day(3) + 20 * HOUR)
    for number in (2, 3, 4):
        run_day(GongExportTranscriptsOperator, gong, number, destination)
    for number in (2, 3):
        summary = clear(GongExportTranscriptsOperator, number, destination)
        assert slow.id in [row["callId"] for row in rows(summary)]
    assert check(f"{destination}/transcripts")["problems"] == []


def test_transcripts_of_a_changed_call_are_not_doubled_although_no_run_of_theirs_looks_back(
    gong: GongSandbox, destination: str
) -> None:
    call = gong.world.add_call(day(2) + HOUR)
    for number in (2, 3, 4):
        calls = run_day(GongExportCallsOperator, gong, number, destination)
        gong.world.alter_call(call.id, title=f"After {number}")
        said = export(GongExportTranscriptsOperator, destination=destination, calls=calls, max_active_runs=2)
        assert call.id in [row["callId"] for row in rows(said)]
        assert manifest(said)["pending_since"] is None
    assert check(f"{destination}/transcripts")["problems"] == []


def test_clearing_what_told_a_deletion_again_doubles_nothing(gong: GongSandbox, destination: str) -> None:
    call = gong.world.add_call(day(1) + HOUR)
    for number in (1, 2, 3, 4, 5):
        run_day(GongExportCallsOperator, gong, number, destination)
        gong.world.alter_call(call.id, hidden=number % 2 == 1)
    clear(GongExportCallsOperator, 4, destination)
    result = check(f"{destination}/deletions")
    assert (result["windows"], result["rows"], result["doubled"]) == (2, 2, 0)
    # Between the two lies a day without a deletion.
    assert (result["gaps"], result["problems"]) == ([], [])


def test_deletions_are_whole_although_transcripts_are_pending(gong: GongSandbox, destination: str) -> None:
    gong.world.add_call(day(2) + HOUR, transcript_at=day(30))
    gone = gong.world.add_call(day(1) + HOUR)
    run_day(GongExportConversationsOperator, gong, 1, destination)
    gong.world.hide_call(gone.id)
    summary = run_day(GongExportConversationsOperator, gong, 2, destination)
    assert (summary["pending"], summary["complete"]) == (1, False)
    result = check(f"{destination}/conversation_deletions")
    assert (result["rows"], result["pending"], result["problems"]) == (1, 0, [])
    told = manifest({"uri": summary["uri"].replace("/conversations/", "/conversation_deletions/")})
    assert (told["pending"], told["complete"], told["incomplete_because"]) == ([], True, [])
    assert not check(f"{destination}/conversations")["ok"]


def test_no_deletion_is_no_problem_where_there_are_calls(gong: GongSandbox, destination: str) -> None:
    [problem] = check(f"{destination}/deletions")["problems"]
    assert "no export" in problem
    run_day(GongExportCallsOperator, gong, 2, destination)
    assert check(f"{destination}/deletions")["problems"] == []
    [problem] = check(f"{destination}/conversation_deletions")["problems"]
    assert "no export" in problem


def test_clearing_a_run_keeps_how_far_it_had_looked_back(gong: GongSandbox, destination: str) -> None:
    """Otherwise the next run knew of no moment before which all is exported, until it looks back far."""
    told = []
    for number in range(1, 6):
        told.append(manifest(run_day(GongExportCallsOperator, gong, number, destination)))
        gong.world.add_call(day(number) + 2 * HOUR)
    before = told[3]
    after = manifest(clear(GongExportCallsOperator, 4, destination))
    assert after["rows"] == before["rows"] + 1
    assert before["looked_back"]["late"] == 1
    for name in ("looked_back", "complete_through", "revisited"):
        assert after[name] == before[name]


def test_export_without_records_of_other_times_says_so(gong: GongSandbox, destination: str) -> None:
    summary = run_day(GongExportCallsOperator, gong, 2, destination)
    assert manifest(summary)["revisited"] is False
