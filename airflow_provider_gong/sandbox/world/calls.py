"""The calls of the company: what is kept of each, and how a day of them is drawn.

Only what decides about a call's place and appearance is kept; what it says is drawn anew whenever
somebody asks, so that a hundred thousand calls fit into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.people import User
from airflow_provider_gong.sandbox.world.posted import Posted
from airflow_provider_gong.sandbox.world.scripts import THEMES

PRIVATE_SHARE = 0.04
SHORT_SHARE = 0.03
WEB_CONFERENCE_SHARE = 0.7
# Gong transcribes nothing that is shorter.
SHORTEST_TRANSCRIBED = 60
DAY_OF_MINUTES = 24 * 60


@dataclass(slots=True)
class Call:
    """One conversation, and when the API begins to show it."""

    id: str
    started: datetime
    duration: int
    """Seconds."""
    host: User
    workspace_id: str
    theme: str
    visible_at: datetime
    scheduled: datetime | None = None
    transcript_at: datetime | None = None
    """None: there will never be a transcript."""
    web_conference: bool = False
    private: bool = False
    hidden: bool = False
    title: str | None = None
    """None: drawn from the theme."""
    posted: Posted | None = None
    """None: the call came to Gong by itself."""
    erased_at: datetime | None = None
    """When Gong forgets the call, because somebody in it asked to be forgotten."""

    @property
    def ended(self) -> datetime:
        """Return the end of the conversation."""
        return self.started + timedelta(seconds=self.duration)

    def is_held(self, now: datetime) -> bool:
        """Tell whether Gong has the call, even if it still works on it."""
        return self.ended <= now or self.visible_at <= now

    def is_erased(self, now: datetime) -> bool:
        """Tell whether Gong has forgotten the call."""
        return self.erased_at is not None and self.erased_at <= now

    @property
    def listed_at(self) -> datetime:
        """Return the moment that `GET /v2/calls` compares: the scheduled one of a web conference."""
        return self.scheduled if self.web_conference and self.scheduled else self.started

    @property
    def has_video(self) -> bool:
        """Tell whether the recording shows something."""
        return self.web_conference if self.posted is None else self.posted.has_video


def draw_day(
    seed: int, day: date, count: int, hosts: Sequence[User], workspaces: Sequence[str]
) -> list[Call]:
    """Draw the calls that start on a day (UTC), in the order of their starts."""
    dice = draw(seed, "calls", day)
    midnight = datetime.combine(day, time(), UTC)
    calls = [_draw_call(dice, midnight, hosts, workspaces) for _ in range(count)]
    if len(calls) > 1:
        _move_over_midnight(dice, calls[0], midnight)
    return sorted(calls, key=lambda call: (call.started, call.id))


def _draw_call(dice: Random, midnight: datetime, hosts: Sequence[User], workspaces: Sequence[str]) -> Call:
    planned = midnight + timedelta(minutes=_minute_of_day(dice))
    web_conference = dice.random() < WEB_CONFERENCE_SHARE
    started = planned + timedelta(milliseconds=dice.randrange(-60_000, 420_000))
    short = dice.random() < SHORT_SHARE
    duration = dice.randrange(8, SHORTEST_TRANSCRIBED) if short else dice.randrange(180, 2700)
    workspace = dice.randrange(len(workspaces))
    themes = THEMES[workspace % len(THEMES)]
    ended = started + timedelta(seconds=duration)
    visible_at = ended + _delay_of_call(dice)
    return Call(
        id=identifier(dice),
        started=started,
        duration=duration,
        host=hosts[dice.randrange(len(hosts))],
        workspace_id=workspaces[workspace],
        theme=themes[dice.randrange(len(themes))],
        visible_at=visible_at,
        scheduled=planned if web_conference else None,
        transcript_at=None if short else visible_at + _delay_of_transcript(dice),
        web_conference=web_conference,
        private=dice.random() < PRIVATE_SHARE,
    )


def _minute_of_day(dice: Random) -> int:
    """Return a start on a five minute mark; nine of ten lie in the hours when offices are awake."""
    if dice.random() < 0.9:
        return 5 * dice.randrange(12 * 6, 12 * 22)
    return 5 * dice.randrange(1, DAY_OF_MINUTES // 5 - 2)


def _move_over_midnight(dice: Random, call: Call, midnight: datetime) -> None:
    """Let a web conference be scheduled for the evening before: the two notions of its time differ."""
    started = midnight + timedelta(milliseconds=dice.randrange(60_000, 300_000))
    shift = started - call.started
    call.started = started
    call.scheduled = midnight - timedelta(minutes=5)
    call.web_conference = True
    call.visible_at += shift
    call.transcript_at = call.transcript_at + shift if call.transcript_at else None


def _delay_of_call(dice: Random) -> timedelta:
    """Return the time until a call is visible: mostly within an hour, now and then far more."""
    luck = dice.random()
    if luck < 0.88:
        return timedelta(seconds=dice.randrange(120, 3600))
    if luck < 0.98:
        return timedelta(seconds=dice.randrange(3600, 8 * 3600))
    return timedelta(seconds=dice.randrange(8 * 3600, 30 * 3600))


def _delay_of_transcript(dice: Random) -> timedelta:
    if dice.random() < 0.9:
        return timedelta(seconds=dice.randrange(60, 5400))
    return timedelta(seconds=dice.randrange(5400, 24 * 3600))
