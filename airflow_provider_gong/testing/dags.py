"""Run whole Dags in the process of a test, in a database that nobody else uses."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

BUNDLE = "gong-tests"


@dataclass(frozen=True)
class FinishedRun:
    """What Airflow knows of a Dag run that is over.

    :param state: "success" or "failed"
    :param states: the state of each task; a mapped task is named "task_id[0]", "task_id[1]", ...
    :param xcoms: what each task returned, under the same names
    """

    state: str
    states: dict[str, str]
    xcoms: dict[str, Any]


class DagRunner(Protocol):
    """What the fixture `run_gong_dag` gives to a test."""

    def __call__(
        self,
        dag: DAG,
        *,
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
        conf: Mapping[str, Any] | None = None,
    ) -> FinishedRun:
        """Run the Dag once, see `run_dag`."""


class OwnDatabase:
    """A database of Airflow in a folder of its own; it takes the place of the configured one while in use.

    The tests of a user run beside Airflow's configuration, which may name the database of other people.
    """

    def __init__(self, folder: Path) -> None:
        self._dags = folder / "dags"
        self._dags.mkdir()
        bundle = {
            "name": BUNDLE,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            # dag.test() reads all Dags of all bundles: let that be none.
            "kwargs": {"path": str(self._dags)},
        }
        self._environment = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{folder}/airflow.db",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags),
        }
        self._is_made = False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let Airflow use this database; what the environment was is restored in the end."""
        try:
            with mock.patch.dict(os.environ, self._environment):
                self._connect()
                if not self._is_made:
                    self._make()
                yield
        finally:
            self._connect()

    def _make(self) -> None:
        from airflow.sdk.execution_time.supervisor import in_process_api_server
        from airflow.utils.db import initdb

        with _without_warnings():
            initdb()
            # Loading it takes seconds, and warns; no test is to blame.
            in_process_api_server()
        self._is_made = True

    def _connect(self) -> None:
        """Connect Airflow anew, to what the environment names now."""
        from airflow import settings
        from airflow.dag_processing.bundles import manager

        # Airflow 3.4 reads the configured bundles once in a process, 3.3 each time.
        snapshot = getattr(manager, "_load_bundle_config_snapshot", None)
        with _without_warnings():
            if snapshot is not None:
                snapshot.cache_clear()
            settings.configure_vars()  # type: ignore[no-untyped-call]
            settings.reconfigure_orm()  # type: ignore[no-untyped-call]


def run_dag(
    dag: DAG,
    *,
    logical_date: datetime | None = None,
    run_after: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
) -> FinishedRun:
    """Run a Dag with its `test()` and return how it went; its tasks run in this process and are not retried.

    :param dag: The Dag, from a Dag file or written in the test.
    :param logical_date: The date of the run, from which Airflow infers the data interval. Default: None, a run
        that somebody or an asset started.
    :param run_after: When the run is due. Default: now.
    :param conf: The configuration of the run.
    """
    _register(dag)
    retries = {task: task.retries for task in dag.tasks}
    try:
        for task in dag.tasks:
            # dag.test() waits for a retry in real time.
            task.retries = 0
        with mock.patch.dict(os.environ), _whole_deferrals():
            run = dag.test(logical_date=logical_date, run_after=run_after, run_conf=dict(conf or {}))
    finally:
        for task, number in retries.items():
            task.retries = number
    return _finished(run)


@contextmanager
def _whole_deferrals() -> Iterator[None]:
    """Give a deferred task all that it kept for its return.

    Before Airflow 3.4, dag.test() hands it the event of the trigger only, and what `defer(kwargs=...)` said is lost.
    """
    from airflow.sdk.execution_time import supervisor

    run_task = supervisor.run_task_in_process
    kept: dict[str, Any] = {}

    def run_whole(ti: Any, task: Any, **others: Any) -> Any:
        if known := kept.pop(str(ti.id), None):
            _complete(ti.id, known)
        result = run_task(ti=ti, task=task, **others)
        kept[str(ti.id)] = getattr(result.msg, "next_kwargs", None)
        return result

    with mock.patch.object(supervisor, "run_task_in_process", run_whole):
        yield


def _complete(ti_id: Any, kept: dict[str, Any]) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        instance = session.scalars(select(TaskInstance).where(TaskInstance.id == ti_id)).one()
        instance.next_kwargs = {**kept, **(instance.next_kwargs or {})}


def _register(dag: DAG) -> None:
    # dag.test() refuses a Dag whose serialised form is not in the database.
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    with _without_warnings():
        DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
        bag = DagBag(os.devnull)
        bag.bag_dag(dag)
        sync_bag_to_db(bag, BUNDLE, None)


def _finished(run: DagRun) -> FinishedRun:
    from airflow.models.xcom import XComModel
    from airflow.sdk.serde import deserialize
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        instances = run.get_task_instances(session=session)
        states = {_name(ti.task_id, ti.map_index): str(ti.state) for ti in instances}
        returned = select(XComModel).where(XComModel.run_id == run.run_id, XComModel.dag_id == run.dag_id)
        rows = session.scalars(returned.where(XComModel.key == "return_value"))
        xcoms = {_name(row.task_id, row.map_index): deserialize(row.value) for row in rows}
    return FinishedRun(state=str(run.state), states=states, xcoms=xcoms)


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the warnings of Airflow's own imports away: where warnings are errors, no test could run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
