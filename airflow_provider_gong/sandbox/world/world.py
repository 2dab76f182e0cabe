"""The company that the sandbox knows: its users, workspaces, calls and logs. Knows no HTTP."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.world.calls import Call, draw_day
from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.logs import LOG_TYPES, LogEntry, draw_logs
from airflow_provider_gong.sandbox.world.people import User, make_users

# A clock that is set to the far future brings no more than a year of new calls.
MOST_DAYS_TO_COME = 366
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

T = TypeVar("T")
Place = tuple[datetime, str]
"""Where a record stands: its time, then its id."""


@dataclass(frozen=True)
class CallFilter:
    """Which calls are meant; times are half-open, `None` means any."""

    from_datetime: datetime | None = None
    to_datetime: datetime | None = None
    workspace_id: str | None = None
    call_ids: frozenset[str] | None = None
    primary_user_ids: frozenset[str] | None = None
    by_schedule: bool = False
    """Compare the scheduled time of web conferences, as `GET /v2/calls` does."""
    transcribed: bool = False
    """Only calls whose transcript is ready."""

    def place(self, call: Call) -> Place:
        """Return where a call stands in the order of this filter."""
        return (call.listed_at if self.by_schedule else call.started, call.id)

    def matches(self, call: Call) -> bool:
        """Tell whether a call of the right time is meant."""
        return (
            not call.hidden
            and (self.workspace_id is None or call.workspace_id == self.workspace_id)
            and (self.primary_user_ids is None or call.host.id in self.primary_user_ids)
        )

    def shows(self, call: Call, now: datetime) -> bool:
        """Tell whether the API shows a call of the right time."""
        if not self.matches(call) or call.visible_at > now or call.is_erased(now):
            return False
        return not self.transcribed or (call.transcript_at is not None and call.transcript_at <= now)


class World:
    """Hold the state of one company; the same seed gives the same company.

    Each UTC day holds `calls_per_day` calls that start in it, from `days` days before `today` on. Days after
    that are drawn as the clock reaches them, so a sandbox that is left running has new calls.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        calls_per_day: int = 30,
        days: int = 30,
        users: int = 25,
        logs_per_day: int = 40,
        today: date | None = None,
    ) -> None:
        self.today = today or clock.now().date()
        self.first_day = self.today - timedelta(days=days)
        self._clock = clock
        self._seed = seed
        self._calls_per_day = calls_per_day
        self._logs_per_day = logs_per_day
        self._lock = threading.RLock()
        self.users = make_users(seed, users, self.today)
        self._hosts = [user for user in self.users if not user.avatar]
        self.workspaces = _workspaces(seed)
        self._by_id: dict[str, Call] = {}
        self._orders: dict[bool, tuple[list[Place], list[Call]]] = {}
        self._logs: dict[str, list[LogEntry]] = {log_type: [] for log_type in LOG_TYPES}
        self._next_day = self.first_day
        self._draw_until(self.today)

    # --- calls, as tests see them

    def calls(self, until: datetime | None = None) -> list[Call]:
        """Return all calls that have been drawn, visible or not, in the order of their starts.

        :param until: draw the days up to this moment first; default: up to now
        """
        with self._lock:
            self._reach(until)
            return list(self._order(by_schedule=False)[1])

    def call(self, call_id: str) -> Call:
        """Return one call, visible or not."""
        with self._lock:
            return self._by_id[call_id]

    def visible_calls(self, now: datetime | None = None) -> list[Call]:
        """Return the calls that the API shows, private ones included, in the order of their starts."""
        return self.find(CallFilter(), now=now)

    def find(
        self, which: CallFilter, *, now: datetime | None = None, include_private: bool = True
    ) -> list[Call]:
        """Return the calls that the API shows for a filter, in its order."""
        found = self.page(which, size=None, now=now)
        return [call for call in found if include_private or not call.private]

    def call_ids(
        self,
        from_datetime: datetime | None = None,
        to_datetime: datetime | None = None,
        *,
        by_schedule: bool = False,
        transcribed: bool = False,
        workspace_id: str | None = None,
        include_private: bool = False,
        now: datetime | None = None,
    ) -> list[str]:
        """Return the ids that a complete export of a window must have, in the API's order."""
        which = CallFilter(
            from_datetime,
            to_datetime,
            workspace_id,
            by_schedule=by_schedule,
            transcribed=transcribed,
        )
        return [call.id for call in self.find(which, now=now, include_private=include_private)]

    def add_call(self, started: datetime, **changes: Any) -> Call:
        """Add a call of ten minutes that is visible when it ends, transcript included; change what differs."""
        with self._lock:
            dice = draw(self._seed, "added", started, len(self._by_id))
            ended = started.astimezone(UTC) + timedelta(minutes=10)
            call = Call(
                id=identifier(dice),
                started=started.astimezone(UTC),
                duration=600,
                host=self._hosts[0],
                workspace_id=self.workspaces[0]["id"],
                theme="discovery",
                visible_at=ended,
                transcript_at=ended,
            )
            return self.insert_call(_changed(call, changes))

    def insert_call(self, call: Call) -> Call:
        """Add a call that is made elsewhere."""
        with self._lock:
            self._by_id[call.id] = call
            self._orders.clear()
            return call

    def alter_call(self, call_id: str, **changes: Any) -> Call:
        """Change attributes of a call, for instance `private=True` or `title="New"`."""
        with self._lock:
            call = _changed(self._by_id[call_id], changes)
            self._orders.clear()
            return call

    def hide_call(self, call_id: str) -> None:
        """Let a call vanish, as if it had been deleted."""
        self.alter_call(call_id, hidden=True)

    # --- calls, as the API serves them

    def page(
        self,
        which: CallFilter,
        *,
        after: Place | None = None,
        size: int | None = 100,
        now: datetime | None = None,
    ) -> list[Call]:
        """Return the next calls after a place; all of them without a size."""
        moment = now or self._clock.now()
        with self._lock:
            self._reach()
            shown = (call for call in self._candidates(which, after) if which.shows(call, moment))
            return list(islice(shown, size))

    def total(self, which: CallFilter) -> int:
        """Count the calls of a filter that are over, also those that Gong still works on.

        Gong's totals have been seen to run ahead of the records.
        """
        now = self._clock.now()
        with self._lock:
            candidates = self._candidates(which, None)
            held = (call for call in candidates if call.is_held(now) and not call.is_erased(now))
            return sum(which.matches(call) for call in held)

    def _candidates(self, which: CallFilter, after: Place | None) -> Iterable[Call]:
        if which.call_ids is not None:
            known = (self._by_id[one] for one in which.call_ids if one in self._by_id)
            return sorted((call for call in known if self._in_time(which, call, after)), key=which.place)
        places, calls = self._order(by_schedule=which.by_schedule)
        start = bisect_left(places, (which.from_datetime or EARLIEST, ""))
        if after is not None:
            start = max(start, bisect_left(places, (after[0], after[1] + "\0")))
        end = bisect_left(places, (which.to_datetime, "")) if which.to_datetime else len(places)
        return _slice(calls, start, end)

    def _in_time(self, which: CallFilter, call: Call, after: Place | None) -> bool:
        place = which.place(call)
        in_window = (which.from_datetime or EARLIEST) <= place[0] < (which.to_datetime or LATEST)
        return in_window and (after is None or place > after)

    def _order(self, *, by_schedule: bool) -> tuple[list[Place], list[Call]]:
        if by_schedule not in self._orders:
            key = CallFilter(by_schedule=by_schedule).place
            calls = sorted(self._by_id.values(), key=key)
            self._orders[by_schedule] = ([key(call) for call in calls], calls)
        return self._orders[by_schedule]

    # --- users and logs

    def find_users(
        self,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        user_ids: frozenset[str] | None = None,
        include_avatars: bool = False,
    ) -> list[User]:
        """Return users in the order of their ids; times are half-open."""
        return [
            user
            for user in self.users
            if (include_avatars or not user.avatar)
            and (user_ids is None or user.id in user_ids)
            and (created_from or EARLIEST) <= user.created < (created_to or LATEST)
        ]

    def find_logs(
        self,
        log_type: str,
        from_datetime: datetime,
        to_datetime: datetime | None = None,
        *,
        now: datetime | None = None,
    ) -> list[LogEntry]:
        """Return the entries of a type that the API shows, in the order of their times."""
        moment = now or self._clock.now()
        with self._lock:
            self._reach()
            entries = self._logs[log_type]
            start = bisect_left(entries, from_datetime, key=lambda entry: entry.time)
            end = bisect_left(entries, to_datetime or LATEST, key=lambda entry: entry.time)
            return [entry for entry in _slice(entries, start, end) if entry.visible_at <= moment]

    # --- growth

    def _reach(self, until: datetime | None = None) -> None:
        last = self.today + timedelta(days=MOST_DAYS_TO_COME)
        self._draw_until(min((until or self._clock.now()).date(), last))

    def _draw_until(self, last: date) -> None:
        """Draw the days up to one that has begun; a call becomes visible only after it ended."""
        while self._next_day <= last:
            day = self._next_day
            ids = [workspace["id"] for workspace in self.workspaces]
            for call in draw_day(self._seed, day, self._calls_per_day, self._hosts, ids):
                self._by_id[call.id] = call
            for log_type, entries in self._logs.items():
                entries += draw_logs(self._seed, log_type, day, self._logs_per_day, self._hosts)
            self._orders.clear()
            self._next_day = day + timedelta(days=1)


def _slice(records: list[T], start: int, end: int) -> Iterator[T]:
    return islice(records, start, max(start, end))


def _changed(call: Call, changes: dict[str, Any]) -> Call:
    for name, value in changes.items():
        getattr(call, name)
        setattr(call, name, value)
    return call


def _workspaces(seed: int) -> list[dict[str, Any]]:
    dice = draw(seed, "workspaces")
    return [
        {"id": identifier(dice), "name": "Sales", "description": "Finding and winning customers"},
        {"id": identifier(dice), "name": "Customer Success", "description": None},
    ]
