"""Operators that leave their worker when Gong or the quota asks for a long wait."""

from __future__ import annotations

import logging
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import conf

from airflow_provider_gong.exceptions import GongRateLimited, GongUnavailable
from airflow_provider_gong.hooks import metrics
from airflow_provider_gong.operators.base import GongOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

# Tasks that were sent away together shall not come back in the same second.
JITTER = 0.1
MOST_JITTER = 300.0


def kind_of_wait(error: GongUnavailable) -> str:
    """Return what makes a task wait, as metrics name it."""
    if not isinstance(error, GongRateLimited):
        return "unavailable"
    return "quota" if error.status is None else "rate_limited"


class GongDeferrableOperator(GongOperator):
    """Base of the operators that can begin anew where they left off.

    :param deferrable: Wait in the triggerer when Gong or the quota asks for more than `max_wait`. Default: Airflow's
        option `[operators] default_deferrable`.
    """

    # Seconds. Less is not worth a new process.
    least_wait: ClassVar[float] = 60.0

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    def carry_out(self, context: Context) -> Any:
        """Do the work, or leave until a moment at which it can go on."""
        try:
            return super().carry_out(context)
        except GongUnavailable as error:
            if not self.deferrable or not error.retry_after:
                raise
            reason, wait = str(error), max(self.least_wait, error.retry_after)
            metrics.count("gong.deferrals", reason=kind_of_wait(error))
        self._leave(reason, wait)

    def resume(self, context: Context, event: Any = None) -> Any:
        """Go on after a wait.

        :param event: what the trigger told; nothing of use.
        """
        return self.carry_out(context)

    def _leave(self, reason: str, wait: float) -> NoReturn:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        wait += random.uniform(0, min(wait * JITTER, MOST_JITTER))  # noqa: S311 - no secret
        moment = datetime.now(UTC) + timedelta(seconds=wait)
        log.info("Deferred until %s, %.0f s from now: %s", moment.isoformat(timespec="seconds"), wait, reason)
        self.defer(trigger=DateTimeTrigger(moment), method_name="resume")
