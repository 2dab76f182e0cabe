"""Measure what waiting costs: 500 deferred waits of a triggerer against one local Gong; prints a line of JSON."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import requests

from airflow_provider_gong.triggers.calls import GongTranscriptsTrigger

WAITS = 500
INTERVAL = 5.0
BEAT = 0.005


def main() -> None:
    """Count the requests of a round, time it, and watch the event loop meanwhile."""
    sent = count_requests()
    longest, seconds = asyncio.run(one_round(sent))
    print(json.dumps({"requests": len(sent), "seconds": seconds, "blocked": longest}))


def count_requests() -> list[float]:
    """Note the moment of each HTTP request of this process."""
    sent: list[float] = []
    send = requests.Session.send

    def counted(self: requests.Session, *args: object, **kwargs: object) -> requests.Response:
        sent.append(time.perf_counter())
        return send(self, *args, **kwargs)  # type: ignore[arg-type]

    requests.Session.send = counted  # type: ignore[method-assign]
    return sent


async def one_round(sent: list[float]) -> tuple[float, float]:
    """Let all waits be asked for once; return the longest block of the loop in ms, and the seconds of the round."""
    deadline = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    # Right after a common look, so that nobody misses the next one.
    await asyncio.sleep(INTERVAL - time.time() % INTERVAL + 0.1)
    waits = [
        asyncio.create_task(
            wait(
                GongTranscriptsTrigger(
                    call_ids=[str(10**18 + number)], wanted=1, deadline=deadline, poke_interval=INTERVAL
                )
            )
        )
        for number in range(WAITS)
    ]
    longest = await beat(until=time.perf_counter() + INTERVAL + 3)
    for one in waits:
        one.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return longest, sent[-1] - sent[0]


async def wait(trigger: GongTranscriptsTrigger) -> None:
    """Run a trigger."""
    async for _ in trigger.run():
        return


async def beat(until: float) -> float:
    """Return by how many ms the loop was late at most."""
    longest = 0.0
    while time.perf_counter() < until:
        begun = time.perf_counter()
        await asyncio.sleep(BEAT)
        longest = max(longest, (time.perf_counter() - begun - BEAT) * 1000)
    return longest


if __name__ == "__main__":
    main()
