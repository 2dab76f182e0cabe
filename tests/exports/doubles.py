"""What the tests of exports share: a stream without a network, runs, windows, and a look at a dataset's files."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_gong.api.client import Page
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.engine import Export
from airflow_provider_gong.exports.reader import read_export
from airflow_provider_gong.exports.run import Run
from airflow_provider_gong.exports.slices import PAGE, bounded, time_slices
from airflow_provider_gong.exports.window import Window
from airflow_provider_gong.exports.writer import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.slices import Slice

S3_CONNECTION = "exports_s3"


def day(number: int, month: int = 1) -> datetime:
    """Return the beginning of a day of 2026."""
    return datetime(2026, month, number, tzinfo=UTC)


def window(first: int = 1, last: int = 2, month: int = 1) -> Window:
    """Return the window between two days of a month of 2026."""
    return Window(day(first, month), day(last, month))


def run(run_id: str = "run-1", **facts: Any) -> Run:
    """Return a run of the task `export` of the Dag `gong`."""
    defaults: dict[str, Any] = {"dag_id": "gong", "task_id": "export", "run_after": day(2)}
    return Run(run_id=run_id, **(defaults | facts))


def record(number: int | str, word: str = "old") -> dict[str, Any]:
    """Return a record as the rows of these tests hold it."""
    return {"id": str(number), "word": word}


def row(number: int | str, word: str = "old", start: str | None = None) -> Row:
    """Return a record on its way into a file."""
    return Row.of(record(number, word), id=str(number), start=start)


def batch(*numbers: int | str, word: str = "old", **facts: Any) -> Batch:
    """Return one page of rows."""
    return Batch([row(number, word) for number in numbers], received=len(numbers), **facts)


@dataclass
class Client:
    """Counts requests, as the client does."""

    requests: int = 0


@dataclass
class Pages:
    """A stream of given batches, one request each; a callable among them is run, and its result used."""

    batches: Sequence[Batch | Callable[[], Batch]]
    selection: dict[str, Any] = field(default_factory=lambda: {"workspace_id": None})
    folder: str = "calls"
    name: ClassVar[str] = "calls"

    def read(self, client: GongClient, window: Window) -> Iterator[Batch]:
        """Yield the batches."""
        for one in self.batches:
            cast("Client", client).requests += 1
            yield one() if callable(one) else one

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of a row."""
        return str(record["id"])


@dataclass
class Timeline:
    """A stream of one record for each moment, which counts and pages as Gong does; several threads may read it.

    :param moments: in their order.
    :param before: is told each page before it is read: the window that is asked for, and the number of the page.
    """

    moments: Sequence[datetime]
    before: Callable[[Window, int], None] = lambda window, page: None
    asked: list[tuple[Window, int]] = field(default_factory=list)
    selection: dict[str, Any] = field(default_factory=lambda: {"workspace_id": None})
    folder: str = "calls"
    name: ClassVar[str] = "calls"

    def read(self, client: GongClient, window: Window, *, most: int | None = None) -> Iterator[Batch]:
        """Yield the pages of a window."""
        for page in bounded(self._pages(client, window), most):
            rows = [row(one["id"], start=one["start"]) for one in page.items]
            yield Batch(rows, len(rows), announced=page.total)

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window."""
        return time_slices(self, window, records)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of a row."""
        return str(record["id"])

    def _pages(self, client: GongClient, window: Window) -> Iterator[Page]:
        first, end = (bisect_left(self.moments, bound) for bound in (window.start, window.end))
        for number, start in enumerate(range(first, max(end, first + 1), PAGE)):
            self.asked.append((window, number))
            cast("Client", client).requests += 1
            self.before(window, number)
            items = [
                {"id": one, "start": self.moments[one].isoformat()}
                for one in range(start, min(start + PAGE, end))
            ]
            yield Page(items, end - first, "more" if start + PAGE < end else None)


def evenly(count: int) -> list[datetime]:
    """Return moments over the first day of the year."""
    return [day(1) + timedelta(days=1) * number / count for number in range(count)]


def export(dataset: Dataset, *batches: Batch | Callable[[], Batch], **settings: Any) -> Export:
    """Return an export of the given batches; `stream`, `run`, `window` and the rest may be replaced."""
    defaults: dict[str, Any] = {
        "stream": Pages(batches),
        "client": Client(),
        "host": "company.api.gong.io",
        "run": run(),
        "window": window(),
    }
    return Export(dataset=dataset, **(defaults | settings))


def exported(dataset: Dataset, of: Window | None = None) -> list[dict[str, Any]]:
    """Return the rows of a window as `read_export` gives them."""
    return list(read_export(str(dataset.manifest_path(of or window()))))


def files(dataset: Dataset) -> set[str]:
    """Return all files of a dataset, named from its root."""
    dataset.root.fs.invalidate_cache()
    found = dataset.root.fs.find(dataset.root.path)
    return {str(name).removeprefix(dataset.root.path).lstrip("/") for name in found}


def data_files(dataset: Dataset) -> set[str]:
    """Return what a loader sees that lists `date=*`."""
    return {name for name in files(dataset) if not name.startswith("_")}


def assert_sound(dataset: Dataset, manifest: Manifest) -> None:
    """Assert that every part which the manifest names lies there, unchanged."""
    for part in manifest.parts:
        content = dataset.root.fs.cat_file((dataset.root / part.name).path)
        assert hashlib.sha256(content).hexdigest() == part.sha256
        assert len(content) == part.bytes
