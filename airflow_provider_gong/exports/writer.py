"""JSON lines in local temporary files: the rows of an export before anything of it is published."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FORMATS = ("jsonl.gz", "jsonl")
DEFAULT_FORMAT = "jsonl.gz"
# Large enough that a warehouse loads few files, small enough to be read by one worker.
PART_BYTES = 256 * 2**20

# Made once: `json.dumps` with any option makes an encoder for each record.
_LINE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
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


def encode(record: Any) -> bytes:
    """Write a record as one line of UTF-8 JSON, without the line feed."""
    try:
        text = _LINE.encode(record)
    except ValueError:
        text = _LINE.encode(_without_infinities(record))
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A text that was cut within an emoji ends with half of a surrogate pair, for which UTF-8 has no bytes.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _without_infinities(value: Any) -> Any:
    """Put null for numbers that JSON has no words for: strict readers refuse NaN and Infinity."""
    if isinstance(value, dict):
        return {name: _without_infinities(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_infinities(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
    """

    def __init__(self, folder: Path, file_format: str = DEFAULT_FORMAT, part_bytes: int = PART_BYTES) -> None:
        self.parts: list[LocalPart] = []
        self.rows = 0
        self.ids_path = folder / "ids.gz"
        self._folder = folder
        self.file_format = file_format
        self.part_bytes = part_bytes
        self._part: IO[bytes] | None = None
        self._part_rows = self._part_size = 0
        self._ids = open_local(self.ids_path, "wb")

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, a page at a time."""
        rows = list(rows)
        if not rows:
            return
        part = self._part or self._begin_part()
        content = b"".join(row.line for row in rows)
        part.write(content)
        self._ids.write("".join(f"{row.id}\t{row.hash}\n" for row in rows).encode())
        self.rows += len(rows)
        self._part_rows += len(rows)
        self._part_size += len(content)
        if self._part_size >= self.part_bytes:
            self._finish_part()

    def close(self) -> None:
        """Finish the last part and the ids."""
        if self._part:
            self._finish_part()
        self._ids.close()

    def _begin_part(self) -> IO[bytes]:
        self._part = open_local(self._part_path(), "wb", self.file_format)
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
    target = Writer(folder, source.file_format, source.part_bytes)
    kept = (row for row in _rows_of(source) if keep(row.id))
    while rows := list(islice(kept, 1000)):
        target.write(rows)
    target.close()
    return target


def _rows_of(writer: Writer) -> Iterator[Row]:
    ids = read_ids(writer.ids_path.read_bytes())
    for part in writer.parts:
        with open_local(part.path, "rb", part.suffix) as lines:
            # Ids stand in the order of the rows, over all parts: so `lines` first, it ends with its part.
            for line, (row_id, row_hash) in zip(lines, ids, strict=False):
                yield Row(row_id, row_hash, line)


def read_ids(content: bytes) -> Iterator[tuple[str, str]]:
    """Read the ids and short hashes of an ids file, in the order of the rows."""
    with gzip.open(io.BytesIO(content), "rt", encoding="utf-8") as lines:
        for line in lines:
            row_id, row_hash = line.rstrip("\n").split("\t")
            yield row_id, row_hash


def open_local(path: Path, mode: str, file_format: str | None = None) -> IO[bytes]:
    """Open a local part, compressed if its format (by default: its name) ends with `gz`."""
    if not (file_format or path.name).endswith("gz"):
        return cast("IO[bytes]", path.open(mode))
    return cast("IO[bytes]", _GzipFile(path, mode))


class _GzipFile(gzip.GzipFile):
    """A gzip file whose bytes depend on its content alone: neither time nor name stand in its header."""

    def __init__(self, path: Path, mode: str) -> None:
        self._raw = path.open(mode)
        # Level 6 takes half the time of the default 9 for two per cent of the size.
        super().__init__(filename="", fileobj=self._raw, mode=mode, compresslevel=6, mtime=0)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._raw.close()
