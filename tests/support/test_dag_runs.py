"""A whole Dag runs in the test's process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, BaseHook, BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from tests.support.dag_runs import run_dag

DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Echo(BaseOperator):
    template_fields = ("word",)

    def __init__(self, *, word: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.word = word

    def execute(self, context: Context) -> str:
        self.log.info("says %s", self.word)
        return self.word


class Refuse(BaseOperator):
    def execute(self, context: Context) -> None:
        raise AirflowFailException("never")


class DatesOfTheRun(BaseOperator):
    def execute(self, context: Context) -> Any:
        return [key for key in ("logical_date", "data_interval_start", "ds") if key in context]


class HostOfConnection(BaseOperator):
    def execute(self, context: Context) -> Any:
        return BaseHook.get_connection("somewhere").host


def test_tasks_hand_their_xcoms_on() -> None:
    with DAG("hand_on", schedule=None) as dag:
        Echo(task_id="first", word="hello") >> Echo(task_id="second", word="{{ ti.xcom_pull('first') }}!")
    result = run_dag(dag)
    assert result.state == "success"
    assert result.states == {"first": "success", "second": "success"}
    assert result.xcoms == {"first": "hello", "second": "hello!"}
    assert any(line.startswith("says hello!") for line in result.logs)


def test_failure_stops_what_follows() -> None:
    with DAG("refuse", schedule=None) as dag:
        Refuse(task_id="refuse") >> Echo(task_id="echo", word="unheard")
    result = run_dag(dag)
    assert result.state == "failed"
    assert result.states == {"refuse": "failed", "echo": "upstream_failed"}


def test_run_without_logical_date_has_no_dates() -> None:
    with DAG("dates", schedule=None) as dag:
        DatesOfTheRun(task_id="dates")
    assert run_dag(dag, logical_date=None).xcoms == {"dates": []}
    assert run_dag(dag, logical_date=DAY).xcoms["dates"] == ["logical_date", "data_interval_start", "ds"]


def test_mapped_tasks_are_told_apart() -> None:
    with DAG("mapped", schedule=None) as dag:
        Echo.partial(task_id="echo").expand(word=["a", "b"])
    assert run_dag(dag).xcoms == {"echo[0]": "a", "echo[1]": "b"}


def test_conf_and_connections_reach_the_tasks(monkeypatch: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOMEWHERE", '{"conn_type": "http", "host": "there"}')
    with DAG("conf", schedule=None) as dag:
        Echo(task_id="echo", word="{{ dag_run.conf.x }}")
        HostOfConnection(task_id="host")
    assert run_dag(dag, conf={"x": 7}).xcoms == {"echo": "7", "host": "there"}
