"""Triggers that wait for something of calls, all of a triggerer together."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_gong.triggers.looks import shown_calls, transcribed_calls
from airflow_provider_gong.triggers.poller import polled
from airflow_provider_gong.triggers.waiter import SHORTEST_DEFERRAL, Waiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_gong.triggers.looks import Look


class GongCallsTrigger(BaseTrigger):
    """Wait until Gong shows enough of some calls.

    All triggers of a class, a connection and a triggerer are asked for with the same requests, 100 calls each.
    The event has `status`: `ready`, `timeout`, `refused` (no repetition helps) or `failed` (trouble that stayed),
    `missing`: the ids that have not come, and `problem`: what Gong said.

    :param call_ids: Gong's identifiers of the calls.
    :param wanted: How many of them are enough.
    :param deadline: When to give up, as ISO 8601 text with an offset: a restart of the triggerer does not move it.
    :param poke_interval: Seconds between two looks.
    :param gong_conn_id: Airflow connection of Gong.
    :param backfill: Count requests as those of backfills; such triggers are asked for apart.
    """

    look: ClassVar[Look] = staticmethod(shown_calls)
    shortest: ClassVar[float] = SHORTEST_DEFERRAL

    def __init__(
        self,
        *,
        call_ids: list[str],
        wanted: int,
        deadline: str,
        poke_interval: float = 60.0,
        gong_conn_id: str = "gong_default",
        backfill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.call_ids = call_ids
        self.wanted = wanted
        self.deadline = deadline
        self.poke_interval = poke_interval
        self.gong_conn_id = gong_conn_id
        self.backfill = backfill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes the same trigger elsewhere."""
        names = ("call_ids", "wanted", "deadline", "poke_interval", "gong_conn_id", "backfill")
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        earliest = time.monotonic() + self.shortest
        waiter = Waiter(
            self.call_ids,
            wanted=self.wanted,
            interval=self.poke_interval,
            deadline=datetime.fromisoformat(self.deadline).timestamp(),
        )
        with polled(waiter, self.gong_conn_id, self.backfill, type(self).look):
            event = await waiter.end()
        # Looks fall on the clock: the first may have come at once.
        await asyncio.sleep(earliest - time.monotonic())
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]


class GongTranscriptsTrigger(GongCallsTrigger):
    """Wait until enough of some calls have a transcript; arguments and event are those of `GongCallsTrigger`."""

    look: ClassVar[Look] = staticmethod(transcribed_calls)
