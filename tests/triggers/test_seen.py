"""What a watcher remembers."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_gong.triggers.seen import HASH_SIZE, MOST_HASHES, Memory, hashed

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
LIMIT = 64 * 1024


class Kept:
    """An asset state store, and what was put into it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def aget(self, key: str) -> Any:
        return self.values.get(key)

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = json.loads(json.dumps(value))

    async def adelete(self, key: str) -> None:
        self.values.pop(key, None)


def some_ids(count: int) -> list[str]:
    dice = random.Random(1)
    return [str(dice.randrange(10**18, 10**19)) for _ in range(count)]


def saved(memory: Memory) -> Kept:
    store = Kept()
    asyncio.run(memory.save(store))
    return store


def test_what_is_saved_is_known_again() -> None:
    memory = Memory(looked=NOW, looked_far=NOW - DAY)
    calls = [(one, NOW - timedelta(minutes=n)) for n, one in enumerate(some_ids(1000))]
    # As old as what the next look sees that looks back all the way.
    calls.append(("7", NOW - 2 * DAY))
    memory.add(calls)
    again = asyncio.run(Memory.load(saved(memory), DAY))
    assert all(again.knows(call_id) for call_id, _ in calls)
    assert not any(again.knows(call_id) for call_id in some_ids(2000)[1000:])
    assert (again.looked, again.looked_far) == (memory.looked, memory.looked_far)


def test_every_value_stays_below_airflows_limit() -> None:
    memory = Memory(looked=NOW)
    ids = some_ids(MOST_HASHES + 500)
    memory.add((one, NOW) for one in ids)
    store = saved(memory)
    assert max(len(json.dumps(value)) for value in store.values.values()) < LIMIT
    again = asyncio.run(Memory.load(store, DAY))
    # The first are told of again rather than others never.
    assert not again.knows(ids[0])
    assert all(again.knows(one) for one in ids[500:])


def test_hashes_of_many_calls_never_meet() -> None:
    ids = some_ids(200_000)
    assert len({hashed(one) for one in ids}) == len(set(ids))
    assert {len(hashed(one)) for one in ids} == {HASH_SIZE}


def test_only_what_changed_is_written() -> None:
    memory = Memory(looked=NOW)
    memory.add([("1", NOW), ("2", NOW - DAY)])
    store = saved(memory)
    assert len(store.values) == 3
    store.values.clear()
    memory.add([("3", NOW)])
    asyncio.run(memory.save(store))
    assert len(store.values) == 2


def test_what_is_too_old_is_forgotten_and_deleted() -> None:
    memory = Memory(looked=NOW)
    memory.add([("1", NOW), ("2", NOW - 3 * DAY)])
    store = saved(memory)
    memory.forget_before(NOW - DAY)
    asyncio.run(memory.save(store))
    assert (memory.knows("1"), memory.knows("2")) == (True, False)
    assert len(store.values) == 2
