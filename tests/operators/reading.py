"""What the tests of the operators that read share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from tests.operators.exporting import RUNNER_ARGUMENTS
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.exceptions import GongError
    from airflow_provider_gong.operators.base import GongOperator


def attempt(kind: type[GongOperator], **arguments: Any) -> TaskResult:
    """Run an operator in Airflow's task runner; arguments of the runner and of the operator alike."""
    runner = {name: arguments.pop(name) for name in RUNNER_ARGUMENTS if name in arguments}
    with DAG("reading", schedule=None):
        defaults: dict[str, Any] = {"task_id": "read", "retries": 2}
        operator = kind(**(defaults | arguments))
    return run_task(operator, **runner)


def result_of(kind: type[GongOperator], **arguments: Any) -> Any:
    """Run an operator that succeeds and return what it returns."""
    return attempt(kind, **arguments).succeeded().xcom


def refusal(kind: type[GongOperator], cause: type[GongError], **arguments: Any) -> str:
    """Run an operator that fails for good, and return its error."""
    result = attempt(kind, **arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    return str(result.error)
