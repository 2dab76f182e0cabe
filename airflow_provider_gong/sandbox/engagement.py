"""Events of engagement that other systems reported: content that was shared, viewed or acted on.

https://help.gong.io/apidocs/report-event-of-a-custom-action-v2customer-engagementaction
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_gong.sandbox.clock import Clock

PERSONS = ("actor", "viewer")
GROUPS = ("recipients", "nonCompanyParticipants")


@dataclass(frozen=True)
class Event:
    """One event, as received."""

    kind: str
    """In the words of the references to an address: `contentShared`, `contentViewed`, `customEvent`."""
    body: dict[str, Any]
    reported: datetime

    @property
    def email_addresses(self) -> frozenset[str]:
        """Return the addresses of the customer's people, in lower case."""
        people = [self.body.get(name) or {} for name in PERSONS]
        people += [person for name in GROUPS for person in self.body.get(name) or []]
        return frozenset(person["email"].lower() for person in people if person.get("email"))

    @property
    def identity(self) -> tuple[str, str, str] | None:
        """Return what tells whether an event was reported before; None: nothing does."""
        if self.body.get("eventId") is None:
            return None
        return self.kind, self.body["reportingSystem"], self.body["eventId"]


class Engagement:
    """Hold the events in the order of their arrival; safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._identities: set[tuple[str, str, str]] = set()

    def report(self, kind: str, body: dict[str, Any]) -> bool:
        """Keep an event; return False for one that was reported in the past."""
        event = Event(kind, body, self._clock.now())
        with self._lock:
            if event.identity in self._identities:
                return False
            if event.identity is not None:
                self._identities.add(event.identity)
            self._events.append(event)
            return True

    def __len__(self) -> int:
        with self._lock:
            return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        with self._lock:
            return iter(list(self._events))

    def __getitem__(self, index: int) -> Event:
        with self._lock:
            return self._events[index]
