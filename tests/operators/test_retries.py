"""When Airflow retries: at the moment that Gong or the quota names, whatever the task's delay is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time import comms
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongQuotaUnavailable,
    GongRateLimited,
    GongUnavailable,
)
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.operators.retries import GongRetryPolicy
from airflow_provider_gong.operators.users import GongListUsersOperator
from tests.operators.exporting import bounds, build
from tests.support.supervisor import InMemorySupervisor
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import BaseOperator

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

DELAY = timedelta(minutes=5)


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    """Return what tasks tell their supervisor."""
    messages: list[Any] = []
    send = InMemorySupervisor.send

    def keep(self: InMemorySupervisor, msg: Any) -> Any:
        messages.append(msg)
        return send(self, msg)

    with mock.patch.object(InMemorySupervisor, "send", keep):
        yield messages


def operator(**arguments: Any) -> BaseOperator:
    with DAG("dag", schedule=None):
        defaults: dict[str, Any] = {"task_id": "users", "retries": 2, "retry_delay": DELAY}
        return GongListUsersOperator(**defaults | arguments)


def retry_of(sent: list[Any]) -> comms.RetryTask:
    (retry,) = [msg for msg in sent if isinstance(msg, comms.RetryTask)]
    return retry


def limit(gong: GongSandbox) -> None:
    gong.faults.add("rate_limited", retry_after=7200)


# What Airflow is told


def test_the_retry_comes_when_gong_says(gong: GongSandbox, sent: list[Any]) -> None:
    limit(gong)
    assert run_task(operator()).state == "up_for_retry"
    retry = retry_of(sent)
    assert retry.retry_delay_seconds == 7200
    assert retry.retry_reason == "GongRateLimited asks for 7200 s"


def test_the_retry_comes_when_the_quota_renews(gong: GongSandbox, connect: Connect, sent: list[Any]) -> None:
    connect(gong, requests_per_day=1, daily_share=100)
    assert run_task(operator()).state == "up_for_retry"
    assert 86_300 < (retry_of(sent).retry_delay_seconds or 0) <= 86_401


def test_an_outage_without_a_moment_keeps_the_delay_of_the_task(
    gong: GongSandbox, connect: Connect, sent: list[Any], no_waiting: None
) -> None:
    gong.faults.add("server_error", times=None)
    assert run_task(operator()).state == "up_for_retry"
    assert retry_of(sent).retry_delay_seconds is None


def test_without_retries_the_task_fails(gong: GongSandbox, sent: list[Any]) -> None:
    limit(gong)
    assert run_task(operator(retries=0)).state == "failed"
    assert not [msg for msg in sent if isinstance(msg, comms.RetryTask)]


def test_the_last_try_fails(gong: GongSandbox) -> None:
    limit(gong)
    assert run_task(operator(), try_number=3).state == "failed"


def test_what_no_retry_mends_fails_at_once(gong: GongSandbox, connect: Connect) -> None:
    connect(gong, {"password": "mistyped"})
    result = run_task(operator())
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)


def test_an_export_retries_when_gong_says(gong: GongSandbox, sent: list[Any]) -> None:
    limit(gong)
    export = build(GongExportCallsOperator, retry_delay=DELAY, **bounds(9))  # type: ignore[arg-type]
    assert run_task(export).state == "up_for_retry"
    assert retry_of(sent).retry_delay_seconds == 7200


# Whose policy


def test_a_policy_of_the_task_wins(gong: GongSandbox, sent: list[Any]) -> None:
    limit(gong)
    rule = RetryRule(exception=GongRateLimited, action=RetryAction.RETRY, retry_delay=timedelta(seconds=9))
    run_task(operator(retry_policy=ExceptionRetryPolicy([rule])))
    assert retry_of(sent).retry_delay_seconds == 9


@pytest.mark.parametrize("given", [True, False])
def test_default_args_keep_the_policy_and_may_name_another(
    gong: GongSandbox, sent: list[Any], given: bool
) -> None:
    limit(gong)
    own = ExceptionRetryPolicy([RetryRule(exception=GongRateLimited, retry_delay=timedelta(seconds=9))])
    default_args: dict[str, Any] = {"retries": 2, "retry_delay": DELAY}
    with DAG("dag", schedule=None, default_args=default_args | ({"retry_policy": own} if given else {})):
        task = GongListUsersOperator(task_id="users")
    run_task(task)
    assert retry_of(sent).retry_delay_seconds == (9 if given else 7200)


def mapped() -> Any:
    with DAG("dag", schedule=None):
        return GongExportCallsOperator.partial(task_id="export", retries=2, retry_delay=DELAY).expand_kwargs(
            [{name: str(moment) for name, moment in bounds(9).items()}]
        )


def test_a_mapped_task_retries_when_gong_says(gong: GongSandbox, sent: list[Any]) -> None:
    limit(gong)
    result: TaskResult = run_task(mapped(), map_index=0)
    assert result.state == "up_for_retry"
    assert retry_of(sent).retry_delay_seconds == 7200


# Serialization

DAG_FILE = """
from datetime import datetime, timedelta, UTC
from airflow.sdk import DAG
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportUsersOperator
from airflow_provider_gong.sensors.calls import GongCallSensor

with DAG("retrying", schedule=None, default_args={"retries": 2}):
    GongExportUsersOperator(task_id="plain")
    GongCallSensor(task_id="sensor", call_id="7")
    GongExportCallsOperator.partial(task_id="mapped").expand(from_datetime=["2026-01-01"])
"""


def test_dags_survive_serialization(tmp_path: Path) -> None:
    (tmp_path / "dag.py").write_text(DAG_FILE)
    bag = DagBag(str(tmp_path / "dag.py"))
    assert bag.import_errors == {}
    written = json.loads(json.dumps(DagSerialization.to_dict(bag.dags["retrying"])))
    read = DagSerialization.from_dict(written)
    assert sorted(read.task_ids) == ["mapped", "plain", "sensor"]
    assert read.get_task("plain").has_retry_policy
    assert [read.get_task(name).retries for name in read.task_ids] == [2, 2, 2]
    assert "GongRetryPolicy" not in json.dumps(written)


# The policy itself


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (GongRateLimited("Spent.", retry_after=61.2), timedelta(seconds=62)),
        (GongUnavailable("Down.", retry_after=5), timedelta(seconds=5)),
        (GongUnavailable("Down."), None),
        (GongQuotaUnavailable("Down."), None),
        (GongConfigurationError("Mend it."), None),
        (ValueError("other"), None),
    ],
    ids=repr,
)
def test_only_errors_that_name_a_moment_change_the_delay(error: Exception, delay: timedelta | None) -> None:
    decision = GongRetryPolicy().evaluate(error, 1, 2)
    assert decision.action is (RetryAction.DEFAULT if delay is None else RetryAction.RETRY)
    assert decision.retry_delay == delay
