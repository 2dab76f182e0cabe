"""From the counts of some windows to what all of them hold, and what it costs to export them. Asks nobody."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_gong.exports.glances import IDS_PER_REQUEST
from airflow_provider_gong.exports.slices import AIM, MOST, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_gong.exports.window import Window

_DAY_SECONDS = 86_400

LIST_CALLS = "POST /v2/calls/extensive"
TRANSCRIPTS = "POST /v2/calls/transcript"
LIST_LOGS = "GET /v2/logs"

#: What each export asks. Transcripts list the calls unless `calls=` hands them over; then the calls export did.
OPERATIONS = {
    "calls": (LIST_CALLS,),
    "transcripts": (LIST_CALLS, TRANSCRIPTS),
    "calls+transcripts": (LIST_CALLS, TRANSCRIPTS),
    "conversations": (LIST_CALLS, TRANSCRIPTS),
    "logs": (LIST_LOGS,),
}


def requests_of(stream: str, records: int) -> dict[str, int]:
    """Return the requests that the export of a window with so many records makes, by operation."""
    return {operation: _requests(stream, operation, records) for operation in OPERATIONS[stream]}


def _requests(stream: str, operation: str, records: int) -> int:
    # The last page of a slice is half empty, on the average. Ids that are handed over fill their pages.
    is_whole = records <= MOST or (operation, stream) == (TRANSCRIPTS, "calls+transcripts")
    half_empty = 0 if is_whole else math.ceil(records / AIM) // 2
    if operation == TRANSCRIPTS:
        return math.ceil(records / IDS_PER_REQUEST) + half_empty
    # That a list is empty must be asked too; and how many records there are, before they are divided.
    return max(1, math.ceil(records / PAGE)) + half_empty + (records > MOST)


def spread_evenly(windows: int, samples: int) -> list[int]:
    """Choose windows to be asked, evenly, the first and the last among them."""
    if samples >= windows:
        return list(range(windows))
    return [round(number * (windows - 1) / (samples - 1)) for number in range(samples)]


@dataclass(frozen=True)
class Guess:
    """How many records a window holds: as likely, and if it were like the one or the other of its neighbours."""

    records: int
    lowest: int
    highest: int


@dataclass(frozen=True)
class Estimate:
    """What windows hold, from the counts of some of them; the first and the last must be counted."""

    windows: list[Window]
    counts: Mapping[int, int]

    @property
    def records(self) -> int:
        """Return the records of all windows."""
        return sum(guess.records for guess in self.guesses)

    @property
    def lowest(self) -> int:
        """Return the records if each window in between were like the emptier of its counted neighbours."""
        return sum(guess.lowest for guess in self.guesses)

    @property
    def highest(self) -> int:
        """Return the records if each window in between were like the fuller of its counted neighbours."""
        return sum(guess.highest for guess in self.guesses)

    def requests(self, stream: str) -> dict[str, int]:
        """Return the requests of all windows, by operation."""
        total = dict.fromkeys(OPERATIONS[stream], 0)
        for guess in self.guesses:
            for operation, number in requests_of(stream, guess.records).items():
                total[operation] += number
        return total

    @cached_property
    def per_day(self) -> dict[int, float]:
        """Return the records per day of the counted windows."""
        return {index: records / self._days(index) for index, records in sorted(self.counts.items())}

    @cached_property
    def guesses(self) -> list[Guess]:
        """Return what each window holds; between counted windows, the records per day lie on a line."""
        guesses = []
        for before, after in pairwise(self.per_day):
            guesses += [
                self._known(before),
                *(self._between(before, i, after) for i in range(before + 1, after)),
            ]
        return [*guesses, self._known(max(self.per_day))]

    def _known(self, index: int) -> Guess:
        records = self.counts[index]
        return Guess(records, records, records)

    def _between(self, before: int, index: int, after: int) -> Guess:
        start, here, end = self._middle(before), self._middle(index), self._middle(after)
        low, high = sorted([self.per_day[before], self.per_day[after]])
        rise = (self.per_day[after] - self.per_day[before]) * (here - start) / (end - start)
        # Sums of floats may end a hair beyond.
        rate = min(max(self.per_day[before] + rise, low), high)
        days = self._days(index)
        return Guess(round(rate * days), round(low * days), round(high * days))

    def _days(self, index: int) -> float:
        window = self.windows[index]
        return (window.end - window.start).total_seconds() / _DAY_SECONDS

    def _middle(self, index: int) -> float:
        window = self.windows[index]
        return (window.start.timestamp() + window.end.timestamp()) / 2


@dataclass(frozen=True)
class Quota:
    """What requests may be spent: the limits of a connection, and the percentages of a day that are ours."""

    per_second: int
    per_day: int
    daily_share: float
    backfill_share: float

    @property
    def budget(self) -> int:
        """Return the requests of a day that Airflow may spend."""
        return math.floor(self.per_day * self.daily_share / 100)

    def minutes(self, requests: int) -> float:
        """Return how long the requests take at full speed."""
        return requests / self.per_second / 60

    def percent_of_budget(self, requests: int) -> float:
        """Return the part of a day's budget that the requests are."""
        return 100 * requests / self.budget

    def days(self, requests: int) -> int:
        """Return on how many days the requests are spent."""
        return math.ceil(requests / self.of_a_day)

    @property
    def of_a_day(self) -> int:
        """Return the requests of a day that a backfill may spend."""
        share = math.floor(self.per_day * self.backfill_share / 100)
        return max(1, min(share, self.budget, self.per_second * _DAY_SECONDS))
