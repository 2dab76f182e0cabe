"""Waiting for transcripts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor
from tests.operators.conftest import NOW
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

HOUR = timedelta(hours=1)
START, END = NOW - timedelta(days=1), NOW


def look(**arguments: Any) -> TaskResult:
    given: dict[str, Any] = {"deferrable": False, "mode": "reschedule"}
    arguments = given | arguments
    return run_task(GongTranscriptSensor(task_id="wait", **arguments))


def of_day(**arguments: Any) -> TaskResult:
    return look(from_datetime=START.isoformat(), to_datetime=END.isoformat(), **arguments)


def add(gong: GongSandbox, count: int, ready: int, **changes: Any) -> list[str]:
    """Add calls of yesterday, the first of them with a transcript, the others with one in an hour."""
    return [
        gong.world.add_call(
            START + timedelta(seconds=n), transcript_at=NOW if n < ready else NOW + HOUR, **changes
        ).id
        for n in range(count)
    ]


def test_all_given_calls_are_waited_for(quiet: GongSandbox) -> None:
    ids = add(quiet, 250, 249)
    assert look(call_ids=ids).state == "up_for_reschedule"
    assert len(quiet.requests) == 3
    quiet.clock.advance(HOUR)
    assert look(call_ids=ids).succeeded().xcom == {"ready": ids, "missing": []}


def test_a_share_of_given_calls_is_enough(quiet: GongSandbox) -> None:
    ids = add(quiet, 10, 7)
    assert look(call_ids=ids, min_share=0.71).state == "up_for_reschedule"
    result = look(call_ids=ids, min_share="0.7").succeeded().xcom
    assert result == {"ready": ids[:7], "missing": ids[7:]}


def test_a_deferred_wait_is_for_the_same_number(quiet: GongSandbox) -> None:
    ids = add(quiet, 10, 2)
    result = look(call_ids=ids, min_share=0.7, deferrable=True)
    assert result.deferral is not None
    assert result.deferral.trigger_kwargs["wanted"] == 7


def test_records_of_a_list_and_json_are_ids_too(quiet: GongSandbox) -> None:
    ids = add(quiet, 2, 2)
    records = [{"metaData": {"id": ids[0]}}, {"id": ids[1]}]
    assert look(call_ids=records).succeeded().xcom["ready"] == ids
    assert look(call_ids=json.dumps(ids)).succeeded().xcom["ready"] == ids


@pytest.mark.parametrize("nothing", [[], "[]", "None", ""])
def test_no_calls_are_nothing_to_wait_for(quiet: GongSandbox, nothing: Any) -> None:
    assert look(call_ids=nothing).succeeded().xcom == {"ready": [], "missing": []}
    assert len(quiet.requests) == 0


def test_a_call_that_gong_does_not_know_is_not_yet(quiet: GongSandbox) -> None:
    assert look(call_ids=["7782342274025937895"]).state == "up_for_reschedule"


def test_the_calls_of_a_window_are_listed_anew_for_each_look(quiet: GongSandbox) -> None:
    ids = add(quiet, 3, 3)
    late = quiet.world.add_call(
        END - HOUR, visible_at=NOW + timedelta(minutes=30), transcript_at=NOW + HOUR
    ).id
    assert of_day().succeeded().xcom == {"ready": ids, "missing": []}
    quiet.clock.advance(timedelta(minutes=45))
    assert of_day().state == "up_for_reschedule"
    assert of_day(min_share=0.75).succeeded().xcom == {"ready": ids, "missing": [late]}
    quiet.clock.advance(HOUR)
    assert of_day().succeeded().xcom == {"ready": [*ids, late], "missing": []}


def test_a_window_without_calls_is_not_yet(quiet: GongSandbox) -> None:
    assert of_day(min_share=0.01).state == "up_for_reschedule"
    # Without calls there are no transcripts to ask for.
    assert len(quiet.requests) == 1


def test_private_calls_of_a_window_are_left_out(quiet: GongSandbox) -> None:
    [public] = add(quiet, 1, 1)
    private = quiet.world.add_call(END - HOUR, private=True, transcript_at=NOW + HOUR).id
    assert of_day().succeeded().xcom == {"ready": [public], "missing": []}
    assert of_day(include_private=True).state == "up_for_reschedule"
    quiet.clock.advance(HOUR)
    assert of_day(include_private="true").succeeded().xcom["ready"] == [public, private]


def test_a_window_can_be_of_one_workspace(quiet: GongSandbox) -> None:
    here, there = (one["id"] for one in quiet.world.workspaces[:2])
    ids = add(quiet, 1, 1, workspace_id=here)
    quiet.world.add_call(END - HOUR, workspace_id=there, transcript_at=NOW + HOUR)
    assert of_day(workspace_id=here).succeeded().xcom["ready"] == ids


def test_deferred_a_window_is_looked_at_in_a_worker(quiet: GongSandbox) -> None:
    add(quiet, 1, 0)
    result = of_day(deferrable=True)
    assert result.deferral is not None
    assert result.deferral.classpath.endswith("DateTimeTrigger")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "Neither call_ids nor a window is given"),
        ({"workspace_id": "7"}, "Neither call_ids nor a window is given"),
        ({"call_ids": ["7"], "from_datetime": "2026-01-01"}, "call_ids and from_datetime were both given"),
        ({"call_ids": ["7"], "min_share": 0}, "min_share=0 is no share"),
        ({"call_ids": ["7"], "min_share": "1.1"}, "min_share='1.1' is no share"),
        ({"call_ids": ["x y"]}, "call_ids="),
    ],
)
def test_wrong_arguments_fail_at_once(quiet: GongSandbox, arguments: dict[str, Any], problem: str) -> None:
    result = look(**arguments, retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert problem in str(result.error)
    assert len(quiet.requests) == 0


def test_any_other_404_is_an_error(quiet: GongSandbox) -> None:
    quiet.faults.add("server_error", status=404, times=None)
    result = look(call_ids=["7"], retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
