"""The example Dag of checks runs as it stands over what the daily export wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.example_dags.conftest import Load

# The check looks at the age of exports, so they have to be those of last night.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
CHECKS = ("check_calls", "check_transcripts", "check_users", "check_logs")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_VAR_GONG_DESTINATION", f"file://{tmp_path}/exports")
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
    return tmp_path / "exports"


@pytest.fixture
def gong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GongSandbox]:
    with GongSandbox(seed=5, calls=60, days=5, users=30, today=TODAY.date(), per_second=None) as sandbox:
        connection = {
            "conn_type": "gong",
            "host": sandbox.url,
            "login": sandbox.access_key,
            "password": sandbox.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000},
        }
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
        yield sandbox


def test_checks_pass_after_the_daily_export_and_fail_on_a_missing_day(
    gong: GongSandbox, folder: Path, load: Load
) -> None:
    for due in (TODAY - 2 * DAY, TODAY - DAY, TODAY):
        assert run_dag(load("gong_daily_export"), logical_date=due, run_after=due).state == "success"
    asked = len(gong.requests)
    run = run_dag(load("gong_check_exports"), logical_date=TODAY, run_after=TODAY)
    assert run.states == dict.fromkeys(CHECKS, "success")
    assert [run.xcoms[name]["windows"] for name in CHECKS] == [3, 3, 3, 3]
    assert len(gong.requests) == asked

    [manifest] = folder.glob(f"calls/_manifests/*/{TODAY - DAY:%Y%m%dT%H%M%SZ}_*.json")
    manifest.unlink()
    run = run_dag(load("gong_check_exports"), logical_date=TODAY + DAY, run_after=TODAY + DAY)
    assert run.states == dict.fromkeys(CHECKS, "success") | {"check_calls": "failed"}
    [problem] = run.xcoms["check_calls"]["problems"]
    assert problem.startswith(
        f"Nothing covers [{(TODAY - 2 * DAY).isoformat()}, {(TODAY - DAY).isoformat()})"
    )
    assert [gap["from_datetime"] for gap in run.xcoms["check_calls"]["gaps"]] == [
        (TODAY - 2 * DAY).isoformat()
    ]
