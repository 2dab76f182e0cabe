"""How sensors wait: in every mode, until the deadline, through trouble that passes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_gong.exceptions import GongForbidden, GongUnavailable
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.sensors.base import GongSensor
from airflow_provider_gong.sensors.calls import GongCallSensor
from airflow_provider_gong.triggers.looks import find_call
from airflow_provider_gong.triggers.waiter import MOST_FAILURES
from tests.operators.conftest import NOW
from tests.support.dag_runs import run_dag
from tests.support.task_runner import Resume, RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

HOUR = timedelta(hours=1)
PATH = "/v2/calls/*"
TRIGGER = "airflow.providers.standard.triggers.temporal.DateTimeTrigger"


class HourLater(GongSensor):
    """Wait for a call, and let an hour of Gong pass after each look that comes too early."""

    template_fields = gong_fields("call_id")
    gong: ClassVar[GongSandbox]

    def __init__(self, *, call_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call_id = call_id

    def verdict(self) -> Any:
        result = find_call(self.hook, self.call_id)
        if result is None:
            self.gong.clock.advance(HOUR)
        return result


@pytest.fixture
def call_id(quiet: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the id of a call that Gong shows three hours after it was over."""
    monkeypatch.setattr(HourLater, "gong", quiet, raising=False)
    started = NOW - timedelta(minutes=10)
    return quiet.world.add_call(started, visible_at=NOW + 3 * HOUR).id


def sensor(call_id: str, **arguments: Any) -> HourLater:
    return HourLater(task_id="wait", call_id=call_id, **({"deferrable": True} | arguments))


def go_on(operator: HourLater, waiting: TaskResult) -> TaskResult:
    """Let the trigger fire."""
    assert waiting.deferral is not None, waiting.error
    fired = waiting.deferral.trigger_kwargs["moment"]
    return run_task(operator, resume=waiting.deferral.resume_with(fired))


def seconds_to_wait(result: TaskResult) -> float:
    assert result.deferral is not None, result.error
    wait = result.deferral.trigger_kwargs["moment"] - datetime.now(UTC)
    return float(wait.total_seconds())


def resumed(started: datetime, **kwargs: Any) -> Resume:
    return Resume("look_again", {"started": started.isoformat(), "event": None, **kwargs})


# The three ways to wait


def test_deferred_wait_ends_with_the_result(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id)
    results = [run_task(operator)]
    while results[-1].state == "deferred":
        results.append(go_on(operator, results[-1]))
    assert [one.state for one in results] == ["deferred"] * 3 + ["success"]
    assert results[-1].xcom["id"] == call_id
    assert [one.deferral.kwargs["looks"] for one in results if one.deferral] == [2, 3, 4]
    assert len(quiet.requests) == 4


@pytest.mark.parametrize("short", [{"poke_interval": 1}, {"timeout": 1}], ids=str)
def test_deferred_wait_is_not_too_short_for_the_scheduler(call_id: str, short: dict[str, Any]) -> None:
    assert 8 < seconds_to_wait(run_task(sensor(call_id, **short))) <= 10


def test_poking_wait_ends_with_the_result(quiet: GongSandbox, call_id: str) -> None:
    result = run_task(sensor(call_id, deferrable=False, poke_interval=0)).succeeded()
    assert result.xcom["id"] == call_id
    assert len(quiet.requests) == 4


def test_rescheduled_wait_ends_with_the_result(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id, deferrable=False, mode="reschedule")
    results = [run_task(operator) for _ in range(4)]
    assert [one.state for one in results[:3]] == ["up_for_reschedule"] * 3
    assert results[-1].succeeded().xcom["id"] == call_id
    assert len(quiet.requests) == 4


@pytest.mark.parametrize("how", [{"deferrable": True}, {"mode": "reschedule"}, {"mode": "poke"}])
def test_what_is_there_already_needs_no_wait(quiet: GongSandbox, call_id: str, how: dict[str, Any]) -> None:
    quiet.clock.advance(3 * HOUR)
    result = run_task(sensor(call_id, **({"deferrable": False} | how))).succeeded()
    assert result.xcom["id"] == call_id
    assert len(quiet.requests) == 1


def test_airflows_option_decides_whether_to_defer() -> None:
    script = "import {0} as sensors; print(sensors.GongCallSensor(task_id='wait', call_id='7').deferrable)"
    told = [
        subprocess.run(
            [sys.executable, "-c", script.format(GongCallSensor.__module__)],
            env=os.environ | {"AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": option},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-1]
        for option in ("True", "False")
    ]
    assert told == ["True", "False"]


# Deferred


def test_airflows_own_trigger_waits_and_knows_nothing_but_the_time(quiet: GongSandbox, call_id: str) -> None:
    result = run_task(sensor(call_id, poke_interval=600))
    assert result.deferral is not None
    assert result.deferral.classpath == TRIGGER
    assert set(result.deferral.trigger_kwargs) == {"moment", "end_from_trigger"}
    assert seconds_to_wait(result) == pytest.approx(600, abs=30)
    assert set(result.deferral.kwargs) == {"started", "looks", "failures"}
    assert len(quiet.requests) == 1


def test_deferred_wait_backs_off_as_airflow_does(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id, poke_interval=60, exponential_backoff=True, max_wait=1000)
    waits = []
    for looks in (1, 4, 9):
        result = run_task(operator, resume=resumed(datetime.now(UTC), looks=looks))
        waits.append(seconds_to_wait(result))
        quiet.clock.set(NOW)
    assert waits[0] < 130 < 230 < waits[1] < 970 < waits[2] <= 1000


def test_deadline_counts_from_the_first_look(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id, timeout=3600, poke_interval=1800)
    first = run_task(operator)
    assert first.deferral is not None
    started = first.deferral.kwargs["started"]
    second = go_on(operator, first)
    assert second.deferral is not None
    assert second.deferral.kwargs["started"] == started
    assert abs(datetime.now(UTC) - datetime.fromisoformat(started)) < timedelta(minutes=1)


def test_last_look_is_at_the_deadline(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id, timeout=3600, poke_interval=1800)
    result = run_task(operator, resume=resumed(datetime.now(UTC) - timedelta(minutes=50)))
    assert seconds_to_wait(result) == pytest.approx(600, abs=30)


def test_after_the_deadline_the_wait_fails(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id, timeout=3600)
    result = run_task(operator, resume=resumed(datetime.now(UTC) - timedelta(hours=9)))
    assert result.state == "failed"
    assert isinstance(result.error, AirflowSensorTimeout)
    assert str(result.error) == "Not done 3600 s after the first look."
    assert len(quiet.requests) == 1


def test_a_triggerer_that_was_down_beyond_the_deadline_does_not_spoil_the_result(
    quiet: GongSandbox, call_id: str
) -> None:
    quiet.clock.advance(3 * HOUR)
    operator = sensor(call_id, timeout=3600)
    late = run_task(operator, resume=resumed(datetime.now(UTC) - timedelta(hours=9)))
    assert late.succeeded().xcom["id"] == call_id


@pytest.mark.parametrize("argument", ["soft_fail", "never_fail"])
def test_after_the_deadline_a_soft_wait_is_skipped(quiet: GongSandbox, call_id: str, argument: str) -> None:
    operator = sensor(call_id, timeout=3600, **{argument: True})
    result = run_task(operator, resume=resumed(datetime.now(UTC) - timedelta(hours=9)))
    assert result.state == "skipped"


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_airflows_own_modes_keep_their_deadline(quiet: GongSandbox, call_id: str, mode: str) -> None:
    arguments: dict[str, Any] = {"deferrable": False, "mode": mode, "timeout": 0, "poke_interval": 0}
    assert isinstance(run_task(sensor(call_id, **arguments)).error, AirflowSensorTimeout)
    assert run_task(sensor(call_id, soft_fail=True, **arguments)).state == "skipped"


@pytest.mark.parametrize("resume", [None, "a deferral"])
def test_a_look_leaves_no_connection_open(
    quiet: GongSandbox, call_id: str, monkeypatch: pytest.MonkeyPatch, resume: str | None
) -> None:
    seen: list[tuple[GongHook, object]] = []
    look = HourLater.verdict

    def watched(self: HourLater) -> Any:
        seen.append((self.hook, self.hook.get_conn()))
        return look(self)

    monkeypatch.setattr(HourLater, "verdict", watched)
    run_task(sensor(call_id), resume=resumed(datetime.now(UTC)) if resume else None)
    [(hook, client)] = seen
    # A closed hook makes a new client when it is asked again.
    assert hook.get_conn() is not client
    hook.close()


# Trouble


def trouble(gong: GongSandbox, times: int | None = None, kind: str = "server_error", **settings: Any) -> None:
    gong.faults.add(kind, path=PATH, times=times, **settings)


@pytest.mark.usefixtures("no_waiting")
def test_deferred_wait_survives_an_hour_of_trouble(quiet: GongSandbox, call_id: str) -> None:
    operator = sensor(call_id)
    quiet.clock.advance(3 * HOUR)
    trouble(quiet)
    results = [run_task(operator)]
    for _ in range(MOST_FAILURES - 1):
        results.append(go_on(operator, results[-1]))
    assert [one.state for one in results] == ["deferred"] * MOST_FAILURES
    assert [one.deferral and one.deferral.kwargs["failures"] for one in results] == [1, 2, 3, 4, 5]
    assert any(
        "Look failed, 5 in a row, the wait goes on: GET /v2/calls/{id}: 503" in line
        for line in results[-1].logs
    )
    quiet.faults.clear()
    assert go_on(operator, results[-1]).succeeded().xcom["id"] == call_id


@pytest.mark.usefixtures("no_waiting")
def test_trouble_that_stays_is_left_to_airflows_retry(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet)
    result = run_task(sensor(call_id, retries=2), resume=resumed(datetime.now(UTC), failures=MOST_FAILURES))
    assert result.state == "up_for_retry"
    assert isinstance(result.error, GongUnavailable)


@pytest.mark.usefixtures("no_waiting")
def test_only_failures_in_a_row_count(quiet: GongSandbox, call_id: str) -> None:
    result = run_task(sensor(call_id), resume=resumed(datetime.now(UTC), failures=MOST_FAILURES))
    assert result.deferral is not None
    assert result.deferral.kwargs["failures"] == 0


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    ("looks", "state"), [(MOST_FAILURES, "success"), (MOST_FAILURES + 1, "up_for_retry")]
)
def test_poking_wait_survives_some_trouble(quiet: GongSandbox, call_id: str, looks: int, state: str) -> None:
    quiet.clock.advance(3 * HOUR)
    # Each look tries five times.
    trouble(quiet, times=5 * looks)
    result = run_task(sensor(call_id, deferrable=False, poke_interval=0, retries=2))
    assert result.state == state, result.error


@pytest.mark.usefixtures("no_waiting")
def test_rescheduled_wait_survives_some_trouble(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet)
    kept: dict[str, Any] = {}
    operator = sensor(call_id, deferrable=False, mode="reschedule", retries=2)
    states = [run_task(operator, task_state=kept).state for _ in range(MOST_FAILURES + 1)]
    assert states == ["up_for_reschedule"] * MOST_FAILURES + ["up_for_retry"]
    # The next try starts from nothing.
    assert run_task(operator, task_state=kept, try_number=2).state == "up_for_reschedule"


@pytest.mark.usefixtures("no_waiting")
def test_rescheduled_wait_counts_its_failures_in_a_real_airflow(quiet: GongSandbox, call_id: str) -> None:
    quiet.clock.advance(3 * HOUR)
    trouble(quiet, times=5 * MOST_FAILURES)
    with DAG("reschedules", schedule=None) as dag:
        sensor(call_id, deferrable=False, mode="reschedule", poke_interval=0)
    assert run_dag(dag).xcoms["wait"]["id"] == call_id
    assert len(quiet.requests) == 5 * MOST_FAILURES + 1
    trouble(quiet)
    assert run_dag(dag).state == "failed"


@pytest.mark.parametrize("how", [{"deferrable": True}, {"mode": "reschedule"}, {"mode": "poke"}])
def test_what_cannot_pass_fails_at_once(quiet: GongSandbox, call_id: str, how: dict[str, Any]) -> None:
    quiet.access.trusted_ip = False
    arguments = {"deferrable": False, "poke_interval": 0, "retries": 2} | how
    result = run_task(sensor(call_id, **arguments))
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert isinstance(result.error.__cause__, GongForbidden)
    assert len(quiet.requests) == 1
    assert run_task(sensor(call_id, soft_fail=True, **arguments)).state == "skipped"


@pytest.mark.usefixtures("no_waiting")
def test_what_cannot_pass_fails_after_a_deferral_too(quiet: GongSandbox, call_id: str) -> None:
    quiet.access.trusted_ip = False
    result = run_task(sensor(call_id, retries=2), resume=resumed(datetime.now(UTC)))
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)


# The quota


def test_deferred_wait_comes_back_when_gong_says(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet, kind="rate_limited", retry_after=7200)
    result = run_task(sensor(call_id, poke_interval=60))
    assert seconds_to_wait(result) == pytest.approx(7200, abs=30)
    assert result.deferral is not None
    assert result.deferral.kwargs["failures"] == 0
    assert any("No look now: GET /v2/calls/{id}: 429" in line for line in result.logs)


def test_deferred_wait_does_not_come_back_before_gong_says_even_for_its_deadline(
    quiet: GongSandbox, call_id: str
) -> None:
    trouble(quiet, kind="rate_limited", retry_after=7200)
    assert seconds_to_wait(run_task(sensor(call_id, timeout=3600))) == pytest.approx(7200, abs=30)


def test_a_short_wait_of_gong_does_not_shorten_ours(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet, kind="rate_limited", retry_after=70)
    assert seconds_to_wait(run_task(sensor(call_id, poke_interval=3600))) == pytest.approx(3600, abs=30)


def test_deferred_wait_comes_back_when_the_quota_of_the_day_is_renewed(
    quiet: GongSandbox, call_id: str, connect: Connect
) -> None:
    connect(quiet, requests_per_day=1, daily_share=100)
    operator = sensor(call_id, poke_interval=60)
    spent = go_on(operator, run_task(operator))
    assert len(quiet.requests) == 1
    assert seconds_to_wait(spent) == pytest.approx(86_400, abs=60)


def test_quota_never_uses_up_the_patience(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet, kind="rate_limited", retry_after=7200)
    result = run_task(sensor(call_id), resume=resumed(datetime.now(UTC), failures=MOST_FAILURES))
    assert result.deferral is not None
    assert result.deferral.kwargs["failures"] == MOST_FAILURES


def test_rescheduled_wait_comes_back_when_gong_says(quiet: GongSandbox, call_id: str) -> None:
    trouble(quiet, kind="rate_limited", retry_after=7200)
    result = run_task(sensor(call_id, deferrable=False, mode="reschedule", poke_interval=60))
    assert result.state == "up_for_reschedule"
    assert result.reschedule_date is not None
    assert (result.reschedule_date - datetime.now(UTC)).total_seconds() == pytest.approx(7200, abs=30)


def test_deferred_looks_of_a_backfill_count_as_its_own(
    quiet: GongSandbox, call_id: str, connect: Connect
) -> None:
    connect(quiet, requests_per_day=10, daily_share=100, backfill_share=20)
    operator = sensor(call_id, poke_interval=60)
    backfill = RunSpec(run_type="backfill", logical_date=datetime(2026, 1, 1, tzinfo=UTC))
    result = run_task(operator, run=backfill)
    for _ in range(2):
        assert result.deferral is not None
        result = run_task(operator, run=backfill, resume=result.deferral.resume_with(None))
    assert len(quiet.requests) == 2
    assert seconds_to_wait(result) == pytest.approx(86_400, abs=60)
