"""Which calls a watcher tells of, and the look for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import calls
from airflow_provider_gong.api.encode import optional_id, optional_ids
from airflow_provider_gong.exceptions import GongConfigurationError, GongUnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

DIRECTIONS = ("Inbound", "Outbound", "Conference", "Unknown")
SCOPES = ("Internal", "External", "Unknown")


@dataclass(frozen=True)
class FoundCall:
    """What is told of a call."""

    call_id: str
    title: str | None
    started: datetime

    def told(self) -> dict[str, Any]:
        """Return what the event says of the call."""
        return {"id": self.call_id, "title": self.title, "started": self.started.isoformat()}


@dataclass(frozen=True, kw_only=True)
class CallFilter:
    """Which calls are meant; those that match all that is given. None means any."""

    workspace_id: str | None = None
    direction: str | None = None
    scope: str | None = None
    primary_user_ids: Sequence[str] | None = None
    title_pattern: str | None = None
    include_private: bool = False

    def check(self) -> None:
        """Refuse what would match nothing for ever.

        :raises GongConfigurationError: naming the argument that must be mended.
        """
        optional_id(self.workspace_id, "workspace_id")
        optional_ids(self.primary_user_ids, "primary_user_ids")
        _check_choice("direction", self.direction, DIRECTIONS)
        _check_choice("scope", self.scope, SCOPES)
        try:
            re.compile(self.title_pattern or "")
        except re.error as error:
            raise GongConfigurationError(
                f"title_pattern={self.title_pattern!r} is no regular expression: {error}."
            ) from None

    def find(self, gong_conn_id: str, since: datetime) -> list[FoundCall]:
        """Ask Gong for the calls that have started since then, in the order of their starts; for a thread."""
        from airflow_provider_gong.hooks.gong import GongHook

        request = calls.list_calls_extensive(
            from_datetime=since,
            workspace_id=self.workspace_id,
            primary_user_ids=self.primary_user_ids,
        )
        with GongHook(gong_conn_id) as hook:
            records = [_basic(record) for record in hook.items(request)]
        found = {call.call_id: call for call in map(_found, filter(self.matches, records))}
        return sorted(found.values(), key=lambda call: (call.started, call.call_id))

    def matches(self, record: dict[str, Any]) -> bool:
        """Tell whether a call is meant, by its basic record, as far as Gong has not told already."""
        return (
            (self.include_private or not record.get("isPrivate"))
            and self.direction in (None, record.get("direction"))
            and self.scope in (None, record.get("scope"))
            and (
                not self.title_pattern
                or re.search(self.title_pattern, str(record.get("title") or "")) is not None
            )
        )


def _basic(record: dict[str, Any]) -> dict[str, Any]:
    basic = record.get("metaData")
    if not isinstance(basic, dict):
        raise GongUnexpectedResponse("A record of Gong's reply has no metaData.")
    return basic


def _found(basic: dict[str, Any]) -> FoundCall:
    try:
        started = datetime.fromisoformat(basic["started"])
        return FoundCall(str(basic["id"]), basic.get("title"), started)
    except (KeyError, TypeError, ValueError):
        raise GongUnexpectedResponse("A call of Gong's reply has no id or no start.") from None


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise GongConfigurationError(f"{name}={value!r} is unknown: use one of {', '.join(choices)}.")
