"""What the newest run of a transcripts export does about those that were not ready, and about late calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from tests.operators.exporting import bounds, day, export, interval_run, manifest, rows
from tests.support.task_runner import RunSpec

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import Call, GongSandbox

HOUR = timedelta(hours=1)
NEVER = day(31)


@pytest.fixture
def gong(quiet: GongSandbox) -> GongSandbox:
    """Return a company with a call on each day, whose transcript is ready at once."""
    for number in range(1, 10):
        quiet.world.add_call(day(number) + 9 * HOUR)
    return quiet


def slow_call(gong: GongSandbox, number: int, ready: datetime, **changes: Any) -> Call:
    """Add a call of a day whose transcript is ready much later."""
    return gong.world.add_call(day(number) + HOUR, transcript_at=ready, **changes)


def run_day(gong: GongSandbox, number: int, destination: str, **arguments: Any) -> dict[str, Any]:
    """Export the calls of a day and their transcripts, some hours after it ended; return the latter's summary."""
    gong.clock.set(day(number + 1) + 6 * HOUR)
    run = interval_run(number, run_id=f"day-{number}")
    calls = export(GongExportCallsOperator, destination=destination, run=run)
    summary: dict[str, Any] = export(
        GongExportTranscriptsOperator, destination=destination, calls=calls, run=run, **arguments
    )
    return summary


def transcribed(summary: dict[str, Any]) -> list[str]:
    return [row["callId"] for row in rows(summary)]


def test_a_transcript_that_was_not_ready_is_exported_by_the_next_run(
    gong: GongSandbox, destination: str
) -> None:
    slow = slow_call(gong, 2, day(3) + 20 * HOUR)
    before = run_day(gong, 2, destination)
    assert manifest(before)["pending"] == [slow.id]
    assert before["complete"] is False
    after = run_day(gong, 3, destination)
    assert slow.id in transcribed(after)
    assert (after["pending"], after["complete"]) == (0, True)
    assert slow.id not in transcribed(run_day(gong, 4, destination))


def test_what_is_still_not_ready_is_handed_on_from_run_to_run(gong: GongSandbox, destination: str) -> None:
    slow = slow_call(gong, 2, day(5) + HOUR)
    summaries = [run_day(gong, number, destination) for number in (2, 3, 4)]
    assert [summary["pending"] for summary in summaries] == [1, 1, 0]
    assert slow.id in transcribed(summaries[-1])
    assert manifest(summaries[1])["pending_since"] == {
        slow.id: [day(3).isoformat(), (day(3) - timedelta(days=7)).isoformat()]
    }


def test_what_does_not_come_is_given_up(gong: GongSandbox, destination: str) -> None:
    slow = slow_call(gong, 2, NEVER)
    bodies = [manifest(run_day(gong, number, destination, give_up_after="P2D")) for number in (2, 3, 4, 5)]
    assert [body["pending"] for body in bodies] == [[slow.id], [slow.id], [], []]
    assert [body["given_up"] for body in bodies] == [[], [], [slow.id], []]
    assert [body["complete"] for body in bodies] == [False, False, True, True]
    gong.requests.clear()
    run_day(gong, 6, destination)
    assert len(gong.requests.to("/v2/calls/transcript")) == 1, "it is not asked for any more"


def test_clearing_a_run_keeps_the_transcripts_that_had_come_late(gong: GongSandbox, destination: str) -> None:
    slow = slow_call(gong, 2, day(3) + 20 * HOUR)
    for number in (2, 3, 4):
        run_day(gong, number, destination)
    run = interval_run(3, run_id="day-3", clear_number=1)
    calls = export(GongExportCallsOperator, destination=destination, run=run)
    again = export(GongExportTranscriptsOperator, destination=destination, calls=calls, run=run)
    assert slow.id in transcribed(again)
    assert len(rows(again)) == 2


def test_a_call_that_turned_private_is_not_transcribed(gong: GongSandbox, destination: str) -> None:
    slow = slow_call(gong, 2, day(3) + 20 * HOUR)
    run_day(gong, 2, destination)
    gong.world.alter_call(slow.id, private=True)
    after = run_day(gong, 3, destination)
    assert slow.id not in transcribed(after)
    assert after["pending"] == 0


def test_windows_that_were_asked_for_do_not_ask_again(gong: GongSandbox, destination: str) -> None:
    slow_call(gong, 2, day(3) + HOUR)
    run_day(gong, 2, destination)
    gong.clock.set(day(5))
    summary = export(GongExportTranscriptsOperator, destination=destination, **bounds(3))
    assert len(rows(summary)) == 1
    assert manifest(summary)["pending_since"] is None


def test_pending_of_a_window_that_was_asked_for_is_taken_over_by_the_next_run(
    gong: GongSandbox, destination: str
) -> None:
    slow = slow_call(gong, 3, day(6))
    run_day(gong, 2, destination)
    gong.clock.set(day(4) + HOUR)
    export(GongExportTranscriptsOperator, destination=destination, **bounds(3))
    assert manifest(run_day(gong, 4, destination))["pending"] == [slow.id]
    assert slow.id in transcribed(run_day(gong, 5, destination))


def test_pending_of_a_backfill_is_resolved_on_demand(gong: GongSandbox, destination: str) -> None:
    run_day(gong, 7, destination)
    slow, never = slow_call(gong, 2, day(9) + 20 * HOUR), slow_call(gong, 3, NEVER)
    gong.clock.set(day(9) + HOUR)
    for number in (2, 3):
        backfill = RunSpec(run_type="backfill", data_interval=(day(number), day(number + 1)))
        assert export(GongExportTranscriptsOperator, destination=destination, run=backfill)["pending"] == 1
    assert run_day(gong, 8, destination)["pending"] == 0, "the newest run leaves backfills alone"
    after = run_day(gong, 9, destination, resolve_pending="true")
    assert slow.id in transcribed(after)
    assert manifest(after)["pending"] == [never.id]
    gong.requests.clear()
    again = run_day(gong, 10, destination, resolve_pending=True)
    assert slow.id not in transcribed(again), "what is exported by now is not asked for again"


def test_transcripts_of_late_calls_come_with_the_export_of_the_calls(
    gong: GongSandbox, destination: str
) -> None:
    late = gong.world.add_call(day(2) + HOUR, visible_at=day(3) + 20 * HOUR)
    assert late.id not in transcribed(run_day(gong, 2, destination))
    assert late.id in transcribed(run_day(gong, 3, destination))


def test_without_an_export_of_calls_late_calls_are_looked_for(gong: GongSandbox, destination: str) -> None:
    late = gong.world.add_call(day(2) + HOUR, visible_at=day(3) + 20 * HOUR)
    for number in (2, 3, 4):
        gong.clock.set(day(number + 1) + 6 * HOUR)
        run = interval_run(number, run_id=f"day-{number}")
        summary = export(GongExportTranscriptsOperator, destination=destination, run=run)
        assert (late.id in transcribed(summary)) is (number == 3)
    run = interval_run(5)
    gong.clock.set(day(7))
    late = gong.world.add_call(day(4) + HOUR, visible_at=day(6))
    summary = export(GongExportTranscriptsOperator, destination=destination, run=run, lookback="PT0S")
    assert late.id not in transcribed(summary)


def test_a_pending_transcript_is_not_taken_for_a_late_call(gong: GongSandbox, destination: str) -> None:
    slow_call(gong, 2, NEVER)
    for number in (2, 3):
        gong.clock.set(day(number + 1) + 6 * HOUR)
        gong.requests.clear()
        run = interval_run(number, run_id=f"day-{number}")
        export(GongExportTranscriptsOperator, destination=destination, run=run)
    asked = [request.path for request in gong.requests]
    assert asked.count("/v2/calls/transcript") == 1, "its own day and what is pending"


def test_transcripts_are_complete_through_what_calls_are_and_before_what_is_pending(
    gong: GongSandbox, destination: str
) -> None:
    slow_call(gong, 8, NEVER)
    reached = [run_day(gong, number, destination)["complete_through"] for number in range(1, 10)]
    assert reached[:7] == [None] * 7
    assert reached[7:] == [day(2).isoformat(), day(2).isoformat()]


def test_a_steady_day_costs_at_most_twelve_requests(gong: GongSandbox, destination: str) -> None:
    """Calls and transcripts; the users of the figure are exported apart."""
    for number in range(1, 9):
        for minute in range(30):
            gong.world.add_call(day(number) + 10 * HOUR + timedelta(minutes=minute))
        run_day(gong, number, destination)
    slow_call(gong, 9, NEVER)
    gong.world.add_call(day(8) + HOUR, visible_at=day(9) + HOUR)
    gong.requests.clear()
    run_day(gong, 9, destination)
    users = 5
    assert len(gong.requests) + users <= 12


def test_a_call_that_turned_private_and_back_is_transcribed(gong: GongSandbox, destination: str) -> None:
    """Without an export of calls: the transcript is waited for no more, and is a late one afterwards."""
    slow = slow_call(gong, 2, day(3) + 20 * HOUR)
    for number, private in ((2, False), (3, True), (4, False)):
        gong.world.alter_call(slow.id, private=private)
        gong.clock.set(day(number + 1) + 6 * HOUR)
        run = interval_run(number, run_id=f"day-{number}")
        summary = export(GongExportTranscriptsOperator, destination=destination, run=run)
        assert (slow.id in transcribed(summary)) is (number == 4)


def test_complete_through_stays_before_a_late_call_that_is_pending(
    gong: GongSandbox, destination: str
) -> None:
    late = gong.world.add_call(day(2) + HOUR, visible_at=day(5), transcript_at=NEVER)
    reached = [run_day(gong, number, destination)["complete_through"] for number in range(1, 14)]
    known = [datetime.fromisoformat(one) for one in reached if one is not None]
    assert known
    assert max(known) <= late.started


def test_what_was_given_up_is_not_resolved_over_and_over(gong: GongSandbox, destination: str) -> None:
    slow_call(gong, 2, NEVER)
    for number in range(2, 6):
        run_day(gong, number, destination, give_up_after="P2D")
    gong.requests.clear()
    body = manifest(run_day(gong, 6, destination, give_up_after="P2D", resolve_pending=True))
    assert (body["pending"], body["given_up"]) == ([], [])
    assert len(gong.requests.to("/v2/calls/transcript")) == 1


def test_what_is_waited_for_fills_up_the_request_of_the_window(gong: GongSandbox, destination: str) -> None:
    slow = slow_call(gong, 2, day(3) + 20 * HOUR)
    run_day(gong, 2, destination)
    gong.requests.clear()
    assert slow.id in transcribed(run_day(gong, 3, destination))
    assert len(gong.requests.to("/v2/calls/transcript")) == 1


def test_clearing_a_run_whose_calls_all_turned_private_leaves_no_transcripts(
    gong: GongSandbox, destination: str
) -> None:
    """That is no key which lost sight of the calls."""
    for minute in range(11):
        gong.world.add_call(day(2) + minute * timedelta(minutes=1))
    assert run_day(gong, 2, destination)["rows"] == 12
    for call in gong.world.calls():
        gong.world.alter_call(call.id, private=True)
    assert run_day(gong, 2, destination)["rows"] == 0
