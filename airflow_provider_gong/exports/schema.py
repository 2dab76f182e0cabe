"""The columns of each stream, and how a record of Gong becomes a row of them without losing anything.

`schemas/<stream>.v<number>.json` holds the columns: an object is a struct, an array a list of its one element,
and a text the type of a value (`TYPES`). A published schema never changes; the next one has the next number.
What has no column, or does not fit its own, goes to the column `_extra`: an object of JSON pointers and values.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.jsonlines import encode

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "schemas"
CURRENT = {
    name: f"{name}.v1" for name in ("calls", "conversations", "deletions", "transcripts", "users", "logs")
}
EXTRA = "_extra"

# The name of a type, the fields of a struct, or the one element of a list.
Kind: TypeAlias = "str | dict[str, Kind] | list[Kind]"


@cache
def columns_of(name: str) -> dict[str, Kind]:
    """Read the columns of a schema, such as `calls.v1`."""
    file = FOLDER / f"{name}.json"
    if file.parent != FOLDER or not file.is_file():
        raise GongConfigurationError(
            f"The export was written with the schema {name!r}, which this version of airflow-provider-gong does "
            "not know. Upgrade the package."
        )
    columns: dict[str, Kind] = json.loads(file.read_bytes())["columns"]
    return columns


class MisfitError(ValueError):
    """A value that its column cannot hold."""


def _string(value: Any) -> str:
    if type(value) is not str:
        raise MisfitError
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise MisfitError
    return value


def _int64(value: Any) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise MisfitError
    return value


def _double(value: Any) -> float:
    if type(value) is float:
        return value
    # A whole number that a double would round is not the same number any more.
    if type(value) is not int or abs(value) > 2**53:
        raise MisfitError
    return float(value)


def _timestamp(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_string(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise MisfitError from None


def _json(value: Any) -> str:
    return encode(value).decode()


TYPES: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "int64": _int64,
    "double": _double,
    "timestamp": _timestamp,
    "json": _json,
}


def fit(record: dict[str, Any], columns: dict[str, Kind]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the row of a record, and what of it has no column: JSON pointers and values."""
    extra: dict[str, Any] = {}
    fields = {name: kind for name, kind in columns.items() if name != EXTRA}
    row = _fit_struct(record, fields, "", extra)
    row[EXTRA] = _json(extra) if extra else None
    return row, extra


def _fit(value: Any, kind: Kind, place: str, extra: dict[str, Any]) -> Any:
    if value is None:
        return None
    try:
        if isinstance(kind, str):
            return TYPES[kind](value)
        if isinstance(kind, dict) and isinstance(value, dict):
            return _fit_struct(value, kind, place, extra)
        if isinstance(kind, list) and isinstance(value, list):
            return [_fit(one, kind[0], f"{place}/{number}", extra) for number, one in enumerate(value)]
        raise MisfitError
    except MisfitError:
        extra[place] = value
        return None


def _fit_struct(
    value: dict[str, Any], fields: dict[str, Kind], place: str, extra: dict[str, Any]
) -> dict[str, Any]:
    row = {}
    for name, one in value.items():
        if name in fields:
            row[name] = _fit(one, fields[name], f"{place}/{name}", extra)
        else:
            extra[f"{place}/{_escaped(name)}"] = one
    return row


def restore(row: dict[str, Any], columns: dict[str, Kind]) -> dict[str, Any]:
    """Return the record of a row: what Gong left out is null, times are in UTC."""
    record = {name: _restored(row[name], kind) for name, kind in columns.items()}
    for pointer, value in (record.pop(EXTRA) or {}).items():
        _put(record, pointer, value)
    return record


def _restored(value: Any, kind: Kind) -> Any:
    if value is None or kind in ("string", "int64", "double", "boolean"):
        return value
    if isinstance(kind, dict):
        return {name: _restored(value[name], one) for name, one in kind.items()}
    if isinstance(kind, list):
        return [_restored(one, kind[0]) for one in value]
    return json.loads(value) if kind == "json" else value.isoformat().replace("+00:00", "Z")


def _put(record: Any, pointer: str, value: Any) -> None:
    *way, last = (_unescaped(key) for key in pointer.split("/")[1:])
    for key in way:
        record = record[int(key)] if isinstance(record, list) else record[key]
    record[int(last) if isinstance(record, list) else last] = value


def _escaped(name: str) -> str:
    """Write a name as RFC 6901 wants it in a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")
