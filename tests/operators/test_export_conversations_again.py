"""What the newest run of a conversations export does about the windows before: late calls, transcripts that came."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exports import read_export
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from tests.operators.exporting import call_ids, day, export, interval_run, manifest, rows

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

HOUR = timedelta(hours=1)
NEVER = day(31)


@pytest.fixture
def gong(quiet: GongSandbox) -> GongSandbox:
    """Return a company with a call on each day, whose transcript is ready at once."""
    for number in range(1, 10):
        quiet.world.add_call(day(number) + 9 * HOUR)
    return quiet


def run_day(gong: GongSandbox, number: int, destination: str, **arguments: Any) -> dict[str, Any]:
    gong.clock.set(day(number + 1) + 6 * HOUR)
    run = interval_run(number, run_id=f"day-{number}", **arguments.pop("facts", {}))
    summary: dict[str, Any] = export(
        GongExportConversationsOperator, destination=destination, run=run, **arguments
    )
    return summary


def texts(summary: dict[str, Any]) -> dict[str, str | None]:
    return {row["metaData"]["id"]: row["text"] for row in rows(summary)}


@pytest.mark.parametrize("file_format", ["jsonl.gz", "parquet"])
def test_a_conversation_is_exported_again_when_its_transcript_has_come(
    gong: GongSandbox, destination: str, file_format: str
) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=day(4) + 20 * HOUR)
    summaries = [run_day(gong, number, destination, file_format=file_format) for number in (2, 3, 4, 5)]
    assert texts(summaries[0])[slow.id] is None
    assert [summary["pending"] for summary in summaries] == [1, 1, 0, 0]
    assert [slow.id in texts(summary) for summary in summaries] == [True, False, True, False]
    assert (texts(summaries[2])[slow.id] or "").startswith("[00:")


def test_a_late_call_comes_with_its_transcript(gong: GongSandbox, destination: str) -> None:
    late = gong.world.add_call(day(2) + HOUR, visible_at=day(3) + 20 * HOUR)
    assert late.id not in texts(run_day(gong, 2, destination))
    assert texts(run_day(gong, 3, destination))[late.id]


def test_what_does_not_come_is_given_up(gong: GongSandbox, destination: str) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=NEVER)
    bodies = [manifest(run_day(gong, number, destination, give_up_after="P2D")) for number in (2, 3, 4, 5)]
    assert [body["pending"] for body in bodies] == [[slow.id], [slow.id], [], []]
    assert [body["given_up"] for body in bodies] == [[], [], [slow.id], []]
    assert [body["complete"] for body in bodies] == [False, False, True, True]


def test_deletions_of_conversations_are_told_apart_from_those_of_calls(
    gong: GongSandbox, destination: str
) -> None:
    call = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination)
    gong.world.alter_call(call.id, private=True)
    uri = str(run_day(gong, 3, destination)["uri"])
    told = uri.replace("/conversations/", "/conversation_deletions/")
    assert [(row["id"], row["reason"]) for row in read_export(told)] == [(call.id, "private")]


def test_a_key_that_lost_sight_of_the_calls_is_told_beside_what_is_pending(
    gong: GongSandbox, destination: str
) -> None:
    gong.world.add_call(day(2) + HOUR, transcript_at=NEVER)
    run_day(gong, 2, destination)
    gong.key.sees_calls = False
    assert manifest(run_day(gong, 3, destination))["incomplete_because"] == [
        "1 transcripts are not ready yet",
        "2 exported calls are not shown any more, too many to be believed",
    ]


def test_clearing_a_run_keeps_what_it_had_brought(gong: GongSandbox, destination: str) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=day(3) + 20 * HOUR)
    for number in (2, 3, 4):
        run_day(gong, number, destination)
    again = run_day(gong, 3, destination, facts={"clear_number": 1})
    assert slow.id in call_ids(rows(again))
    assert len(rows(again)) == 2
