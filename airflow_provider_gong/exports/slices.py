"""The slices of a large export: each is read by itself, several at a time, and stored when it is finished.

One chain of pages cannot use up the quota, since Gong takes a second or more for each page, and it dies about an hour
after its first request. So a window of many records falls into shorter ones, as many as Gong's count asks for, and a
long list of ids into shorter lists. What a slice is called and where it stands in the export follows from the counts
alone.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Protocol

from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_gong.api.client import GongClient, Page
    from airflow_provider_gong.exports.batches import Batch

PAGE = 100
#: Records that a slice may have at most, and a window that is read in one go: dividing costs a request.
MOST = 20 * PAGE
#: Records that a slice shall have. Calls are not spread evenly over the day: most slices have fewer than `MOST` then,
#: and end at about the same time. Smaller ones would cost more requests, for the last page of each is seldom full.
AIM = 8 * PAGE
#: Ids of a slice: their pages are always full, so short slices cost nothing, and no long one is left over at the end.
IDS = 4 * PAGE


class TooMuch(Exception):  # noqa: N818 - a fact for the caller to act on, not an error of its own
    """There are more records than shall be read in one go; told before the first of them is used."""

    def __init__(self, records: int) -> None:
        super().__init__(records)
        self.records = records


def bounded(pages: Iterator[Page], most: int | None) -> Iterator[Page]:
    """Pass pages on, unless Gong counts more records than are wanted in one go.

    :raises TooMuch: after the first request
    """
    for number, page in enumerate(pages):
        # A list that ends with its first page is short, whatever Gong counts.
        if number == 0 and most is not None and page.cursor is not None and (page.total or 0) > most:
            raise TooMuch(page.total or 0)
        yield page


def _indivisible(records: int) -> list[Slice]:
    raise AssertionError("A slice of ids is never too large.")


@dataclass(frozen=True)
class Slice:
    """A piece of an export.

    :param name: tells it from all other slices of the export, and stays the same when the export is tried again.
    :param read: reads it; raises `TooMuch` when it has to be divided.
    :param divide: returns what takes its place when it has so many records.
    """

    name: str
    read: Callable[[GongClient], Iterator[Batch]]
    divide: Callable[[int], list[Slice]] = _indivisible


class ByTime(Protocol):
    """A stream whose windows may be read piece by piece."""

    def read(self, client: GongClient, window: Window, *, most: int | None = None) -> Iterator[Batch]:
        """Read what belongs to the window; raise `TooMuch` when that is more than `most` records."""


def time_slices(stream: ByTime, window: Window, records: int) -> list[Slice]:
    """Divide a window in which Gong counts so many records."""
    return [_time_slice(stream, piece) for piece in divided(window, math.ceil(records / AIM))]


def _time_slice(stream: ByTime, window: Window) -> Slice:
    most = MOST if len(divided(window, 2)) > 1 else None
    return Slice(
        window.name, partial(stream.read, window=window, most=most), partial(time_slices, stream, window)
    )


def divided(window: Window, pieces: int) -> list[Window]:
    """Divide a window into pieces of whole seconds that differ by a second at most."""
    seconds = round((window.end - window.start).total_seconds())
    pieces = min(pieces, seconds)
    # From the start each time: so the pieces touch, whatever is rounded.
    bounds = [window.start + timedelta(seconds=seconds * number // pieces) for number in range(pieces)]
    return [Window(*both) for both in pairwise([*bounds, window.end])]


def id_slices(
    kind: str, read: Callable[[GongClient, list[str]], Iterator[Batch]], ids: Iterable[str]
) -> list[Slice]:
    """Divide a list of ids.

    :param kind: tells lists that are read differently apart.
    """
    left, slices = iter(ids), list[Slice]()
    while piece := list(islice(left, IDS)):
        digest = hashlib.sha256("\n".join(piece).encode()).hexdigest()[:16]
        slices.append(Slice(f"{kind}-{len(slices):05d}-{digest}", partial(_read_ids, read, piece)))
    return slices


def _read_ids(
    read: Callable[[GongClient, list[str]], Iterator[Batch]], ids: list[str], client: GongClient
) -> Iterator[Batch]:
    return read(client, ids)
