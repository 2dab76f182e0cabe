"""One poller for many waits: 500 deferred sensors of a connection cost 5 requests a round."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_gong.triggers.answers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.triggers.looks import Look
    from airflow_provider_gong.triggers.waiter import Waiter

log = logging.getLogger(__name__)


class Poller:
    """Ask Gong for everything that is waited for, in one thread, and tell each waiter.

    It lives as long as somebody waits. While Gong or the quota asks for a wait it asks for nothing, and those who
    wait still end at their deadlines.

    :param gong_conn_id: Airflow connection of Gong.
    :param backfill: count requests as those of backfills.
    :param look: what tells which of 100 calls have what is waited for.
    """

    def __init__(self, gong_conn_id: str, backfill: bool, look: Look) -> None:
        self._gong_conn_id = gong_conn_id
        self._backfill = backfill
        self._look = look
        self._waiters: set[Waiter] = set()
        self._changed = asyncio.Event()
        self._not_before = 0.0
        # In a context of its own: what the poller logs is none of the task's that happened to come first.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def join(self, waiter: Waiter) -> None:
        """Ask for one more from now on."""
        self._waiters.add(waiter)
        self._changed.set()

    def leave(self, waiter: Waiter) -> bool:
        """Ask for one less; return whether nobody is left, which ends the poller."""
        self._waiters.discard(waiter)
        if not self._waiters:
            self._task.cancel()
        return not self._waiters

    async def _run(self) -> None:
        while True:
            await self._pause()
            now = time.time()
            due = [waiter for waiter in self._waiters if waiter.due <= now]
            if due and now >= self._not_before:
                await self._round(due)

    async def _pause(self) -> None:
        """Wait for the next moment when somebody is due, or for somebody new."""
        self._changed.clear()
        next_due = min((waiter.due for waiter in self._waiters), default=None)
        pause = None if next_due is None else max(next_due, self._not_before) - time.time()
        if pause is not None and pause <= 0:
            return
        try:
            async with asyncio.timeout(pause):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _round(self, due: list[Waiter]) -> None:
        call_ids = sorted(set().union(*(waiter.missing for waiter in due)))
        answers = await asyncio.to_thread(ask, self._gong_conn_id, self._backfill, self._look, call_ids)
        log.info("Asked for %d calls of %d waits: %d came.", len(call_ids), len(due), len(answers.found))
        if answers.trouble is not None:
            log.warning("The round ended early: %s", answers.trouble)
            self._not_before = time.time() + answers.retry_after
        for waiter in due:
            waiter.take(answers)


Key = tuple[str, bool, "Look"]
_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, Poller]] = WeakKeyDictionary()


@contextmanager
def polled(waiter: Waiter, gong_conn_id: str, backfill: bool, look: Look) -> Iterator[None]:
    """Let the poller of this connection, for this kind of look, ask for a waiter as well."""
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    key = (gong_conn_id, backfill, look)
    poller = pollers.get(key)
    if poller is None:
        poller = pollers[key] = Poller(*key)
    poller.join(waiter)
    try:
        yield
    finally:
        if poller.leave(waiter):
            del pollers[key]
