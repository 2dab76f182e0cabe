"""The example Dag as users run it: by the scheduler, and by a backfill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.exported import Exported

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.system.real_airflow import RealAirflow

pytestmark = pytest.mark.system

DAG = "gong_daily_export"
DAY = timedelta(days=1)
SECONDS = 240
# Gong records log entries late, so that their windows are held back.
LOGS_SETTLE = timedelta(hours=1)
STREAMS = ("calls", "transcripts", "logs/log_type=UserActivityLog")
EXPORTS = ("export_calls", "export_transcripts", "export_logs")


@pytest.fixture(scope="module")
def runs(airflow: RealAirflow, gongs: dict[str, GongSandbox]) -> dict[str, list[dict[str, Any]]]:
    """Run yesterday by the scheduler and the three days before it by a backfill; return the runs by type."""
    airflow.rest.wait_for_dags(DAG)
    airflow.rest.unpause(DAG)
    airflow.rest.wait_for_runs(DAG, 1, seconds=SECONDS)
    today = gongs["gong_default"].clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    airflow.rest.create_backfill(DAG, today - 4 * DAY, today - 2 * DAY)
    found: dict[str, list[dict[str, Any]]] = {}
    for run in airflow.rest.wait_for_runs(DAG, 4, seconds=SECONDS):
        found.setdefault(run["run_type"], []).append(run)
    return found


def states(airflow: RealAirflow, run: dict[str, Any]) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in airflow.rest.task_instances(DAG, run["dag_run_id"])}


def interval(run: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(run[f"data_interval_{bound}"]) for bound in ("start", "end"))
    return start, end


def table(airflow: RealAirflow, run: dict[str, Any]) -> dict[str, list[str]]:
    """Return the lines of the report that speak of a stream or a day, by their first word."""
    lines = airflow.rest.log(DAG, run["dag_run_id"], "report").splitlines()
    return {words[0]: words[1:] for line in lines if (words := line.split())}


def test_scheduled_run_exports_all_streams_of_yesterday(
    airflow: RealAirflow, runs: dict[str, list[dict[str, Any]]], exports_folder: Path
) -> None:
    [run] = runs["scheduled"]
    assert set(states(airflow, run).values()) == {"success"}
    start, end = interval(run)
    assert end - start == DAY
    assert 0 <= (datetime.now(UTC) - end).total_seconds() < 2 * DAY.total_seconds()
    exported = {stream: Exported(exports_folder / "example" / stream).windows() for stream in STREAMS}
    assert (start, end) in exported["calls"]
    assert (start, end) in exported["transcripts"]
    assert (start - LOGS_SETTLE, end - LOGS_SETTLE) in exported["logs/log_type=UserActivityLog"]


def test_backfill_exports_each_call_of_its_days_once(
    airflow: RealAirflow,
    runs: dict[str, list[dict[str, Any]]],
    gongs: dict[str, GongSandbox],
    exports_folder: Path,
) -> None:
    days = sorted(interval(run) for run in (*runs["backfill"], *runs["scheduled"]))
    assert len(runs["backfill"]) == 3
    dataset = Exported(exports_folder / "example" / "calls")
    assert dataset.windows() == days
    assert dataset.call_ids() == sorted(gongs["gong_default"].world.call_ids(days[0][0], days[-1][1])) != []


def test_backfill_skips_the_users_and_says_why(
    airflow: RealAirflow, runs: dict[str, list[dict[str, Any]]], exports_folder: Path
) -> None:
    for run in runs["backfill"]:
        expected = dict.fromkeys((*EXPORTS, "report"), "success") | {"export_users": "skipped"}
        assert states(airflow, run) == expected
        text = airflow.rest.log(DAG, run["dag_run_id"], "export_users")
        assert "A backfill run exports no users: Gong only tells who they are now" in text
    assert len(Exported(exports_folder / "example" / "users").manifests()) == 1


def test_report_has_a_line_for_each_stream_and_day(
    airflow: RealAirflow, runs: dict[str, list[dict[str, Any]]], gongs: dict[str, GongSandbox]
) -> None:
    world = gongs["gong_default"].world
    [scheduled] = runs["scheduled"]
    for run in (scheduled, *runs["backfill"]):
        start, end = interval(run)
        ids, lines = world.call_ids(start, end), table(airflow, run)
        assert lines["stream"] == ["from", "to", "rows", "pending", "requests"]
        assert lines["calls"] == [start.isoformat(), end.isoformat(), str(len(ids)), "0", "1"]
        transcribed = len(world.call_ids(start, end, transcribed=True))
        assert lines["transcripts"][2:4] == [str(transcribed), str(len(ids) - transcribed)]
        entries = world.find_logs("UserActivityLog", start - LOGS_SETTLE, end - LOGS_SETTLE)
        assert lines["logs"][2] == str(len(entries))
        assert ("users" in lines) == (run is scheduled)
        assert lines[f"{start:%Y-%m-%d}"][0] == str(len(ids))
