"""Backfills, mapped months and an hourly Dag fill one destination at the same time."""

from __future__ import annotations

import contextlib
import itertools
import math
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import pytest

from airflow_provider_gong.exports import read_export
from airflow_provider_gong.sandbox import GongSandbox
from tests.system.conftest import DAGS, connection
from tests.system.exported import Exported, window_of
from tests.system.real_airflow import RealAirflow
from tests.system.rest import FINAL_STATES, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

DAY = timedelta(days=1)
SECONDS = 600
PARALLEL = 8
DAG_IDS = ("days", "backwards", "months", "hourly", "check")
# The sandbox stands still, so that all see the same calls. Real time goes on: scheduled hours may come.
NOW = datetime.now(UTC)
UNTIL = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - 3 * DAY
DAYS = UNTIL - 96 * DAY
PAGE = 100


@dataclass
class Filled:
    """What has filled the destination."""

    airflow: RealAirflow
    gong: GongSandbox
    root: Path
    killed: list[int] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def dataset(self, stream: str) -> Exported:
        return Exported(self.root / "backfill" / stream)

    def attempts(self, dag: str) -> list[dict[str, Any]]:
        """Return the last attempt of each task of the Dag."""
        dag_id = f"backfill_{dag}"
        runs = self.airflow.rest.runs(dag_id)
        return [task for run in runs for task in self.airflow.rest.task_instances(dag_id, run["dag_run_id"])]

    def is_busy(self, dag: str) -> bool:
        """Tell whether a run of the Dag has not ended."""
        runs = self.airflow.rest.runs(f"backfill_{dag}")
        return any(run["state"] not in FINAL_STATES for run in runs)

    def hour(self) -> None:
        """Run the hourly Dag once by hand."""
        run_id = self.airflow.rest.trigger("backfill_hourly")
        self.airflow.rest.wait_for_run("backfill_hourly", run_id, seconds=SECONDS)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Run all of it, with a killed worker in the middle, and return when everything has ended."""
    root = tmp_path_factory.mktemp("exports")
    gong = GongSandbox(calls=4, days=400, now=NOW, latency=0.3, per_second=None, per_day=None)
    with gong, _airflow(gong, root, tmp_path_factory.mktemp("airflow")) as airflow:
        filled = Filled(airflow, gong, root)
        rest = airflow.rest
        rest.wait_for_dags(*(f"backfill_{name}" for name in DAG_IDS))
        for name in DAG_IDS:
            rest.unpause(f"backfill_{name}")
        # First of all, so that what comes next lies before what this Dag goes on from.
        rest.wait_for_runs("backfill_hourly", seconds=SECONDS)
        _backfill(airflow, "backfill_days", PARALLEL, DAYS, UNTIL - 7 * DAY)
        _backfill(airflow, "backfill_backwards", 2, UNTIL - 6 * DAY, UNTIL - DAY, "--run-backwards")
        filled.killed.append(_kill_an_export(airflow, gong))
        # It comes late: an hour of which the calls are exported already.
        filled.late.append(gong.world.add_call(NOW - timedelta(hours=5)).id)
        while filled.is_busy("days"):
            filled.hour()
        rest.trigger("backfill_months")
        while filled.is_busy("months"):
            filled.hour()
        for name, runs in (("days", 90), ("backwards", 6), ("months", 1)):
            rest.wait_for_runs(f"backfill_{name}", runs, seconds=SECONDS)
        yield filled


@contextlib.contextmanager
def _airflow(gong: GongSandbox, root: Path, home: Path) -> Iterator[RealAirflow]:
    environment = {
        "AIRFLOW_CONN_GONG_BACKFILL": connection(gong),
        "AIRFLOW__CORE__PARALLELISM": str(PARALLEL + 4),
        "GONG_EXPORTS": str(root),
        "GONG_BACKFILL_UNTIL": f"{UNTIL:%Y-%m-%d}",
    }
    airflow = RealAirflow(home, environment=environment)
    shutil.copy(DAGS / "backfill.py", airflow.dags)
    with airflow:
        yield airflow


def _backfill(
    airflow: RealAirflow, dag_id: str, at_once: int, first: datetime, last: datetime, *options: str
) -> None:
    """Create a backfill as people do, on the command line."""
    command = ["backfill", "create", "--dag-id", dag_id, "--max-active-runs", str(at_once), *options]
    bounds = ["--from-date", first.isoformat(), "--to-date", last.isoformat()]
    airflow.command(*command, *bounds)


def _kill_an_export(airflow: RealAirflow, gong: GongSandbox) -> int:
    """Kill the process of one of the tasks that wait for a reply of Gong."""

    def asking() -> psutil.Process | None:
        for process in airflow.processes_of("scheduler"):
            with contextlib.suppress(psutil.Error):
                if any(one.raddr and one.raddr.port == gong.port for one in process.net_connections()):
                    return process
        return None

    process = wait_until(asking, seconds=60, what="an export that asks Gong")
    process.kill()
    return int(process.pid)


def most_at_once(tasks: list[dict[str, Any]]) -> int:
    """Return how many of the tasks were running at the same moment."""
    changes = sorted(
        (datetime.fromisoformat(task[name]), change)
        for task in tasks
        for name, change in (("end_date", -1), ("start_date", 1))
    )
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def gaps(windows: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return what lies uncovered between windows."""
    ordered = sorted(windows)
    return [(before[1], after[0]) for before, after in itertools.pairwise(ordered) if before[1] != after[0]]


def ids_in_manifests(dataset: Exported, key: Any) -> Counter[str]:
    """Count each id in the rows that a reader gets who follows all manifests."""
    paths = dataset.root.glob("_manifests/*/*.json")
    return Counter(key(row) for path in paths for row in read_export(f"file://{path}"))


def expected(filled: Filled, *, transcribed: bool = False) -> Counter[str]:
    """Return each call of the time that is covered, once."""
    windows = filled.dataset("calls").windows()
    start, end = min(one[0] for one in windows), max(one[1] for one in windows)
    return Counter(filled.gong.world.call_ids(start, end, transcribed=transcribed))


def test_no_run_has_failed(filled: Filled) -> None:
    for name in DAG_IDS[:-1]:
        states = Counter(task["state"] for task in filled.attempts(name))
        assert set(states) == {"success"}, (name, states)


def test_the_windows_cover_all_time_without_a_gap(filled: Filled) -> None:
    windows = filled.dataset("calls").windows()
    days = [(DAYS + number * DAY, DAYS + (number + 1) * DAY) for number in range(96)]
    assert gaps(windows) == []
    assert set(days) <= set(windows)
    assert len([window for window in windows if window[1] <= DAYS]) == 8


def test_each_call_is_there_exactly_once(filled: Filled) -> None:
    calls = ids_in_manifests(filled.dataset("calls"), lambda row: row["metaData"]["id"])
    assert calls == expected(filled)
    assert set(filled.late) <= calls.keys()


def test_each_transcript_is_there_exactly_once(filled: Filled) -> None:
    transcripts = ids_in_manifests(filled.dataset("transcripts"), lambda row: row["callId"])
    assert transcripts == expected(filled, transcribed=True)


def test_eight_windows_were_exported_at_a_time(filled: Filled) -> None:
    assert most_at_once(filled.attempts("days")) == PARALLEL
    months = [task for task in filled.attempts("months") if task["task_id"] == "calls"]
    assert most_at_once(months) >= PARALLEL // 2


def test_the_hourly_dag_went_on_beside_the_backfill(filled: Filled) -> None:
    days = filled.attempts("days")
    began, ended = min(task["start_date"] for task in days), max(task["end_date"] for task in days)
    hours = [task for task in filled.attempts("hourly") if task["task_id"] == "calls"]
    assert sum(began < task["start_date"] < ended for task in hours) >= 2
    assert most_at_once(hours) == 1


def test_one_backfill_ran_backwards(filled: Filled) -> None:
    tasks = sorted(filled.attempts("backwards"), key=lambda task: task["start_date"])
    assert tasks[0]["logical_date"] > tasks[-1]["logical_date"]
    assert most_at_once(tasks) <= 2


def test_the_killed_export_was_made_again(filled: Filled) -> None:
    attempts = [task for name in DAG_IDS[:-1] for task in filled.attempts(name)]
    assert [task["try_number"] for task in attempts if task["try_number"] > 1] == [2] * len(filled.killed)


def test_no_request_was_spent_in_vain(filled: Filled) -> None:
    """A page for each hundred calls of a window; what was asked by the killed export is the only waste."""
    manifests = filled.dataset("calls").manifests()
    for manifest in manifests:
        if window_of(manifest)[1] <= UNTIL:
            assert manifest["requests"] == max(1, math.ceil(manifest["received"] / PAGE))
    of_transcripts = sum(one["requests"] for one in filled.dataset("transcripts").manifests())
    spent = sum(one["requests"] for one in manifests) + of_transcripts
    assert spent <= len(filled.gong.requests) <= spent + len(filled.killed)


def test_the_check_finds_nothing_amiss(filled: Filled) -> None:
    rest = filled.airflow.rest
    rest.wait_for_run("backfill_check", rest.trigger("backfill_check"), seconds=SECONDS)
