"""Exports as Parquet: each stream, to local files and to S3, says what it says as JSON lines."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exports.parquet import arrow_schema
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from tests.operators.exporting import SUMMARY_KEYS, attempt, bounds, digests, export, interval_run, rows

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.exporting import Kind

STREAMS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "calls": (GongExportCallsOperator, {"content": "full", "include_private": True}),
    "transcripts": (GongExportTranscriptsOperator, {}),
    "users": (GongExportUsersOperator, {}),
    "logs": (GongExportLogsOperator, {"log_type": "UserCallPlay"}),
}
TIMES = {"started", "scheduled", "posted", "created", "eventTime"}

each_stream = pytest.mark.parametrize("stream", STREAMS)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest) -> str:
    if request.param == "local":
        local: str = request.getfixturevalue("destination")
        return local
    return f"s3://export_s3@{request.getfixturevalue('bucket')}"


def export_stream(stream: str, destination: str, file_format: str, **arguments: Any) -> Any:
    kind, defaults = STREAMS[stream]
    given = defaults | {"run": interval_run(9)} | arguments
    return export(kind, destination=destination, file_format=file_format, **given)


def alike(value: Any, name: str = "") -> Any:
    """Return a value as both formats can say it: without nulls, with times as moments."""
    if isinstance(value, dict):
        return {key: alike(one, key) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [alike(one) for one in value]
    return datetime.fromisoformat(value) if name in TIMES and isinstance(value, str) else value


@each_stream
def test_rows_are_those_of_json_lines(gong: GongSandbox, place: str, stream: str) -> None:
    lines = export_stream(stream, f"{place}/lines", "jsonl.gz")
    summary = export_stream(stream, f"{place}/parquet", "parquet")
    assert list(summary) == SUMMARY_KEYS
    assert {name.rpartition(".")[2] for name in summary["files"]} == {"parquet"}
    assert summary["rows"] == lines["rows"] > 150
    assert summary["requests"] == lines["requests"]
    found, expected = rows(summary), rows(lines)
    assert all("_extra" not in row for row in found)
    assert alike(found) == alike(expected)


@each_stream
def test_columns_are_those_of_the_shipped_schema(
    gong: GongSandbox, destination: str, folder: Path, stream: str
) -> None:
    summary = export_stream(stream, destination, "parquet")
    [name] = summary["files"]
    [dataset] = {path.parent for path in folder.rglob("_manifests")}
    table = pq.read_table(dataset / name, partitioning=None)
    assert table.schema.equals(arrow_schema(f"{stream}.v1"), check_metadata=True)
    assert table.num_rows == summary["rows"]
    # All that the sandbox sends is documented.
    assert table["_extra"].null_count == table.num_rows


@pytest.mark.parametrize(
    "content", ["basic", "default", {"exposedFields": {"content": {"brief": True}}}], ids=str
)
def test_columns_do_not_depend_on_the_content(
    gong: GongSandbox, destination: str, folder: Path, content: Any
) -> None:
    [name] = export_stream("calls", destination, "parquet", content=content)["files"]
    table = pq.read_table(folder / "calls" / name, partitioning=None)
    assert table.schema.equals(arrow_schema("calls.v1"), check_metadata=True)
    assert table["interaction"].null_count == table.num_rows


def test_days_are_one_table_for_a_warehouse(gong: GongSandbox, destination: str, folder: Path) -> None:
    days = [
        export(GongExportCallsOperator, destination=destination, file_format="parquet", **bounds(number))
        for number in (8, 9)
    ]
    table = pa.dataset.dataset(folder / "calls", format="parquet", partitioning="hive").to_table()
    assert table.num_rows == sum(summary["rows"] for summary in days)
    assert set(table["date"].to_pylist()) == {"2026-01-08", "2026-01-09"}


def test_same_rows_give_the_same_files(gong: GongSandbox, destination: str, folder: Path) -> None:
    export_stream("calls", destination, "parquet")
    before = digests(folder)
    export_stream("calls", destination, "parquet")
    assert digests(folder) == before


def test_transcripts_take_their_calls_from_parquet(gong: GongSandbox, destination: str) -> None:
    calls = export(
        GongExportCallsOperator, destination=destination, file_format="parquet", run=interval_run(9)
    )
    listed = export(GongExportTranscriptsOperator, destination=f"{destination}/lines", run=interval_run(9))
    given = export(
        GongExportTranscriptsOperator,
        destination=destination,
        file_format="parquet",
        calls=calls,
        run=interval_run(9),
    )
    assert alike(rows(given)) == alike(rows(listed))


def test_format_is_part_of_what_a_dataset_is(gong: GongSandbox, destination: str) -> None:
    export_stream("users", destination, "jsonl.gz")
    result = attempt(
        GongExportUsersOperator, destination=destination, file_format="parquet", run=interval_run(8)
    )
    assert "format was 'jsonl.gz' and is 'parquet'" in str(result.error)


@each_stream
def test_without_pyarrow_no_request_is_sent(
    gong: GongSandbox, destination: str, folder: Path, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    kind, arguments = STREAMS[stream]
    result = attempt(kind, destination=destination, file_format="parquet", run=interval_run(9), **arguments)
    assert isinstance(result.error, AirflowFailException)
    assert "pip install 'airflow-provider-gong[parquet]'" in str(result.error)
    assert len(gong.requests) == 0
    assert not folder.exists()
