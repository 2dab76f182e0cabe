"""What the company knows of a person, and how it forgets: hours after it was asked to.

https://help.gong.io/apidocs/retrieve-all-references-to-an-email-address-v2data-privacydata-for-email-address
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.engagement import Engagement, Event
from airflow_provider_gong.sandbox.meetings import Meeting, Meetings
from airflow_provider_gong.sandbox.world import Call, CallFilter, World
from airflow_provider_gong.sandbox.world.cast import Participant, cast
from airflow_provider_gong.sandbox.world.mail import Contact, Mail, contacts, mails
from airflow_provider_gong.sandbox.world.mentions import Mentions, Subject


@dataclass(frozen=True)
class Erasure:
    """One request to erase; it takes what Gong holds when it is due.

    Only calls that clients create in between stay: they came to Gong after it had been told.
    """

    subject: Subject
    requested: datetime
    due: datetime

    def takes(self, people: Iterable[Participant], since: datetime) -> bool:
        """Tell whether it takes something of some people that Gong has held since a moment."""
        return since <= self.due and any(self.subject.matches(person) for person in people)

    def takes_address(self, email_address: str, since: datetime) -> bool:
        """Tell whether it takes something that only an address ties to a person."""
        return since <= self.due and self.subject.email_address == email_address


@dataclass
class References:
    """All that refers to a person."""

    calls: list[Call] = field(default_factory=list)
    """Visible ones, and others that are over."""
    mails: list[Mail] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    people: list[Participant] = field(default_factory=list)
    """The person as each of the calls knows it."""
    meetings: list[Meeting] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Privacy:
    """Find and forget people; safe for threads.

    Set `erasure_time` to what the next erasures shall take, and `refuses_erasures` to True to let the guard
    against abnormal deletions refuse them.
    """

    def __init__(self, clock: Clock, world: World, meetings: Meetings, engagement: Engagement) -> None:
        self.erasure_time = timedelta(hours=3)
        self.refuses_erasures = False
        self._clock = clock
        self._world = world
        self._meetings = meetings
        self._engagement = engagement
        self._mentions = Mentions()
        self._lock = threading.Lock()
        self._erasures: list[Erasure] = []

    @property
    def erasures(self) -> list[Erasure]:
        """Return all erasures that were asked for, done or not."""
        with self._lock:
            return list(self._erasures)

    def known_email_address(self) -> str:
        """Return the address of a guest whom the CRM knows too, in a call that is shown with its transcript."""
        return self._known(lambda person: person.email)

    def known_phone_number(self) -> str:
        """Return the phone number of a guest; what holds for the address holds for it."""
        return self._known(lambda person: person.phone)

    def calls_of(self, subject: Subject) -> list[Call]:
        """Return the calls in which somebody appears, as far as Gong holds them now."""
        return self.references(subject).calls

    def erase(self, subject: Subject) -> None:
        """Forget somebody, when the time has come."""
        now = self._clock.now()
        erasure = Erasure(subject, now, now + self.erasure_time)
        with self._lock:
            self._erasures.append(erasure)
        for call in self._mentioning(subject, erasure.due):
            if call.is_held(erasure.due):
                self._world.alter_call(call.id, erased_at=min(erasure.due, call.erased_at or erasure.due))

    def references(self, subject: Subject) -> References:
        """Return what refers to somebody now."""
        now = self._clock.now()
        done = [erasure for erasure in self.erasures if erasure.due <= now]
        found = References()
        for call in self._mentioning(subject, now):
            if call.is_held(now):
                self._add(found, call, subject, done)
        addresses = {person.email.lower() for person in found.people if person.email}
        if subject.email_address is not None:
            addresses.add(subject.email_address)
        # Whether Gong deletes meetings is not documented; here it no longer knows whose they are.
        found.meetings = [
            one for one in self._meetings if _is_left(addresses & one.email_addresses, one.created, done)
        ]
        found.events = [
            one for one in self._engagement if _is_left(addresses & one.email_addresses, one.reported, done)
        ]
        return found

    def _add(self, found: References, call: Call, subject: Subject, done: list[Erasure]) -> None:
        people = cast(call)
        meant = [person for person in people.participants if subject.matches(person)]
        if not call.hidden and not call.is_erased(self._clock.now()):
            found.calls.append(call)
        found.people += [one for one in meant if not _is_gone(done, [one], call.ended)]
        found.mails += [
            mail
            for mail in mails(call, people)
            if any(one in meant for one in mail.people) and not _is_gone(done, mail.people, mail.sent)
        ]
        found.contacts += [
            contact
            for contact in contacts(people)
            if contact.person in meant and not _is_gone(done, [contact.person], call.ended)
        ]

    def _mentioning(self, subject: Subject, until: datetime) -> list[Call]:
        return self._mentions.among(self._world.calls(until), subject)

    def _known(self, trait: Callable[[Participant], str | None]) -> str:
        for call in self._world.find(CallFilter(transcribed=True), include_private=False):
            for contact in contacts(cast(call)):
                value = trait(contact.person)
                if value is not None:
                    return value
        raise LookupError("No call that the sandbox shows has such a guest; give it more calls or days")


def _is_gone(done: list[Erasure], people: Iterable[Participant], since: datetime) -> bool:
    people = list(people)
    return any(erasure.takes(people, since) for erasure in done)


def _is_left(addresses: frozenset[str] | set[str], since: datetime, done: list[Erasure]) -> bool:
    """Tell whether one of some addresses still refers to something."""
    return any(not any(erasure.takes_address(one, since) for erasure in done) for one in addresses)
