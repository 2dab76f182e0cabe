"""The quota: so many requests a second and a day, over all threads and processes of a machine."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from filelock import FileLock, Timeout
from pyrate_limiter import Rate, RateItem, SQLiteBucket, SQLiteQueries

from airflow_provider_gong.api.quota_dir import quota_dir
from airflow_provider_gong.api.turns import (
    DAY,
    LONGEST_HOLD,
    SECOND,
    Limits,
    SharedThrottle,
    Turn,
    limits_of,
    refusal,
    worth_coming_back_for,
)
from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

T = TypeVar("T")

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
    """Let requests through as the quota allows."""

    def acquire(self) -> None:
        """Return when one request may be sent.

        :raises GongRateLimited: when that takes longer than this caller may wait.
        """

    def hold(self, seconds: float) -> None:
        """Let nobody who shares the quota send anything for so long, because Gong said so."""


class NoThrottle:
    """Let every request through at once."""

    def acquire(self) -> None:
        """Return at once."""

    def hold(self, seconds: float) -> None:
        """Do nothing."""


class FileThrottle(SharedThrottle):
    """Count requests in a file that all threads and processes of this machine share.

    A day is the last 24 hours. Other tools of the company use the same quota of Gong unseen, so a share of the
    day is left to them. A damaged file is set aside and begun anew with a warning: the count of the day is lost
    then, and Gong's own answers (429) take its place.

    :param quota_group: who shares the quota; the name of the file is a hash of it.
    :param per_second: requests per second.
    :param per_day: requests per 24 hours that the company has.
    :param share: the part of them that is ours, more than 0 and at most 1.
    :param backfill_share: the part of them that backfills have; None: this is no backfill.
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
        backfill_share: float | None = None,
        directory: str | Path | None = None,
        max_wait: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(max_wait=max_wait, sleep=sleep)
        self._limits = limits_of(per_second, per_day, share, backfill_share)
        name = hashlib.sha256(quota_group.encode()).hexdigest()
        self.path = quota_dir(directory) / f"{name}.sqlite"
        self._clock = clock

    def hold(self, seconds: float) -> None:
        """Let nobody send anything for so long; of several holds the longest counts."""
        self._use(lambda book: book.hold(min(seconds, LONGEST_HOLD)), time.monotonic() + BRIEF)

    def _is_held(self) -> bool:
        return self._use(_Book.is_held, time.monotonic() + BRIEF)

    def _reserve(self, deadline: float, instead_of: Turn | None) -> Turn:
        # Looked at behind the lock: the wait for the file is part of the wait.
        return self._use(lambda book: book.reserve(_until(deadline), instead_of), deadline)

    def _use(self, action: Callable[[_Book], T], deadline: float) -> T:
        try:
            # Its own object for each turn, so that it keeps threads apart as well as processes.
            with FileLock(f"{self.path}.lock", timeout=_until(deadline), mode=MODE, poll_interval=0.01):
                return self._open(action, deadline)
        except Timeout:
            raise self._busy() from None
        except (OSError, sqlite3.Error) as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise self._busy() from None
            raise GongConfigurationError(
                f"The quota cannot be counted in {self.path} ({error}): make the file and its directory writable "
                f"for this user, or name another directory in Airflow's option [gong] quota_dir."
            ) from error

    def _busy(self) -> GongRateLimited:
        return GongRateLimited(
            f"The quota file {self.path} was in use by others for more than {self._max_wait:g} s.",
            retry_after=self._max_wait,
        )

    def _open(self, action: Callable[[_Book], T], deadline: float) -> T:
        try:
            return self._open_once(action, deadline)
        except sqlite3.DatabaseError as error:
            if _code(error) not in DAMAGED:
                raise
            self._set_aside(error)
            return self._open_once(action, deadline)

    def _open_once(self, action: Callable[[_Book], T], deadline: float) -> T:
        # SQLite would make the file for this user alone.
        if not self.path.exists():
            self.path.touch()
            self.path.chmod(MODE)
        timeout = min(_until(deadline), BRIEF)
        # Opened for each turn, since neither a connection of SQLite nor its locks survive a fork.
        with _counting, closing(sqlite3.connect(self.path, timeout=timeout)) as database:
            return action(_Book(database, self._limits, int(self._clock() * 1000)))

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_suffix(f".damaged-{int(time.time())}")
        self.path.replace(aside)
        # What is left of an unfinished change belongs to the old file and would damage the new one.
        Path(f"{self.path}-journal").unlink(missing_ok=True)
        log.warning(
            "The quota file %s is damaged (%s): kept as %s and begun anew.", self.path, error, aside.name
        )


class _Book:
    """What stands in the file: the turns, those of backfills once more, and until when nobody may send.

    Its own name of each entry is the moment at which it was made.
    """

    def __init__(self, database: sqlite3.Connection, limits: Limits, now: int) -> None:
        # A count lost in a power cut is no harm; waiting for the disk at each request would be.
        database.execute("PRAGMA synchronous=OFF")
        self._database = database
        self._limits = limits
        self._now = now
        self._holds = self._bucket("holds", Rate(1, 1))
        self._turns = self._bucket("turns", *_rates(limits))
        self._counted = [self._turns]
        if limits.backfill_per_day is not None:
            self._counted.append(self._bucket("backfills", Rate(limits.backfill_per_day, DAY)))

    def reserve(self, patience: float, instead_of: Turn | None) -> Turn:
        """Reserve the next free moment that lies no farther away than so many seconds."""
        for bucket in self._counted:
            bucket.leak(self._now)
            if instead_of is not None:
                self._give_back(bucket, instead_of)
        moment, reason = self._next_free()
        wait = (moment - self._now) / 1000
        if wait > patience:
            raise refusal(reason, self._limits, max(wait, self._until_worth(reason)))
        for bucket in self._counted:
            bucket.put(RateItem(str(self._now), moment))
        return Turn(wait, f"{self._now} {moment}")

    def _until_worth(self, reason: str) -> float:
        """Return the seconds until enough of a spent share is free again."""
        for bucket in self._counted:
            rate = bucket.rates[-1]
            if rate.interval == DAY and reason == ("day" if bucket is self._turns else "backfill"):
                oldest = bucket.peek(rate.limit - worth_coming_back_for(rate.limit))
                return (oldest.timestamp + DAY + 1 - self._now) / 1000 if oldest else 0
        return 0

    def hold(self, seconds: float) -> None:
        """Let nobody send anything for so many seconds, unless that is so already."""
        newest, until = self._holds.peek(0), self._now + round(seconds * 1000)
        if newest is None or newest.timestamp < until:
            self._holds.flush()
            self._holds.put(RateItem(str(self._now), until))

    def is_held(self) -> bool:
        """Tell whether nobody may send anything now."""
        hold = self._holds.peek(0)
        return hold is not None and hold.timestamp > self._now

    def _bucket(self, table: str, *rates: Rate) -> SQLiteBucket:
        self._database.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=table))
        self._database.execute(
            SQLiteQueries.CREATE_INDEX_ON_TIMESTAMP.format(index_name=f"{table}_moments", table_name=table)
        )
        bucket = SQLiteBucket(list(rates), self._database, table)
        self._follow_clock(bucket)
        return bucket

    def _follow_clock(self, bucket: SQLiteBucket) -> None:
        """Move all entries with a clock that was set back; they would otherwise lie in its future."""
        newest = bucket.peek(0)
        if newest and (shift := int(newest.name) - self._now) > 0:
            self._database.execute(
                f"UPDATE {bucket.table} SET name = name - ?, item_timestamp = item_timestamp - ?",  # noqa: S608
                (shift, shift),
            )
            self._database.commit()

    def _give_back(self, bucket: SQLiteBucket, turn: Turn) -> None:
        # Turns of the same moment are as good as each other.
        self._database.execute(
            f"DELETE FROM {bucket.table} WHERE rowid = (SELECT rowid FROM {bucket.table} "  # noqa: S608
            "WHERE name = ? AND item_timestamp = ? LIMIT 1)",
            turn.name.split(),
        )
        self._database.commit()

    def _next_free(self) -> tuple[int, str]:
        """Return the first moment that everything allows, and what decides it."""
        newest, hold = self._turns.peek(0), self._holds.peek(0)
        # Nobody goes before those who came first.
        found = [(self._now, "second"), (newest.timestamp + self._limits.gap if newest else 0, "second")]
        found += [(_free(self._turns, rate), _name(rate)) for rate in self._turns.rates]
        found += [(_free(bucket, bucket.rates[0]), "backfill") for bucket in self._counted[1:]]
        found.append((hold.timestamp if hold else 0, "hold"))
        return max(found, key=lambda one: one[0])


def _free(bucket: SQLiteBucket, rate: Rate) -> int:
    """Return the first moment that a rate allows."""
    oldest = bucket.peek(rate.limit - 1)
    return oldest.timestamp + rate.interval + 1 if oldest else 0


def _name(rate: Rate) -> str:
    return "day" if rate.interval == DAY else "second"


def _until(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _code(error: Exception) -> int:
    # The lower byte is the kind of trouble, the rest its details.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _rates(limits: Limits) -> list[Rate]:
    # The bucket wants each longer rate to be the tighter one; a day that allows more than the seconds do
    # never has the last word.
    day = Rate(min(limits.per_day, limits.per_second * DAY // SECOND), DAY)
    return [Rate(limits.per_second, SECOND), day] if limits.per_second < day.limit else [day]
