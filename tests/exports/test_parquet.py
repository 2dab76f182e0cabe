"""Exports as Parquet: typed columns, groups of a bounded size, and nothing that Gong sends gets lost."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_gong.exports import parquet, read_export
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.parquet import arrow_schema
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.schema import CURRENT
from airflow_provider_gong.exports.summary import summary_of
from airflow_provider_gong.exports.writer import Row, Writer, rewrite
from tests.exports.doubles import assert_sound, data_files, export, exported, run, window

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.exports.dataset import Dataset


def call(number: int, **more: Any) -> dict[str, Any]:
    basic = {"id": str(number), "title": f"Zoë 谢谢 🙂 {number}", "started": "2026-01-01T10:00:00.277+02:00"}
    party = {"id": "7", "name": "Ada", "methods": ["Invitee"], "context": []}
    return {"metaData": basic, "parties": [party], "context": None} | more


def row(number: int, **more: Any) -> Row:
    return Row.of(call(number, **more), id=str(number))


def rows(*numbers: int, **more: Any) -> Batch:
    return Batch([row(number, **more) for number in numbers], received=len(numbers))


def write(folder: Path, *pages: list[Row], part_bytes: int = 2**20) -> Writer:
    folder.mkdir()
    writer = Writer(folder, "parquet", part_bytes, "calls")
    for page in pages:
        writer.write(page)
    writer.close()
    return writer


def records(writer: Writer) -> list[dict[str, Any]]:
    return [record for part in writer.parts for record in writer.format.records(part.path)]


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [record["metaData"]["id"] for record in found]


def said(value: Any) -> Any:
    """Return a value without its nulls: in a file there is no other way to leave a field out."""
    if isinstance(value, dict):
        return {name: said(one) for name, one in value.items() if one is not None}
    return [said(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 3)


def test_columns_are_typed(tmp_path: Path) -> None:
    (part,) = write(tmp_path / "draft", [row(1)]).parts
    table = pq.read_table(part.path)
    basic = table.schema.field("metaData").type
    assert basic.field("id").type == pa.string()
    assert basic.field("duration").type == pa.int64()
    assert basic.field("started").type == pa.timestamp("us", tz="UTC")
    assert pa.types.is_list(table.schema.field("parties").type)
    (found,) = table.to_pylist()
    assert found["metaData"]["started"] == datetime(2026, 1, 1, 8, 0, 0, 277_000, tzinfo=UTC)
    assert found["parties"][0]["methods"] == ["Invitee"]
    assert found["_extra"] is None


def test_file_names_its_schema(tmp_path: Path) -> None:
    (part,) = write(tmp_path / "draft", [row(1)]).parts
    assert pq.ParquetFile(part.path).metadata.metadata[b"gong_schema"] == b"calls.v1"


@pytest.mark.parametrize("stream", CURRENT)
def test_schema_is_the_same_whatever_the_rows_hold(tmp_path: Path, stream: str) -> None:
    expected = arrow_schema(CURRENT[stream])
    held: list[dict[str, Any]] = [{}, {"metaData": None}, {"new": 1}]
    for number, record in enumerate(held):
        (tmp_path / str(number)).mkdir()
        writer = Writer(tmp_path / str(number), "parquet", stream=stream)
        writer.write([Row.of(record, id="1")])
        writer.close()
        assert pq.read_schema(writer.parts[0].path).equals(expected, check_metadata=True)


def test_record_comes_back_with_nulls_for_what_gong_left_out(tmp_path: Path) -> None:
    record = call(1, new={"a": [1, None]})
    record["metaData"] |= {"duration": "long", "isPrivate": False, "purpose": None}
    record["parties"][0]["context"] = [{"objects": [{"fields": [{"name": "a", "value": [1, {"b": None}]}]}]}]
    (found,) = records(write(tmp_path / "draft", [Row.of(record, id="1")]))
    record["metaData"]["started"] = "2026-01-01T08:00:00.277000Z"
    assert said(found) == said(record)
    assert found["parties"][0]["context"][0]["objects"][0]["fields"][0]["value"] == [1, {"b": None}]
    assert found["metaData"]["purpose"] is None
    assert found["content"] is None
    assert "_extra" not in found


@pytest.mark.usefixtures("small_groups")
def test_bytes_depend_on_the_rows_and_not_on_their_pages(tmp_path: Path) -> None:
    first = write(tmp_path / "first", [row(1), row(2)], [row(3), row(4)], [row(5)])
    second = write(tmp_path / "other-name", [row(number) for number in range(1, 6)])
    assert first.parts[0].path.read_bytes() == second.parts[0].path.read_bytes()
    assert first.parts[0].name == second.parts[0].name
    assert first.parts[0].name.endswith(f"-{first.parts[0].sha256[:12]}.parquet")


@pytest.mark.usefixtures("small_groups")
def test_groups_end_after_so_many_rows(tmp_path: Path) -> None:
    (part,) = write(tmp_path / "draft", [row(number) for number in range(7)]).parts
    file = pq.ParquetFile(part.path)
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [3, 3, 1]


def test_rows_of_a_group_become_columns_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_CHUNK_BYTES", 2 * len(row(1).line))
    writer = write(tmp_path / "draft", [row(number) for number in range(5)])
    assert pq.ParquetFile(writer.parts[0].path).num_row_groups == 1
    assert ids(records(writer)) == ["0", "1", "2", "3", "4"]


def test_groups_end_after_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 2 * len(row(1).line))
    (part,) = write(tmp_path / "draft", [row(number) for number in range(5)]).parts
    assert pq.ParquetFile(part.path).num_row_groups == 3


def test_files_are_compressed(tmp_path: Path) -> None:
    (part,) = write(tmp_path / "draft", [row(1)]).parts
    assert pq.ParquetFile(part.path).metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.usefixtures("small_groups")
def test_rewrite_drops_rows_over_parts_and_groups(tmp_path: Path) -> None:
    pages = [[row(number, new=number) for number in range(start, start + 4)] for start in range(0, 12, 4)]
    writer = write(tmp_path / "draft", *pages, part_bytes=1)
    assert len(writer.parts) == 3
    (tmp_path / "kept").mkdir()
    kept = rewrite(writer, tmp_path / "kept", lambda row_id: int(row_id) not in {0, 4, 11})
    expected = [record for record in records(writer) if record["metaData"]["id"] not in {"0", "4", "11"}]
    assert records(kept) == expected
    assert [record["new"] for record in expected] == [1, 2, 3, 5, 6, 7, 8, 9, 10]
    assert pq.read_table(kept.parts[0].path)["_extra"][0].as_py() == '{"/new":1}'


def test_export_comes_back_over_all_parts(dataset: Dataset) -> None:
    manifest = export(dataset, rows(3, 1), rows(2), rows(5), file_format="parquet", part_bytes=40).execute()
    assert len(manifest.parts) == 3
    assert manifest.identity["format"] == "parquet"
    assert_sound(dataset, manifest)
    found = list(read_export(summary_of(dataset, manifest)))
    assert ids(found) == ["3", "1", "2", "5"]
    assert {name.rpartition(".")[2] for name in data_files(dataset)} == {"parquet"}


def test_ids_that_another_run_publishes_meanwhile_are_dropped(dataset: Dataset) -> None:
    def another_run_publishes() -> Batch:
        wide = {"run": run("run-2"), "window": window(1, 3), "file_format": "parquet"}
        export(dataset, rows(2, 9), **wide).execute()
        return rows(3)

    manifest = export(dataset, rows(1, 2), another_run_publishes, file_format="parquet").execute()
    assert ids(exported(dataset)) == ["1", "3"]
    assert (manifest.rows, manifest.duplicates_dropped) == (2, 1)


def test_ids_out_of_step_are_taken_from_the_rows(dataset: Dataset) -> None:
    from airflow_provider_gong.exports.streams import Calls

    manifest = export(dataset, rows(2, 1), file_format="parquet").execute()
    path = dataset.ids_path(window())
    path.fs.rm(path.path)
    assert list(exported_ids(dataset, manifest, Calls())) == ["2", "1"]


def test_log_says_once_what_has_no_column(
    local_dataset: Dataset, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 1)
    pages = [rows(1, 2, new="secret"), rows(3, parties=[{"name": 5}, {"name": 6}]), rows(4)]
    export(local_dataset, *pages, file_format="parquet", part_bytes=1).execute()
    (line,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert line.endswith("the column _extra: /new, /parties/*/name")
    assert "calls.v1" in line


def test_long_list_of_what_has_no_column_is_cut(
    local_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    more = {f"{number:02}new": 1 for number in range(12)}
    export(local_dataset, rows(1, **more), file_format="parquet").execute()
    assert caplog.messages[-1].endswith("/08new, /09new, and others")


def test_log_says_nothing_when_all_have_columns(
    local_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    export(local_dataset, rows(1, 2), file_format="parquet").execute()
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_export_without_rows_has_no_part(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, rows(), file_format="parquet").execute()
    assert manifest.parts == ()
    assert exported(local_dataset) == []


def test_failed_export_leaves_nothing(local_dataset: Dataset) -> None:
    def fail() -> Batch:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        export(local_dataset, rows(1), fail, file_format="parquet").execute()
    assert data_files(local_dataset) == set()


def test_values_that_any_reader_takes_are_json_in_the_extra_column(tmp_path: Path) -> None:
    record = {"metaData": {"id": "1", "title": float("nan"), "new": "cut \ud83d"}}
    (part,) = write(tmp_path / "draft", [Row.of(record, id="1")]).parts
    (found,) = pq.read_table(part.path)["_extra"].to_pylist()
    assert json.loads(found) == {"/metaData/new": "cut \ufffd"}
