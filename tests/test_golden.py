"""What older versions wrote is read as they read it: manifests, ids, rows, checks, looks back."""

from __future__ import annotations

import json
import runpy
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import read_export
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.manifest import FORMAT_VERSION
from airflow_provider_gong.exports.rows import call_row
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import build
from tests.support.connections import connection_of
from tests.support.golden import datasets, facts_of
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden"
SETS = sorted(path.parent for path in GOLDEN.glob("*/*/expected.json"))
DATASETS = {
    *("calls", "transcripts", "conversations", "users", "logs/log_type=UserActivityLog"),
    *("deletions", "conversation_deletions"),
}
DAY = timedelta(days=1)
NEXT = datetime(2026, 1, 12, tzinfo=UTC)


@pytest.fixture(params=SETS, ids=lambda path: f"{path.parent.name}-{path.name}")
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of what a version wrote: the address of a dataset may stand in what is read, never in it."""
    copy = tmp_path / "gong"
    shutil.copytree(request.param, copy)
    return copy


def expected(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return facts


def test_there_are_sets_of_both_formats() -> None:
    assert {"jsonl", "parquet"} <= {path.name for path in SETS}
    for version in {path.parent for path in SETS}:
        # They stay in the repository for ever.
        assert sum(path.stat().st_size for path in version.rglob("*") if path.is_file()) < 300_000


def test_each_dataset_is_read_as_it_was_by_the_version_that_wrote_it(golden: Path) -> None:
    written = expected(golden)
    none = {"conversation_deletions"} if golden_format(golden) == "parquet" else set()
    assert set(datasets(golden)) == written.keys() == DATASETS - none
    for name, facts in written.items():
        # Only what that version knew to tell: facts are added, not changed.
        assert json.loads(json.dumps(facts_of(golden, name))) == facts


def test_sets_hold_what_can_be_misread(golden: Path) -> None:
    exports = {name: facts["exports"].values() for name, facts in expected(golden).items()}
    assert any(one["pending"] for one in exports["transcripts"])
    if golden_format(golden) == "jsonl.gz":
        assert any(one["pending"] for one in exports["conversations"])
    assert {one["looked_back"]["changed"] for one in exports["calls"]} == {0, 1}
    assert sum(len(one["rows"]) for one in exports["deletions"]) == 2
    assert any(one["revisited"] for one in exports["calls"])


# Parquet does not keep how Gong spelled a time.
@pytest.mark.parametrize("golden", [path for path in SETS if path.name == "jsonl"], indirect=True)
def test_hashes_of_records_are_still_made_as_they_were(golden: Path) -> None:
    """Another hash would export all calls of the last week again."""
    dataset = Dataset(open_destination(f"file://{golden}/calls"))
    for manifest in dataset.manifests():
        rows = [call_row(row) for row in read_export(str(dataset.manifest_path(manifest.window)))]
        assert [(row.id, row.hash) for row in rows] == list(dataset.ids(manifest))


def golden_format(folder: Path) -> str:
    return str(expected(folder)["calls"]["identity"]["format"])


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GongSandbox]:
    """Return a company without calls, two days after the golden sets end."""
    with GongSandbox(
        seed=4, calls=0, days=0, users=2, logs=0, now=NEXT + DAY / 24, today=NEXT.date(), per_second=None
    ) as gong:
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", connection_of(gong))
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
        yield gong


def export(kind: Any, golden: Path, run: RunSpec, **arguments: Any) -> TaskResult:
    task = build(
        kind,
        task_id=str(kind.__name__),
        destination=f"file://{golden}",
        file_format=golden_format(golden),
        **arguments,
    )
    return run_task(task, run=run)


def test_next_run_goes_on_where_they_end_and_looks_back_over_them(golden: Path, empty: GongSandbox) -> None:
    facts_before = expected(golden)["calls"]
    calls = Dataset(open_destination(f"file://{golden}/calls"))
    rows = {row["metaData"]["id"]: row for one in calls.manifests() for row in rows_of(calls, one)}
    told = Dataset(open_destination(f"file://{golden}/deletions"))
    deleted = {row["id"] for one in told.manifests() for row in rows_of(told, one)}
    for call_id in rows.keys() - deleted:
        started = datetime.fromisoformat(rows[call_id]["metaData"]["started"])
        empty.world.add_call(started, id=call_id, title="They are all called the same now")
    cron = RunSpec(run_type="scheduled", logical_date=NEXT, run_id="next")
    result = export(GongExportCallsOperator, golden, cron).succeeded()
    newest = calls.newest()
    assert newest is not None
    assert newest.looked_back is not None
    assert result.xcom["window_from"] == datetime.fromisoformat(facts_before["newest_end"]).isoformat()
    assert {key: newest.looked_back[key] for key in ("late", "changed", "deleted", "doubted")} == {
        "late": 0,
        "changed": len(rows) - 2,
        "deleted": 0,
        "doubted": 0,
    }
    found = export(GongExportTranscriptsOperator, golden, cron, calls=result.xcom)
    [pending] = {
        one for facts in expected(golden)["transcripts"]["exports"].values() for one in facts["pending"]
    }
    asked = {row["callId"] for row in read_export(found.succeeded().xcom)}
    assert asked == rows.keys() - deleted >= {pending}


def rows_of(dataset: Dataset, manifest: Any) -> Iterator[dict[str, Any]]:
    return read_export(str(dataset.manifest_path(manifest.window)))


def test_run_that_is_cleared_replaces_what_it_wrote(golden: Path, empty: GongSandbox) -> None:
    calls = Dataset(open_destination(f"file://{golden}/calls"))
    before = calls.newest()
    assert before is not None
    interval = (before.window.start, before.window.end)
    run = RunSpec(run_type="scheduled", data_interval=interval, run_after=interval[1], clear_number=1)
    for row in rows_of(calls, before):
        empty.world.add_call(datetime.fromisoformat(row["metaData"]["started"]), id=row["metaData"]["id"])
    export(GongExportCallsOperator, golden, run).succeeded()
    after = calls.newest()
    assert after is not None
    assert (after.window, after.rows) == (before.window, before.rows)
    assert {part.name for part in before.parts}.isdisjoint(part.name for part in after.parts)
    assert calls.parts_in(after.window) == {part.name for part in after.parts}


def test_manifest_of_a_later_format_is_refused_with_the_mend(golden: Path) -> None:
    path = max((golden / "calls" / "_manifests").rglob("*.json"))
    body = json.loads(path.read_bytes()) | {"format_version": FORMAT_VERSION + 1, "package_version": "9.1.0"}
    path.write_text(json.dumps(body))
    with pytest.raises(
        GongConfigurationError, match=r"by airflow-provider-gong 9\.1\.0.*Upgrade the package"
    ):
        list(read_export(f"file://{path}"))


def test_fields_of_a_later_version_are_no_trouble(golden: Path) -> None:
    path = max((golden / "calls" / "_manifests").rglob("*.json"))
    body = json.loads(path.read_bytes())
    path.write_text(json.dumps(body | {"weather": {"in": "Oslo"}}))
    assert len(list(read_export(f"file://{path}"))) == body["rows"]


def test_script_writes_sets_that_are_read_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIRFLOW_CONN_GONG_DEFAULT", "AIRFLOW__GONG__QUOTA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "quota"))
    script = runpy.run_path(str(GOLDEN.parent.parent / "scripts" / "golden.py"))
    script["write"](tmp_path / "set", "jsonl.gz")
    facts = expected(tmp_path / "set")
    assert facts.keys() == DATASETS
    assert {name: json.loads(json.dumps(facts_of(tmp_path / "set", name))) for name in facts} == facts
    assert not list((tmp_path / "set").rglob("_staging"))
