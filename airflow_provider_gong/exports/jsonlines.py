"""Parts as JSON lines, plain or compressed."""

from __future__ import annotations

import gzip
import json
import math
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Made once: `json.dumps` with any option makes an encoder for each record.
_LINE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


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


class JsonLines:
    """The formats `jsonl` and `jsonl.gz`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create(self, path: Path) -> JsonLinesPart:
        """Begin a part."""
        return JsonLinesPart(open_local(path, "wb", self.name))

    def lines(self, path: Path) -> Iterator[bytes]:
        """Read the rows of a part as they were written."""
        with open_local(path, "rb", self.name) as lines:
            yield from lines

    def records(self, path: Path) -> Iterator[dict[str, Any]]:
        """Read the records of a part."""
        for line in self.lines(path):
            yield json.loads(line)

    def report_extras(self) -> None:
        """Say nothing: a line has room for whatever Gong sends."""


class JsonLinesPart:
    """A part that is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, lines: Sequence[bytes]) -> None:
        """Append rows."""
        self._file.write(b"".join(lines))

    def close(self) -> None:
        """Finish the part."""
        self._file.close()


def open_local(path: Path, mode: str, file_format: str | None = None) -> IO[bytes]:
    """Open a local file, compressed if its format (by default: its name) ends with `gz`."""
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
