"""How the sensors for calls wait together: what they hand to the trigger, and what they make of its event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_gong.exceptions import GongUnavailable
from airflow_provider_gong.sensors.calls import GongCallSensor
from airflow_provider_gong.sensors.transcripts import GongTranscriptSensor
from airflow_provider_gong.triggers.calls import GongCallsTrigger, GongTranscriptsTrigger
from tests.operators.conftest import NOW
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.sensors.together import GongTogetherSensor

HOUR = timedelta(hours=1)


@pytest.fixture
def call_id(quiet: GongSandbox) -> str:
    """Return the id of a call that Gong shows in an hour, and transcribes in two."""
    started = NOW - timedelta(minutes=10)
    call = quiet.world.add_call(started, visible_at=NOW + HOUR, transcript_at=NOW + 2 * HOUR)
    return call.id


@pytest.fixture(params=["call", "transcript"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sensor(kind: str, call_id: str, **arguments: Any) -> GongTogetherSensor:
    given: dict[str, Any] = {"task_id": "wait", "deferrable": True}
    arguments = given | arguments
    if kind == "call":
        return GongCallSensor(call_id=call_id, **arguments)
    return GongTranscriptSensor(call_ids=[call_id], **arguments)


def told(operator: GongTogetherSensor, waiting: TaskResult, **event: Any) -> TaskResult:
    """Go on with an event of the trigger."""
    assert waiting.deferral is not None, waiting.error
    event = {"status": "ready", "missing": [], "problem": None} | event
    return run_task(operator, resume=waiting.deferral.resume_with(event))


def test_the_trigger_gets_all_it_needs(quiet: GongSandbox, call_id: str, kind: str) -> None:
    result = run_task(sensor(kind, call_id, poke_interval=90, timeout=3600))
    assert result.deferral is not None
    expected = GongCallsTrigger if kind == "call" else GongTranscriptsTrigger
    assert result.deferral.classpath == f"{expected.__module__}.{expected.__name__}"
    arguments = result.deferral.trigger_kwargs
    deadline = datetime.fromisoformat(arguments.pop("deadline"))
    assert abs(deadline - datetime.now(UTC) - HOUR) < timedelta(minutes=1)
    assert arguments == {
        "call_ids": [call_id],
        "wanted": 1,
        "poke_interval": 90.0,
        "gong_conn_id": "gong_default",
        "backfill": False,
    }
    assert len(quiet.requests) == 1


def test_waits_of_a_backfill_count_as_its_own(quiet: GongSandbox, call_id: str, kind: str) -> None:
    result = run_task(sensor(kind, call_id), run=RunSpec(run_type="backfill"))
    assert result.deferral is not None
    assert result.deferral.trigger_kwargs["backfill"] is True


def test_the_result_is_that_of_a_look(quiet: GongSandbox, call_id: str, kind: str) -> None:
    operator = sensor(kind, call_id)
    waiting = run_task(operator)
    quiet.clock.advance(2 * HOUR)
    result = told(operator, waiting).succeeded().xcom
    expected = run_task(sensor(kind, call_id, deferrable=False)).succeeded().xcom
    assert result == expected
    assert call_id in str(result)


def test_a_call_that_is_hidden_again_is_waited_for_again(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor("call", call_id, timeout=3600)
    waiting = run_task(operator)
    again = told(operator, waiting)
    assert again.state == "deferred"
    assert again.deferral is not None
    assert waiting.deferral is not None
    assert again.deferral.trigger_kwargs["deadline"] == waiting.deferral.trigger_kwargs["deadline"]


@pytest.mark.parametrize(("soft", "state"), [(False, "failed"), (True, "skipped")])
def test_a_time_out_ends_the_wait(
    quiet: GongSandbox, call_id: str, kind: str, soft: bool, state: str
) -> None:
    operator = sensor(kind, call_id, soft_fail=soft, timeout=3600, retries=2)
    result = told(operator, run_task(operator), status="timeout", missing=[call_id])
    assert result.state == state
    if not soft:
        assert isinstance(result.error, AirflowSensorTimeout)
        assert str(result.error) == "Not done 3600 s after the first look: 1 calls are missing."


@pytest.mark.parametrize(("soft", "state"), [(False, "failed"), (True, "skipped")])
def test_what_cannot_pass_fails_for_good(
    quiet: GongSandbox, call_id: str, kind: str, soft: bool, state: str
) -> None:
    operator = sensor(kind, call_id, soft_fail=soft, retries=2)
    result = told(operator, run_task(operator), status="refused", missing=[call_id], problem="403: no")
    assert result.state == state
    if not soft:
        assert isinstance(result.error, AirflowFailException)
        assert str(result.error) == "403: no"


def test_trouble_that_stays_is_left_to_airflows_retry(quiet: GongSandbox, call_id: str, kind: str) -> None:
    operator = sensor(kind, call_id, retries=2)
    result = told(operator, run_task(operator), status="failed", missing=[call_id], problem="503: down")
    assert result.state == "up_for_retry"
    assert isinstance(result.error, GongUnavailable)
    assert str(result.error) == "503: down"


def test_a_sensor_that_backs_off_looks_for_itself(quiet: GongSandbox, call_id: str, kind: str) -> None:
    result = run_task(sensor(kind, call_id, exponential_backoff=True))
    assert result.deferral is not None
    assert result.deferral.classpath.endswith("DateTimeTrigger")


@pytest.mark.usefixtures("no_waiting")
def test_a_first_look_that_fails_is_followed_by_a_wait(quiet: GongSandbox, call_id: str, kind: str) -> None:
    quiet.faults.add("server_error", times=5)
    result = run_task(sensor(kind, call_id))
    assert result.deferral is not None
    assert result.deferral.classpath.startswith("airflow_provider_gong.triggers.")


def test_no_title_reaches_the_triggerer(quiet: GongSandbox, call_id: str) -> None:
    quiet.world.alter_call(call_id, title="Secret merger")
    operator = sensor("call", call_id)
    waiting = run_task(operator)
    quiet.clock.advance(2 * HOUR)
    assert told(operator, waiting).succeeded().xcom["title"] == "Secret merger"
    assert "Secret" not in repr(waiting)
