"""Which formats there are, and what is said where one cannot be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.formats import FORMATS, reading, writing


@pytest.mark.parametrize("name", FORMATS)
def test_part_is_read_in_the_format_that_its_suffix_names(name: str) -> None:
    assert writing(name, "calls").name == reading(Path(f"part-00000-3f2a9c41d7be.{name}")).name == name


@pytest.mark.parametrize("name", ["jsonl.gz", "jsonl"])
def test_json_lines_need_neither_a_schema_nor_pyarrow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert writing(name, "deletions").name == reading(Path(f"part.{name}")).name == name


def test_parquet_without_pyarrow_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    mend = r"pyarrow: pip install 'airflow-provider-gong\[parquet\]'\.$"
    with pytest.raises(GongConfigurationError, match=rf"^file_format='parquet' needs {mend}"):
        writing("parquet", "calls")
    with pytest.raises(
        GongConfigurationError, match=rf"^The export consists of Parquet files, which need {mend}"
    ):
        reading(Path("part-00000-3f2a9c41d7be.parquet"))


def test_parquet_of_a_stream_without_a_schema_is_refused() -> None:
    message = (
        "^file_format='parquet' is for exports of calls, conversations, deletions, transcripts, users, logs, there is "
        r"no schema for nothing: use jsonl\.gz or jsonl\.$"
    )
    with pytest.raises(GongConfigurationError, match=message):
        writing("parquet", "nothing")
