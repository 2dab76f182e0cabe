"""The users of the company: its sellers, and avatars who stand for Gong's own staff.

https://help.gong.io/apidocs/list-all-users-v2users
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.names import FIRST_NAMES, LAST_NAMES, SELLER_TITLES, telephone
from airflow_provider_gong.sandbox.world.times import wire

AVATARS = 2
OFFICES = (
    timezone(timedelta(hours=-5)),
    timezone(timedelta(hours=2)),
    timezone(timedelta(hours=-8)),
    timezone(timedelta(hours=5, minutes=30)),
)


@dataclass(frozen=True, slots=True)
class User:
    """One user; `record` is what Gong answers."""

    id: str
    number: int
    name: str
    email: str
    title: str | None
    office: timezone
    created: datetime
    avatar: bool
    record: dict[str, Any]

    @property
    def domain(self) -> str:
        """Return the mail domain of the company."""
        return self.email.rpartition("@")[2]

    @property
    def imports_calls(self) -> bool:
        """Tell whether calls of the telephony system that the user hosts come to Gong."""
        return bool(self.record["settings"]["telephonyCallsImported"])

    def is_party(self, party: Mapping[str, Any]) -> bool:
        """Tell whether a party of a call is this user: by its id, or by an address if it has no id."""
        if party.get("userId") is not None:
            return bool(party["userId"] == self.id)
        addresses = {one.lower() for one in (self.email, *self.record["emailAliases"])}
        return str(party.get("emailAddress")).lower() in addresses


def make_users(seed: int, count: int, today: date) -> list[User]:
    """Make the users of a company, avatars included, in the order of their ids."""
    dice = draw(seed, "users")
    ids = sorted(identifier(dice) for _ in range(count + AVATARS))
    avatars = set(dice.sample(ids, AVATARS))
    manager = next((one for one in ids if one not in avatars), None)
    return [_make_user(dice, number, one, manager, today, one in avatars) for number, one in enumerate(ids)]


def _make_user(
    dice: Random, number: int, user_id: str, manager: str | None, today: date, avatar: bool
) -> User:
    first, last = _name(number)
    email = f"{first}.{last}{number if number >= 600 else ''}@example.com".lower()
    title = dice.choice(SELLER_TITLES) if dice.random() < 0.85 else None
    office = OFFICES[number % len(OFFICES)]
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    created = midnight - timedelta(days=dice.randrange(40, 900), milliseconds=dice.randrange(86_400_000))
    record = {
        "id": user_id,
        "emailAddress": email,
        "created": wire(created, office),
        "active": dice.random() < 0.9,
        "emailAliases": [f"{first}@example.com".lower()] if dice.random() < 0.2 else [],
        "trustedEmailAddress": None,
        "firstName": first,
        "lastName": last,
        "title": title,
        "phoneNumber": telephone(number) if dice.random() < 0.6 else None,
        "extension": None,
        "personalMeetingUrls": [f"https://meet.example.com/{first}.{last}".lower()],
        "settings": _settings(dice),
        "managerId": manager if user_id != manager and not avatar else None,
        "meetingConsentPageUrl": None,
        "conferencingProviders": [{"provider": "web-meeting", "isDefault": True}]
        if dice.random() < 0.5
        else None,
        "spokenLanguages": [{"language": "en-US", "primary": True}],
    }
    return User(user_id, number, f"{first} {last}", email, title, office, created, avatar, record)


def _name(number: int) -> tuple[str, str]:
    firsts, lasts = len(FIRST_NAMES), len(LAST_NAMES)
    return FIRST_NAMES[number % firsts], LAST_NAMES[(7 * number + number // firsts) % lasts]


def _settings(dice: Random) -> dict[str, bool]:
    return {
        "webConferencesRecorded": dice.random() < 0.9,
        "preventWebConferenceRecording": False,
        "telephonyCallsImported": dice.random() < 0.7,
        "emailsImported": dice.random() < 0.7,
        "preventEmailImport": False,
        "nonRecordedMeetingsImported": dice.random() < 0.5,
        "gongConnectEnabled": dice.random() < 0.4,
    }
