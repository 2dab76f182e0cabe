"""The facts of a run, from Airflow's own context."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from airflow_provider_gong.exports.run import Run
from tests.exports.doubles import day, run

if TYPE_CHECKING:
    from airflow.sdk import Context


def context(**dag_run: Any) -> Context:
    facts: dict[str, Any] = {
        "data_interval_start": None,
        "data_interval_end": None,
        "logical_date": None,
        "run_after": day(3),
        "run_type": "asset_triggered",
    }
    return cast(
        "Context",
        {
            "dag_run": SimpleNamespace(**(facts | dag_run)),
            "ti": SimpleNamespace(
                dag_id="gong", task_id="export", run_id="run-1", map_index=None, try_number=2
            ),
            "dag": SimpleNamespace(max_active_runs=4),
        },
    )


def test_run_without_dates_has_none() -> None:
    facts = Run.from_context(context())
    assert facts == run(
        run_after=day(3), run_type="asset_triggered", try_number=2, max_active_runs=4, map_index=-1
    )
    assert facts.data_interval is None


def test_run_has_the_dates_that_airflow_gives() -> None:
    facts = Run.from_context(
        context(
            data_interval_start=day(1),
            data_interval_end=day(2),
            logical_date=day(2),
            partition_date=day(1),
            clear_number=3,
            run_type=SimpleNamespace(value="backfill"),
        )
    )
    assert facts.data_interval == (day(1), day(2))
    assert (facts.logical_date, facts.partition_date, facts.clear_number) == (day(2), day(1), 3)
    assert facts.is_backfill


def test_retries_and_clears_share_the_key() -> None:
    assert replace(run(), try_number=5, clear_number=2).key == run().key


@pytest.mark.parametrize(
    "other", [{"dag_id": "x"}, {"task_id": "x"}, {"run_id": "x"}, {"map_index": 0}, {"map_index": 1}]
)
def test_other_tasks_and_runs_have_another_key(other: dict[str, Any]) -> None:
    assert replace(run(), **other).key != run().key


def test_names_cannot_be_moved_between_dag_and_task() -> None:
    assert run(dag_id="a", task_id="b.c").key != run(dag_id="a.b", task_id="c").key


def test_manifest_says_which_run_wrote_it() -> None:
    description = run(map_index=3, try_number=2).describe()
    assert description.pop("written_at").endswith("+00:00")
    assert description == {
        "dag_id": "gong",
        "task_id": "export",
        "run_id": "run-1",
        "map_index": 3,
        "try_number": 2,
        "key": run(map_index=3).key,
    }
