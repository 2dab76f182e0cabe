"""One at a time may spend a refresh token, and what comes of it is put down at once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock, Timeout

from airflow_provider_gong.api.quota_dir import quota_dir
from airflow_provider_gong.exceptions import GongTokensUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

log = logging.getLogger(__name__)

MODE = 0o660
# Seconds. A holder says every third of it that it is still there; a dead one is waited for as long.
HOLD = 30.0
# Seconds that what was put down is kept in Redis.
WEEK = 7 * 86_400


class Lockbox(Protocol):
    """A lock that all share who may refresh the tokens of a connection, with room for one note behind it."""

    shared: bool
    """Whether several machines share it."""

    def hold(self, patience: float) -> Any:
        """Return a context in which nobody else is; wait for it so many seconds at most.

        :raises GongTokensUnavailable: when that was not enough.
        """

    def read(self) -> dict[str, Any]:
        """Return the note, empty when there is none."""

    def write(self, note: dict[str, Any]) -> None:
        """Keep the note, so that it survives the end of this process."""


class FileLockbox:
    """Share a lock and a note with all processes of this machine.

    :param name: whose; the names of the files have a hash of it.
    :param directory: where they lie, see `airflow_provider_gong.api.quota_dir.quota_dir`.
    """

    shared = False

    def __init__(self, name: str, *, directory: str | Path | None = None) -> None:
        hashed = hashlib.sha256(name.encode()).hexdigest()
        self.path = quota_dir(directory) / f"oauth-{hashed}.json"

    @contextmanager
    def hold(self, patience: float) -> Iterator[None]:
        """Hold the lock; the operating system gives it back when the process dies."""
        lock = FileLock(f"{self.path}.lock", timeout=max(0.0, patience), mode=MODE, poll_interval=0.02)
        try:
            lock.acquire()
        except Timeout:
            raise _busy(patience) from None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    def read(self) -> dict[str, Any]:
        """Return the note; one that cannot be read is as good as none."""
        try:
            return _note(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, note: dict[str, Any]) -> None:
        """Keep the note: either it or the one before is there, whatever happens."""
        draft = self.path.with_suffix(".draft")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(json.dumps(note))
                file.flush()
                os.fsync(file.fileno())
            with suppress(PermissionError):  # somebody else's, who has allowed us to write
                draft.chmod(MODE)
            draft.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> GongTokensUnavailable:
        return GongTokensUnavailable(
            f"{self.path} cannot be used to refresh OAuth tokens ({error}): make the directory writable for this "
            f"user, or name another one in Airflow's option [gong] quota_dir."
        )


class RedisLockbox:
    """Share a lock and a note with all machines that reach the same Redis.

    :param name: whose; the names of the keys have a hash of it.
    :param redis: a client of Redis 5 or newer.
    :param server: what to call it in errors: the name of its connection.
    :param hold_seconds: how long a dead holder is waited for.
    """

    shared = True

    def __init__(self, name: str, *, redis: Redis, server: str, hold_seconds: float = HOLD) -> None:
        # In braces, so that a cluster keeps the keys together.
        key = f"gong-oauth:{{{hashlib.sha256(name.encode()).hexdigest()}}}"
        self._lock_key, self._note_key = f"{key}:lock", f"{key}:note"
        self._redis = redis
        self._server = server
        self._hold = hold_seconds

    @contextmanager
    def hold(self, patience: float) -> Iterator[None]:
        """Hold the lock, and say again and again that we do."""
        from redis.exceptions import LockError

        lock = self._redis.lock(
            self._lock_key,
            timeout=self._hold,
            blocking_timeout=max(0.0, patience),
            sleep=0.05,
            thread_local=False,
        )
        if not self._ask(lock.acquire):
            raise _busy(patience)
        done = threading.Event()
        keeper = threading.Thread(target=self._stay, args=(lock, done), daemon=True, name="gong-oauth-lock")
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()
            # Redis gives it back by itself when this does not come through.
            with suppress(LockError, GongTokensUnavailable):
                self._ask(lock.release)

    def read(self) -> dict[str, Any]:
        """Return the note; one that cannot be read is as good as none."""
        return _note(self._ask(lambda: self._redis.get(self._note_key)))

    def write(self, note: dict[str, Any]) -> None:
        """Keep the note for a week."""
        self._ask(lambda: self._redis.set(self._note_key, json.dumps(note), ex=WEEK))

    def _stay(self, lock: Any, done: threading.Event) -> None:
        while not done.wait(self._hold / 3):
            try:
                lock.reacquire()
            except Exception as error:  # whoever comes next finds what we put down
                log.warning("The lock on OAuth tokens could not be kept: %s", type(error).__name__)
                return

    def _ask(self, question: Callable[[], Any]) -> Any:
        from redis.exceptions import LockError, RedisClusterException, RedisError

        try:
            return question()
        except LockError:
            raise
        except (RedisError, RedisClusterException, OSError) as error:
            # Without the cause: servers quote what they do not understand, credentials among it.
            raise GongTokensUnavailable(
                f"Redis, connection {self._server!r}, cannot be used to refresh OAuth tokens ({type(error).__name__}), "
                f"so none is spent: see that the server runs, can be reached from here, and lets the user of the "
                f"connection write and run scripts."
            ) from None


def _busy(patience: float) -> GongTokensUnavailable:
    return GongTokensUnavailable(
        f"Another process has been refreshing the OAuth tokens of this connection for more than {patience:g} s."
    )


def _note(content: bytes | str | None) -> dict[str, Any]:
    try:
        note = json.loads(content or "{}")
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
