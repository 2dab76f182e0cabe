"""Airflow's own triggerer loop in this process, with its supervisor and its database in memory."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.executors.workloads.trigger import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerRunner, messages
from airflow.models.trigger import Trigger
from airflow.sdk.execution_time import comms, task_runner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest
    from airflow.triggers.base import BaseTrigger


class Triggerer(TriggerRunner):
    """Run triggers as a triggerer process does, and say what the supervisor would have stored.

    Without `stores` it dies before events are stored, without `confirms` before the triggers learn of it, without
    `keeps_state` the asset state store fails.

    :param state: the asset state store; a triggerer that is started anew goes on with the same one.
    """

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.state = {} if state is None else state
        self.events_of: dict[int, list[Any]] = {}
        self.died: list[tuple[int, BaseException | None]] = []
        self.stores = True
        self.confirms = True
        self.keeps_state = True
        self._arriving: list[RunTrigger] = []
        self._leaving: set[int] = set()
        self._seqs: list[int] = []

    def add(self, trigger: BaseTrigger, **watched_assets: str) -> int:
        """Give the triggerer one more trigger, by way of its stored form."""
        path, arguments = trigger.serialize()
        number = len(self.events_of) + 1
        self.events_of[number] = []
        stored = Trigger.encrypt_kwargs(arguments)
        self._arriving.append(
            RunTrigger(
                id=number,
                classpath=path,
                encrypted_kwargs=stored,
                watched_assets=watched_assets or None,
            )
        )
        return number

    def cancel(self, number: int) -> None:
        """Take a trigger away, as when somebody clears its task."""
        self._leaving.add(number)

    async def until(self, reached: Callable[[], object], seconds: float = 30) -> None:
        """Let the loop run until something is true."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, "not reached in time"
            await asyncio.sleep(0.02)

    async def init_comms(self) -> None:
        """Stand in for the socket to the supervisor."""
        self.comms_decoder = SimpleNamespace(  # type: ignore[assignment]
            asend=self._answer, _reader_task=asyncio.create_task(asyncio.Event().wait())
        )
        task_runner.SUPERVISOR_COMMS = self.comms_decoder  # type: ignore[assignment]

    async def asend(self, msg: Any) -> Any:
        """Store what happened, and hand out what is to do."""
        self.died += msg.failures or []
        for entry in msg.events or () if self.stores else ():
            self.events_of[entry.trigger_id].append(entry.event.payload)
            if entry.persist_seq is not None:
                self._seqs.append(entry.persist_seq)
        arriving, self._arriving = self._arriving, []
        leaving, self._leaving = self._leaving, set()
        persisted, self._seqs = (self._seqs, []) if self.confirms else ([], self._seqs)
        return messages.TriggerStateSync(
            to_create=arriving, to_cancel=leaving, events_persisted=persisted or None
        )

    async def _answer(self, msg: Any) -> Any:
        key = f"{msg.name} {msg.key}"
        if isinstance(msg, comms.GetAssetStateStoreByName):
            kept = self.state.get(key)
            return None if kept is None else comms.AssetStateStoreResult(value=kept)
        if not self.keeps_state:
            raise ConnectionError("the API server is down")
        if isinstance(msg, comms.SetAssetStateStoreByName):
            self.state[key] = msg.value
        elif isinstance(msg, comms.DeleteAssetStateStoreByName):
            self.state.pop(key, None)
        else:
            raise NotImplementedError(type(msg))
        return comms.OKResponse(ok=True)


@asynccontextmanager
async def running(triggerer: Triggerer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Triggerer]:
    """Let a triggerer run, and end it with all of its triggers."""
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", None, raising=False)
    task = asyncio.create_task(triggerer.arun())  # type: ignore[no-untyped-call]
    try:
        yield triggerer
    finally:
        triggerer._handle_signal(0, None)
        await task
        tasks = [details["task"] for details in triggerer.triggers.values()]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
