"""What all sensors share: look, wait without holding anything, look again."""

from __future__ import annotations

import logging
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_gong.exceptions import GongError, GongRateLimited
from airflow_provider_gong.hooks import metrics
from airflow_provider_gong.operators.base import GongOperator
from airflow_provider_gong.triggers.waiter import MOST_FAILURES, SHORTEST_DEFERRAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

log = logging.getLogger(__name__)

# Where a rescheduled sensor, which starts anew for each look, finds its count.
FAILURES_KEY = "gong_failures"


class GongSensor(GongOperator, BaseSensorOperator):
    """Base of all Gong sensors: a subclass tells its `verdict`, and Airflow's arguments say how to wait.

    Trouble that may pass does not end the wait: five looks in a row may fail, the next failure is left to Airflow's
    retries. Where Gong or the quota says when to come back, the sensor comes back then, which is no failure.

    Deferred, it holds neither a worker nor a connection: it looks in a worker, and Airflow's own time trigger wakes
    it. Its timeout counts from its first look, by the clock on the wall, and ends with one more look.

    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    :param deferrable: Wait in the triggerer, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    """

    _failures = 0
    _least_wait = 0.0

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def verdict(self) -> Any:
        """Look once: return what the task shall return, or None for "not yet"."""

    def perform(self, context: Context) -> Any:
        """Wait as Airflow does, or deferred."""
        if not self.deferrable:
            return BaseSensorOperator.execute(self, context)
        started = datetime.now(UTC).isoformat()
        # Airflow applies soft_fail and never_fail where it resumes a task; the first look is no different.
        return self.resume_execution("look_again", {"started": started}, context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once, for Airflow's own loop."""
        if self.reschedule:
            self._failures = int(str(context["task_state_store"].get(FAILURES_KEY, 0)))
        before = self._failures
        try:
            result = self._look()
        finally:
            if self.reschedule and self._failures != before:
                context["task_state_store"].set(FAILURES_KEY, self._failures)
        return PokeReturnValue(result is not None, result)

    def look_again(
        self, context: Context, started: str, looks: int = 1, failures: int = 0, event: Any = None
    ) -> Any:
        """Look once, and defer when it is too early.

        :param started: when the wait began.
        :param looks: how many looks this makes.
        :param failures: how many looks before this one failed in a row.
        :param event: what the trigger told; nothing of use.
        """
        self._failures = failures
        result = self._look()
        if result is not None:
            return result
        begun = datetime.fromisoformat(started)
        left = self.timeout - _seconds_since(begun)
        if left <= 0:
            raise AirflowSensorTimeout(f"Not done {self.timeout:.0f} s after the first look.")
        wait = self._get_next_poke_interval(begun, lambda: _seconds_since(begun), looks)
        self._defer(max(min(wait, left), self._least_wait, SHORTEST_DEFERRAL), started, looks + 1)

    def _defer(self, wait: float, started: str, looks: int) -> None:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        log.info("Not yet: look again in %.0f s", wait)
        metrics.count("gong.deferrals", reason="not_yet")
        self.defer(
            trigger=DateTimeTrigger(datetime.now(UTC) + timedelta(seconds=wait)),
            method_name="look_again",
            kwargs={"started": started, "looks": looks, "failures": self._failures},
        )

    def _look(self) -> Any:
        self._least_wait = 0.0
        try:
            result = self.verdict()
        except GongError as error:
            self._bear(error)
            return None
        finally:
            # A connection is not worth keeping until the next look.
            self.hook.close()
        self._failures = 0
        return result

    def _bear(self, error: GongError) -> None:
        """Go on waiting in spite of an error, unless it cannot pass or has come too often."""
        if not error.retryable:
            raise AirflowFailException(str(error)) from error
        self._least_wait = getattr(error, "retry_after", None) or 0.0
        if isinstance(error, GongRateLimited) and self._least_wait:
            log.info("No look now: %s", error)
            return
        self._failures += 1
        if self._failures > MOST_FAILURES:
            self._failures = 0
            raise error
        log.warning("Look failed, %d in a row, the wait goes on: %s", self._failures, error)

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        return max(super()._get_next_poke_interval(started_at, run_duration, poke_count), self._least_wait)


def _seconds_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()
