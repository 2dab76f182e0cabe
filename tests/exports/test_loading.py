from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import exports_to_load
from airflow_provider_gong.exports.loading import version
from airflow_provider_gong.exports.manifest import IdsFile, Manifest
from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

GOLDEN = Path(__file__).parent.parent / "golden" / "1.0.0rc1" / "jsonl"
FIRST, SECOND, THIRD = (
    "20260108T000000Z_20260109T000000Z",
    "20260109T000000Z_20260110T000000Z",
    "20260110T000000Z_20260111T000000Z",
)


@pytest.fixture
def exported(root: ObjectStoragePath, destination: str) -> str:
    """Return a destination that holds three days of all streams."""
    for path in sorted(GOLDEN.rglob("*")):
        if path.is_file():
            target = root / str(path.relative_to(GOLDEN))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return destination


def plain(address: str) -> str:
    """Return an address without its connection."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def test_windows_of_a_dataset_come_the_oldest_first_with_the_files_that_manifests_name(
    exported: str, root: ObjectStoragePath
) -> None:
    stray = root / "calls" / "date=2026-01-08" / f"window={FIRST}" / "part-00001-000000000000.jsonl.gz"
    stray.write_bytes(b"left by an attempt that was killed")
    loads = exports_to_load(f"{exported}/calls")
    assert [load["window"] for load in loads] == [FIRST, SECOND, THIRD]
    for load in loads:
        assert (load["stream"], load["rows"]) == ("calls", 5 if load["window"] == SECOND else 4)
        [file] = load["files"]
        folder = f"{plain(exported)}/calls/date={load['window'][:4]}-01-{load['window'][6:8]}"
        assert file.startswith(f"{folder}/window={load['window']}/part-00000-")
        assert not file.endswith("000000000000.jsonl.gz")


def test_deletions_of_the_same_window_come_along(exported: str) -> None:
    for stream, folder in (
        ("calls", "deletions"),
        ("transcripts", "deletions"),
        ("conversations", "conversation_deletions"),
    ):
        loads = {load["window"]: load for load in exports_to_load(f"{exported}/{stream}")}
        assert [window for window, load in loads.items() if load["deletions"]] == [SECOND]
        [file] = loads[SECOND]["deletions"]
        assert file.startswith(f"{plain(exported)}/{folder}/date=2026-01-09/")
        assert loads[SECOND]["deletions_version"].startswith("20260110T000000Z_20260109T000000Z_")
        assert loads[FIRST]["deletions_version"] is None


def test_deletions_without_an_export_of_their_window_are_loaded_too(
    exported: str, root: ObjectStoragePath
) -> None:
    manifest = root / "transcripts" / "_manifests" / "2026-01" / "20260110T000000Z_20260109T000000Z.json"
    manifest.unlink()
    load = exports_to_load(f"{exported}/transcripts")[1]
    assert (load["window"], load["files"], load["rows"], load["version"]) == (SECOND, [], 0, None)
    assert len(load["deletions"]) == 1


@pytest.mark.parametrize("stream", ["users", "logs/log_type=UserActivityLog"])
def test_other_streams_have_no_deletions(exported: str, stream: str) -> None:
    loads = exports_to_load(f"{exported}/{stream}")
    assert len(loads) == 3
    assert {load["stream"] for load in loads} == {stream.partition("/")[0]}
    assert [load["deletions"] for load in loads] == [[], [], []]


def test_deletions_of_a_workspace_are_its_own(exported: str, root: ObjectStoragePath) -> None:
    for stream in ("calls", "deletions"):
        for path in sorted((GOLDEN / stream).rglob("*.json")):
            target = root / stream / "workspace=7" / str(path.relative_to(GOLDEN / stream))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    load = exports_to_load(f"{exported}/calls/workspace=7")[1]
    assert load["stream"] == "calls"
    assert load["deletions"][0].startswith(f"{plain(exported)}/deletions/workspace=7/date=")


def test_summary_of_a_task_names_one_window(exported: str) -> None:
    uri = f"{exported}/calls/_manifests/2026-01/20260110T000000Z_20260109T000000Z.json"
    [expected] = [load for load in exports_to_load(f"{exported}/calls") if load["window"] == SECOND]
    assert exports_to_load({"uri": uri}) == exports_to_load(uri) == [expected]


def test_run_that_had_nothing_to_export_has_nothing_to_load() -> None:
    assert exports_to_load({"uri": None}) == []


def test_result_is_small_enough_for_xcom(exported: str) -> None:
    loads = exports_to_load(f"{exported}/calls")
    assert json.loads(json.dumps(loads)) == loads


def test_address_without_manifests_is_an_error_that_says_which_one_is_meant(exported: str) -> None:
    with pytest.raises(GongConfigurationError, match="the destination= of the exports and the stream"):
        exports_to_load(exported)


def written(start: int, end: int, at: str) -> Manifest:
    window = Window(datetime(2026, 1, start, tzinfo=UTC), datetime(2026, 1, end, tzinfo=UTC))
    run: dict[str, Any] = {"written_at": at} if at else {}
    return Manifest(identity={}, window=window, parts=(), ids=IdsFile("", 0, ""), rows=0, run=run)


def test_windows_decide_then_the_time_of_writing() -> None:
    in_order = [
        written(1, 2, "2026-01-09T00:00:00+00:00"),
        written(1, 3, "2026-01-08T00:00:00+00:00"),
        written(2, 3, ""),
        written(2, 3, "2026-01-04T01:00:00+02:00"),
        written(2, 3, "2026-01-04T00:00:00+00:00"),
        written(2, 3, "2026-01-04T00:00:00.000001+00:00"),
        written(2, 10, "2026-01-04T00:00:00+00:00"),
    ]
    versions = [version(manifest) for manifest in in_order]
    assert sorted(versions) == versions
    assert len(set(versions)) == len(versions)
