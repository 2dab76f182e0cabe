"""What exports tell OpenLineage, as its provider writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset

from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from tests.operators.exporting import attempt, bounds, build, day, export, interval_run, manifest
from tests.support.openlineage import Events, listening
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

GONG = "gong://127.0.0.1"


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Events]:
    with listening(monkeypatch, tmp_path / "events.jsonl") as found:
        yield found


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in datasets]


def statistics(event: dict[str, Any]) -> dict[str, int]:
    [output] = event["outputs"]
    told = output["outputFacets"]["outputStatistics"]
    return {name: told[name] for name in ("rowCount", "size", "fileCount")}


def columns(event: dict[str, Any]) -> dict[str, str]:
    [output] = event["outputs"]
    return {one["name"]: one["type"] for one in output["facets"]["schema"]["fields"]}


NOTHING = {"rowCount": 0, "size": 0, "fileCount": 0}


def written(summary: dict[str, Any]) -> dict[str, int]:
    """Return what the manifest says of the parts."""
    body = manifest(summary)
    size = sum(part["bytes"] for part in body["parts"])
    return {"rowCount": body["rows"], "size": size, "fileCount": len(body["parts"])}


def test_an_export_of_calls(gong: GongSandbox, events: Events, folder: Path, destination: str) -> None:
    summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    event = events.last("COMPLETE")
    assert names(event["inputs"]) == [(GONG, "calls")]
    assert names(event["outputs"]) == [("file", f"{folder}/calls")]
    assert statistics(event) == written(summary)
    assert summary["rows"] > 100
    assert columns(event) == {"metaData": "struct", "context": "array", "parties": "array"}


@pytest.mark.parametrize(
    ("kind", "arguments", "inputs", "output"),
    [
        (GongExportUsersOperator, {"run": interval_run(9)}, ["users"], "users"),
        (
            GongExportLogsOperator,
            {"log_type": "AccessLog", **bounds(9)},
            ["logs/log_type=AccessLog"],
            "logs/log_type=AccessLog",
        ),
        (GongExportTranscriptsOperator, bounds(8), ["transcripts"], "transcripts"),
        (GongExportConversationsOperator, bounds(8), ["calls", "transcripts"], "conversations"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_export_names_what_it_read_and_wrote(
    gong: GongSandbox,
    events: Events,
    folder: Path,
    destination: str,
    kind: Any,
    arguments: dict[str, Any],
    inputs: list[str],
    output: str,
) -> None:
    summary = export(kind, destination=destination, **arguments)
    event = events.last("COMPLETE")
    assert names(event["inputs"]) == [(GONG, name) for name in inputs]
    assert names(event["outputs"]) == [("file", f"{folder}/{output}")]
    assert statistics(event) == written(summary)


def test_a_workspace_is_a_dataset_of_its_own(gong: GongSandbox, events: Events, destination: str) -> None:
    workspace = gong.world.workspaces[0]["id"]
    arguments = {"destination": destination, "workspace_id": workspace, **bounds(8)}
    export(GongExportCallsOperator, **arguments)
    assert names(events.last("COMPLETE")["inputs"]) == [(GONG, f"calls/workspace={workspace}")]
    export(GongExportConversationsOperator, **arguments)
    found = [f"calls/workspace={workspace}", f"transcripts/workspace={workspace}"]
    assert names(events.last("COMPLETE")["inputs"]) == [(GONG, name) for name in found]


def test_transcripts_of_exported_calls_follow_from_them(
    gong: GongSandbox, events: Events, folder: Path, destination: str
) -> None:
    calls = export(GongExportCallsOperator, destination=destination, **bounds(8))
    export(GongExportTranscriptsOperator, destination=destination, calls=calls)
    event = events.last("COMPLETE")
    assert names(event["inputs"]) == [(GONG, "transcripts"), ("file", f"{folder}/calls")]


def test_a_bucket_is_named_without_its_connection(gong: GongSandbox, events: Events, bucket: str) -> None:
    export(
        GongExportCallsOperator,
        destination=f"s3://export_s3@{bucket}/raw/gong",
        file_format="parquet",
        **bounds(8),
    )
    event = events.last("COMPLETE")
    assert names(event["outputs"]) == [(f"s3://{bucket}", "raw/gong/calls")]
    assert "export_s3@" not in str(event["outputs"])
    assert columns(event)["_extra"] == "json"
    [schema] = [one["facets"]["schema"]["fields"] for one in event["outputs"]]
    [started] = [one for one in schema[0]["fields"] if one["name"] == "started"]
    assert started["type"] == "timestamp"


def test_the_partition_is_told(gong: GongSandbox, events: Events, destination: str) -> None:
    summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    [output] = events.last("COMPLETE")["outputs"]
    [partition] = output["outputFacets"]["subset"]["outputCondition"]["partitions"]
    assert summary["files"][0].startswith(partition["identifier"] + "/part-")
    assert partition["dimensions"] == {
        "date": "2026-01-08",
        "window": "20260108T000000Z_20260109T000000Z",
    }


def test_records_that_go_to_xcom_have_a_source_and_no_place(gong: GongSandbox, events: Events) -> None:
    export(GongExportCallsOperator, from_datetime=day(8), to_datetime="2026-01-08T06:00:00Z")
    event = events.last("COMPLETE")
    assert names(event["inputs"]) == [(GONG, "calls")]
    assert event["outputs"] == []


def test_a_rerun_tells_what_it_wrote_again(gong: GongSandbox, events: Events, destination: str) -> None:
    first = export(GongExportCallsOperator, destination=destination, **bounds(8))
    told = statistics(events.last("COMPLETE"))
    export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert statistics(events.last("COMPLETE")) == told == written(first)


def test_a_snapshot_that_existed_was_not_written(gong: GongSandbox, events: Events, destination: str) -> None:
    export(GongExportUsersOperator, destination=destination, run=interval_run(9))
    export(GongExportUsersOperator, destination=destination, run=interval_run(9))
    assert statistics(events.last("COMPLETE")) == NOTHING


def test_a_deferred_export_completes_once_with_all_rows(
    gong: GongSandbox, connect: Connect, events: Events, destination: str, no_waiting: None
) -> None:
    connect(gong, max_wait=5)
    gong.faults.add("rate_limited", path="/v2/calls/extensive", retry_after=600, skip=1)
    window: dict[str, Any] = bounds(8)
    operator = build(GongExportCallsOperator, destination=destination, deferrable=True, **window)
    left = run_task(operator)
    assert left.deferral is not None
    assert [one["eventType"] for one in events.all()] == ["START"]
    summary = run_task(operator, resume=left.deferral.resume_with(None)).succeeded().xcom
    assert [one["eventType"] for one in events.all()].count("COMPLETE") == 1
    assert statistics(events.last("COMPLETE")) == written(summary)


def test_a_failed_export_has_written_nothing(
    gong: GongSandbox, events: Events, destination: str, folder: Path, no_waiting: None
) -> None:
    gong.faults.add("server_error", path="/v2/calls/extensive", times=None, skip=1)
    result = attempt(GongExportCallsOperator, destination=destination, retries=0, **bounds(8))
    assert result.state == "failed"
    event = events.last("FAIL")
    assert names(event["inputs"]) == [(GONG, "calls")]
    assert names(event["outputs"]) == [("file", f"{folder}/calls")]
    assert statistics(event) == NOTHING


def test_an_export_that_fails_at_once_tells_no_lineage(gong: GongSandbox, events: Events) -> None:
    assert attempt(GongExportCallsOperator, destination="nowhere", **bounds(8)).state == "failed"
    event = events.last("FAIL")
    assert (event["inputs"], event["outputs"]) == ([], [])


def test_a_declared_asset_is_no_second_dataset(
    gong: GongSandbox, events: Events, folder: Path, destination: str
) -> None:
    outlets = [Asset(f"{destination}/calls")]
    export(GongExportCallsOperator, destination=destination, outlets=outlets, **bounds(8))
    assert names(events.last("COMPLETE")["outputs"]) == [("file", f"{folder}/calls")]


def test_a_check_reads_a_dataset(gong: GongSandbox, events: Events, folder: Path, destination: str) -> None:
    summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    check = GongCheckExportOperator(task_id="check", dataset=f"{destination}/calls")
    run_task(check).succeeded()
    event = events.last("COMPLETE", "dag_of_a_test.check")
    assert names(event["inputs"]) == [("file", f"{folder}/calls")]
    assert event["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == summary["rows"]
    assert event["outputs"] == []


def test_events_hold_no_secret(gong: GongSandbox, connect: Connect, events: Events, destination: str) -> None:
    connection = connect(gong)
    export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert events.all()
    assert connection["login"] not in events.text
    assert connection["password"] not in events.text


def test_lineage_sends_no_request(gong: GongSandbox, events: Events, destination: str) -> None:
    summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert events.all()
    assert len(gong.requests) == summary["requests"]
