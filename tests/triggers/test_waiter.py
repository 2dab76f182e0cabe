"""What a round means for one of those who wait."""

from __future__ import annotations

import asyncio
import time

from airflow_provider_gong.exceptions import GongUnavailable
from airflow_provider_gong.triggers.answers import Answers
from airflow_provider_gong.triggers.waiter import MOST_FAILURES, Waiter


def test_trouble_with_others_calls_is_no_failure_of_this_wait() -> None:
    trouble = GongUnavailable("Gong is down")

    async def status_after(asked: set[str]) -> str:
        waiter = Waiter({"1"}, wanted=1, interval=60, deadline=time.time() + 3600)
        for _ in range(MOST_FAILURES + 1):
            waiter.take(Answers(asked=asked, trouble=trouble))
        try:
            return str((await asyncio.wait_for(waiter.end(), 0.01))["status"])
        except TimeoutError:
            return "waiting"

    async def main() -> None:
        # The requests of a round are sent one after the other: some are answered before the trouble.
        assert await status_after({"1", "2"}) == "waiting"
        assert await status_after({"2"}) == "failed"

    asyncio.run(main())
