"""The facts of a Dag run that an export depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True, kw_only=True)
class Run:
    """One task instance of one Dag run, as far as windows and manifests care."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1
    try_number: int = 1
    clear_number: int = 0
    run_type: str = "scheduled"
    run_after: datetime
    logical_date: datetime | None = None
    data_interval: tuple[datetime, datetime] | None = None
    partition_date: datetime | None = None
    max_active_runs: int = 1

    @classmethod
    def from_context(cls, context: Context) -> Run:
        """Read the facts from a task's context; manual and asset-triggered runs lack some of them."""
        dag_run, task_instance = context["dag_run"], context["ti"]
        start, end = dag_run.data_interval_start, dag_run.data_interval_end
        return cls(
            dag_id=task_instance.dag_id,
            task_id=task_instance.task_id,
            run_id=task_instance.run_id,
            map_index=_whole(task_instance.map_index, -1),
            try_number=task_instance.try_number,
            clear_number=_whole(getattr(dag_run, "clear_number", None), 0),
            run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
            run_after=dag_run.run_after,
            logical_date=dag_run.logical_date,
            data_interval=(start, end) if start and end else None,
            partition_date=getattr(dag_run, "partition_date", None),
            max_active_runs=context["dag"].max_active_runs,
        )

    @property
    def key(self) -> str:
        """Name this task of this run among all others: retries and clears share it."""
        names = json.dumps([self.dag_id, self.task_id, self.run_id, self.map_index])
        return hashlib.sha256(names.encode()).hexdigest()[:24]

    @property
    def is_backfill(self) -> bool:
        """Tell whether `airflow backfill` made this run."""
        return self.run_type == "backfill"

    def describe(self) -> dict[str, Any]:
        """Return what a manifest says about the run that wrote it."""
        return {
            "dag_id": self.dag_id,
            "task_id": self.task_id,
            "run_id": self.run_id,
            "map_index": self.map_index,
            "try_number": self.try_number,
            "key": self.key,
            # Loaders tell two exports of one window apart by it.
            "written_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        }


def _whole(value: int | None, default: int) -> int:
    return default if value is None else value
