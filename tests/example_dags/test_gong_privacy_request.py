"""The example of a privacy request runs as it stands, and the address stays where it was."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from airflow.sdk import BaseOperator

from tests.example_dags.conftest import NOW
from tests.support.dag_runs import run_dag
from tests.support.task_runner import RunSpec, run_task

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load

REQUEST = "2026-017"


@pytest.fixture
def address(connected: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of somebody whom Gong knows, which only the variable of the request tells."""
    address = connected.privacy.known_email_address()
    monkeypatch.setenv(f"AIRFLOW_VAR_GONG_PRIVACY_SECRET_{REQUEST}", address)
    return address


@pytest.fixture
def warehouse(connected: GongSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a database that holds all calls and their transcripts."""
    path = tmp_path / "warehouse.db"
    connection = {"conn_type": "sqlite", "host": str(path)}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
    with sqlite3.connect(path) as database:
        for table in ("gong_calls", "gong_transcripts"):
            database.execute(f"CREATE TABLE {table} (call_id TEXT)")
            rows = [(call.id,) for call in connected.world.visible_calls()]
            database.executemany(f"INSERT INTO {table} VALUES (?)", rows)
    return path


def kept(warehouse: Path, table: str) -> set[str]:
    with sqlite3.connect(warehouse) as database:
        return {row[0] for row in database.execute(f"SELECT call_id FROM {table}")}


def test_the_person_is_gone_from_gong_and_from_the_warehouse(
    connected: GongSandbox, address: str, warehouse: Path, load: Load
) -> None:
    # dag.test() would wait in this process while the sensor is deferred.
    connected.privacy.erasure_time = timedelta()
    before = {call.id for call in connected.world.visible_calls()}
    run = run_dag(load("gong_privacy_request"), run_after=NOW, conf={"request": REQUEST})
    assert run.state == "success", run.states
    erased = set(run.xcoms["erase"]["call_ids"])
    after = {call.id for call in connected.world.visible_calls()}
    assert erased
    assert before - after == erased & before
    for table in ("gong_calls", "gong_transcripts"):
        assert kept(warehouse, table) == before - erased
    assert address not in repr(run)


def test_while_gong_erases_the_wait_holds_no_worker(connected: GongSandbox, address: str, load: Load) -> None:
    run = RunSpec(conf={"request": REQUEST})
    erase, wait = (load("gong_privacy_request").get_task(name) for name in ("erase", "wait_until_erased"))
    assert isinstance(erase, BaseOperator)
    assert isinstance(wait, BaseOperator)
    assert run_task(erase, run=run).state == "success"
    waiting = run_task(wait, run=run)
    assert waiting.deferral is not None
    assert address not in repr(waiting)
    connected.clock.advance(connected.privacy.erasure_time)
    resume = waiting.deferral.resume_with({"status": "success"})
    assert run_task(wait, run=run, resume=resume).state == "success"
