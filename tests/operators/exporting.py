"""What the tests of the export operators share: runs, one call to run an export, and a look at what it left."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow.sdk import DAG

from airflow_provider_gong.exports import read_export
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.operators.export_base import GongExportOperator

Kind: TypeAlias = "type[GongExportOperator]"

SUMMARY_KEYS = [
    "uri",
    "bucket",
    "prefix",
    "files",
    "rows",
    "window_from",
    "window_to",
    "complete",
    "complete_through",
    "pending",
    "requests",
]
NOTHING = {"files": [], "rows": 0, "window_from": None, "window_to": None, "uri": None, "requests": 0}
ONE_DAY = timedelta(days=1)
RUNNER_ARGUMENTS = ("run", "try_number", "map_index", "xcoms")


def day(number: int) -> datetime:
    """Return the beginning of a day of January 2026."""
    return datetime(2026, 1, number, tzinfo=UTC)


def bounds(number: int) -> dict[str, datetime]:
    """Return the arguments that name a day as the window."""
    return {"from_datetime": day(number), "to_datetime": day(number + 1)}


def interval_run(number: int, **facts: Any) -> RunSpec:
    """Return a scheduled run whose data interval is a day."""
    return RunSpec(run_type="scheduled", data_interval=(day(number), day(number + 1)), **facts)


def cron_run(number: int, **facts: Any) -> RunSpec:
    """Return a run as a cron string makes it: due at a midnight, with an interval of zero length."""
    return RunSpec(run_type="scheduled", logical_date=day(number), **facts)


def build(kind: Kind, max_active_runs: int = 1, **arguments: Any) -> GongExportOperator:
    """Return an export operator in a Dag of its own."""
    with DAG("exports", schedule=None, max_active_runs=max_active_runs):
        defaults: dict[str, Any] = {"task_id": "export", "retries": 2}
        return kind(**(defaults | arguments))


def attempt(kind: Kind, **arguments: Any) -> TaskResult:
    """Run an export in Airflow's task runner; arguments of the runner and of the operator alike."""
    runner = {name: arguments.pop(name) for name in RUNNER_ARGUMENTS if name in arguments}
    return run_task(build(kind, **arguments), **runner)


def export(kind: Kind, **arguments: Any) -> Any:
    """Run an export that succeeds and return its summary or its records."""
    return attempt(kind, **arguments).succeeded().xcom


def rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an export, as a following task reads them."""
    return list(read_export(summary))


def manifest(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of an export to local files."""
    body: dict[str, Any] = json.loads(Path(summary["uri"].removeprefix("file://")).read_bytes())
    return body


def call_ids(records: list[dict[str, Any]]) -> list[str]:
    """Return the ids of exported calls."""
    return [record["metaData"]["id"] for record in records]


def raw_lines(path: Path) -> list[bytes]:
    """Return the lines of a data file."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()


def digests(folder: Path) -> dict[str, str]:
    """Return the data files below a folder, as a loader that skips `_` names sees them, and their hashes."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in data_files(folder)}


def data_files(folder: Path) -> list[str]:
    """Return the files below a folder of which no part of the name begins with `_`."""
    return sorted(name for name in all_files(folder) if not any(p.startswith("_") for p in Path(name).parts))


def manifests(folder: Path) -> list[str]:
    """Return the manifests below a folder."""
    return sorted(name for name in all_files(folder) if "_manifests/" in name)


def all_files(folder: Path) -> list[str]:
    """Return all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_nothing_published(folder: Path) -> None:
    """Assert that neither loaders nor followers of manifests see anything."""
    assert data_files(folder) == []
    assert manifests(folder) == []


def window_lines(result: TaskResult) -> list[str]:
    """Return the log lines that say the window and its rule."""
    return [line for line in result.logs if line.startswith(("Exporting ", "Nothing to export "))]
