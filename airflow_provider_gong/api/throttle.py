"""The quota: so many requests a second and a day, over all threads and processes of a machine."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock, Timeout
from pyrate_limiter import Rate, RateItem, SQLiteBucket, SQLiteQueries

from airflow_provider_gong.api.quota_dir import quota_dir
from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# Gong counts when a request arrives, we when it leaves: without some slack, a fourth request that travels
# faster than the first would arrive in the same second.
SECOND = 1_040
DAY = 86_400_000
TABLE = "turns"

# Not even SQLite's, or with other tables in it. Anything else (in use, full, read-only) leaves the file alone.
DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# Seconds to wait for somebody who opened the file without taking the lock.
BRIEF = 5.0

# Everybody who may write to the directory may count in it: it is the directory that keeps others out.
MODE = 0o660

# A child that is born while its parent counts would inherit the open database and what SQLite believes to
# have locked: a fork waits for this. It is held for the moment of counting only, never while waiting.
_counting = threading.Lock()
os.register_at_fork(
    before=_counting.acquire, after_in_parent=_counting.release, after_in_child=_counting.release
)


class Throttle(Protocol):
    """Let requests through as the quota allows; a store shared by several machines can take this place."""

    def acquire(self) -> None:
        """Return when one request may be sent.

        :raises GongRateLimited: when that takes longer than this caller may wait.
        """


class NoThrottle:
    """Let every request through at once."""

    def acquire(self) -> None:
        """Return at once."""


class FileThrottle:
    """Count requests in a file that all threads and processes of this machine share.

    Whoever comes gets the next free moment, one after the other, and waits for it; a moment that is too far
    away is refused and left to others. A day is the last 24 hours. Other tools of the company use the same
    quota of Gong unseen, so a share of the day is left to them. A damaged file is set aside and begun anew
    with a warning: the count of the day is lost then, and Gong's own answers (429) take its place.

    :param quota_group: who shares the quota; the name of the file is a hash of it.
    :param per_second: requests per second.
    :param per_day: requests per 24 hours that the company has.
    :param share: the part of them that is ours, more than 0 and at most 1.
    :param directory: where the file lies, see `airflow_provider_gong.api.quota_dir.quota_dir`.
    :param max_wait: seconds to wait at most for a turn.
    :param clock: tells the seconds since 1970; for tests.
    :param sleep: what waits; for tests.
    """

    def __init__(
        self,
        quota_group: str,
        *,
        per_second: int = 3,
        per_day: int = 10_000,
        share: float = 0.8,
        directory: str | Path | None = None,
        max_wait: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rates = _rates(per_second, math.floor(per_day * share))
        name = hashlib.sha256(quota_group.encode()).hexdigest()
        self.path = quota_dir(directory) / f"{name}.sqlite"
        self._max_wait = max_wait
        self._clock = clock
        self._sleep = sleep

    def acquire(self) -> None:
        """Return when one request may be sent.

        :raises GongRateLimited: when that takes longer than `max_wait`.
        """
        deadline = time.monotonic() + self._max_wait
        try:
            # Its own object for each turn, so that it keeps threads apart as well as processes.
            with FileLock(f"{self.path}.lock", timeout=self._max_wait, mode=MODE, poll_interval=0.01):
                wait = self._reserve(deadline)
        except Timeout:
            raise self._busy() from None
        except (OSError, sqlite3.Error) as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise self._busy() from None
            raise GongConfigurationError(
                f"The quota cannot be counted in {self.path} ({error}): make the file and its directory writable "
                f"for this user, or name another directory in Airflow's option [gong] quota_dir."
            ) from error
        if wait:
            self._sleep(wait)

    def _busy(self) -> GongRateLimited:
        return GongRateLimited(
            f"The quota file {self.path} was in use by others for more than {self._max_wait:g} s.",
            retry_after=self._max_wait,
        )

    def _reserve(self, deadline: float) -> float:
        """Reserve the next free moment and return the seconds until then."""
        try:
            return self._count(deadline)
        except sqlite3.DatabaseError as error:
            if _code(error) not in DAMAGED:
                raise
            self._set_aside(error)
            return self._count(deadline)

    def _count(self, deadline: float) -> float:
        # The wait for the file is part of the wait.
        patience = max(0.0, deadline - time.monotonic())
        # SQLite would make the file for this user alone.
        if not self.path.exists():
            self.path.touch()
            self.path.chmod(MODE)
        # Opened for each turn, since neither a connection of SQLite nor its locks survive a fork.
        with _counting, closing(sqlite3.connect(self.path, timeout=min(patience, BRIEF))) as database:
            bucket = _bucket(self._rates, database)
            now = int(self._clock() * 1000)
            _follow_clock(database, bucket, now)
            bucket.leak(now)
            moment, rate = _next_free(bucket, now)
            if moment - now > patience * 1000:
                raise _refusal(rate, (moment - now) / 1000)
            bucket.put(RateItem(str(now), moment))
            database.commit()
        return (moment - now) / 1000

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_suffix(f".damaged-{int(time.time())}")
        self.path.replace(aside)
        # What is left of an unfinished change belongs to the old file and would damage the new one.
        Path(f"{self.path}-journal").unlink(missing_ok=True)
        log.warning(
            "The quota file %s is damaged (%s): kept as %s and begun anew.", self.path, error, aside.name
        )


def _code(error: Exception) -> int:
    # The lower byte is the kind of trouble, the rest its details.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _bucket(rates: list[Rate], database: sqlite3.Connection) -> SQLiteBucket:
    # A count lost in a power cut is no harm; waiting for the disk at each request would be.
    database.execute("PRAGMA synchronous=OFF")
    database.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=TABLE))
    database.execute(SQLiteQueries.CREATE_INDEX_ON_TIMESTAMP.format(index_name="moments", table_name=TABLE))
    return SQLiteBucket(rates, database, TABLE)


def _follow_clock(database: sqlite3.Connection, bucket: SQLiteBucket, now: int) -> None:
    """Move all turns with a clock that was set back; they would otherwise lie in its future."""
    newest = bucket.peek(0)
    # The name of a turn is the moment at which it was reserved.
    if newest and (shift := int(newest.name) - now) > 0:
        database.execute(
            f"UPDATE {TABLE} SET name = name - ?, item_timestamp = item_timestamp - ?",  # noqa: S608
            (shift, shift),
        )


def _next_free(bucket: SQLiteBucket, now: int) -> tuple[int, Rate]:
    """Return the first moment that every rate allows, and the rate that decides it."""
    newest = bucket.peek(0)
    # Nobody goes before those who came first.
    gap = bucket.rates[0].interval // bucket.rates[0].limit if bucket.rates[0].limit < 100 else 0
    moment, deciding = max(now, newest.timestamp + gap if newest else now), bucket.rates[0]
    for rate in bucket.rates:
        oldest = bucket.peek(rate.limit - 1)
        if oldest and oldest.timestamp + rate.interval + 1 > moment:
            moment, deciding = oldest.timestamp + rate.interval + 1, rate
    return moment, deciding


def _refusal(rate: Rate, wait: float) -> GongRateLimited:
    if rate.interval == DAY:
        problem = f"Our share of the day, {rate.limit} requests, is spent: it renews in {math.ceil(wait)} s."
    else:
        problem = f"Too many tasks share {rate.limit} requests a second: the next turn is free in {math.ceil(wait)} s."
    return GongRateLimited(problem, retry_after=wait)


def _rates(per_second: int, per_day: int) -> list[Rate]:
    if per_second < 1 or per_day < 1:
        raise GongConfigurationError(
            f"The quota leaves no request (per second: {per_second}, our share of the day: {per_day}): raise "
            f"requests_per_second, requests_per_day or daily_share."
        )
    # The bucket wants each longer rate to be the tighter one; a day that allows more than the seconds do
    # never has the last word.
    day = Rate(min(per_day, per_second * DAY // SECOND), DAY)
    return [Rate(per_second, SECOND), day] if per_second < day.limit else [day]
