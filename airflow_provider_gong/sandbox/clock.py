"""The time that the sandbox goes by: the real one, until somebody moves it."""

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tell the time of the sandbox.

    :param now: stand still at this moment; default: run with the real time
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._frozen = _aware(now) if now is not None else None
        self._offset = timedelta()
        self._skipped = 0.0

    def now(self) -> datetime:
        """Return the current moment, in UTC."""
        with self._lock:
            return self._now()

    def monotonic(self) -> float:
        """Return seconds that never go back: real ones plus those that were skipped."""
        with self._lock:
            return time.monotonic() + self._skipped

    def set(self, moment: datetime) -> None:
        """Stand still at a moment."""
        with self._lock:
            self._skip(_aware(moment) - self._now())
            self._frozen = _aware(moment)

    def advance(self, by: timedelta) -> None:
        """Move forward; a clock that runs keeps running from there."""
        with self._lock:
            self._skip(by)
            if self._frozen is None:
                self._offset += by
            else:
                self._frozen += by

    def run(self) -> None:
        """Go back to the real time."""
        with self._lock:
            self._frozen = None
            self._offset = timedelta()

    def _now(self) -> datetime:
        return self._frozen or datetime.now(UTC) + self._offset

    def _skip(self, by: timedelta) -> None:
        self._skipped += max(by.total_seconds(), 0.0)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; add one, for instance tzinfo=UTC")
    return moment.astimezone(UTC)
