"""When Airflow retries a task: at the moment that Gong or the quota names."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from airflow_provider_gong.exceptions import GongUnavailable

if TYPE_CHECKING:
    from airflow.sdk import Context


class GongRetryPolicy(RetryPolicy):
    """Retry when an error says that it makes sense again; all other errors follow `retry_delay` as usual.

    How often is up to `retries`. All operators and sensors of Gong have this policy; a task that uses `GongHook`
    may be given it: ``@task(retries=2, retry_policy=GongRetryPolicy())``.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Return the delay that the error asks for, if it asks for one."""
        if not isinstance(exception, GongUnavailable) or not exception.retry_after:
            return RetryDecision.default()
        seconds = math.ceil(exception.retry_after)
        return RetryDecision.retry(
            delay=timedelta(seconds=seconds), reason=f"{type(exception).__name__} asks for {seconds} s"
        )
