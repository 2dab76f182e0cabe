"""The audit logs of the company, in five types; records of a type are free in form.

https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.people import User
from airflow_provider_gong.sandbox.world.times import wire

LOG_TYPES = (
    "AccessLog",
    "UserActivityLog",
    "UserCallPlay",
    "ExternallySharedCallAccess",
    "ExternallySharedCallPlay",
)
LATE_SHARE = 0.1
TWIN_SHARE = 0.03
LATEST = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of an audit log."""

    serial: str
    """Where the entry stands among those of the same moment; Gong does not show it."""
    log_type: str
    time: datetime
    user: User | None
    seed: int
    visible_at: datetime


def draw_logs(seed: int, log_type: str, day: date, count: int, users: Sequence[User]) -> list[LogEntry]:
    """Draw the entries of one type and day (UTC), in the order of their times."""
    dice = draw(seed, "logs", log_type, day)
    midnight = datetime.combine(day, time(), UTC)
    entries: list[LogEntry] = []
    while len(entries) < count:
        serial = f"{day:%Y%m%d}{len(entries):06d}"
        if entries and dice.random() < TWIN_SHARE:
            entries.append(replace(entries[-1], serial=serial))
        else:
            entries.append(_draw_entry(dice, serial, log_type, midnight, users))
    return sorted(entries, key=lambda entry: (entry.time, entry.serial))


def _draw_entry(
    dice: Random, serial: str, log_type: str, midnight: datetime, users: Sequence[User]
) -> LogEntry:
    moment = midnight + timedelta(milliseconds=dice.randrange(86_400_000))
    late = dice.random() < LATE_SHARE
    delay = timedelta(seconds=dice.randrange(60, int(LATEST.total_seconds())) if late else 0)
    nobody = log_type.startswith("Externally") or dice.random() < 0.03
    user = None if nobody else users[dice.randrange(len(users))]
    return LogEntry(serial, log_type, moment, user, dice.getrandbits(48), moment + delay)


def log_record(entry: LogEntry) -> dict[str, Any]:
    """Return what Gong answers for an entry."""
    dice = draw(entry.seed)
    user = entry.user
    office = UTC if user is None else user.office
    return {
        "userId": user.id if user else None,
        "userEmailAddress": user.email if user else None,
        "userFullName": user.name if user else None,
        "impersonatorUserId": None,
        "impersonatorEmailAddress": None,
        "impersonatorFullName": None,
        "impersonatorCompanyId": None,
        "eventTime": wire(entry.time, office),
        "logRecord": _DETAILS[entry.log_type](dice),
    }


def _access(dice: Random) -> dict[str, Any]:
    return {
        "ip": f"192.0.2.{dice.randrange(1, 255)}",
        "method": dice.choice(("GET", "POST")),
        "path": dice.choice(("/home", "/calls", "/deals", "/company/settings")),
        "status": dice.choice((200, 200, 200, 302, 403)),
        "params": {"_csrf": f"{dice.getrandbits(64):016x}", "page": dice.randrange(1, 9)},
    }


def _activity(dice: Random) -> dict[str, Any]:
    return {
        "action": dice.choice(("UPDATE", "INSERT", "DELETE")),
        "table": dice.choice(("saved_filter", "team_member", "scorecard")),
        "changes": {"name": {"before": None, "after": f"View {dice.randrange(100)}"}},
        "clientIpAddress": f"198.51.100.{dice.randrange(1, 255)}",
    }


def _play(dice: Random) -> dict[str, Any]:
    return {
        "callId": identifier(dice),
        "workspaceId": identifier(dice),
        "playedSeconds": dice.randrange(5, 1800),
        "speed": dice.choice((1.0, 1.25, 1.5)),
    }


def _shared_access(dice: Random) -> dict[str, Any]:
    return {
        "callId": identifier(dice),
        "sharedWith": f"guest{dice.randrange(50)}@example.org",
        "remoteAddress": f"203.0.113.{dice.randrange(1, 255)}",
        "userAgent": "ExampleBrowser/1.0",
    }


def _shared_play(dice: Random) -> dict[str, Any]:
    return {
        "callId": identifier(dice),
        "sharedWith": f"guest{dice.randrange(50)}@example.org",
        "ranges": [{"from": 0, "to": dice.randrange(10, 900)}],
    }


_DETAILS = {
    "AccessLog": _access,
    "UserActivityLog": _activity,
    "UserCallPlay": _play,
    "ExternallySharedCallAccess": _shared_access,
    "ExternallySharedCallPlay": _shared_play,
}
