"""Cursors: signed tokens that say where the next page begins.

As in tokens that users have shown: HS256, with the place of the last record (keyset), the total of the
first page and an expiry that later cursors inherit. To a client they are opaque.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import jwt

from airflow_provider_gong.sandbox.clock import Clock

PAGE_SIZE = 100


class CursorError(Exception):
    """Say, in Gong's words, why a cursor is not accepted."""


@dataclass(frozen=True)
class Cursor:
    """Where a page begins, and what its sequence has in common."""

    page_number: int
    total: int
    expires: datetime
    place: tuple[str, ...]
    """The record after which the page begins."""


class Cursors:
    """Sign and read cursors.

    :param lifetime: how long after the first page a sequence dies; new cursors do not prolong it
    """

    def __init__(self, clock: Clock, seed: int, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.lifetime = lifetime
        self._clock = clock
        self._secret = sha256(f"cursors:{seed}".encode()).digest()

    def expiry(self) -> datetime:
        """Return when a sequence that begins now dies."""
        return self._clock.now() + self.lifetime

    def sign(self, cursor: Cursor, names: tuple[str, ...]) -> str:
        """Return the token of a cursor; `names` are those of the parts of its place."""
        payload = {
            "pageSize": PAGE_SIZE,
            "total": cursor.total,
            "pageNumber": cursor.page_number,
            "exp": int(cursor.expires.timestamp()),
            **dict(zip(names, cursor.place, strict=True)),
        }
        return jwt.encode(payload, self._secret, algorithm="HS256")

    def read(self, token: str, names: tuple[str, ...]) -> Cursor:
        """Return the cursor of a token, or raise `CursorError`."""
        try:
            # The sandbox has a clock of its own, so the library must not compare the expiry.
            payload = jwt.decode(token, self._secret, algorithms=["HS256"], options={"verify_exp": False})
            place = tuple(payload[name] for name in names)
        except (jwt.InvalidTokenError, KeyError):
            raise CursorError("Failed to verify cursor") from None
        expires = datetime.fromtimestamp(payload["exp"], self._clock.now().tzinfo)
        if expires <= self._clock.now():
            raise CursorError("cursor has expired")
        return Cursor(payload["pageNumber"], payload["total"], expires, place)
