"""What an export reads: batches of rows, and what a stream has to offer to be read in one of three ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.slices import Slice
    from airflow_provider_gong.exports.window import Window
    from airflow_provider_gong.exports.writer import Row


@dataclass
class Batch:
    """What one reply of Gong gave to an export."""

    rows: list[Row]
    received: int
    announced: int | None = None
    private: int = 0
    pending: list[str] = field(default_factory=list)
    private_ids: list[str] = field(default_factory=list)
    """Those that were asked for by id and are left out for being private."""


class Stream(Protocol):
    """Something that an export can read."""

    name: ClassVar[str]

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""

    def read(self, client: GongClient, window: Window) -> Iterator[Batch]:
        """Read everything that belongs to the window."""

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""


@runtime_checkable
class Divisible(Stream, Protocol):
    """A stream that may be read in slices."""

    def read(self, client: GongClient, window: Window, *, most: int | None = None) -> Iterator[Batch]:
        """Read what belongs to the window; raise `TooMuch` when that is more than `most` records."""

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window of so many records."""


@runtime_checkable
class Revisited(Divisible, Protocol):
    """A stream whose records may be asked for by id, whenever their time was."""

    @property
    def reaches_beyond(self) -> bool:
        """Tell whether what belongs to a window may be of another time."""

    def read(
        self, client: GongClient, window: Window, others: Iterable[str] = (), *, most: int | None = None
    ) -> Iterator[Batch]:
        """Read what belongs to the window, then records of other times by their ids."""

    def revisit(self, client: GongClient, ids: Iterable[str]) -> Iterator[Batch]:
        """Read records of other times by their ids."""
