"""The example Dag that fills a warehouse runs as it stands, and what it holds is what Gong shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tests.example_dags.conftest import EXAMPLES
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    import pytest

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load

SQL = Path(__file__).parent.parent.parent / "docs" / "sql"
DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 8, tzinfo=UTC)


def test_warehouse_holds_what_gong_shows_after_each_run(
    connected: GongSandbox, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_GONG_DESTINATION", f"file://{tmp_path}/gong")
    monkeypatch.setenv("AIRFLOW_VAR_GONG_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    dag = load("gong_to_warehouse")
    for number in (1, 2):
        due = FIRST + number * DAY
        connected.clock.set(due + DAY)
        run = run_dag(dag, logical_date=due, run_after=due)
        assert run.state == "success"
        shown = set(connected.world.call_ids(FIRST, due))
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as db:
            held = {row[0] for row in db.execute("SELECT id FROM gong_calls_now").fetchall()}
            # Docs/warehouse.md shows how to read a column.
            titles = db.execute("SELECT record ->> '$.metaData.title' FROM gong_calls_now").fetchall()
        assert held == shown
        assert all(isinstance(title, str) and title for (title,) in titles)
        loaded = run.xcoms["load"]
        assert loaded["gong_calls"] == len(shown) > 20
        assert loaded["gong_users"] == 30
        assert loaded["gong_logs"] > 20
        # Two calls vanish between the runs.
        for call_id in sorted(shown)[:2] if number == 1 else ():
            connected.world.hide_call(call_id)


def test_sql_is_that_of_the_docs() -> None:
    source = (EXAMPLES / "gong_to_warehouse.py").read_text(encoding="utf-8")
    texts = dict(re.findall(r'^([A-Z]+) = """\n(.*?)"""', source, re.M | re.S))
    assert texts == {
        "TABLE": (SQL / "duckdb" / "tables.sql").read_text(encoding="utf-8"),
        "STAGE": (SQL / "duckdb" / "stage_jsonl.sql").read_text(encoding="utf-8"),
        "MERGE": (SQL / "merge.sql").read_text(encoding="utf-8"),
        "VIEW": (SQL / "view.sql").read_text(encoding="utf-8"),
    }
