"""Who takes part in a call: the same people in its parties, its transcript and its statistics."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.names import (
    BUYER_TITLES,
    CUSTOMERS,
    FIRST_NAMES,
    LAST_NAMES,
    domain,
    telephone,
)
from airflow_provider_gong.sandbox.world.people import User
from airflow_provider_gong.sandbox.world.posted import Posted
from airflow_provider_gong.sandbox.world.scripts import TITLES

MONTHS = ("January", "March", "May", "June", "September", "October", "November")
SILENT_SHARE = 0.08
UNKNOWN_ADDRESS_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Participant:
    """One person in a call."""

    id: str
    name: str
    title: str | None
    email: str | None
    phone: str | None
    user_id: str | None
    speaker_id: str | None
    """None: did not speak, or Gong does not know which voice it was."""
    internal: bool
    attended: bool

    @property
    def first_name(self) -> str:
        """Return how others address the person."""
        return (self.name.split() or ["everybody"])[0]


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a call and the words that fill its script."""

    customer: str
    participants: tuple[Participant, ...]
    words: dict[str, str]
    crm: str | None
    """The CRM system that knows the customer, if one does."""

    @property
    def host(self) -> Participant:
        """Return the person who hosts the call."""
        return self.participants[0]

    def voice(self, role: str) -> Participant:
        """Return who speaks the lines of a role."""
        last = len(self.participants) - 1
        return self.participants[{"rep": 0, "buyer": min(1, last), "other": last}[role]]


def cast(call: Call) -> Cast:
    """Return the people of a call: those that were posted, else drawn ones."""
    dice = draw(call.id, "cast")
    customer = dice.choice(CUSTOMERS)
    if call.posted is not None:
        people = _posted_people(dice, call.host, call.posted)
        return Cast(customer, people, _words(dice, customer, people), None)
    people = (_host(dice, call), *(_guest(dice, customer, n) for n in range(dice.choice((1, 2, 2, 3)))))
    words = _words(dice, customer, people)
    crm = dice.choice(("Salesforce", "Salesforce", "HubSpot")) if dice.random() < 0.85 else None
    return Cast(customer, people, words, crm)


def _words(dice: Random, customer: str, people: tuple[Participant, ...]) -> dict[str, str]:
    """Return what fills the script of a call."""
    return {
        "customer": customer,
        "rep": people[0].first_name,
        "buyer": people[min(1, len(people) - 1)].first_name,
        "other": people[-1].first_name,
        "month": dice.choice(MONTHS),
        "weeks": str(dice.randrange(2, 7)),
        "percent": str(dice.randrange(5, 30)),
        "seats": str(dice.randrange(20, 200)),
        "price": str(dice.randrange(40, 110)),
    }


def title(call: Call, people: Cast) -> str:
    """Return the title of a call."""
    if call.title is not None:
        return call.title
    titles = TITLES[call.theme]
    return titles[int(call.id[-4:]) // 2 % len(titles)].format_map(people.words)


def _host(dice: Random, call: Call) -> Participant:
    known = dice.random() < 0.97
    return Participant(
        id=identifier(dice),
        name=call.host.name,
        title=call.host.title,
        email=call.host.email,
        phone=None,
        user_id=call.host.id if known else None,
        speaker_id=identifier(dice),
        internal=True,
        attended=True,
    )


def _guest(dice: Random, customer: str, number: int) -> Participant:
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    address = f"{first}.{last}@{domain(customer)}".lower()
    silent = number > 0 and dice.random() < SILENT_SHARE * 2
    return Participant(
        id=identifier(dice),
        name=f"{first} {last}",
        title=dice.choice(BUYER_TITLES) if dice.random() < 0.8 else None,
        email=None if dice.random() < UNKNOWN_ADDRESS_SHARE else address,
        phone=telephone(dice.randrange(100)) if dice.random() < 0.3 else None,
        user_id=None,
        speaker_id=None if silent else identifier(dice),
        internal=False,
        attended=not silent,
    )


def _posted_people(dice: Random, host: User, posted: Posted) -> tuple[Participant, ...]:
    """Return the parties that a client named, the host first."""
    parties = sorted(posted.body["parties"], key=lambda party: not host.is_party(party))
    return tuple(_posted_person(dice, host, party) for party in parties)


def _posted_person(dice: Random, host: User, party: Mapping[str, Any]) -> Participant:
    user_id, email, phone = (party.get(name) for name in ("userId", "emailAddress", "phoneNumber"))
    hosts = host.is_party(party)
    # How Gong tells a team member whose id it is not given is not established; here the domain does.
    internal = hosts or user_id is not None or str(email).lower().endswith(f"@{host.domain}")
    return Participant(
        id=identifier(dice),
        name=party.get("name") or (host.name if hosts else email or phone or ""),
        title=host.title if hosts else None,
        email=email,
        phone=phone,
        user_id=host.id if hosts else user_id,
        speaker_id=identifier(dice),
        internal=internal,
        attended=True,
    )
