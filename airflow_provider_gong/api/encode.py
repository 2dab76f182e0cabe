"""How dates, identifiers and absent values go on the wire."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow_provider_gong.exceptions import GongConfigurationError

MINUTE = timedelta(minutes=1)
ID = re.compile(r"\w[\w-]*", re.ASCII)


def wire_datetime(value: datetime | str, argument: str = "datetime") -> str:
    """Return the moment in ISO 8601 with an offset; without an offset it is taken as UTC.

    :param value: a datetime (pendulum's too) or an ISO 8601 text, with a blank or a ``T``.
    :param argument: the name of the argument, for the error.
    """
    moment = value if isinstance(value, datetime) else _parse(value, argument)
    offset = moment.utcoffset()
    if offset is None:
        return moment.replace(tzinfo=UTC).isoformat()
    # ISO 8601 has no seconds in an offset; those of local mean times, before time zones, do.
    return (moment.astimezone(UTC) if offset % MINUTE else moment).isoformat()


def optional_datetime(value: datetime | str | None, argument: str) -> str | None:
    """Return the moment as `wire_datetime` does, and None for None."""
    return None if value is None else wire_datetime(value, argument)


def _parse(value: str, argument: str) -> datetime:
    try:
        return datetime.fromisoformat(value.strip())
    except (AttributeError, ValueError):
        raise GongConfigurationError(
            f"{argument}={value!r} is not a date and time: give a datetime or ISO 8601 text "
            f"such as 2026-01-31T08:00:00+00:00."
        ) from None


def wire_id(value: object, argument: str = "id") -> str:
    """Return one identifier as text.

    Gong's identifiers have up to 20 digits: a float has already lost some of them, so it is refused.
    """
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    text = str(value).strip() if is_id else ""
    if not ID.fullmatch(text):
        raise GongConfigurationError(
            f"{argument}={value!r} is not an identifier of Gong: give its digits as text, "
            f"such as '7782342274025937895'."
        )
    return text


def optional_id(value: str | int | None, argument: str) -> str | None:
    """Return one identifier as `wire_id` does, and None for None."""
    return None if value is None else wire_id(value, argument)


def wire_ids(values: Iterable[str | int], argument: str = "ids") -> list[str]:
    """Return identifiers as a list of texts, each once, in the order given; an empty list is refused."""
    if isinstance(values, str | bytes | bytearray | Mapping) or not isinstance(values, Iterable):
        raise GongConfigurationError(
            f"{argument}={values!r} is not a list of identifiers: give a list, "
            f"such as ['7782342274025937895']."
        )
    ids = list(dict.fromkeys(wire_id(value, argument) for value in values))
    if not ids:
        raise GongConfigurationError(
            f"{argument}=[] is empty, and Gong refuses an empty list: leave {argument} out "
            f"to get everything, or do not ask at all."
        )
    return ids


def optional_ids(values: Iterable[str | int] | None, argument: str) -> list[str] | None:
    """Return identifiers as `wire_ids` does, and None for None."""
    return None if values is None else wire_ids(values, argument)


def wire_window(
    from_datetime: datetime | str | None, to_datetime: datetime | str | None, workspace_id: str | None
) -> dict[str, str | None]:
    """Return the fields that narrow a list of calls to a stretch of time and to a workspace."""
    bounds = wire_bounds(from_datetime, to_datetime)
    return {**bounds, "workspaceId": optional_id(workspace_id, "workspace_id")}


def wire_bounds(
    from_datetime: datetime | str | None, to_datetime: datetime | str | None
) -> dict[str, str | None]:
    """Return the bounds of a stretch of time; one without any time in it is refused, as it would cost a request."""
    start = optional_datetime(from_datetime, "from_datetime")
    end = optional_datetime(to_datetime, "to_datetime")
    if start and end and datetime.fromisoformat(start) >= datetime.fromisoformat(end):
        raise GongConfigurationError(
            f"from_datetime={start} must be before to_datetime={end}: the stretch of time is half-open."
        )
    return {"fromDateTime": start, "toDateTime": end}


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping without the keys that have no value."""
    return {key: value for key, value in values.items() if value is not None}


def with_texts(value: Any, keys: Collection[str], key: str = "") -> Any:
    """Return a nested value whose ids are texts: templates and databases like to make numbers of them.

    :param keys: the keys in objects whose values Gong wants as text.
    """
    if isinstance(value, Mapping):
        return {name: with_texts(one, keys, name) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_texts(one, keys, key) for one in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number and key in keys else value


def camel_case(name: str) -> str:
    """Return an argument's name in Gong's spelling."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def wire_query(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return query parameters as Gong reads them: absent ones left out, booleans in lower case."""
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in without_none(values).items()
    }


def fill_path(template: str, values: Mapping[str, str]) -> str:
    """Put identifiers into a path template such as ``/v2/calls/{id}``."""
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})
