"""What other systems know of the people of a call: the mails they exchanged, and who they are in the CRM."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, Participant
from airflow_provider_gong.sandbox.world.draw import draw, identifier

MOST_MAILS = 3
DAYS_BEFORE = 7


@dataclass(frozen=True, slots=True)
class Mail:
    """One message between the host of a call and a guest."""

    id: str
    sender: str
    mailbox: str
    sent: datetime
    hash: str
    people: tuple[Participant, Participant]


@dataclass(frozen=True, slots=True)
class Contact:
    """What a CRM system knows of a guest."""

    system: str
    person: Participant
    record: dict[str, Any]


def mails(call: Call, people: Cast) -> list[Mail]:
    """Draw the messages that went before a call; only guests whose address is known wrote any.

    Of the people of a call that a client created, Gong knows what the client said, and no mails.
    """
    if call.posted is not None:
        return []
    guests = [person for person in people.participants if not person.internal and person.email]
    return [mail for guest in guests for mail in _mails_with(guest, call, people.host)]


def contacts(people: Cast) -> list[Contact]:
    """Return the guests of a call as its CRM system knows them."""
    if people.crm is None:
        return []
    guests = (person for person in people.participants if not person.internal)
    return [Contact(people.crm, guest, _contact_record(guest)) for guest in guests]


def _mails_with(guest: Participant, call: Call, host: Participant) -> list[Mail]:
    dice = draw(call.id, guest.id, "mails")
    return [
        Mail(
            id=f"{dice.getrandbits(128):032x}",
            sender=str(dice.choice((guest, host)).email),
            mailbox=call.host.email,
            sent=call.started - timedelta(seconds=dice.randrange(600, DAYS_BEFORE * 86_400)),
            hash=f"{dice.getrandbits(256):064x}",
            people=(guest, host),
        )
        for _ in range(dice.randrange(1, MOST_MAILS + 1))
    ]


def _contact_record(guest: Participant) -> dict[str, Any]:
    dice = draw(guest.id, "contact")
    fields = {"Name": guest.name, "Email": guest.email, "Phone": guest.phone, "Title": guest.title}
    return {
        "id": identifier(dice),
        "objectType": "Lead" if dice.random() < 0.3 else "Contact",
        "externalId": f"003{guest.id[:15]}",
        "mirrorId": identifier(dice),
        "fields": [{"name": name, "value": value} for name, value in fields.items()],
    }
