"""One of the many that a poller asks for."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongRateLimited

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_gong.triggers.answers import Answers

log = logging.getLogger(__name__)

MOST_FAILURES = 5
SHORTEST_INTERVAL = 1.0
# A scheduler of Airflow 3.3 that starts a task again before it has heard that its worker was left takes it for killed.
SHORTEST_DEFERRAL = 10.0
# Waits whose deadline is near are asked for once more, on multiples of this time, so that those of a triggerer that
# starts again meet, ...
GATHERING = 5.0
# ... and get so long for it.
LAST_LOOK = 30.0


class Waiter:
    """Wait until enough of some calls have what is looked for, or until a deadline.

    :param call_ids: what is waited for.
    :param wanted: how many of them are enough.
    :param interval: seconds between two looks. Looks fall on its multiples on the clock, so that all waits with
        the same interval are asked for together.
    :param deadline: when to give up, in seconds since the epoch.
    """

    def __init__(self, call_ids: Iterable[str], *, wanted: int, interval: float, deadline: float) -> None:
        self.missing = set(call_ids)
        self.deadline = deadline
        self.due = 0.0
        self._left = wanted
        self._interval = max(interval, SHORTEST_INTERVAL)
        self._failures = 0
        self._end: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        # What is said of this wait belongs into the log of its task.
        self._context = contextvars.copy_context()
        now = time.time()
        self.plan(now)
        # Only a wait that begins after its deadline, or just before it, may end after it.
        self._patience = (max(deadline, self.due + LAST_LOOK) if self.due > deadline else deadline) - now

    def plan(self, now: float) -> None:
        """Set the moment of the next look."""
        tick = _next_multiple(now, self._interval)
        # A triggerer that was down until the deadline, or nearly, does not spoil the result.
        is_last_chance = not self.due and self.deadline < tick
        self.due = _next_multiple(now, GATHERING) if is_last_chance else tick

    async def end(self) -> dict[str, Any]:
        """Return the event that ends the wait, in time whatever the poller does."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._end
        except TimeoutError:
            return self._event("timeout")

    def take(self, answers: Answers) -> None:
        """Go on with what a round has brought."""
        now = time.time()
        came = self.missing & answers.found
        self.missing -= came
        self._left -= len(came)
        refusal = answers.refusal_of(self.missing)
        if self._left <= 0:
            self._finish("ready")
        elif refusal is not None:
            self._finish("refused", str(refusal))
        elif now >= self.deadline:
            self._finish("timeout")
        else:
            self._go_on(answers)
            self.plan(now)

    def _go_on(self, answers: Answers) -> None:
        if answers.trouble is None or self.missing <= answers.asked:
            self._failures = 0
            return
        if isinstance(answers.trouble, GongRateLimited) and answers.retry_after:
            self._say(logging.INFO, "No look now: %s", answers.trouble)
            return
        self._failures += 1
        if self._failures > MOST_FAILURES:
            self._finish("failed", str(answers.trouble))
            return
        self._say(
            logging.WARNING,
            "Look failed, %d in a row, the wait goes on: %s",
            self._failures,
            answers.trouble,
        )

    def _say(self, level: int, text: str, *values: object) -> None:
        self._context.run(log.log, level, text, *values)

    def _finish(self, status: str, problem: str | None = None) -> None:
        # The task that waits leaves when it comes to its turn: until then there is nothing to ask for.
        self.due = math.inf
        if not self._end.done():
            self._end.set_result(self._event(status, problem))

    def _event(self, status: str, problem: str | None = None) -> dict[str, Any]:
        return {"status": status, "missing": sorted(self.missing), "problem": problem}


def _next_multiple(now: float, interval: float) -> float:
    return (math.floor(now / interval) + 1) * interval
