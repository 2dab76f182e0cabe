"""How a stretch of time falls into windows of one length, and the timetable whose runs have these windows."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
_MONTHS_OF_A_CENTURY = 1200
_CENTURY = timedelta(days=36_525)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
# The last day that every month has.
_SAFE_DAY = 28


@dataclass(frozen=True)
class Cadence:
    """The length of each window: whole months, or a fixed stretch of time."""

    text: str
    months: int = 0
    span: timedelta = timedelta(0)

    @classmethod
    def read(cls, text: str) -> Cadence:
        """Read an ISO 8601 duration.

        :raises ValueError: when it is none, is zero, mixes months with shorter units, or exceeds a century
        """
        found = _DURATION.fullmatch(text)
        if found is None:
            raise ValueError(text)
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        try:
            span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            raise ValueError(text) from None
        cadence = cls(text, 12 * years + months, span)
        if bool(cadence.months) == bool(span) or cadence.months > _MONTHS_OF_A_CENTURY or span > _CENTURY:
            raise ValueError(text)
        return cadence

    def windows(self, start: datetime, end: datetime) -> Iterator[Window]:
        """Split a stretch of time from its start on; the last window ends where the stretch does."""
        number, reached = 0, start
        while reached < end:
            number += 1
            following = self._step(start, number)
            yield Window(reached, min(following, end))
            reached = following

    def whole(self, windows: list[Window]) -> list[Window]:
        """Return the windows without a last one that is cut off."""
        is_whole = self._step(windows[0].start, len(windows)) == windows[-1].end
        return windows if is_whole else windows[:-1]

    def _step(self, start: datetime, number: int) -> datetime:
        if not self.months:
            return start + number * self.span
        # Counted from the start each time: a window that begins on the 31st does not stay at the 28th.
        years, month = divmod(start.month - 1 + number * self.months, 12)
        year = start.year + years
        return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))

    def timetable(self, start: datetime) -> str | None:
        """Write the timetable whose runs have these windows as data intervals; None where none has."""
        cron = self._cron(start)
        return None if cron is None else f'CronDataIntervalTimetable("{cron}", timezone="UTC")'

    def _cron(self, start: datetime) -> str | None:
        if start.second:
            return None
        time_of_day = f"{start.minute} {start.hour}"
        if self.months:
            regular = 12 % self.months == 0 and start.day <= _SAFE_DAY
            return f"{time_of_day} {start.day} {self._months(start)} *" if regular else None
        if self.span == _DAY:
            return f"{time_of_day} * * *"
        if self.span == 7 * _DAY:
            return f"{time_of_day} * * {start.isoweekday() % 7}"
        if self.span % _HOUR or _DAY % self.span:
            return None
        return f"{start.minute} {self._hours(start)} * * *"

    def _months(self, start: datetime) -> str:
        return _listed({(start.month - 1 + add) % 12 + 1 for add in range(0, 12, self.months)}, 12)

    def _hours(self, start: datetime) -> str:
        return _listed({(start.hour + add) % 24 for add in range(0, 24, self.span // _HOUR)}, 24)


def _listed(numbers: set[int], every: int) -> str:
    return "*" if len(numbers) == every else ",".join(map(str, sorted(numbers)))
