"""The detailed data of a call: what the content selector asks for, as far as Gong has it yet.

https://help.gong.io/apidocs, operation `listCallsExtensive`
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from airflow_provider_gong.sandbox.world.basics import basics
from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, Participant, cast
from airflow_provider_gong.sandbox.world.content import comments, content, interaction
from airflow_provider_gong.sandbox.world.draw import draw
from airflow_provider_gong.sandbox.world.names import domain

# The links of media live a second less than eight hours.
MEDIA_SECONDS = 28_799
UNKNOWN_PARTIES_SHARE = 0.03
NO_MEDIA_SHARE = 0.05


@dataclass(frozen=True)
class Wanted:
    """The content selector of a request; nothing but the basic data by default."""

    context: str = "None"
    timings: tuple[str, ...] = ("Now",)
    parties: bool = False
    content: dict[str, Any] = field(default_factory=dict)
    interaction: dict[str, Any] = field(default_factory=dict)
    comments: bool = False
    media: bool = False


def details(call: Call, wanted: Wanted, now: datetime) -> dict[str, Any]:
    """Return the detailed data of a call. Blocks that Gong does not have, or not yet, are absent."""
    people = cast(call)
    analysed = call.transcript_at is not None and call.transcript_at <= now
    record: dict[str, Any] = {"metaData": basics(call, people)}
    if wanted.context != "None" and people.crm:
        record["context"] = [_context(call, people, wanted)]
    if wanted.parties and has_parties(call):
        record["parties"] = [_party(person, people, wanted) for person in people.participants]
    if analysed and any(wanted.content.values()):
        record["content"] = content(call, people, wanted.content)
    if analysed and any(wanted.interaction.values()):
        record["interaction"] = interaction(call, people, wanted.interaction)
    if wanted.comments:
        record["collaboration"] = {"publicComments": comments(call)}
    if wanted.media and has_media(call):
        record["media"] = _media(call)
    return record


def has_media(call: Call) -> bool:
    """Tell whether a recording of the call can be fetched."""
    return call.posted is not None or draw(call.id, "media").random() >= NO_MEDIA_SHARE


def has_parties(call: Call) -> bool:
    """Tell whether Gong knows who took part."""
    return call.posted is not None or draw(call.id, "parties").random() >= UNKNOWN_PARTIES_SHARE


def _party(person: Participant, people: Cast, wanted: Wanted) -> dict[str, Any]:
    party: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "title": person.title,
        "affiliation": "Internal" if person.internal else "External",
        "methods": ["Invitee", "Attendee"] if person.attended else ["Invitee"],
    }
    # Gong leaves out some of what it does not know, and sends null for the rest.
    optional = {"userId": person.user_id, "speakerId": person.speaker_id, "phoneNumber": person.phone}
    party |= {name: value for name, value in optional.items() if value is not None}
    if person.email is not None or int(person.id[-2:]) < 50:
        party["emailAddress"] = person.email
    if wanted.context != "None" and people.crm:
        party["context"] = [_party_context(person, people.crm, wanted)]
    return party


def _context(call: Call, people: Cast, wanted: Wanted) -> dict[str, Any]:
    dice = draw(people.customer)
    account = f"001{dice.getrandbits(48):015d}"
    opportunity = f"006{int(call.id[-9:]):015d}"
    stage = ("Discovery", "Proposal", "Negotiation", None)[int(call.id[-3:]) % 4]
    fields: dict[str, dict[str, Any]] = {
        "Account": {"Name": people.customer, "Website": domain(people.customer), "Industry": None},
        "Opportunity": {
            "Name": f"{people.customer} - {people.words['seats']} seats",
            "StageName": stage,
            "Amount": int(people.words["seats"]) * int(people.words["price"]),
            "CloseDate": f"{call.started:%Y-%m}-28",
            "Probability": 40.0,
        },
    }
    objects = [
        _object(kind, link, fields[kind], timing, wanted)
        for timing in wanted.timings
        for kind, link in (("Account", account), ("Opportunity", opportunity))
    ]
    return {"system": people.crm, "objects": objects}


def _party_context(person: Participant, crm: str, wanted: Wanted) -> dict[str, Any]:
    kind = "User" if person.internal else "Contact"
    fields = {"Name": person.name, "Email": person.email}
    objects = [_object(kind, f"003{person.id[:15]}", fields, timing, wanted) for timing in wanted.timings]
    return {"system": crm, "objects": objects}


def _object(kind: str, object_id: str, fields: dict[str, Any], timing: str, wanted: Wanted) -> dict[str, Any]:
    link: dict[str, Any] = {"objectType": kind, "objectId": object_id, "fields": []}
    if wanted.context == "Extended":
        link["fields"] = [{"name": name, "value": value} for name, value in fields.items()]
        link["timing"] = timing
    return link


def _media(call: Call) -> dict[str, str]:
    """Sign the links anew: they differ in each reply."""
    signature = f"X-Amz-Expires={MEDIA_SECONDS}&X-Amz-Signature={uuid4().hex}"
    media = {"audioUrl": f"https://media.example.com/{call.id}.mp3?{signature}"}
    if call.has_video:
        media["videoUrl"] = f"https://media.example.com/{call.id}.mp4?{signature}"
    return media
