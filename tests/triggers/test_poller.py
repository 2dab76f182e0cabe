"""How many waits share few requests, in Airflow's own triggerer loop."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.triggers.calls import GongCallsTrigger, GongTranscriptsTrigger
from airflow_provider_gong.triggers.waiter import GATHERING, MOST_FAILURES
from tests.operators.conftest import NOW
from tests.support.triggerer import Triggerer, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

TRANSCRIPTS = "/v2/calls/transcript"
EXTENSIVE = "/v2/calls/extensive"
HOUR = timedelta(hours=1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Triggerer], Awaitable[None]]], Triggerer]:
    """Return a function that runs a test in a triggerer loop."""

    def run(test: Callable[[Triggerer], Awaitable[None]]) -> Triggerer:
        triggerer = Triggerer()

        async def main() -> None:
            asyncio.get_running_loop().slow_callback_duration = 0.05
            # Of all that the test session has loaded, a collection takes longer than that.
            gc.collect()
            gc.freeze()
            async with running(triggerer, monkeypatch):
                await test(triggerer)

        asyncio.run(main(), debug=True)
        return triggerer

    return run


Run = "Callable[[Callable[[Triggerer], Awaitable[None]]], Triggerer]"


def add_calls(gong: GongSandbox, count: int, transcript_at: datetime | None = None) -> list[str]:
    """Add calls that are shown, without a transcript until then."""
    start = NOW - timedelta(days=1)
    at = transcript_at or NOW + HOUR
    return [gong.world.add_call(start + timedelta(seconds=n), transcript_at=at).id for n in range(count)]


def trigger(call_ids: list[str], *, seconds: float = 60, **arguments: Any) -> GongTranscriptsTrigger:
    deadline = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    given: dict[str, Any] = {
        "call_ids": call_ids,
        "wanted": len(call_ids),
        "deadline": deadline,
        "poke_interval": 1,
    }
    return GongTranscriptsTrigger(**(given | arguments))


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what asyncio's debug mode said of steps of more than 50 ms."""
    said = [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    return [one for one in said if "took" in one]


def rounds(gong: GongSandbox, path: str = TRANSCRIPTS) -> int:
    return len(gong.requests.to(path))


def test_500_waits_cost_5_requests_a_round_and_block_nothing(
    quiet: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ids = add_calls(quiet, 500)
    polls: list[int] = []

    def reached(turn: int) -> bool:
        return rounds(quiet) >= turn

    async def test(triggerer: Triggerer) -> None:
        numbers = [triggerer.add(trigger([one], poke_interval=4)) for one in ids]
        await triggerer.until(lambda: len(triggerer.triggers) == 500)
        # A look that began before all had come asks for fewer, so count from between two looks on.
        await triggerer.until(lambda: 3 < time.time() % 4 < 3.5)
        quiet.requests.clear()
        for turn in (5, 10, 15):
            await triggerer.until(functools.partial(reached, turn))
            await asyncio.sleep(1)
            polls.append(rounds(quiet))
        quiet.clock.advance(HOUR)
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))
        # The clock may move in the middle of a round.
        assert rounds(quiet) <= 25

    triggerer = run(test)
    assert polls == [5, 10, 15]
    ready: dict[str, Any] = {"status": "ready", "missing": [], "problem": None}
    assert list(triggerer.events_of.values()) == [[ready]] * 500
    assert triggerer.died == []
    slow = reports(caplog)
    assert [one for one in slow if "Poller" in one] == []
    # A busy machine takes the processor away now and then; what we did wrong would show for each trigger.
    assert len([one for one in slow if "ID " in one]) < 5


def test_a_wait_is_not_too_short_for_the_scheduler(
    quiet: GongSandbox, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GongCallsTrigger, "shortest", 4.0)
    ids = add_calls(quiet, 1, transcript_at=NOW - HOUR)

    async def test(triggerer: Triggerer) -> None:
        began = time.monotonic()
        number = triggerer.add(trigger(ids))
        await triggerer.until(lambda: triggerer.events_of[number])
        assert time.monotonic() - began >= 4.0

    run(test)


def test_the_watch_sees_a_look_that_blocks(
    quiet: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    [call_id] = add_calls(quiet, 1, NOW)

    async def in_the_loop(function: Any, *arguments: Any) -> Any:
        time.sleep(0.06)  # noqa: ASYNC251 - it is to be seen
        return function(*arguments)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id]))
        await triggerer.until(lambda: triggerer.events_of[number])

    monkeypatch.setattr(asyncio, "to_thread", in_the_loop)
    run(test)
    assert any("Poller" in one for one in reports(caplog))


def test_what_has_come_is_asked_for_no_more(quiet: GongSandbox, run: Any) -> None:
    early, late = add_calls(quiet, 150, NOW), add_calls(quiet, 50)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger(early + late, wanted=160))
        await triggerer.until(lambda: rounds(quiet) == 3)
        assert triggerer.events_of[number] == []
        quiet.clock.advance(HOUR)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert triggerer.events_of[number][0]["missing"] == []

    run(test)
    # Two requests for 200 ids, one for those that are left, each second.
    assert rounds(quiet) in (4, 5)


def test_enough_is_enough(quiet: GongSandbox, run: Any) -> None:
    early, late = add_calls(quiet, 3, NOW), add_calls(quiet, 2)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger(early + late, wanted=3))
        await triggerer.until(lambda: triggerer.events_of[number])
        assert triggerer.events_of[number] == [{"status": "ready", "missing": sorted(late), "problem": None}]

    run(test)
    # Nor is the rest asked for while the end is on its way.
    assert rounds(quiet) == 1


def test_calls_are_asked_for_together_too(quiet: GongSandbox, run: Any) -> None:
    start = NOW - timedelta(minutes=10)
    ids = [quiet.world.add_call(start + timedelta(seconds=n), visible_at=NOW + HOUR).id for n in range(30)]
    deadline = (datetime.now(UTC) + HOUR).isoformat()

    async def test(triggerer: Triggerer) -> None:
        numbers = [
            triggerer.add(GongCallsTrigger(call_ids=[one], wanted=1, deadline=deadline, poke_interval=2))
            for one in ids
        ]
        await triggerer.until(lambda: rounds(quiet, EXTENSIVE) == 2)
        assert len(quiet.requests) == 2
        quiet.clock.advance(HOUR)
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))

    run(test)
    assert rounds(quiet, EXTENSIVE) == len(quiet.requests) == 3


# The deadline


def test_a_wait_ends_at_its_deadline(quiet: GongSandbox, run: Any) -> None:
    [call_id] = add_calls(quiet, 1)

    async def test(triggerer: Triggerer) -> None:
        begun = time.monotonic()
        number = triggerer.add(trigger([call_id], seconds=3.5, poke_interval=1))
        await triggerer.until(lambda: triggerer.events_of[number])
        assert triggerer.events_of[number][0]["status"] == "timeout"
        # The loop hands over events once a second.
        assert 3.4 <= time.monotonic() - begun < 6

    run(test)


def test_a_triggerer_that_was_down_beyond_the_deadline_looks_once(quiet: GongSandbox, run: Any) -> None:
    [ready], [never] = add_calls(quiet, 1, NOW), add_calls(quiet, 1)

    async def test(triggerer: Triggerer) -> None:
        await triggerer.until(lambda: time.time() % GATHERING < GATHERING / 2)
        numbers = [triggerer.add(trigger([one], seconds=-3600, poke_interval=3600)) for one in (ready, never)]
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))
        assert [triggerer.events_of[one][0]["status"] for one in numbers] == ["ready", "timeout"]

    run(test)
    assert rounds(quiet) == 1


def test_deadlines_are_kept_while_gong_asks_for_a_wait(
    quiet: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ids = add_calls(quiet, 2, NOW)
    quiet.faults.add("rate_limited", path=TRANSCRIPTS, times=None, retry_after=7200)

    async def test(triggerer: Triggerer) -> None:
        numbers = [triggerer.add(trigger([one], seconds=3.5)) for one in ids]
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))
        assert {triggerer.events_of[one][0]["status"] for one in numbers} == {"timeout"}

    run(test)
    assert rounds(quiet) == 1
    # The poller stands still meanwhile.
    assert caplog.text.count("The round ended early") == 1


# Trouble


def test_gong_is_asked_again_when_it_says(quiet: GongSandbox, run: Any, connect: Connect) -> None:
    connect(quiet, max_wait=1)
    [call_id] = add_calls(quiet, 1, NOW)
    quiet.faults.add("rate_limited", path=TRANSCRIPTS, retry_after=4)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id]))
        await triggerer.until(lambda: rounds(quiet) == 1)
        begun = time.monotonic()
        await triggerer.until(lambda: triggerer.events_of[number])
        assert time.monotonic() - begun >= 3.5
        assert triggerer.events_of[number][0]["status"] == "ready"

    run(test)
    assert rounds(quiet) == 2


def test_a_spent_quota_of_the_day_stops_the_requests_and_no_wait(
    quiet: GongSandbox, run: Any, connect: Connect
) -> None:
    connect(quiet, requests_per_day=2, daily_share=100)
    [call_id] = add_calls(quiet, 1)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id], seconds=6.5))
        await triggerer.until(lambda: triggerer.events_of[number])
        assert triggerer.events_of[number][0]["status"] == "timeout"

    run(test)
    assert rounds(quiet) == 2


@pytest.mark.usefixtures("no_waiting")
def test_trouble_that_passes_ends_no_wait(quiet: GongSandbox, run: Any) -> None:
    [call_id] = add_calls(quiet, 1, NOW)
    # Each look tries five times.
    quiet.faults.add("server_error", path=TRANSCRIPTS, times=5 * MOST_FAILURES)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id]))
        await triggerer.until(lambda: triggerer.events_of[number])
        assert triggerer.events_of[number][0]["status"] == "ready"

    run(test)


@pytest.mark.usefixtures("no_waiting")
def test_trouble_that_stays_ends_the_wait(quiet: GongSandbox, run: Any) -> None:
    [call_id] = add_calls(quiet, 1, NOW)
    quiet.faults.add("server_error", path=TRANSCRIPTS, times=None)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id]))
        await triggerer.until(lambda: triggerer.events_of[number])
        [event] = triggerer.events_of[number]
        assert event["status"] == "failed"
        assert "POST /v2/calls/transcript: 503" in event["problem"]

    run(test)
    assert rounds(quiet) == 5 * (MOST_FAILURES + 1)


def test_what_cannot_pass_ends_all_waits_with_one_request(quiet: GongSandbox, run: Any) -> None:
    ids = add_calls(quiet, 120, NOW)
    quiet.access.trusted_ip = False

    async def test(triggerer: Triggerer) -> None:
        numbers = [triggerer.add(trigger([one], poke_interval=2)) for one in ids]
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))
        events = [triggerer.events_of[one][0] for one in numbers]
        assert {event["status"] for event in events} == {"refused"}
        assert "403" in events[0]["problem"]

    run(test)
    assert rounds(quiet) <= 2


def test_waits_of_backfills_have_a_poller_and_a_share_of_their_own(
    quiet: GongSandbox, run: Any, connect: Connect
) -> None:
    connect(quiet, requests_per_day=20, daily_share=100, backfill_share=5)
    ids = add_calls(quiet, 2)

    async def test(triggerer: Triggerer) -> None:
        backfill = triggerer.add(trigger(ids[:1], seconds=5, backfill=True))
        other = triggerer.add(trigger(ids[1:]))
        await triggerer.until(lambda: triggerer.events_of[backfill])
        assert triggerer.events_of[backfill][0]["status"] == "timeout"
        seen = rounds(quiet)
        await triggerer.until(lambda: rounds(quiet) > seen)
        quiet.clock.advance(HOUR)
        await triggerer.until(lambda: triggerer.events_of[other])

    run(test)


# Coming and going


def test_a_wait_that_is_taken_away_is_asked_for_no_more(quiet: GongSandbox, run: Any) -> None:
    ids = add_calls(quiet, 2)

    async def test(triggerer: Triggerer) -> None:
        numbers = [triggerer.add(trigger([one])) for one in ids]
        await triggerer.until(lambda: rounds(quiet) == 1)
        for number in numbers:
            triggerer.cancel(number)
        await triggerer.until(lambda: not triggerer.triggers)
        quiet.requests.clear()
        await asyncio.sleep(2.5)
        assert rounds(quiet) == 0
        # The next one begins anew.
        quiet.clock.advance(HOUR)
        number = triggerer.add(trigger(ids))
        await triggerer.until(lambda: triggerer.events_of[number])

    run(test)


def test_a_key_for_basic_data_asks_for_one_after_the_other(
    quiet: GongSandbox, run: Any, connect: Connect
) -> None:
    key = quiet.access.add_key(scopes={"api:calls:read:basic"})
    connect(quiet, {"login": key.access_key, "password": key.access_key_secret})
    ids = add_calls(quiet, 3)
    deadline = (datetime.now(UTC) + HOUR).isoformat()

    async def test(triggerer: Triggerer) -> None:
        numbers = [
            triggerer.add(GongCallsTrigger(call_ids=[one], wanted=1, deadline=deadline, poke_interval=2))
            for one in ids
        ]
        await triggerer.until(lambda: all(triggerer.events_of[one] for one in numbers))
        assert {triggerer.events_of[one][0]["status"] for one in numbers} == {"ready"}

    run(test)
    assert rounds(quiet, EXTENSIVE) == 1


def test_the_poller_writes_into_no_tasks_log(
    quiet: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import structlog

    [call_id] = add_calls(quiet, 1, NOW)
    caplog.set_level(logging.INFO)
    bound: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Asked for" in record.getMessage():
                bound.append(structlog.contextvars.get_contextvars())

    handler = Keep()
    logging.getLogger("airflow_provider_gong.triggers.poller").addHandler(handler)

    async def test(triggerer: Triggerer) -> None:
        number = triggerer.add(trigger([call_id]))
        await triggerer.until(lambda: triggerer.events_of[number])

    try:
        run(test)
    finally:
        logging.getLogger("airflow_provider_gong.triggers.poller").removeHandler(handler)
    assert bound == [{}]
