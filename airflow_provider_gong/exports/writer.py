"""Parts in local temporary files: the rows of an export before anything of it is published."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.formats import DEFAULT_FORMAT, writing
from airflow_provider_gong.exports.jsonlines import encode, open_local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from airflow_provider_gong.exports.formats import PartFile

# In bytes of JSON, whatever the format is.
# Large enough that a warehouse loads few files, small enough to be read by one worker.
PART_BYTES = 256 * 2**20

# Made once: `json.dumps` with any option makes an encoder for each record.
_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Row:
    """One record on its way into a file."""

    id: str
    hash: str
    line: bytes
    start: str | None = None

    @classmethod
    def of(cls, record: dict[str, Any], *, id: str, basic: Any = None, start: str | None = None) -> Row:  # noqa: A002
        """Encode a record.

        :param basic: the part of the record whose changes the short hash tells; the whole of it by default
        """
        line = encode(record)
        return cls(id, short_hash(basic) if basic is not None else digest_of(line), line + b"\n", start)


@dataclass(frozen=True)
class LocalPart:
    """A finished part on the local disk; its final name carries the hash of its content."""

    path: Path
    rows: int
    bytes: int
    sha256: str
    number: int
    suffix: str

    @property
    def name(self) -> str:
        """Return the file name under which the part is published."""
        return f"part-{self.number:05d}-{self.sha256[:12]}.{self.suffix}"


def short_hash(record: Any, size: int = 6) -> str:
    """Return a short hash that changes when the record does, whatever the order of its fields.

    :param size: bytes of the hash; each gives two characters
    """
    return digest_of(_SORTED.encode(record).encode(), size)


def digest_of(content: bytes, size: int = 6) -> str:
    """Return a short hash of bytes."""
    return hashlib.blake2b(content, digest_size=size).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class Writer:
    """Write rows into local parts of a bounded size, and their ids beside them.

    Only what is needed to tell ids apart stays in memory; the caller owns the folder and removes it.

    :param stream: whose rows they are: for a format with columns
    """

    def __init__(
        self,
        folder: Path,
        file_format: str = DEFAULT_FORMAT,
        part_bytes: int = PART_BYTES,
        stream: str = "",
    ) -> None:
        self.parts: list[LocalPart] = []
        self.rows = 0
        self.first: bytes | None = None
        self.ids_path = folder / "ids.gz"
        self._folder = folder
        self.file_format = file_format
        self.format = writing(file_format, stream)
        self.stream = stream
        self.part_bytes = part_bytes
        self._part: PartFile | None = None
        self._part_rows = self._part_size = 0
        self._ids = open_local(self.ids_path, "wb")

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, a page at a time."""
        rows = list(rows)
        if not rows:
            return
        self.first = self.first or rows[0].line
        part = self._part or self._begin_part()
        part.write([row.line for row in rows])
        self._ids.write("".join(f"{row.id}\t{row.hash}\n" for row in rows).encode())
        self.rows += len(rows)
        self._part_rows += len(rows)
        self._part_size += sum(len(row.line) for row in rows)
        if self._part_size >= self.part_bytes:
            self._finish_part()

    def close(self) -> None:
        """Finish the last part and the ids."""
        if self._part:
            self._finish_part()
        self._ids.close()

    def _begin_part(self) -> PartFile:
        self._part = self.format.create(self._part_path())
        self._part_rows = self._part_size = 0
        return self._part

    def _part_path(self) -> Path:
        return self._folder / f"part-{len(self.parts):05d}"

    def _finish_part(self) -> None:
        assert self._part is not None  # noqa: S101 - callers hold an open part
        self._part.close()
        self._part = None
        path = self._part_path()
        number, size = len(self.parts), path.stat().st_size
        self.parts.append(LocalPart(path, self._part_rows, size, sha256_of(path), number, self.file_format))


def rewrite(source: Writer, folder: Path, keep: Callable[[str], bool]) -> Writer:
    """Write the rows of a closed writer once more, without the ids that are not to be kept."""
    target = Writer(folder, source.file_format, source.part_bytes, source.stream)
    kept = (row for row in _rows_of(source) if keep(row.id))
    while rows := list(islice(kept, 1000)):
        target.write(rows)
    target.close()
    return target


def _rows_of(writer: Writer) -> Iterator[Row]:
    ids = read_ids(writer.ids_path.read_bytes())
    for part in writer.parts:
        # Ids stand in the order of the rows, over all parts: so the lines first, they end with their part.
        for line, (row_id, row_hash) in zip(writer.format.lines(part.path), ids, strict=False):
            yield Row(row_id, row_hash, line)


def read_ids(content: bytes) -> Iterator[tuple[str, str]]:
    """Read the ids and short hashes of an ids file, in the order of the rows."""
    with gzip.open(io.BytesIO(content), "rt", encoding="utf-8") as lines:
        for line in lines:
            row_id, row_hash = line.rstrip("\n").split("\t")
            yield row_id, row_hash
