"""Run a whole Dag in this process with ``dag.test()``: real scheduling, a real database, no services."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.support.logs import captured_logs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG


@dataclass(frozen=True)
class DagRunResult:
    """What the database knows of the run when it is over.

    A mapped task is named ``task_id[0]``, ``task_id[1]``, ...
    """

    state: str
    run_id: str
    states: dict[str, str]
    xcoms: dict[str, Any]
    logs: list[str]


@cache
def prepared_airflow() -> None:
    """Create the tables of the test session's Airflow home and load Airflow's own services, once."""
    from airflow.sdk.execution_time.supervisor import in_process_api_server
    from airflow.utils.db import initdb

    # Warnings are errors in our tests, but Airflow's own imports are not ours to mend.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        initdb()
        in_process_api_server()


def run_dag(
    dag: DAG,
    *,
    logical_date: datetime | None = None,
    run_after: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
) -> DagRunResult:
    """Run the Dag once and return its tasks' states, return values and logs.

    :param dag: The Dag; its tasks run in this process, so the test's environment is theirs.
    :param logical_date: None imitates a manual run or one that an asset started.
    :param run_after: When the run was due. Default: now.
    :param conf: The run's configuration.
    """
    prepared_airflow()
    _register(dag)
    before = dict(os.environ)
    try:
        with captured_logs() as logs:
            run = dag.test(logical_date=logical_date, run_after=run_after, run_conf=dict(conf or {}))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return _result(run, logs)


def _register(dag: DAG) -> None:
    # dag.test() refuses a Dag whose serialised form is not in the database.
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    bag = DagBag(os.devnull)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


def _result(run: DagRun, logs: list[str]) -> DagRunResult:
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
    return DagRunResult(state=str(run.state), run_id=run.run_id, states=states, xcoms=xcoms, logs=logs)


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"
