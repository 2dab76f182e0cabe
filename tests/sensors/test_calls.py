"""Waiting for calls."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exceptions import GongConfigurationError, GongNotFound
from airflow_provider_gong.sensors.calls import GongCallSensor
from tests.api.wire import Wire, http
from tests.operators.conftest import NOW
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect


def wait(call_id: str, **arguments: Any) -> TaskResult:
    return run_task(GongCallSensor(task_id="wait", call_id=call_id, deferrable=True, **arguments))


def test_a_call_is_there_when_gong_shows_it(quiet: GongSandbox) -> None:
    started = NOW - timedelta(minutes=10)
    call = quiet.world.add_call(started, visible_at=NOW + timedelta(hours=2), title="Kick-off")
    assert wait(call.id).state == "deferred"
    quiet.clock.advance(timedelta(hours=2))
    record = wait(f" {{{{ {call.id} }}}} ").succeeded().xcom
    assert (record["id"], record["title"]) == (call.id, "Kick-off")


def test_a_call_that_gong_has_never_heard_of_may_still_come(quiet: GongSandbox) -> None:
    assert wait("7782342274025937895").state == "deferred"


@pytest.mark.parametrize(
    "said",
    ["Not Found", "No handler found for GET /v2/calls/7", "No calls found corresponding to the filters"],
)
def test_a_404_that_speaks_of_no_call_is_an_error(quiet: GongSandbox, connect: Connect, said: str) -> None:
    body = json.dumps({"errors": [said]}).encode()
    with Wire(http("404 Not Found", body, "Content-Type: application/json")) as wire:
        connect(quiet, {"host": wire.url})
        result = wait("7", retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert isinstance(result.error.__cause__, GongNotFound)


@pytest.mark.parametrize("call_id", ["", "None", "7.8e18", "7 8"])
def test_a_bad_id_fails_at_once(quiet: GongSandbox, call_id: str) -> None:
    result = wait(call_id, retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert isinstance(result.error.__cause__, GongConfigurationError)
    assert "call_id=" in str(result.error)
    assert len(quiet.requests) == 0


# Calls of a window


def of_day(**arguments: Any) -> TaskResult:
    window: dict[str, Any] = {
        "from_datetime": (NOW - timedelta(days=1)).isoformat(),
        "to_datetime": NOW.isoformat(),
    }
    arguments = window | {"deferrable": False, "mode": "reschedule"} | arguments
    return run_task(GongCallSensor(task_id="wait", **arguments))


def test_so_many_calls_of_a_window_are_waited_for(quiet: GongSandbox) -> None:
    for hours in (1, 2, 3):
        quiet.world.add_call(NOW - timedelta(hours=hours))
    quiet.world.add_call(NOW - timedelta(hours=4), private=True)
    quiet.world.add_call(NOW - timedelta(hours=5), visible_at=NOW + timedelta(hours=1))
    quiet.world.add_call(NOW - timedelta(hours=30))
    assert of_day(min_calls=3).succeeded().xcom == 3
    assert of_day(min_calls="4").state == "up_for_reschedule"
    assert of_day(min_calls=4, include_private=True).succeeded().xcom == 4
    assert of_day(min_calls=4, deferrable=True).state == "deferred"
    quiet.clock.advance(timedelta(hours=1))
    assert of_day(min_calls=4).succeeded().xcom == 4


def test_counting_ends_when_there_are_enough(quiet: GongSandbox) -> None:
    for n in range(250):
        quiet.world.add_call(NOW - timedelta(hours=2, seconds=n))
    assert of_day(min_calls=100).succeeded().xcom == 100
    assert len(quiet.requests) == 1


def test_a_window_without_calls_is_not_yet(quiet: GongSandbox) -> None:
    assert of_day(min_calls=1).state == "up_for_reschedule"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "from_datetime, to_datetime says which calls to count, and min_calls is not given"),
        ({"min_calls": 1, "call_id": "7"}, "call_id and min_calls were both given"),
        ({"min_calls": 0}, "min_calls=0 would wait for nothing"),
        ({"min_calls": "many"}, "min_calls='many' is not a number"),
    ],
)
def test_wrong_arguments_fail_at_once(quiet: GongSandbox, arguments: dict[str, Any], problem: str) -> None:
    result = of_day(**arguments, retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert problem in str(result.error)
    assert len(quiet.requests) == 0
