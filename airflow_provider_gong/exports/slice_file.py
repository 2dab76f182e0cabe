"""A finished slice as a file: its batches come back as they were read."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.writer import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# The file lives for minutes: time counts more than size.
_LEVEL = 1


def write_batches(path: Path, batches: Iterable[Batch]) -> None:
    """Write batches: of each a line of facts, then its rows."""
    with gzip.open(path, "wb", _LEVEL) as file:
        for batch in batches:
            facts = {name: value for name, value in vars(batch).items() if name != "rows"}
            facts["rows"] = [(row.id, row.hash, row.start) for row in batch.rows]
            file.write(json.dumps(facts).encode() + b"\n")
            file.writelines(row.line for row in batch.rows)


def read_batches(path: Path) -> Iterator[Batch]:
    """Read what `write_batches` wrote."""
    with gzip.open(path, "rb") as file:
        for line in file:
            facts = json.loads(line)
            rows = [Row(id_, hash_, next(file), start) for id_, hash_, start in facts.pop("rows")]
            yield Batch(rows, **facts)


def is_whole(path: Path) -> bool:
    """Tell whether a file is undamaged."""
    try:
        with gzip.open(path, "rb") as file:
            while file.read(2**20):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True
