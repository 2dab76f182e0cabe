"""Who takes part in a call: the same people in its parties, its transcript and its statistics."""

from dataclasses import dataclass
from random import Random

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
        return self.participants[{"rep": 0, "buyer": 1, "other": -1}[role]]


def cast(call: Call) -> Cast:
    """Draw the people of a call."""
    dice = draw(call.id, "cast")
    customer = dice.choice(CUSTOMERS)
    people = (_host(dice, call), *(_guest(dice, customer, n) for n in range(dice.choice((1, 2, 2, 3)))))
    words = {
        "customer": customer,
        "rep": people[0].name.split()[0],
        "buyer": people[1].name.split()[0],
        "other": people[-1].name.split()[0],
        "month": dice.choice(MONTHS),
        "weeks": str(dice.randrange(2, 7)),
        "percent": str(dice.randrange(5, 30)),
        "seats": str(dice.randrange(20, 200)),
        "price": str(dice.randrange(40, 110)),
    }
    crm = dice.choice(("Salesforce", "Salesforce", "HubSpot")) if dice.random() < 0.85 else None
    return Cast(customer, people, words, crm)


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
