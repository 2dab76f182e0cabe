"""Run one operator in Airflow's own task runner, with a supervisor in memory and no services."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal
from unittest import mock
from uuid import uuid4

import structlog
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType, TIRunContext
from airflow.sdk.execution_time import comms, task_runner
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.serde import deserialize, serialize

from tests.support.logs import captured_logs
from tests.support.supervisor import RETURN_VALUE, InMemorySupervisor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import BaseOperator

RunType = Literal["scheduled", "manual", "backfill", "asset_triggered"]


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Describe the Dag run that the task belongs to.

    As in Airflow, a logical date and a data interval exist together or not at all: a logical date alone has
    an interval of zero length, an interval alone begins at its logical date. Without both, the context has
    neither ``logical_date`` nor ``data_interval_*``, ``ds`` or ``ts``.
    """

    run_type: RunType = "manual"
    run_id: str | None = None
    logical_date: datetime | None = None
    data_interval: tuple[datetime, datetime] | None = None
    partition_date: datetime | None = None
    partition_key: str | None = None
    run_after: datetime | None = None
    conf: Mapping[str, Any] = field(default_factory=dict)
    clear_number: int = 0

    def dag_run(self, dag_id: str) -> DagRun:
        """Return the run as the API server would describe it to a worker."""
        logical_date = self.logical_date or (self.data_interval[0] if self.data_interval else None)
        start, end = self.data_interval or (logical_date, logical_date)
        run_after = self.run_after or end or self.partition_date or datetime.now(UTC)
        return DagRun(
            dag_id=dag_id,
            run_id=self.run_id or f"{self.run_type}__{(logical_date or run_after).isoformat()}",
            run_type=DagRunType(self.run_type),
            logical_date=logical_date,
            data_interval_start=start,
            data_interval_end=end,
            run_after=run_after,
            partition_key=self.partition_key,
            partition_date=self.partition_date,
            conf=dict(self.conf),
            clear_number=self.clear_number,
            start_date=datetime.now(UTC),
            end_date=None,
            state=DagRunState.RUNNING,
            consumed_asset_events=[],
        )


@dataclass(frozen=True)
class Deferral:
    """What a deferred task asked the triggerer to do, and how it wants to go on."""

    classpath: str
    trigger_kwargs: dict[str, Any]
    method_name: str
    kwargs: dict[str, Any]
    timeout: Any

    def resume_with(self, event: Any) -> Resume:
        """Go on as if the trigger had fired this event."""
        return Resume(self.method_name, {**self.kwargs, "event": event})


@dataclass(frozen=True)
class Resume:
    """The method with which a deferred task goes on."""

    method_name: str
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class TaskResult:
    """What Airflow would know of the task after the attempt."""

    state: str
    error: BaseException | None
    xcoms: dict[str, Any]
    outlet_events: list[dict[str, Any]]
    deferral: Deferral | None
    reschedule_date: datetime | None
    rendered: dict[str, Any]
    logs: list[str]

    @property
    def xcom(self) -> Any:
        """The task's return value."""
        return self.xcoms.get(RETURN_VALUE)

    def succeeded(self) -> TaskResult:
        """Return the result itself, or raise what made the task fail."""
        if self.error is not None:
            raise self.error
        assert self.state == "success", self.state
        return self


def run_task(
    operator: BaseOperator,
    *,
    run: RunSpec | None = None,
    try_number: int = 1,
    map_index: int = -1,
    xcoms: Mapping[str | tuple[str, str], Any] | None = None,
    resume: Resume | None = None,
    task_state: dict[str, Any] | None = None,
    variables: dict[str, str] | None = None,
) -> TaskResult:
    """Run one attempt of the operator and return what Airflow would know afterwards.

    :param operator: The operator. It keeps its Dag, so ``context["dag"]`` has that Dag's attributes; without
        one it gets a plain Dag. It may be run again: templates are rendered in a copy.
    :param run: The Dag run it belongs to. Default: a manual run without a logical date.
    :param try_number: The attempt, from 1. An attempt within ``retries`` that fails ends as ``up_for_retry``.
    :param map_index: The index of a mapped task, -1 for one that is not mapped.
    :param xcoms: What other tasks have pushed: ``{"task": return_value}`` or ``{("task", "key"): value}``.
    :param resume: The method to go on with after a deferral: ``result.deferral.resume_with(event)``.
    :param task_state: What the task instance has kept in its state store so far; it goes on with the same one.
    :param variables: Airflow's Variables; what the task sets is in there afterwards.
    """
    if not operator.has_dag():  # type: ignore[no-untyped-call]
        operator.dag = DAG("dag_of_a_test", schedule=None)
    supervisor = InMemorySupervisor(xcoms, task_state, variables)
    ti = _task_instance(operator, run or RunSpec(), try_number, map_index, resume)
    with captured_logs() as logs, _worker(supervisor):
        context = ti.get_template_context()
        log = structlog.get_logger("task")
        state, _, error = task_runner.run(ti, context, log)
        task_runner.finalize(ti, state, context, log, error)
    return TaskResult(
        state=state.value,
        error=error,
        xcoms=supervisor.xcoms_of(operator.task_id),
        outlet_events=_outlet_events(supervisor),
        deferral=_deferral(supervisor),
        reschedule_date=_reschedule_date(supervisor),
        rendered=_rendered_fields(supervisor),
        logs=logs,
    )


def _task_instance(
    operator: BaseOperator, run: RunSpec, try_number: int, map_index: int, resume: Resume | None
) -> RuntimeTaskInstance:
    dag_run = run.dag_run(operator.dag_id)
    retries = operator.retries or 0
    ti = RuntimeTaskInstance.model_construct(
        id=uuid4(),
        dag_version_id=uuid4(),
        task=operator,
        task_id=operator.task_id,
        dag_id=operator.dag_id,
        run_id=dag_run.run_id,
        try_number=try_number,
        map_index=map_index,
        max_tries=retries,
        start_date=datetime.now(UTC),
        state=None,
        # Listeners look at it.
        bundle_instance=SimpleNamespace(name="tests", version=None),
    )
    ti._ti_context_from_server = TIRunContext(
        dag_run=dag_run,
        max_tries=retries,
        should_retry=try_number <= retries,
        next_method=resume.method_name if resume else None,
        next_kwargs=serialize(resume.kwargs) if resume else None,
    )
    return ti


@contextmanager
def _worker(supervisor: InMemorySupervisor) -> Iterator[None]:
    # The runner exports AIRFLOW_CTX_* into the environment of what it believes is its own process.
    with (
        mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True),
        mock.patch.dict(os.environ),
    ):
        yield


def _outlet_events(supervisor: InMemorySupervisor) -> list[dict[str, Any]]:
    successes = [msg for msg in supervisor.sent if isinstance(msg, comms.SucceedTask)]
    return [event for msg in successes for event in msg.outlet_events or ()]


def _deferral(supervisor: InMemorySupervisor) -> Deferral | None:
    for msg in supervisor.sent:
        if isinstance(msg, comms.DeferTask):
            return Deferral(
                classpath=msg.classpath,
                trigger_kwargs=_deserialized(msg.trigger_kwargs),
                method_name=msg.next_method,
                kwargs=_deserialized(msg.next_kwargs),
                timeout=msg.trigger_timeout,
            )
    return None


def _reschedule_date(supervisor: InMemorySupervisor) -> datetime | None:
    dates = [msg.reschedule_date for msg in supervisor.sent if isinstance(msg, comms.RescheduleTask)]
    return dates[-1] if dates else None


def _deserialized(value: Any) -> dict[str, Any]:
    plain: Any = deserialize(value)
    return {} if plain is None else dict(plain)


def _rendered_fields(supervisor: InMemorySupervisor) -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    for msg in supervisor.sent:
        if isinstance(msg, comms.SetRenderedFields):
            rendered.update(msg.rendered_fields)
    return rendered
