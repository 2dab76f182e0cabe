"""Templated arguments arrive as text: turn them into what they mean, or name the argument and the mend."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_gong.api.encode import wire_id
from airflow_provider_gong.exceptions import GongConfigurationError

# What an empty template or a rendered None leaves behind.
_UNSET = (None, "", "None")
_LONGEST = timedelta(days=36_500)


def as_datetime(name: str, value: datetime | str | None) -> datetime | None:
    """Read a moment: a datetime or ISO 8601 text; without an offset it means UTC; empty text means None."""
    if value in _UNSET:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise GongConfigurationError(
            f"{name}={value!r} is not a date and time: give a datetime or ISO 8601 text such as "
            "'2026-01-31T08:00:00+00:00'."
        ) from None
    if moment.year < 2000:
        raise GongConfigurationError(
            f"{name}={value!r} lies before the year 2000: no record of Gong's is that old."
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_duration(name: str, value: timedelta | str | None) -> timedelta | None:
    """Read a length of time: a timedelta or an ISO 8601 duration (`P1D`, `PT1H`); empty text means None."""
    if value in _UNSET:
        return None
    duration = value if isinstance(value, timedelta) else _parse_duration(value)
    # pendulum's durations are timedeltas that take a month for 30 days.
    has_months = getattr(duration, "years", 0) or getattr(duration, "months", 0)
    if duration is None or has_months or abs(duration) > _LONGEST:
        raise GongConfigurationError(
            f"{name}={value!r} is not a length of time: give a timedelta or an ISO 8601 duration "
            "such as 'P1D' or 'PT1H' (months and years have no fixed length)."
        )
    return timedelta(seconds=duration.total_seconds())


def _parse_duration(value: Any) -> timedelta | None:
    import pendulum

    try:
        parsed = pendulum.parse(str(value).strip())
    except (ValueError, AttributeError):
        return None
    return parsed if isinstance(parsed, pendulum.Duration) else None


def as_bool(name: str, value: bool | str | None) -> bool:
    """Read a switch: True or False, or their text."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "false", "none", ""):
        return text == "true"
    raise GongConfigurationError(f"{name}={value!r} is neither true nor false.")


def as_ids(name: str, value: list[str] | tuple[str, ...] | str | None) -> tuple[str, ...] | None:
    """Read ids: a list, or its JSON text; empty text means None, an empty list does not."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _json(name, value)
    if value in _UNSET:
        return None
    if not value:
        # Meaning "all" would turn an empty result of an earlier task into an export of everything.
        raise GongConfigurationError(
            f"{name}={value!r} names nobody: leave it out to mean all, or skip the task."
        )
    if not isinstance(value, (list, tuple)) or not all(_is_id(one) for one in value):
        raise GongConfigurationError(
            f"{name}={value!r} is not a list of ids: give for example ['7782342274025937895']."
        )
    return tuple(str(one) for one in value)


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def as_id(name: str, value: Any) -> str | None:
    """Read an id that may be left out; empty text means None."""
    return None if value in _UNSET else wire_id(value, name)


def as_needed_id(name: str, value: Any) -> str:
    """Read an id that may not be left out."""
    return wire_id(None if value in _UNSET else value, name)


def as_call_ids(name: str, value: Any) -> tuple[str, ...] | None:
    """Read what another task knows of calls: their ids or records, or JSON text of them; empty text means None.

    Unlike that of `as_ids`, the result may be empty: the other task may have found nothing.
    """
    calls = None if value in _UNSET else as_object(name, value)
    if calls is not None and not isinstance(calls, (list, tuple)):
        raise GongConfigurationError(
            f"{name} is {type(calls).__name__}, not a list: give ids, or the records that a list or an export of "
            "calls returned; text must be JSON, as the tojson filter writes it."
        )
    return None if calls is None else tuple(as_call_id(name, call) for call in calls)


def as_call_id(name: str, call: Any) -> str:
    """Read the id of a call that another task handed over: its record, in short or in detail, or the id alone."""
    basic = call.get("metaData", call) if isinstance(call, dict) else {"id": call}
    call_id = basic.get("id") if isinstance(basic, dict) else None
    if call_id in _UNSET or isinstance(call_id, (dict, list)):
        raise GongConfigurationError(
            f"{name}= holds a record without metaData.id or id, or an empty id: pass what a list or an export of "
            "calls returned, or a list of ids."
        )
    return wire_id(call_id, name)


def as_text(value: Any) -> str | None:
    """Read text that may be left out; empty text means None."""
    return None if value in _UNSET else str(value)


def as_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Read one of a few words."""
    if value not in choices:
        raise GongConfigurationError(f"{name}={value!r} is unknown: use one of {', '.join(choices)}.")
    return value


def as_object(name: str, value: Any) -> Any:
    """Read an object or a list, or the JSON text of one; any other text is returned as it is."""
    is_json = isinstance(value, str) and value.lstrip().startswith(("{", "["))
    return _json(name, value) if is_json else value


def as_objects(name: str, value: Any) -> Any:
    """Read an object or a list, or the JSON text of one; empty text means None, any other text is refused."""
    value = None if value in _UNSET else as_object(name, value)
    if value is not None and not isinstance(value, (dict, list, tuple)):
        raise GongConfigurationError(
            f"{name} is {type(value).__name__}, neither an object nor a list: pass it as such, "
            "or as JSON text with the tojson filter."
        )
    return list(value) if isinstance(value, tuple) else value


def as_number(name: str, value: Any) -> float | None:
    """Read a number that is not negative, or its text; empty text means None."""
    if value in _UNSET:
        return None
    try:
        # Databases hand out Decimals.
        is_number = isinstance(value, (int, float, Decimal, str)) and not isinstance(value, bool)
        number = float(value) if is_number else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise GongConfigurationError(f"{name}={value!r} is not a number of zero or more.")
    return number


def as_count(name: str, value: int | str | None) -> int | None:
    """Read a whole number that is not negative, or its text; empty text means None."""
    number = as_number(name, value)
    if number is not None and number != int(number):
        raise GongConfigurationError(f"{name}={value!r} is not a whole number.")
    return None if number is None else int(number)


def as_pages(name: str, value: int | str | None) -> int | None:
    """Read a number of pages, at least one, or its text; empty text means None."""
    pages = as_count(name, value)
    if pages == 0:
        raise GongConfigurationError(f"{name}={value!r} would read nothing: give 1 or more, or leave it out.")
    return pages


def require(operator: object, *names: str) -> None:
    """Refuse arguments that rendered to nothing, all of them at once."""
    missing = [name for name in names if getattr(operator, name) in _UNSET]
    if missing:
        raise GongConfigurationError(
            f"{', '.join(missing)} rendered to nothing and cannot be left out: check the template."
        )


def texts(operator: object, *names: str) -> dict[str, str | None]:
    """Read several texts of an operator that may be left out; what another task returned whole is none."""
    values = {name: getattr(operator, name) for name in names}
    for name, value in values.items():
        if isinstance(value, (dict, list, tuple, set)):
            raise GongConfigurationError(
                f"{name} is {type(value).__name__}, not a text: pick what is meant, as in "
                "{{ ti.xcom_pull('task')['key'] }}."
            )
    return {name: as_text(value) for name, value in values.items()}


def datetimes(operator: object, *names: str) -> dict[str, Any]:
    """Read several moments of an operator that may be left out."""
    return {name: as_datetime(name, getattr(operator, name)) for name in names}


def objects(operator: object, *names: str) -> dict[str, Any]:
    """Read several objects or lists of an operator that may be left out."""
    return {name: as_objects(name, getattr(operator, name)) for name in names}


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise GongConfigurationError(
            f"{name} is not valid JSON: render it with the tojson filter, as in {{{{ value | tojson }}}}."
        ) from None
