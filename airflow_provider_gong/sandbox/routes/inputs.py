"""What requests say: bodies, dates, lists of ids. What is not as documented is refused with 400.

Where Gong's own wording is known it is used; others follow its pattern `field: what must be`.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from airflow_provider_gong.sandbox.replies import Refusal

ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "Unsupported Media Type")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refusal(400, "Malformed request") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Malformed request")
    return body


def read_object(source: Mapping[str, Any], name: str, *, where: str = "") -> dict[str, Any]:
    """Return a nested object; an absent one is empty."""
    value = source.get(name)
    if value is not None and not isinstance(value, dict):
        raise Refusal(400, f"{where}{name}: must be an object")
    return value or {}


def read_filter(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter of a body, which is required although all of its members are optional."""
    if body.get("filter") is None:
        raise Refusal(400, "filter: must not be null")
    return read_object(body, "filter")


def read_datetime(source: Mapping[str, Any], name: str, *, where: str = "") -> datetime | None:
    """Return a moment; it must have an offset, as documented."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, str) and ISO_8601.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Refusal(400, f"{where}{name}: must be a date and time in the ISO-8601 format")


def read_window(
    source: Mapping[str, Any], names: tuple[str, str], *, where: str = ""
) -> tuple[datetime | None, datetime | None]:
    """Return a half-open window; an empty or inverted one is refused."""
    start, end = (read_datetime(source, name, where=where) for name in names)
    if start is not None and end is not None and start >= end:
        raise Refusal(400, f"{where}{names[0]}: must be before {names[1]}")
    return start, end


def read_ids(source: Mapping[str, Any], name: str, *, where: str = "") -> frozenset[str] | None:
    """Return a set of ids. Gong's ids are strings; a number may already have lost its last digits."""
    value = source.get(name)
    if value is None:
        return None
    if value == []:
        raise Refusal(400, f"{where}{name}: must not be empty but can be null or can be omitted")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refusal(400, f"{where}{name}: must be a list of strings")
    return frozenset(value)


def read_id(source: Mapping[str, Any], name: str, *, where: str = "") -> str | None:
    """Return one id."""
    value = source.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(400, f"{where}{name}: must be a string")
    return value


def read_flag(source: Mapping[str, Any], name: str, *, where: str = "") -> bool:
    """Return a boolean of a body; an absent one is false."""
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refusal(400, f"{where}{name}: must be true or false")
    return bool(value)


def read_flag_of_query(source: Mapping[str, str], name: str) -> bool:
    """Return a boolean of a query; an absent one is false."""
    value = source.get(name, "false").lower()
    if value not in ("true", "false"):
        raise Refusal(400, f"{name}: must be true or false")
    return value == "true"


def read_choice(value: Any, choices: tuple[str, ...], name: str) -> str:
    """Return one of several words."""
    if value not in choices:
        raise Refusal(400, f"{name}: must be one of {', '.join(choices)}")
    return str(value)


def check_path_id(value: str) -> str:
    """Return the id of a path; one that is no number is recorded as a bad request."""
    if not (value.isdigit() and len(value) <= 20):
        raise Refusal(400, "Bad request")
    return value
