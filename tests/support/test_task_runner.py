"""The task runner of the tests behaves as Airflow's own."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, Asset, BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.triggers.base import BaseTrigger

from tests.support.task_runner import RunSpec, run_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow.sdk import Context
    from airflow.triggers.base import TriggerEvent

DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Doing(BaseOperator):
    """Do what a test says, and return its result."""

    template_fields = ("word",)

    def __init__(self, *, word: str = "", do: Callable[[Doing, Context], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.word = word
        self.do = do

    def execute(self, context: Context) -> Any:
        return self.do(self, context)

    def go_on(self, context: Context, event: Any) -> Any:
        return {"resumed": event}


class Bell(BaseTrigger):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "tests.support.test_task_runner.Bell", {"rings": 3}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise NotImplementedError
        yield


def doing(do: Callable[[Doing, Context], Any], **kwargs: Any) -> Doing:
    return Doing(task_id="task", do=do, **kwargs)


def raising(error: BaseException) -> Callable[[Doing, Context], Any]:
    def do(operator: Doing, context: Context) -> Any:
        raise error

    return do


def test_return_value_is_the_xcom() -> None:
    result = run_task(doing(lambda op, context: {"rows": 3})).succeeded()
    assert result.state == "success"
    assert result.xcom == {"rows": 3}


def test_templates_are_rendered_in_a_copy() -> None:
    operator = doing(lambda op, context: op.word, word="{{ run_id }} {{ dag_run.conf.x }}")
    for run_id in ("one", "two"):
        result = run_task(operator, run=RunSpec(run_id=run_id, conf={"x": 7}))
        assert result.xcom == f"{run_id} 7"
        assert result.rendered == {"word": f"{run_id} 7"}


def test_template_of_an_absent_date_fails_the_task() -> None:
    result = run_task(doing(lambda op, context: None, word="{{ ds }}"))
    assert result.state == "failed"
    assert "'ds' is undefined" in str(result.error)


def test_skip() -> None:
    assert run_task(doing(raising(AirflowSkipException("nothing to do")))).state == "skipped"


def test_fail_exception_is_not_retried() -> None:
    result = run_task(doing(raising(AirflowFailException("hopeless")), retries=3))
    assert result.state == "failed"
    with pytest.raises(AirflowFailException, match="hopeless"):
        result.succeeded()


def test_other_exceptions_are_retried_while_tries_are_left() -> None:
    operator = doing(raising(AirflowException("try later")), retries=1)
    assert run_task(operator, try_number=1).state == "up_for_retry"
    assert run_task(operator, try_number=2).state == "failed"


def test_outlet_events_carry_what_the_task_added() -> None:
    asset = Asset("calls")

    def announce(op: Doing, context: Context) -> None:
        context["outlet_events"][asset].extra["rows"] = 3

    [event] = run_task(doing(announce, outlets=[asset])).outlet_events
    assert event["extra"] == {"rows": 3}
    assert event["dest_asset_key"]["name"] == "calls"


def test_xcoms_of_other_tasks_can_be_pulled() -> None:
    def pull(op: Doing, context: Context) -> Any:
        return [context["ti"].xcom_pull("upstream"), context["ti"].xcom_pull("upstream", key="second")]

    given: dict[str | tuple[str, str], Any] = {"upstream": {"at": DAY}, ("upstream", "second"): 2}
    assert run_task(doing(pull), xcoms=given).xcom == [{"at": DAY}, 2]


def test_pushed_xcoms_are_seen() -> None:
    result = run_task(doing(lambda op, context: context["ti"].xcom_push("part", [1, 2])))
    assert result.xcoms == {"part": [1, 2]}


def test_connection_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOMEWHERE", '{"conn_type": "http", "host": "there"}')
    assert run_task(doing(lambda op, context: BaseHook.get_connection("somewhere").host)).xcom == "there"


def test_unknown_connection_fails_the_task() -> None:
    result = run_task(doing(lambda op, context: BaseHook.get_connection("nowhere")))
    assert result.state == "failed"
    assert "nowhere" in str(result.error)


def test_dag_attributes_are_reachable() -> None:
    dag = DAG("one_by_one", schedule=None, max_active_runs=1)
    operator = doing(lambda op, context: context["dag"].max_active_runs, dag=dag)
    assert run_task(operator).xcom == 1


def dates(op: Doing, context: Context) -> Any:
    keys = ("logical_date", "data_interval_start", "data_interval_end", "ds", "ts")
    return {key: str(context[key]) for key in keys if key in context}  # type: ignore[literal-required]


@pytest.mark.parametrize("run_type", ["manual", "asset_triggered"])
def test_run_without_logical_date_has_no_date_keys(run_type: Any) -> None:
    assert run_task(doing(dates), run=RunSpec(run_type=run_type)).xcom == {}


def test_logical_date_alone_has_an_empty_interval() -> None:
    seen = run_task(doing(dates), run=RunSpec(run_type="scheduled", logical_date=DAY)).xcom
    assert seen["data_interval_start"] == seen["data_interval_end"] == seen["logical_date"]
    assert seen["ds"] == "2026-01-01"


def test_interval_begins_at_the_logical_date() -> None:
    seen = run_task(
        doing(dates), run=RunSpec(run_type="backfill", data_interval=(DAY, DAY + timedelta(days=1)))
    ).xcom
    assert seen["logical_date"] == seen["data_interval_start"] == str(DAY)
    assert seen["data_interval_end"] == str(DAY + timedelta(days=1))


def test_run_facts_reach_the_task() -> None:
    def facts(op: Doing, context: Context) -> Any:
        dag_run, ti = context["dag_run"], context["ti"]
        return [dag_run.run_type, dag_run.clear_number, dag_run.partition_date, ti.try_number, ti.map_index]

    run = RunSpec(run_type="backfill", clear_number=2, partition_date=DAY)
    seen = run_task(doing(facts, retries=4), run=run, try_number=3, map_index=5).xcom
    assert seen == ["backfill", 2, DAY, 3, 5]


def test_deferral_is_seen_and_the_task_goes_on() -> None:
    operator = doing(lambda op, context: op.defer(trigger=Bell(), method_name="go_on"))
    deferred = run_task(operator)
    assert deferred.state == "deferred"
    assert deferred.deferral is not None
    assert deferred.deferral.trigger_kwargs == {"rings": 3}
    resumed = run_task(operator, resume=deferred.deferral.resume_with("rung"))
    assert resumed.xcom == {"resumed": "rung"}


def test_logs_are_seen_from_operator_and_library() -> None:
    def talk(op: Doing, context: Context) -> None:
        op.log.info("from %s", "the operator")
        logging.getLogger("library").warning("from a %s", "library")

    logs = run_task(doing(talk)).logs
    assert any(line.startswith("from the operator") for line in logs)
    assert "from a library" in logs


def test_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    run_task(doing(lambda op, context: None))
    assert dict(os.environ) == before
