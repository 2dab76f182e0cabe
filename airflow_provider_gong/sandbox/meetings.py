"""Meetings that Gong was asked to arrange, and the conferencing provider that it needs for them.

https://help.gong.io/apidocs/create-a-new-gong-meeting-v2meetings
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.world.draw import draw, identifier


@dataclass(frozen=True)
class Disconnection:
    """Why Gong cannot make meeting links."""

    error: str
    fix_url: str = ""
    help_url: str = ""


@dataclass(frozen=True)
class Meeting:
    """One meeting; `body` is the request that made it, or replaced it last."""

    id: str
    url: str
    created: datetime
    body: dict[str, Any]

    @property
    def organizer_email(self) -> str:
        """Return the address of the user who made the meeting."""
        return str(self.body["organizerEmail"])

    @property
    def email_addresses(self) -> frozenset[str]:
        """Return the addresses of all people of the meeting, in lower case."""
        invited = (invitee.get("email") for invitee in self.body["invitees"])
        return frozenset(one.lower() for one in (self.organizer_email, *invited) if one)


class Meetings:
    """Hold the meetings in the order of their creation; safe for threads.

    Set `released` to False to be a company that was not let into the limited release.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self.released = True
        self.disconnection: Disconnection | None = None
        self._clock = clock
        self._dice = draw(seed, "meetings")
        self._lock = threading.Lock()
        self._meetings: dict[str, Meeting] = {}

    def disconnect_provider(self, fix_url: str = "") -> None:
        """Let the conferencing provider be disconnected; the recorded reply has no address for the mend."""
        self.disconnection = Disconnection(
            "Gong was not able to create a Gong meeting link since Google Meet is disconnected from Gong. "
            "Contact your Gong Admin.",
            fix_url,
        )

    def connect_provider(self) -> None:
        """Let the conferencing provider be connected again."""
        self.disconnection = None

    def create(self, body: dict[str, Any]) -> Meeting:
        """Add a meeting."""
        with self._lock:
            number = identifier(self._dice)
            meeting = Meeting(number, f"https://meet.example.com/{number}", self._clock.now(), body)
            self._meetings[number] = meeting
            return meeting

    def find(self, meeting_id: str) -> Meeting | None:
        """Return one meeting."""
        with self._lock:
            return self._meetings.get(meeting_id)

    def replace(self, meeting: Meeting, body: dict[str, Any]) -> None:
        """Replace all that a meeting consists of, except its id and link."""
        with self._lock:
            self._meetings[meeting.id] = Meeting(meeting.id, meeting.url, meeting.created, body)

    def delete(self, meeting: Meeting) -> None:
        """Remove a meeting."""
        with self._lock:
            self._meetings.pop(meeting.id, None)

    def __len__(self) -> int:
        with self._lock:
            return len(self._meetings)

    def __iter__(self) -> Iterator[Meeting]:
        with self._lock:
            return iter(list(self._meetings.values()))

    def __getitem__(self, index: int) -> Meeting:
        return list(self)[index]
