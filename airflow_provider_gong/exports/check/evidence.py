"""Does what a manifest says lie there? Looks at manifests, ids files and parts, some days side by side."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.check.receipt import Problem, clear
from airflow_provider_gong.exports.tally import compact
from airflow_provider_gong.exports.writer import read_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.window import Window

# Object storage answers in some 20 ms whatever is asked; thirty thousand manifests would take ten minutes in a row.
_SIDE_BY_SIDE = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Look:
    """What was found of the export of one window.

    `manifest` is None when it is damaged, `ids` (the content of the ids file) when they are of no use.
    """

    window: Window
    manifest: Manifest | None = None
    ids: bytes | None = None
    problems: list[Problem] = field(default_factory=list)

    def compact_ids(self) -> Iterator[int | str]:
        """Return the ids in the form that takes least memory."""
        if self.ids is not None:
            yield from (compact(row_id) for row_id, _ in read_ids(self.ids))


def looks(dataset: Dataset, windows: list[Window], *, content: bool = False) -> Iterator[Look]:
    """Look at the exports of windows, in the order of their starts; those that vanished are left out.

    :param content: download the parts and compare their hashes, rather than their sizes in the listing
    """
    days = [list(day) for _, day in groupby(sorted(windows), key=lambda window: window.start.date())]
    for day in _side_by_side(lambda windows: _look_at_day(dataset, windows, content=content), days):
        yield from day


def _look_at_day(dataset: Dataset, windows: list[Window], *, content: bool) -> list[Look]:
    # Partitions of the windows that start on a day lie in one folder: one listing for all of them.
    folder = dataset.partition(windows[0]).partition("/")[0]
    sizes = {f"{folder}/{name}": size for name, size in storage.sizes_below(dataset.root / folder).items()}
    found = (_look_at(dataset, window, sizes, content=content) for window in windows)
    return [look for look in found if look is not None]


def _look_at(dataset: Dataset, window: Window, sizes: dict[str, int], *, content: bool) -> Look | None:
    try:
        manifest = dataset.manifest(window)
    except GongConfigurationError as error:
        what, _, mend = str(error).rpartition(": ")
        return Look(window, problems=[Problem("manifest", what or "A manifest cannot be read", mend)])
    except (KeyError, TypeError, ValueError):
        what = f"{dataset.manifest_path(window)} is not the manifest of an export, or was damaged"
        return Look(window, problems=[Problem("manifest", what, "delete it and clear the run that wrote it")])
    if manifest is None:
        return None
    look = Look(window, manifest)
    look.problems += _parts(dataset, manifest, sizes, content=content)
    look.problems += _ids(dataset, manifest, look)
    return look


def _parts(
    dataset: Dataset, manifest: Manifest, sizes: dict[str, int], *, content: bool
) -> Iterator[Problem]:
    for part in manifest.parts:
        if part.name not in sizes:
            yield Problem("part", f"{part.name} is missing", clear(manifest))
        elif sizes[part.name] != part.bytes:
            what = f"{part.name} has {sizes[part.name]:,} bytes and its manifest says {part.bytes:,}"
            yield Problem("part", what, clear(manifest))
        elif content and storage.sha256_of(dataset.root / part.name) != part.sha256:
            yield Problem("part", f"{part.name} has another content than was exported", clear(manifest))
    in_parts = sum(part.rows for part in manifest.parts)
    if in_parts != manifest.rows:
        what = (
            f"The manifest of {manifest.window} says {manifest.rows:,} rows and its parts hold {in_parts:,}"
        )
        yield Problem("count", what, clear(manifest))


def _ids(dataset: Dataset, manifest: Manifest, look: Look) -> Iterator[Problem]:
    ids = storage.read_bytes(dataset.root / manifest.ids.name)
    if ids is None:
        yield Problem("ids", f"{manifest.ids.name} is missing", clear(manifest))
        return
    if hashlib.sha256(ids).hexdigest() != manifest.ids.sha256:
        yield Problem("ids", f"{manifest.ids.name} does not belong to its manifest", clear(manifest))
        return
    look.ids = ids
    count = sum(1 for _ in read_ids(ids))
    for source, number in (("manifest counts", manifest.ids.count), ("ids file holds", count)):
        if number != manifest.rows:
            what = f"The manifest of {manifest.window} says {manifest.rows:,} rows and the {source} {number:,} ids"
            yield Problem("count", what, clear(manifest))


def _side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Do the work for some items at a time; results come in the order of the items."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="gong-check") as pool:
        running: deque[Future[Result]] = deque()
        for item in items:
            # Never all at once: results wait in memory until they are taken.
            running.append(pool.submit(work, item))
            if len(running) == _SIDE_BY_SIDE:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
