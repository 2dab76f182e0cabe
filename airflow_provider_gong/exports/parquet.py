"""Parts as Parquet files: typed columns for a warehouse, the same for all exports of a stream."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.jsonlines import encode
from airflow_provider_gong.exports.schema import columns_of, fit, restore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from airflow_provider_gong.exports.schema import Kind

log = logging.getLogger(__name__)

# What a writer and a reader hold in memory at a time.
ROW_GROUP_ROWS = 5_000
ROW_GROUP_BYTES = 8 * 2**20
# Python's objects take about ten times the memory of their text or of Arrow's arrays.
_CHUNK_BYTES = 2**19
_BATCH_ROWS = 200

_VERSION_KEY = b"gong_schema"
_SAID_EXTRAS = 10


class Parquet:
    """The format `parquet`, of one schema for writing."""

    name = "parquet"

    def __init__(self, schema: str = "") -> None:
        self._schema = schema
        self._extras: set[str] = set()

    def create(self, path: Path) -> ParquetPart:
        """Begin a part."""
        return ParquetPart(path, self._schema, self._extras)

    def lines(self, path: Path) -> Iterator[bytes]:
        """Read the rows of a part, each a line of JSON."""
        for record in self.records(path):
            yield encode(record) + b"\n"

    def records(self, path: Path) -> Iterator[dict[str, Any]]:
        """Read the records of a part, with what lies in `_extra` in its place."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            columns = columns_of(file.schema_arrow.metadata[_VERSION_KEY].decode())
            for number in range(file.num_row_groups):
                group = file.read_row_group(number, use_threads=False)
                for batch in group.to_batches(max_chunksize=_BATCH_ROWS):
                    for row in batch.to_pylist():
                        yield restore(row, columns)

    def report_extras(self) -> None:
        """Tell in the task log which values had no column of their own."""
        if self._extras:
            log.warning(
                "Gong sent values that have no column in the schema %s, or do not fit theirs; they are kept in the "
                "column _extra: %s",
                self._schema,
                ", ".join(sorted(self._extras)[:_SAID_EXTRAS])
                + (", and others" if len(self._extras) > _SAID_EXTRAS else ""),
            )


class ParquetPart:
    """A part that is being written; `extras` gets the places of what had no column."""

    def __init__(self, path: Path, schema: str, extras: set[str]) -> None:
        import pyarrow.parquet as pq

        self._columns = columns_of(schema)
        self._schema = arrow_schema(schema)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._extras = extras
        self._lines: list[bytes] = []
        self._size = 0

    def write(self, lines: Sequence[bytes]) -> None:
        """Append rows; groups end after the same row, whatever the pages were."""
        for line in lines:
            self._lines.append(line)
            self._size += len(line)
            if len(self._lines) >= ROW_GROUP_ROWS or self._size >= ROW_GROUP_BYTES:
                self._finish_group()

    def close(self) -> None:
        """Finish the part."""
        try:
            if self._lines:
                self._finish_group()
        finally:
            self._writer.close()

    def _finish_group(self) -> None:
        import pyarrow as pa

        lines, self._lines, self._size = self._lines, [], 0
        batches = [
            pa.RecordBatch.from_pylist([self._row(line) for line in chunk], schema=self._schema)
            for chunk in _chunks(lines)
        ]
        self._writer.write_table(pa.Table.from_batches(batches), row_group_size=len(lines))

    def _row(self, line: bytes) -> dict[str, Any]:
        row, extra = fit(json.loads(line), self._columns)
        self._extras.update(re.sub(r"/\d+(?=/|$)", "/*", pointer) for pointer in extra)
        return row


def _chunks(lines: list[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def arrow_schema(name: str) -> pa.Schema:
    """Return the columns of a schema in the words of Arrow, with the name of the schema."""
    import pyarrow as pa

    fields = [(column, _arrow_type(kind)) for column, kind in columns_of(name).items()]
    return pa.schema(fields, metadata={_VERSION_KEY: name.encode()})


def _arrow_type(kind: Kind) -> pa.DataType:
    import pyarrow as pa

    if isinstance(kind, dict):
        return pa.struct([(name, _arrow_type(one)) for name, one in kind.items()])
    if isinstance(kind, list):
        return pa.list_(pa.field("element", _arrow_type(kind[0])))
    return {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "json": pa.string(),
    }[kind]
