"""Reading exports back."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import read_export
from airflow_provider_gong.exports.reader import exported_ids, open_export
from airflow_provider_gong.exports.summary import summary_of
from tests.exports.doubles import Pages, batch, export, exported, record, window

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.exports.dataset import Dataset


def part_of(dataset: Dataset) -> Path:
    from pathlib import Path

    manifest = dataset.manifest(window())
    assert manifest is not None
    return Path((dataset.root / manifest.parts[0].name).path)


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_rows_come_back_over_all_parts_in_the_order_of_writing(dataset: Dataset, file_format: str) -> None:
    manifest = export(
        dataset, batch(3, 1), batch(2, "ü"), batch(5), file_format=file_format, part_bytes=40
    ).execute()
    assert len(manifest.parts) == 3
    expected = [record(number) for number in (3, 1, 2, "ü", 5)]
    assert list(read_export(summary_of(dataset, manifest))) == expected
    assert list(read_export(str(dataset.manifest_path(window())))) == expected


def test_connection_may_be_given_beside_the_uri(s3_destination: str) -> None:
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.storage import open_destination

    dataset = Dataset(open_destination(s3_destination) / "calls")
    export(dataset, batch(1)).execute()
    uri = str(dataset.manifest_path(window())).replace("exports_s3@", "")
    assert list(read_export(uri, destination_conn_id="exports_s3")) == [record(1)]


def test_missing_part_is_named_with_the_mend(dataset: Dataset) -> None:
    manifest = export(dataset, batch(1)).execute()
    dataset.root.fs.rm((dataset.root / manifest.parts[0].name).path)
    message = rf"{manifest.parts[0].name} is missing: clear the run that exported it\.$"
    with pytest.raises(GongConfigurationError, match=message):
        exported(dataset)


def test_changed_part_is_refused_with_the_mend(dataset: Dataset) -> None:
    manifest = export(dataset, batch(1)).execute()
    dataset.root.fs.pipe_file((dataset.root / manifest.parts[0].name).path, gzip.compress(b'{"id":"2"}\n'))
    message = rf"{manifest.parts[0].name} was changed after the export: clear the run that exported it\.$"
    with pytest.raises(GongConfigurationError, match=message):
        exported(dataset)


def test_manifest_that_does_not_exist_is_refused(root: object) -> None:
    with pytest.raises(GongConfigurationError, match=r"^There is no manifest at .*/x\.json: "):
        list(read_export(f"{root}/_manifests/2026-01/x.json"))


@pytest.mark.parametrize("wrong", [None, {}, [], [{"id": "1"}], {"rows": 3}, "", "/data/calls", {"uri": 7}])
def test_what_is_neither_summary_nor_uri_is_refused(wrong: Any) -> None:
    with pytest.raises(GongConfigurationError, match="is neither the summary of an export task nor the URI"):
        list(read_export(wrong))


def test_json_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text('{"calls": []}')
    with pytest.raises(GongConfigurationError, match=r"calls\.json is not the manifest of an export"):
        list(read_export(f"{tmp_path}/calls.json"))


def test_no_file_is_left_behind(
    local_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(local_dataset, batch(1), batch(2), part_bytes=10).execute()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    rows = read_export(str(local_dataset.manifest_path(window())))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_one_part_at_a_time_lies_on_the_local_disk(
    local_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(local_dataset, batch(1), batch(2), batch(3), part_bytes=10).execute()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    rows = read_export(str(local_dataset.manifest_path(window())))
    assert [len(list((tmp_path / "temporary").glob("*/*"))) for _ in rows] == [1, 1, 1]


def test_ids_come_from_the_ids_file(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, batch(2, 1)).execute()
    part_of(local_dataset).unlink()
    assert list(exported_ids(local_dataset, manifest, Pages([]))) == ["2", "1"]


@pytest.mark.parametrize("content", [None, gzip.compress(b"7\tff\n")])
def test_ids_out_of_step_are_taken_from_the_rows(dataset: Dataset, content: bytes | None) -> None:
    manifest = export(dataset, batch(2, 1)).execute()
    path = dataset.ids_path(window())
    if content is None:
        path.fs.rm(path.path)
    else:
        path.fs.pipe_file(path.path, content)
    assert list(exported_ids(dataset, manifest, Pages([]))) == ["2", "1"]


def test_dataset_of_a_manifest_is_found_from_its_uri(dataset: Dataset) -> None:
    manifest = export(dataset, batch(1)).execute()
    found = open_export(str(dataset.manifest_path(window())))
    assert found is not None
    assert str(found[0].root) == str(dataset.root)
    assert found[1] == manifest
