"""How many requests a company may send: 3 a second and 10,000 a day, over all of its keys.

https://help.gong.io/apidocs/introduction-2
"""

import threading
from collections import deque
from datetime import date, datetime, timedelta
from math import ceil

from airflow_provider_gong.sandbox.clock import Clock

# A client that keeps exactly to the limit is not punished for what the network adds to a request.
SECOND = 0.95


class Limits:
    """Count requests; one that is refused does not count, so that waiting as told always helps.

    Gong documents neither that nor when the day begins anew; here it is midnight UTC.

    :param per_second: default: 3; None: unlimited
    :param per_day: default: 10,000; None: unlimited
    """

    def __init__(self, clock: Clock, per_second: int | None = 3, per_day: int | None = 10_000) -> None:
        self.per_second = per_second
        self.per_day = per_day
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._day: date | None = None
        self.used_today = 0

    def admit(self) -> int | None:
        """Count a request in; or return the seconds after which to try again."""
        with self._lock:
            now = self._clock.now()
            self._turn_day(now)
            if self.per_day is not None and self.used_today >= self.per_day:
                return _seconds_to_midnight(now)
            wait = self._wait_in_second()
            if wait > 0:
                return ceil(wait)
            self._recent.append(self._clock.monotonic())
            self.used_today += 1
            return None

    def _turn_day(self, now: datetime) -> None:
        if self._day != now.date():
            self._day = now.date()
            self.used_today = 0

    def _wait_in_second(self) -> float:
        now = self._clock.monotonic()
        while self._recent and self._recent[0] <= now - SECOND:
            self._recent.popleft()
        if self.per_second is None or len(self._recent) < self.per_second:
            return 0.0
        return self._recent[0] + SECOND - now


def _seconds_to_midnight(now: datetime) -> int:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return ceil((midnight - now).total_seconds())
