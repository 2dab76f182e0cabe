"""Turns: what a throttle that counts for many has to say, wherever it counts."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

# Gong counts when a request arrives, we when it leaves: without some slack, a fourth request that travels
# faster than the first would arrive in the same second.
SECOND = 1_040
DAY = 86_400_000

# Seconds. No limit of Gong lasts longer than its day; a mistaken answer must not stop a company for longer.
LONGEST_HOLD = 86_400.0


@dataclass(frozen=True)
class Limits:
    """How many requests there are.

    :param per_second: requests per second.
    :param per_day: our share of the requests of 24 hours.
    :param backfill_per_day: the share that backfills have of them; None: who asks is no backfill.
    """

    per_second: int
    per_day: int
    backfill_per_day: int | None = None

    @property
    def gap(self) -> int:
        """Return the milliseconds from one request to the next.

        Spread over the second, requests of several threads keep their distance on the way to Gong; of three that
        leave together, one that is held up would meet the next three.
        """
        return SECOND // self.per_second


def worth_coming_back_for(limit: int) -> int:
    """Return how many requests of a day shall be free before those who were refused come back.

    The requests of a spent day come back as slowly as they were spent. Whoever came for each of them would read the
    first pages of a slice, be refused again, and have spent them for nothing.
    """
    return max(1, limit // 50)


def limits_of(per_second: int, per_day: int, share: float, backfill_share: float | None) -> Limits:
    """Return the limits that shares of a company's quota leave.

    :raises GongConfigurationError: when that is no request at all.
    """
    ours = math.floor(per_day * share)
    backfills = None if backfill_share is None else math.floor(per_day * backfill_share)
    if per_second < 1 or ours < 1:
        raise GongConfigurationError(
            f"The quota leaves no request (per second: {per_second}, our share of the day: {ours}): raise "
            f"requests_per_second, requests_per_day or daily_share."
        )
    if backfills is not None and backfills < 1:
        raise GongConfigurationError(
            f"The quota leaves no request to backfills (their share of the day: {backfills}): raise "
            f"requests_per_day or backfill_share."
        )
    return Limits(per_second, ours, backfills)


@dataclass(frozen=True)
class Turn:
    """A moment that is reserved for one request.

    :param wait: seconds until then.
    :param name: what the store calls it.
    """

    wait: float
    name: str


def refusal(reason: str, limits: Limits, wait: float) -> GongRateLimited:
    """Return the error that says what keeps the next moment away.

    :param reason: `second`, `day`, `backfill` or `hold`.
    :param limits: the limits.
    :param wait: seconds until then.
    """
    problem, when = {
        "second": (f"Too many tasks share {limits.per_second} requests a second", "the next turn is free"),
        "day": (f"Our share of the day, {limits.per_day} requests, is spent", "it renews"),
        "backfill": (
            f"The share of the day that backfills have, {limits.backfill_per_day} requests, is spent",
            "it renews",
        ),
        "hold": ("Gong told one who shares the quota to wait, which holds for all", "it ends"),
    }[reason]
    return GongRateLimited(f"{problem}: {when} in {math.ceil(wait)} s.", retry_after=wait)


class SharedThrottle(ABC):
    """Wait for turns that a store gives to all who share a quota.

    Whoever comes gets the next free moment, one after the other, and waits for it; a moment that is too far
    away is refused and left to others.

    :param max_wait: seconds to wait at most for a turn.
    :param sleep: what waits; for tests.
    """

    def __init__(self, *, max_wait: float, sleep: Callable[[float], None]) -> None:
        self._max_wait = max_wait
        self._sleep = sleep

    def acquire(self) -> None:
        """Return when one request may be sent.

        :raises GongRateLimited: when that takes longer than `max_wait`.
        """
        deadline = time.monotonic() + self._max_wait
        turn = self._reserve(deadline, None)
        while turn.wait > 0:
            self._sleep(turn.wait)
            # Gong may have refused somebody in the meantime.
            if not self._is_held():
                return
            turn = self._reserve(deadline, turn)

    @abstractmethod
    def hold(self, seconds: float) -> None:
        """Let nobody send anything for so long; of several holds the longest counts."""

    @abstractmethod
    def _reserve(self, deadline: float, instead_of: Turn | None) -> Turn:
        """Reserve the next free moment.

        :param deadline: how far `time.monotonic` may be until then.
        :param instead_of: a turn that was not used and is given back.
        :raises GongRateLimited: when it lies behind the deadline.
        """

    @abstractmethod
    def _is_held(self) -> bool:
        """Tell whether nobody may send anything now."""
