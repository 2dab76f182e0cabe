"""The quota: so many requests a second and a day, over all threads and processes of a machine."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import sqlite3
import stat
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from filelock import FileLock, Timeout
from pyrate_limiter import Decision, Rate, RateItem, SQLiteBucket, SQLiteQueries

from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# Gong counts when a request arrives, we when it leaves: without some slack, a fourth request that travels
# faster than the first would arrive in the same second.
SECOND = 1_040
DAY = 86_400_000
TABLE = "requests"

# The file keeps processes apart, this the threads of one. A fork waits for it too: a child that is born in
# the middle of a turn would inherit the open database and the lock on the file, and never give them back.
_turn = threading.Lock()
os.register_at_fork(before=_turn.acquire, after_in_parent=_turn.release, after_in_child=_turn.release)


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

    A day is the last 24 hours. Other tools of the company use the same quota of Gong unseen, so a share of
    the day is left to them. A damaged file is set aside and begun anew with a warning: the count of the day
    is lost then, and Gong's own answers (429) take its place.

    :param quota_group: who shares the quota; the name of the file is a hash of it.
    :param per_second: requests per second.
    :param per_day: requests per 24 hours that the company has.
    :param share: the part of them that is ours, more than 0 and at most 1.
    :param directory: where the file lies; default: a directory of this user below the system's one for
        temporary files.
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
        folder = _usable(Path(directory)) if directory else _own_directory()
        self.path = folder / f"{hashlib.sha256(quota_group.encode()).hexdigest()}.sqlite"
        self._max_wait = max_wait
        self._clock = clock
        self._sleep = sleep

    def acquire(self) -> None:
        """Return when one request may be sent.

        :raises GongRateLimited: when that takes longer than `max_wait`.
        """
        start = time.monotonic()
        waited = 0.0
        while wait := self._take():
            # The clock counts time lost elsewhere too; the sum holds with a sleep that tests replace.
            if max(waited, time.monotonic() - start) + wait > self._max_wait:
                raise GongRateLimited(
                    f"Our share of Gong's quota is used up for another {math.ceil(wait)} s.", retry_after=wait
                )
            self._sleep(wait)
            waited += wait

    def _take(self) -> float:
        """Count one request and return 0, or return the seconds until there is room for it."""
        try:
            with _turn, FileLock(f"{self.path}.lock", timeout=self._max_wait):
                try:
                    return self._count()
                except sqlite3.OperationalError:
                    raise
                except sqlite3.DatabaseError as error:
                    self._set_aside(error)
                    return self._count()
        except Timeout:
            raise GongRateLimited(
                f"Another process has held {self.path}.lock for more than {self._max_wait:g} s.",
                retry_after=self._max_wait,
            ) from None
        except (OSError, sqlite3.Error) as error:
            raise GongConfigurationError(
                f"The quota cannot be counted in {self.path} ({error}): make its directory writable for this "
                f"user, or name another one in Airflow's option [gong] quota_dir."
            ) from error

    def _count(self) -> float:
        now = int(self._clock() * 1000)
        # Opened for each turn, since neither a connection of SQLite nor its locks survive a fork.
        with closing(sqlite3.connect(self.path, timeout=self._max_wait)) as database:
            # A count lost in a power cut is no harm; waiting for the disk at each request would be.
            database.execute("PRAGMA synchronous=OFF")
            database.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=TABLE))
            database.execute(
                SQLiteQueries.CREATE_INDEX_ON_TIMESTAMP.format(index_name="moments", table_name=TABLE)
            )
            # A clock that was set back would otherwise wait for the requests of its own future.
            database.execute(f"UPDATE {TABLE} SET item_timestamp = ? WHERE item_timestamp > ?", (now, now))  # noqa: S608
            bucket = SQLiteBucket(self._rates, database, TABLE)
            bucket.leak(now)
            decision = cast("Decision", bucket.put_decision(RateItem("", now)))
            database.commit()
        return (decision.retry_after_ms or 1) / 1000 if decision.failing_rate else 0.0

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_suffix(f".damaged-{int(time.time())}")
        self.path.replace(aside)
        # What is left of an unfinished change belongs to the old file and would damage the new one.
        Path(f"{self.path}-journal").unlink(missing_ok=True)
        log.warning(
            "The quota file %s is damaged (%s): kept as %s and begun anew.", self.path, error, aside.name
        )


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


def _own_directory() -> Path:
    folder = Path(tempfile.gettempdir()) / f"airflow-provider-gong-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    # The place is open to everybody: somebody else may have been there first.
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise GongConfigurationError(
            f"{folder} does not belong to this user: remove it, or name a directory in Airflow's "
            f"option [gong] quota_dir."
        )
    folder.chmod(0o700)
    return _usable(folder)


def _usable(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "not writable")
    return folder


def _unusable(folder: Path, problem: str) -> GongConfigurationError:
    return GongConfigurationError(
        f"The quota directory {folder} cannot be used ({problem}): make it writable for this user, or name "
        f"another one in Airflow's option [gong] quota_dir."
    )
