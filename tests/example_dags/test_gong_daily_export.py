"""The example Dag of daily exports runs as it stands, day after day."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_gong.sandbox import GongSandbox
from tests.support.dag_runs import DagRunResult, run_dag
from tests.support.task_runner import RunSpec, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

EXAMPLE = Path(__file__).parent.parent.parent / "example_dags" / "gong_daily_export.py"
DAY = timedelta(days=1)
DAYS = (datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC))
NOW = datetime(2026, 1, 10, 6, tzinfo=UTC)
# Gong records log entries late, so that their windows are held back.
LOGS_SETTLE = timedelta(hours=1)
FOLDERS = ("calls", "transcripts", "users", "logs/log_type=UserActivityLog")


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(
        seed=5, calls=120, days=4, users=110, logs=130, now=NOW, today=NOW.date(), per_second=None
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def runs(gong: GongSandbox, folder: Path) -> Iterator[list[DagRunResult]]:
    """Run the example for two days, the second after the first."""
    connection = {
        "conn_type": "gong",
        "host": gong.url,
        "login": gong.access_key,
        "password": gong.access_key_secret,
        "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000},
    }
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
        environment.setenv("AIRFLOW_VAR_GONG_DESTINATION", f"file://{folder}")
        environment.setenv("AIRFLOW__GONG__QUOTA_DIR", str(folder.parent / "quota"))
        dag = example()
        # A timetable with intervals gives a run of midnight the day before it.
        yield [run_and_listen(dag, start + DAY) for start in DAYS]


def run_and_listen(dag: DAG, due: datetime) -> DagRunResult:
    """Run the Dag; what its tasks print stands in the logs, as it does on a worker."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = run_dag(dag, logical_date=due, run_after=due)
    return replace(result, logs=[*result.logs, *printed.getvalue().splitlines()])


def example() -> DAG:
    """Load the example as Airflow does."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(EXAMPLE)
    assert bag.import_errors == {}
    [dag] = bag.dags.values()
    return dag


def manifests(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("_manifests/*/*.json"))]


def table(run: DagRunResult) -> dict[str, list[str]]:
    """Return the lines of the report, by their first word."""
    return {words[0]: words[1:] for text in run.logs for line in text.splitlines() if (words := line.split())}


def test_all_tasks_succeed(runs: list[DagRunResult]) -> None:
    for run in runs:
        assert run.state == "success"
        assert set(run.states) == {
            "export_calls",
            "export_transcripts",
            "export_users",
            "export_logs",
            "report",
        }
        assert set(run.states.values()) == {"success"}


@pytest.mark.usefixtures("runs")
def test_each_stream_has_one_manifest_a_day(folder: Path) -> None:
    for stream in FOLDERS:
        held_back = LOGS_SETTLE if stream.startswith("logs") else timedelta(0)
        starts = [start - held_back for start in DAYS]
        if stream == "users":
            windows = [(start + DAY, start + DAY) for start in starts]
        else:
            windows = [(start, start + DAY) for start in starts]
        assert [body["window"] for body in manifests(folder / stream)] == [
            {"from": start.isoformat(), "to": end.isoformat()} for start, end in windows
        ]


def test_report_tells_the_rows_of_each_stream(runs: list[DagRunResult], gong: GongSandbox) -> None:
    for number, (start, run) in enumerate(zip(DAYS, runs, strict=True)):
        end, lines = start + DAY, table(run)
        calls = gong.world.call_ids(start, end)
        transcribed = gong.world.call_ids(start, end, transcribed=True)
        entries = gong.world.find_logs("UserActivityLog", start - LOGS_SETTLE, end - LOGS_SETTLE)
        window = [start.isoformat(), end.isoformat()]
        pending = len(calls) - len(transcribed)
        # The second run looks back over the first: two pages of calls; transcripts that were not ready
        # fill up a request of its own ones.
        carried = number * waited_for(gong, DAYS[0])
        assert lines["stream"] == ["from", "to", "rows", "pending", "requests"]
        assert lines["calls"] == [*window, str(len(calls)), "0", str(2 + 2 * number)]
        assert lines["transcripts"] == [
            *window,
            str(len(transcribed)),
            str(pending + carried),
            "2",
        ]
        assert lines["users"] == [end.isoformat(), end.isoformat(), "110", "0", "2"]
        assert lines["logs"][2:] == [str(len(entries)), "0", "2"]


def waited_for(gong: GongSandbox, start: datetime) -> int:
    """Return how many calls of a day have no transcript yet."""
    return len(gong.world.call_ids(start, start + DAY)) - len(
        gong.world.call_ids(start, start + DAY, transcribed=True)
    )


def test_report_tells_what_happened_on_the_day(runs: list[DagRunResult], gong: GongSandbox) -> None:
    for start, run in zip(DAYS, runs, strict=True):
        calls = [gong.world.call(one) for one in gong.world.call_ids(start, start + DAY)]
        number, minutes, external = table(run)[f"{start:%Y-%m-%d}"]
        assert int(number) == len(calls)
        assert int(minutes) == sum(round(call.duration / 60) for call in calls)
        assert 0 < int(external) <= int(number)


def test_report_needs_no_users(runs: list[DagRunResult], gong: GongSandbox) -> None:
    """A backfill run skips them: what they return is then missing."""
    [run, _] = runs
    report = example().get_task("report")
    assert isinstance(report, BaseOperator)
    exported: dict[str | tuple[str, str], Any] = {
        name: run.xcoms[name] for name in ("export_calls", "export_transcripts", "export_logs")
    }
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = run_task(report, run=RunSpec(run_type="backfill"), xcoms=exported).succeeded()
    lines = table(replace(run, logs=[*result.logs, *printed.getvalue().splitlines()]))
    assert report.trigger_rule == "none_failed"
    assert lines["calls"] == table(run)["calls"]
    assert "users" not in lines
    assert lines[f"{DAYS[0]:%Y-%m-%d}"] == table(run)[f"{DAYS[0]:%Y-%m-%d}"]


def test_tasks_say_which_window_they_export(runs: list[DagRunResult], folder: Path) -> None:
    for start, run in zip(DAYS, runs, strict=True):
        line = (
            f"Exporting calls of [{start.isoformat()}, {(start + DAY).isoformat()}) (the Dag run's data interval) "
            f"to file://{folder}/calls"
        )
        assert any(entry.startswith(line) for entry in run.logs)
