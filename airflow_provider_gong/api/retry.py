"""What is sent again, when, and when to give up."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import tenacity

from airflow_provider_gong.exceptions import (
    GongRateLimited,
    GongReplyError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is sent and how long it may wait in between.

    Gong's 429 was not carried out, so every operation is sent again after it. After a 5xx, a dropped
    connection or a time-out nobody knows whether a write was carried out: its error is not retryable.

    :param attempts: how often a request is sent at most, the first time included.
    :param max_wait: seconds of the longest single wait; when more is needed, the error is raised at once.
    :param delay: seconds between two attempts; default: longer each time, with jitter.
    :param all_errors: send again after every reply that is no success, even where a write may then be carried
        out twice; default: only where that is safe and useful.
    :param sleep: what waits; for tests.
    """

    attempts: int = 5
    max_wait: float = 60.0
    delay: float | None = None
    all_errors: bool = False
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        attempt: Callable[[], T],
        before_wait: Callable[[BaseException | None, float], None] | None = None,
    ) -> T:
        """Return what `attempt` returns, making it again as long as that is safe and useful.

        :param attempt: send one request; raises an error of this package when it does not succeed.
        :param before_wait: is told the error and the seconds of each wait.
        """

        def tell(state: tenacity.RetryCallState) -> None:
            _log_wait(state)
            if before_wait is not None:
                before_wait(_error(state), _seconds(state))

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_repeat),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=self._wait,
            sleep=self.sleep,
            before_sleep=tell,
            reraise=True,
        )
        return retrying(attempt)

    def _may_repeat(self, error: BaseException) -> bool:
        if not isinstance(error, GongReplyError) or not (error.retryable or self.all_errors):
            return False
        if isinstance(error, GongRateLimited) and error.status is None:
            # It is our own budget, which has already waited as long as it may.
            return False
        return (getattr(error, "retry_after", None) or 0.0) <= self.max_wait

    def _wait(self, state: tenacity.RetryCallState) -> float:
        asked = getattr(_error(state), "retry_after", None)
        # Less than a second would only spend attempts: the limit is counted by the second.
        return self._backoff(state) if asked is None else max(1.0, float(asked), self.delay or 0.0)

    def _backoff(self, state: tenacity.RetryCallState) -> float:
        if self.delay is not None:
            return self.delay
        # Jitter, so that tasks that failed together do not come back together.
        return tenacity.wait_exponential_jitter(initial=1, max=self.max_wait, jitter=1)(state)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _seconds(state: tenacity.RetryCallState) -> float:
    return state.next_action.sleep if state.next_action else 0.0


def _log_wait(state: tenacity.RetryCallState) -> None:
    error = _error(state)
    operation = error.operation if isinstance(error, GongReplyError) else ""
    log.info(
        "%s: %s (status %s); attempt %d follows in %.1f s",
        operation,
        type(error).__name__,
        getattr(error, "status", None),
        state.attempt_number + 1,
        _seconds(state),
    )
