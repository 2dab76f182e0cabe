"""What a watcher remembers: how far it has looked, and which calls it has told of."""

from __future__ import annotations

import base64
import hashlib
import logging
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

PLACE = "gong_new_calls"
# Calls are remembered by the six hours in which they started, so that each value stays small ...
BUCKET = timedelta(hours=6)
# ... and below Airflow's limit of 64 KB: 8 characters a call, in 48 bits of which two of so few never meet.
HASH_SIZE = 8
MOST_HASHES = 8_000


class Store(Protocol):
    """The part of Airflow's asset state store that is used."""

    async def aget(self, key: str) -> Any:
        """Return a value, None when there is none."""

    async def aset(self, key: str, value: Any) -> None:
        """Keep a value."""

    async def adelete(self, key: str) -> None:
        """Forget a value."""


@dataclass
class Memory:
    """The calls that were told of, and the moments of the last looks.

    :param looked: when the last look began that saw everything; None: there was none.
    :param looked_far: the same, of those that looked back all the way.
    :param buckets: hashes of ids, by the number of the bucket of the calls' starts.
    """

    looked: datetime | None = None
    looked_far: datetime | None = None
    buckets: dict[int, list[str]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _changed: set[int] = field(default_factory=set)

    def knows(self, call_id: str) -> bool:
        """Tell whether a call was told of."""
        return hashed(call_id) in self._known

    def add(self, calls: Iterable[tuple[str, datetime]]) -> None:
        """Remember calls by their ids and starts."""
        for call_id, started in calls:
            number = bucket_of(started)
            self.buckets.setdefault(number, []).append(hashed(call_id))
            self._known.add(hashed(call_id))
            self._changed.add(number)

    def forget_before(self, moment: datetime) -> None:
        """Forget calls that no look will see again."""
        for number in [one for one in self.buckets if one < bucket_of(moment)]:
            self._known -= set(self.buckets.pop(number))
            self._changed.add(number)

    async def save(self, store: Store) -> None:
        """Keep what has changed; the moments last, so that a kill in between repeats a look and loses nothing."""
        for number in sorted(self._changed):
            hashes = self.buckets.get(number)
            if hashes:
                await store.aset(_key(number), "".join(_within_limit(hashes)))
            else:
                await store.adelete(_key(number))
            self._changed.discard(number)
        await store.aset(PLACE, {"looked": _text(self.looked), "looked_far": _text(self.looked_far)})

    @classmethod
    async def load(cls, store: Store, lookback: timedelta) -> Memory:
        """Read what was kept."""
        place = await store.aget(PLACE)
        place = place if isinstance(place, dict) else {}
        memory = cls(_moment(place.get("looked")), _moment(place.get("looked_far")))
        now = datetime.now(UTC)
        first = (memory.looked_far or now) - lookback
        # A clock that is wrong by less than a bucket hides nothing.
        for number in range(bucket_of(first), bucket_of(now) + 2):
            text = await store.aget(_key(number))
            if isinstance(text, str):
                memory.buckets[number] = [text[at : at + HASH_SIZE] for at in range(0, len(text), HASH_SIZE)]
        memory._known = {one for hashes in memory.buckets.values() for one in hashes}
        return memory


def hashed(call_id: str) -> str:
    """Return the short hash of an id."""
    digest = hashlib.sha256(call_id.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:HASH_SIZE].decode()


def bucket_of(moment: datetime) -> int:
    """Return the number of the bucket of a moment."""
    return math.floor(moment.timestamp() / BUCKET.total_seconds())


def _key(number: int) -> str:
    start = datetime.fromtimestamp(number * BUCKET.total_seconds(), UTC)
    return f"{PLACE} {start:%Y-%m-%dT%H}"


def _within_limit(hashes: list[str]) -> list[str]:
    if len(hashes) > MOST_HASHES:
        log.warning(
            "More than %d calls within six hours: the first of them are told of again. Watch fewer calls, "
            "each with an asset of their own.",
            MOST_HASHES,
        )
        del hashes[:-MOST_HASHES]
    return hashes


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(cast("str", text)) if text else None
