"""Whole Dags in a database of their own."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import DAG, BaseOperator, task

from airflow_provider_gong.operators.users import GongListUsersOperator
from airflow_provider_gong.testing.dags import OwnDatabase

if TYPE_CHECKING:
    import pytest

    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.testing.dags import DagRunner


def dag_of_users() -> DAG:
    with DAG("users", schedule=None, default_args={"retries": 3}) as dag:
        users = GongListUsersOperator(task_id="list_users")

        @task
        def count(users: Any) -> int:
            return len(users)

        @task
        def double(number: int) -> int:
            return 2 * number

        @task
        def tell(logical_date: datetime | None = None, params: dict[str, str] | None = None) -> list[str]:
            return [str(logical_date), (params or {}).get("word", "")]

        count(users.output)
        double.expand(number=[1, 2])
        tell()
    return dag


def test_run_is_told_with_its_states_and_what_tasks_returned(
    gong_sandbox: GongSandbox, run_gong_dag: DagRunner
) -> None:
    run = run_gong_dag(dag_of_users())
    assert run.state == "success"
    assert set(run.states) == {"list_users", "count", "double[0]", "double[1]", "tell"}
    assert set(run.states.values()) == {"success"}
    assert run.xcoms["count"] == len(run.xcoms["list_users"]) == 10
    assert (run.xcoms["double[0]"], run.xcoms["double[1]"]) == (2, 4)
    assert run.xcoms["tell"] == ["None", ""]


def test_run_has_the_date_and_the_configuration_that_were_given(
    gong_sandbox: GongSandbox, run_gong_dag: DagRunner
) -> None:
    day = datetime(2026, 1, 10, tzinfo=UTC)
    run = run_gong_dag(dag_of_users(), logical_date=day, conf={"word": "said"})
    assert run.xcoms["tell"] == ["2026-01-10 00:00:00+00:00", "said"]


def test_failed_task_is_not_waited_for_and_keeps_its_retries(
    gong_sandbox: GongSandbox, run_gong_dag: DagRunner
) -> None:
    gong_sandbox.faults.add("server_error", status=403, times=None)
    dag = dag_of_users()
    run = run_gong_dag(dag)
    assert (run.state, run.states["list_users"], run.states["count"]) == (
        "failed",
        "failed",
        "upstream_failed",
    )
    assert dag.get_task("list_users").retries == 3


class Patient(BaseOperator):
    """Defer twice, and return what was kept from look to look."""

    def execute(self, context: Any) -> Any:
        self.look_again(context, looks=1)

    def look_again(self, context: Any, looks: int, event: Any = None) -> Any:
        if looks == 3:
            return {"looks": looks, "event": event is not None}
        trigger = DateTimeTrigger(datetime(2026, 1, 1, tzinfo=UTC))
        self.defer(trigger=trigger, method_name="look_again", kwargs={"looks": looks + 1})


def test_deferred_task_goes_on_with_what_it_kept_and_the_event(run_gong_dag: DagRunner) -> None:
    with DAG("patient", schedule=None) as dag:
        Patient(task_id="wait")
        Patient.partial(task_id="waits").expand(doc=["one", "two"])
    run = run_gong_dag(dag)
    assert run.state == "success", run.states
    assert set(run.xcoms) == {"wait", "waits[0]", "waits[1]"}
    assert all(value == {"looks": 3, "event": True} for value in run.xcoms.values())


def test_database_is_one_of_the_session_and_the_configured_one_is_back_afterwards(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    configured = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    folder = tmp_path_factory.mktemp("another")
    with OwnDatabase(folder).in_use():
        assert url_in_use() == f"sqlite:///{folder}/airflow.db"
    assert (folder / "airflow.db").exists()
    assert url_in_use() == configured
    assert os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == configured


def url_in_use() -> str:
    from airflow import settings

    assert settings.engine is not None
    return str(settings.engine.url)
