"""The keys that later tasks and loaders rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.reader import read_export
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.exports.summary import empty_summary, summary_of
from tests.exports.doubles import batch, export, record

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [
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


def test_summary_has_the_promised_keys(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, batch(1, 2), batch(3, pending=["7", "8"])).execute()
    summary = summary_of(local_dataset, manifest)
    assert list(summary) == KEYS
    assert summary["rows"] == 3
    assert summary["requests"] == 2
    assert summary["window_from"] == "2026-01-01T00:00:00+00:00"
    assert summary["window_to"] == "2026-01-02T00:00:00+00:00"
    assert (summary["complete"], summary["pending"]) == (False, 2)


def test_summary_of_nothing_has_the_same_keys(local_dataset: Dataset) -> None:
    summary = empty_summary(local_dataset)
    assert list(summary) == KEYS
    assert summary["uri"] is None
    assert summary["files"] == []
    assert summary["complete"] is True
    assert list(read_export(summary)) == []


def test_files_of_a_local_summary_lie_below_its_prefix(tmp_path: Path) -> None:
    dataset = Dataset(open_destination(str(tmp_path)) / "calls")
    summary = summary_of(dataset, export(dataset, batch(1)).execute())
    assert summary["bucket"] == ""
    assert summary["prefix"] == f"{tmp_path}/calls"
    assert [(tmp_path / "calls" / name).is_file() for name in summary["files"]] == [True]


def test_files_of_an_s3_summary_lie_below_its_prefix_in_the_bucket(s3_destination: str) -> None:
    dataset = Dataset(open_destination(s3_destination) / "calls")
    summary = summary_of(dataset, export(dataset, batch(1)).execute())
    assert summary["prefix"] == "exports/calls"
    keys = dataset.root.fs.find(summary["bucket"])
    assert f"{summary['bucket']}/{summary['prefix']}/{summary['files'][0]}" in keys


def test_uri_of_an_s3_summary_names_its_connection(s3_destination: str) -> None:
    dataset = Dataset(open_destination(s3_destination) / "calls")
    summary = summary_of(dataset, export(dataset, batch(1)).execute())
    assert list(read_export(summary)) == [record(1)]
    assert list(read_export(summary["uri"])) == [record(1)]
