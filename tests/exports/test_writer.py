"""Rows become files whose bytes depend on the rows alone."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.jsonlines import open_local
from airflow_provider_gong.exports.tally import Tally
from airflow_provider_gong.exports.writer import (
    Row,
    Writer,
    read_ids,
    rewrite,
    sha256_of,
    short_hash,
)
from tests.exports.doubles import record, row

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

WORDS = {"id": "1", "word": "Zoë said “gut, 谢谢” 🙂\u2028\n\t\u0000"}


@pytest.fixture(params=["jsonl.gz", "jsonl"])
def file_format(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def write(folder: Path, *pages: list[Row], file_format: str = "jsonl.gz", part_bytes: int = 1000) -> Writer:
    folder.mkdir()
    writer = Writer(folder, file_format, part_bytes)
    for page in pages:
        writer.write(page)
    writer.close()
    return writer


def records(writer: Writer) -> list[list[dict[str, Any]]]:
    found = []
    for part in writer.parts:
        with open_local(part.path, "rb", part.suffix) as lines:
            found.append([json.loads(line) for line in lines])
    return found


def test_identical_rows_give_identical_files(tmp_path: Path, file_format: str) -> None:
    pages = [[row(1), row(2)], [row(3)]]
    first = write(tmp_path / "first", *pages, file_format=file_format)
    second = write(tmp_path / "other-name", *pages, file_format=file_format)
    assert first.parts[0].path.read_bytes() == second.parts[0].path.read_bytes()
    assert first.parts[0].name == second.parts[0].name
    assert first.ids_path.read_bytes() == second.ids_path.read_bytes()


def test_compressed_files_carry_neither_time_nor_name(tmp_path: Path) -> None:
    header = write(tmp_path / "draft", [row(1)]).parts[0].path.read_bytes()[:10]
    assert header[3] == 0
    assert header[4:8] == b"\0\0\0\0"


def test_other_rows_have_another_name(tmp_path: Path) -> None:
    first = write(tmp_path / "first", [row(1)])
    second = write(tmp_path / "second", [row(1, "new")])
    assert first.parts[0].name != second.parts[0].name


def test_part_is_described_as_it_lies_on_the_disk(tmp_path: Path, file_format: str) -> None:
    (part,) = write(tmp_path / "draft", [row(1), row(2)], file_format=file_format).parts
    assert part.rows == 2
    assert part.bytes == part.path.stat().st_size
    assert part.sha256 == sha256_of(part.path)
    assert part.name == f"part-00000-{part.sha256[:12]}.{file_format}"


def test_plain_format_is_text_and_the_other_is_gzip(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", [row(1)], file_format="jsonl").parts[0].path.read_bytes()
    packed = write(tmp_path / "packed", [row(1)], file_format="jsonl.gz").parts[0].path.read_bytes()
    assert plain == b'{"id":"1","word":"old"}\n'
    assert gzip.decompress(packed) == plain


def test_new_part_begins_when_the_last_is_full(tmp_path: Path, file_format: str) -> None:
    # A row has 24 bytes: two pages of two fill a part of 50 bytes each.
    pages = [[row(1), row(2)], [row(3)], [row(4), row(5), row(6)]]
    writer = write(tmp_path / "draft", *pages, file_format=file_format, part_bytes=50)
    assert [[one["id"] for one in part] for part in records(writer)] == [["1", "2", "3"], ["4", "5", "6"]]
    assert [part.rows for part in writer.parts] == [3, 3]
    assert [part.number for part in writer.parts] == [0, 1]
    assert writer.rows == 6


def test_export_without_rows_has_no_part_and_empty_ids(tmp_path: Path) -> None:
    writer = write(tmp_path / "draft", [], [])
    assert writer.parts == []
    assert list(read_ids(writer.ids_path.read_bytes())) == []


def test_ids_stand_in_the_order_of_the_rows_with_their_hashes(tmp_path: Path) -> None:
    rows = [row(3), row(1), row(2, "new")]
    writer = write(tmp_path / "draft", rows[:1], rows[1:], part_bytes=10)
    assert list(read_ids(writer.ids_path.read_bytes())) == [(one.id, one.hash) for one in rows]


def test_rewrite_drops_rows_over_several_parts(tmp_path: Path, file_format: str) -> None:
    pages = [[row(number) for number in range(start, start + 3)] for start in range(0, 12, 3)]
    writer = write(tmp_path / "draft", *pages, file_format=file_format, part_bytes=50)
    assert len(writer.parts) == 4
    (tmp_path / "kept").mkdir()
    kept = rewrite(writer, tmp_path / "kept", lambda row_id: int(row_id) not in {0, 4, 9, 10, 11})
    names = [one["id"] for part in records(kept) for one in part]
    assert names == ["1", "2", "3", "5", "6", "7", "8"]
    assert [row_id for row_id, _ in read_ids(kept.ids_path.read_bytes())] == names
    assert (
        dict(read_ids(kept.ids_path.read_bytes())).items()
        <= dict(read_ids(writer.ids_path.read_bytes())).items()
    )
    assert kept.rows == 7
    assert kept.parts[0].suffix == file_format


def test_rewrite_that_keeps_nothing_has_no_part(tmp_path: Path) -> None:
    writer = write(tmp_path / "draft", [row(1)])
    (tmp_path / "kept").mkdir()
    kept = rewrite(writer, tmp_path / "kept", lambda _: False)
    assert (kept.rows, kept.parts) == (0, [])


def test_text_of_all_languages_comes_back_from_files(tmp_path: Path, file_format: str) -> None:
    writer = write(tmp_path / "draft", [Row.of(WORDS, id="1")], file_format=file_format)
    assert records(writer) == [[WORDS]]


def test_short_hash_tells_changes_but_not_the_order_of_fields() -> None:
    assert short_hash({"a": 1, "b": 2}) == short_hash({"b": 2, "a": 1})
    assert short_hash({"a": 1, "b": 2}) != short_hash({"a": 1, "b": 3})
    assert len(short_hash({}, size=12)) == 24


def test_hash_of_a_row_is_that_of_its_basic_part() -> None:
    first = Row.of(record(1, "old"), id="1", basic={"title": "a"})
    second = Row.of(record(1, "new"), id="1", basic={"title": "a"})
    assert first.hash == second.hash
    assert row(1, "old").hash != row(1, "new").hash


@pytest.mark.parametrize("count", [19_700, 78_700, 157_300])
def test_ids_cost_at_most_150_bytes_each(count: int) -> None:
    # Just after a set has grown, most of it is empty.
    first = 7_782_342_274_025_937_000
    tally = Tally()
    pages = 100
    tracemalloc.start()
    try:
        for start in range(0, count, pages):
            ids = [str(first + number) for number in range(start, start + pages)]
            tally.add(Batch([Row(one, "", b"") for one in ids], pages))
        del ids
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(tally.ids) == count
    assert kept / count <= 150
