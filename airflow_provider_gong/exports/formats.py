"""The file formats of parts, behind one interface."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.jsonlines import JsonLines
from airflow_provider_gong.exports.schema import CURRENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FORMATS = ("jsonl.gz", "jsonl", "parquet")
DEFAULT_FORMAT = "jsonl.gz"


class PartFile(Protocol):
    """A part that is being written."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Append rows, each a line of JSON."""

    def close(self) -> None:
        """Finish the part."""


class Format(Protocol):
    """How the rows of an export become files, and come back."""

    @property
    def name(self) -> str:
        """Return the suffix of the parts."""

    def create(self, path: Path) -> PartFile:
        """Begin a part."""

    def lines(self, path: Path) -> Iterator[bytes]:
        """Read the rows of a part, each a line of JSON."""

    def records(self, path: Path) -> Iterator[dict[str, Any]]:
        """Read the records of a part."""

    def report_extras(self) -> None:
        """Tell in the task log which values had no column of their own."""


def writing(name: str, stream: str) -> Format:
    """Return the format in which an export of a stream is written.

    :raises GongConfigurationError: when this stream or this environment does not have the format
    """
    if name != "parquet":
        return JsonLines(name)
    _require_pyarrow("file_format='parquet' needs pyarrow")
    if stream not in CURRENT:
        raise GongConfigurationError(
            f"file_format='parquet' is for exports of {', '.join(CURRENT)}, there is no schema for {stream}: "
            "use jsonl.gz or jsonl."
        )
    from airflow_provider_gong.exports.parquet import Parquet

    return Parquet(CURRENT[stream])


def reading(path: Path) -> Format:
    """Return the format in which a part was written, by its suffix.

    :raises GongConfigurationError: when this environment cannot read it
    """
    if path.suffix != ".parquet":
        return JsonLines(path.name.partition(".")[2])
    _require_pyarrow("The export consists of Parquet files, which need pyarrow")
    from airflow_provider_gong.exports.parquet import Parquet

    return Parquet()


def _require_pyarrow(what: str) -> None:
    if find_spec("pyarrow") is None:
        raise GongConfigurationError(f"{what}: pip install 'airflow-provider-gong[parquet]'.")
