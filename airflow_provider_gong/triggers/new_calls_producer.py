"""Look for new calls again and again, and remember a batch when its event is stored."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset
from airflow.sdk.execution_time.context import AssetStateStoreAccessors
from airflow.triggers.shared_stream import SharedStreamProducer

from airflow_provider_gong.triggers.seen import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import AdvanceItem

    from airflow_provider_gong.triggers.call_filter import FoundCall
    from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger
    from airflow_provider_gong.triggers.seen import Store

log = logging.getLogger(__name__)

# Most calls are visible within an hour; the few others are found by looking back all the way now and then.
NEAR = timedelta(hours=2)
LOOK_FAR_EVERY = timedelta(hours=1)
MOST_CALLS = 1_000
LONGEST_BACK_OFF = 3_600.0


@dataclass(frozen=True)
class Batch:
    """The calls of one event, and what is true when it is stored.

    :param looked: when the look began; None when it has not told of everything.
    :param far: it looked back all the way.
    """

    calls: list[FoundCall]
    looked: datetime | None
    far: bool

    def told(self) -> dict[str, Any]:
        """Return what the event says."""
        return {"calls": [call.told() for call in self.calls], "more": self.looked is None}


class NewCallsProducer(SharedStreamProducer):
    """Yield batches of new calls, one at a time.

    The next look comes after the event of the last batch is stored. Nothing that goes wrong ends the stream: Airflow
    would open it anew every second.

    :param trigger: says what to look for.
    """

    def __init__(self, trigger: GongNewCallsTrigger) -> None:
        self._trigger = trigger
        self._lookback = timedelta(seconds=trigger.lookback)
        self._memory: Memory | None = None
        self._is_saved = True
        self._confirmed = asyncio.Event()
        self._errors = 0
        # What the last look has found and no batch has brought yet, and that look.
        self._left: list[FoundCall] = []
        self._looked: datetime | None = None
        self._far = False

    async def open_stream(self) -> AsyncIterator[tuple[dict[str, Any], Batch]]:
        """Yield each batch as its event tells it, beside the batch itself."""
        while True:
            try:
                batch = await self._look()
            except Exception as error:  # Whatever it is: see above.
                await asyncio.sleep(self._back_off(error))
                continue
            self._errors = 0
            if batch.calls:
                log.info("%s: %d new calls", self._trigger.asset_name, len(batch.calls))
                self._confirmed.clear()
                yield batch.told(), batch
                await self._confirmed.wait()
            else:
                self._remember(batch)
            await asyncio.sleep(self._trigger.poll_interval)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Remember the batches whose events are stored; the others are found again."""
        for item in batch:
            if item.outcome.is_clean:
                self.confirm(item.broker_payload)
        # At once, since a kill before the next look would repeat the batch. What fails is tried again by that look.
        with suppress(Exception):
            await self._save()

    def confirm(self, batch: Batch) -> None:
        """Take a batch for told of, and go on."""
        self._remember(batch)
        self._confirmed.set()

    async def _look(self) -> Batch:
        memory = await self._load()
        await self._save()
        if not self._left:
            await self._ask(memory)
        calls, self._left = self._left[:MOST_CALLS], self._left[MOST_CALLS:]
        return Batch(calls, None if self._left else self._looked, self._far)

    async def _ask(self, memory: Memory) -> None:
        now = datetime.now(UTC)
        # A look in the future was one of a wrong clock.
        far = memory.looked_far is None or abs(now - memory.looked_far) >= LOOK_FAR_EVERY
        # What became visible since a look is found by the next one that reaches as far back as that look did.
        if far:
            since = min(memory.looked_far or now, now) - self._lookback
        else:
            since = min(memory.looked or now, now) - min(NEAR, self._lookback)
        self._left = await asyncio.to_thread(self._find_new, memory, since)
        self._looked, self._far = now, far

    def _find_new(self, memory: Memory, since: datetime) -> list[FoundCall]:
        found = self._trigger.which.find(self._trigger.gong_conn_id, since)
        return [call for call in found if not memory.knows(call.call_id)]

    async def _load(self) -> Memory:
        if self._memory is None:
            self._memory = await Memory.load(self._store(), self._lookback)
            # An asset that keeps nothing is noticed before anything is told, not after each time.
            self._is_saved = False
        return self._memory

    def _remember(self, batch: Batch) -> None:
        memory = self._memory
        if memory is None:
            return
        memory.add((call.call_id, call.started) for call in batch.calls)
        if batch.looked is not None:
            memory.looked = batch.looked
            memory.looked_far = batch.looked if batch.far else memory.looked_far
            memory.forget_before((memory.looked_far or batch.looked) - self._lookback)
        self._is_saved = False

    async def _save(self) -> None:
        if self._memory is None or self._is_saved:
            return
        try:
            await self._memory.save(self._store())
        except Exception:
            log.exception(
                "%s: what was told of cannot be kept; asset_name= must be the name of the asset that is watched.",
                self._trigger.asset_name,
            )
            raise
        self._is_saved = True

    def _store(self) -> Store:
        asset = Asset(name=self._trigger.asset_name)
        return AssetStateStoreAccessors(inlets=[asset])[asset]

    def _back_off(self, error: Exception) -> float:
        """Return how long to wait after an error: longer each time, and as long as Gong says."""
        self._errors += 1
        interval = self._trigger.poll_interval
        longer = min(interval * 2.0 ** min(self._errors - 1, 16), max(LONGEST_BACK_OFF, interval))
        wait = max(longer, float(getattr(error, "retry_after", None) or 0))
        log.warning(
            "%s: no look for new calls, the next one in %.0f s: %s: %s",
            self._trigger.asset_name,
            wait,
            type(error).__name__,
            error,
        )
        return wait
