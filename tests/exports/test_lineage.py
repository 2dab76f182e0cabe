"""Names of datasets and columns, as OpenLineage's naming and schema want them."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exports.conversations import Conversations
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.lineage import Trail, lineage_of_check, lineage_of_export, place_of
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.exports.streams import Calls, Logs, Transcripts, Users

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.exports.batches import Stream


def root(protocol: str, bucket: str, path: str, **facts: Any) -> Any:
    """Return a folder in a storage whose file system need not be installed."""
    return SimpleNamespace(protocol=protocol, bucket=bucket, path=path, fs=SimpleNamespace(**facts))


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        (root("file", "", "/data/gong/calls"), ("file", "/data/gong/calls")),
        (root("s3", "raw", "raw/gong/calls"), ("s3://raw", "gong/calls")),
        (root("s3a", "raw", "raw/gong/calls"), ("s3://raw", "gong/calls")),
        (root("gs", "raw", "raw/gong/calls"), ("gs://raw", "gong/calls")),
        (root("gcs", "raw", "raw/calls"), ("gs://raw", "calls")),
        (
            root("abfs", "raw", "raw/gong/calls", account_name="acme"),
            ("abfss://raw@acme.dfs.core.windows.net", "gong/calls"),
        ),
        (root("abfss", "raw", "raw/gong/calls"), ("abfss://raw", "gong/calls")),
    ],
    ids=lambda value: value.protocol if hasattr(value, "protocol") else "",
)
def test_a_folder_has_the_name_that_others_give_it(folder: Any, place: tuple[str, str]) -> None:
    assert place_of(folder) == place


def test_names_of_storages_are_those_of_the_client_of_openlineage() -> None:
    from openlineage.client.naming import dataset as naming

    for protocol, kind in (("s3", naming.S3), ("gs", naming.GCS)):
        theirs = kind(bucket_name="raw", object_key="gong/calls")
        assert place_of(root(protocol, "raw", "raw/gong/calls")) == (
            theirs.get_namespace(),
            theirs.get_name(),
        )
    azure = naming.ABFSS(container="raw", service="acme", path="gong/calls")
    ours = place_of(root("abfs", "raw", "raw/gong/calls", account_name="acme"))
    assert ours == (azure.get_namespace(), azure.get_name())
    disk = naming.LocalFileSystem(path="/data/gong")
    assert place_of(root("file", "", "/data/gong")) == (disk.get_namespace(), disk.get_name())


def columns(stream: Stream, file_format: str, folder: Path) -> dict[str, Any]:
    trail = Trail(
        stream=stream, dataset=Dataset(open_destination(f"file://{folder}")), file_format=file_format
    )
    [output] = lineage_of_export(trail).outputs
    return {field.name: field for field in output.facets["schema"].fields}


@pytest.mark.parametrize(
    ("stream", "names"),
    [
        (Calls(content="basic"), {"metaData"}),
        (Calls(), {"metaData", "context", "parties"}),
        (
            Calls(content="full"),
            {"metaData", "context", "parties", "content", "interaction", "collaboration"},
        ),
        (Conversations(calls=Calls(content="basic")), {"metaData", "parties", "transcript", "text"}),
        (Transcripts(), {"callId", "transcript"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_json_lines_have_the_columns_that_were_asked_for(
    stream: Stream, names: set[str], tmp_path: Path
) -> None:
    assert columns(stream, "jsonl.gz", tmp_path).keys() == names


def test_json_has_no_moments_and_one_kind_of_number(tmp_path: Path) -> None:
    fields = {one.name: one.type for one in columns(Calls(), "jsonl", tmp_path)["metaData"].fields}
    assert (fields["started"], fields["duration"], fields["isPrivate"]) == ("string", "number", "boolean")


@pytest.mark.parametrize("stream", [Calls(content="basic"), Users(), Logs(log_type="AccessLog")])
def test_parquet_has_all_columns_whatever_was_asked_for(stream: Stream, tmp_path: Path) -> None:
    from airflow_provider_gong.exports.parquet import arrow_schema
    from airflow_provider_gong.exports.schema import CURRENT

    found = columns(stream, "parquet", tmp_path)
    assert list(found) == arrow_schema(CURRENT[stream.name]).names
    assert [one.ordinal_position for one in found.values()] == list(range(1, len(found) + 1))


def test_elements_of_lists_are_described(tmp_path: Path) -> None:
    parties = columns(Calls(), "parquet", tmp_path)["parties"]
    [element] = parties.fields
    assert (parties.type, element.name, element.type) == ("array", "_element", "struct")
    assert "emailAddress" in {one.name for one in element.fields}


def test_what_did_not_come_far_has_no_lineage() -> None:
    assert (lineage_of_export(None).inputs, lineage_of_export(None).outputs) == ([], [])
    assert (lineage_of_check(None, 0).inputs, lineage_of_check(None, 0).outputs) == ([], [])


# Airflow itself asks each installed provider what it has.
WITHOUT = """
import sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("openlineage", "airflow.providers.openlineage")):
            raise ModuleNotFoundError(name)

for name in [name for name in sys.modules if name.startswith(("openlineage", "airflow.providers.openlineage"))]:
    del sys.modules[name]
sys.meta_path.insert(0, Missing())
from airflow_provider_gong.exports import lineage
from airflow_provider_gong.exports.streams import Calls
from airflow_provider_gong.operators.exports import GongExportCallsOperator
GongExportCallsOperator(task_id="export")
lineage.Trail(stream=Calls())
"""


def test_nothing_but_lineage_needs_openlineage() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
