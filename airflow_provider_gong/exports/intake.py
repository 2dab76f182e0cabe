"""How the records of an export come in: in one go, or in slices that are read side by side."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongConfigurationError, GongCursorExpired
from airflow_provider_gong.exports.batches import Divisible, Revisited
from airflow_provider_gong.exports.crew import Crew
from airflow_provider_gong.exports.slice_file import is_whole, read_batches, write_batches
from airflow_provider_gong.exports.slices import MOST, Slice, TooMuch, id_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, TypeVar

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.batches import Batch, Stream
    from airflow_provider_gong.exports.staging import Plan, Staging
    from airflow_provider_gong.exports.window import Window

    Result = TypeVar("Result")

log = logging.getLogger(__name__)

#: Slices that are read at a time. Gong lets three requests a second through, and takes a second or two for each.
HANDS = 6

# A chain of pages lives about an hour from its first request.
_CURSOR_CHAINS = 3


class _Unwanted(Exception):  # noqa: N818 - ends a thread whose work nobody waits for
    pass


@dataclass
class Intake:
    """What one attempt reads of a window.

    :param plan: as it was left by an earlier attempt, if there was one.
    :param folder: a local one for files that are gone with the attempt.
    """

    stream: Stream
    client: GongClient
    staging: Staging
    plan: Plan
    folder: Path
    _stored: frozenset[str] = field(default=frozenset(), init=False)
    _sent_before: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._sent_before = self.client.requests

    @property
    def window(self) -> Window:
        """Return what is read."""
        return self.plan.window

    @property
    def requests(self) -> int:
        """Return how many requests this attempt and those before it have spent."""
        return self.plan.requests + self.client.requests - self._sent_before

    def note(self, **facts: Any) -> None:
        """Remember for the attempts that follow what has become known."""
        self.plan = self.staging.note(self.plan, **facts)

    def batches(self, others: Iterable[str] = ()) -> Iterator[Batch]:
        """Read the window, then records of other times by their ids."""
        if not isinstance(self.stream, Divisible):
            yield from self.stream.read(self.client, self.window)
            return
        left = iter(others)
        if self.plan.records is None:
            try:
                # Some others fill up the last request of the window; many come in slices, as a large window does.
                yield from self._in_one_go(islice(left, MOST))
            except TooMuch as counted:
                self.note(records=counted.records)
        if self.plan.records is not None:
            for batch in self._in_slices(self.stream.slices(self.window, self.plan.records)):
                # What is announced for a slice is not what is announced for the window.
                yield batch if batch.announced is None else replace(batch, announced=self.plan.records)
        yield from self.by_id(left)

    def _in_one_go(self, others: Iterable[str]) -> Iterator[Batch]:
        if isinstance(self.stream, Revisited):
            return self.stream.read(self.client, self.window, others, most=MOST)
        assert isinstance(self.stream, Divisible)  # noqa: S101 - for the type checker
        return self.stream.read(self.client, self.window, most=MOST)

    def by_id(self, ids: Iterable[str]) -> Iterator[Batch]:
        """Read records of other times."""
        if not isinstance(self.stream, Revisited):
            return
        wanted = list(ids)
        if len(wanted) <= MOST:
            yield from self.stream.revisit(self.client, wanted)
        else:
            yield from self._in_slices(id_slices("others", self.stream.revisit, wanted))

    def _in_slices(self, slices: list[Slice]) -> Iterator[Batch]:
        """Read slices side by side; what they hold comes in their order."""
        self._stored = self.staging.stored(self.plan)
        left = [piece for whole in slices for piece in self._divided(whole)]
        found = sum(piece.name in self._stored for piece in left)
        log.info("Reading %d slices, %d of which an earlier attempt has stored", len(left), found)
        ready: dict[str, Path] = {}
        crew: Crew[Slice, Path | TooMuch] = Crew(lambda piece: self._read(piece, crew), HANDS)
        crew.add(left)
        try:
            for piece, outcome in crew.results():
                if isinstance(outcome, TooMuch):
                    crew.add(self._divide(piece, outcome.records, left))
                else:
                    ready[piece.name] = outcome
                while left and left[0].name in ready:
                    path = ready.pop(left.pop(0).name)
                    yield from read_batches(path)
                    path.unlink()
        finally:
            crew.stop()

    def _divided(self, piece: Slice) -> Iterator[Slice]:
        """Return what takes the place of a slice, as far as earlier attempts know that it holds too much."""
        records = self.plan.splits.get(piece.name)
        if records is None:
            yield piece
            return
        for part in piece.divide(records):
            yield from self._divided(part)

    def _divide(self, piece: Slice, records: int, left: list[Slice]) -> list[Slice]:
        parts = piece.divide(records)
        place = left.index(piece)
        left[place : place + 1] = parts
        self.note(splits=self.plan.splits | {piece.name: records})
        return parts

    def _read(self, piece: Slice, crew: Crew[Slice, Path | TooMuch]) -> Path | TooMuch:
        """Bring a slice into a local file, and store it; in a thread of its own."""
        path = self.folder / f"{piece.name}.slice"
        if piece.name in self._stored and self.staging.fetch(self.plan, piece.name, path) and is_whole(path):
            return path

        def read() -> None:
            write_batches(path, _while_wanted(piece.read(self.client), crew))

        try:
            while_cursors_live(read, f"slice {piece.name}")
        except TooMuch as counted:
            return counted
        self.staging.store(self.plan, piece.name, path)
        return path


def _while_wanted(batches: Iterator[Batch], crew: Crew[Any, Any]) -> Iterator[Batch]:
    for batch in batches:
        if crew.is_over:
            raise _Unwanted
        yield batch


def while_cursors_live(read: Callable[[], Result], what: object) -> Result:
    """Read something, again from its beginning when the cursor expired on the way.

    :raises GongConfigurationError: when that happens again and again
    """
    for _ in range(_CURSOR_CHAINS):
        try:
            return read()
        except GongCursorExpired:
            log.warning("The cursor expired: reading %s again from its beginning", what)
    raise GongConfigurationError(
        f"Paging through {what} took longer than Gong's cursors live (about an hour), "
        f"{_CURSOR_CHAINS} times: export shorter windows."
    )
