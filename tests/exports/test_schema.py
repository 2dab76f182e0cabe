"""The schemas: what Gong documents has a column, and what has none is kept."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.schema import CURRENT, EXTRA, FOLDER, TYPES, columns_of, fit, restore
from tests.contract.facts import operation, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.exports.schema import Kind

RECORDS = {
    "calls": ("POST /v2/calls/extensive", "calls"),
    "transcripts": ("POST /v2/calls/transcript", "callTranscripts"),
    "users": ("GET /v2/users", "users"),
    "logs": ("GET /v2/logs", "logEntries"),
}
# Exports never hold media URLs.
LEFT_OUT = {"/media"}
# Ours, not Gong's.
ADDED = {"/_extra", "/_id"}
# Gong's document calls these no more than texts; its help pages and its replies have times there.
TIMES = {"/created", "/eventTime"}
FITTING = {"integer": "int64", "number": "double", "boolean": "boolean", "string": "string"}


def documented(stream: str) -> dict[str, str]:
    """Return the place of each value that Gong documents for a record, and the type that fits it."""
    name, key = RECORDS[stream]
    record = resolve(operation(name).reply_schema)["properties"][key]["items"]
    return dict(_documented(record, ""))


def _documented(schema: dict[str, Any], place: str) -> Any:
    schema = resolve(schema)
    kind = schema.get("type", "object")
    if place in LEFT_OUT:
        return
    if kind == "array":
        yield from _documented(schema["items"], f"{place}/*")
    elif kind == "object" and "properties" in schema:
        for name, one in schema["properties"].items():
            yield from _documented(one, f"{place}/{name}")
    elif kind == "object":
        yield place, "json"
    else:
        is_time = schema.get("format") == "date-time" or place in TIMES
        yield place, "timestamp" if is_time else FITTING[kind]


def shipped(kind: Kind, place: str = "") -> dict[str, str]:
    """Return the place of each value that a schema has a column for, and its type."""
    if isinstance(kind, str):
        return {place: kind}
    inner = [("*", one) for one in kind] if isinstance(kind, list) else list(kind.items())
    return {key: value for name, one in inner for key, value in shipped(one, f"{place}/{name}").items()}


@pytest.mark.parametrize(
    "stream", sorted(CURRENT.keys() - {"conversations", "deletions"})
)  # which are our own
def test_every_documented_field_has_a_column_of_a_fitting_type(stream: str) -> None:
    columns = shipped(columns_of(CURRENT[stream]))
    assert {place: kind for place, kind in columns.items() if place not in ADDED} == documented(stream)
    assert columns["/_extra"] == "json"
    assert (stream == "logs") == ("/_id" in columns)


def test_every_file_is_a_schema_that_names_itself_and_known_types() -> None:
    names = {file.stem for file in FOLDER.iterdir()}
    assert set(CURRENT.values()) <= names
    for name in names:
        body = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        assert body.keys() == {"gong_schema", "columns"}
        assert body["gong_schema"] == name
        assert set(shipped(body["columns"]).values()) <= TYPES.keys()


def test_the_page_about_exports_has_every_schema_and_every_type() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "exports.md").read_text(encoding="utf-8")
    section = page.partition("\n## Parquet\n")[2].partition("\n## ")[0]
    shown = set(re.findall(r"`([a-z0-9.]+)`", section))
    assert {*CURRENT.values(), *TYPES} <= shown


@pytest.mark.parametrize("name", ["calls.v99", "../schema", "", "calls"])
def test_schema_of_a_later_version_is_refused_with_the_mend(name: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"does not know\. Upgrade the package\.$"):
        columns_of(name)


COLUMNS: dict[str, Kind] = {
    "text": "string",
    "whole": "int64",
    "number": "double",
    "flag": "boolean",
    "time": "timestamp",
    "free": "json",
    "inner": {"text": "string"},
    "many": [{"text": "string", "words": ["string"]}],
    EXTRA: "json",
}
NOTHING = dict.fromkeys(name for name in COLUMNS if name != EXTRA)


def filled(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a file gives it back: null where it says nothing."""

    def fill(value: Any, kind: Kind) -> Any:
        if isinstance(kind, dict) and value is not None:
            return {name: fill(value.get(name), one) for name, one in kind.items()}
        return (
            [fill(one, kind[0]) for one in value] if isinstance(kind, list) and value is not None else value
        )

    result: dict[str, Any] = fill(row, COLUMNS)
    return result


def back(record: dict[str, Any]) -> dict[str, Any]:
    return restore(filled(fit(record, COLUMNS)[0]), COLUMNS)


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("text", "", ""),
        ("whole", 2**63 - 1, 2**63 - 1),
        ("whole", -(2**63), -(2**63)),
        ("whole", 5.0, 5),
        ("number", 5, 5.0),
        ("number", 2**53, 2.0**53),
        ("flag", False, False),
        ("free", {"a": [1, None]}, '{"a":[1,null]}'),
        ("free", "Zoë", '"Zoë"'),
        ("free", 12345678901234567890123, "12345678901234567890123"),
        ("inner", {}, {}),
        ("many", [], []),
        ("many", [None], [None]),
        ("text", None, None),
        ("free", None, None),
    ],
)
def test_value_that_fits_stands_in_its_column(name: str, value: Any, held: Any) -> None:
    row, extra = fit({name: value}, COLUMNS)
    assert (row[name], type(row[name]), row[EXTRA], extra) == (held, type(held), None, {})
    assert back({name: value}) == NOTHING | {name: filled({name: held})[name] if name != "free" else value}


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-01-01T10:00:00.277+02:00", datetime(2026, 1, 1, 8, 0, 0, 277_000, tzinfo=UTC)),
        ("2026-01-01T10:00:00Z", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01T10:00:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01T10:00:00.1234567Z", datetime(2026, 1, 1, 10, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_times_are_moments_in_utc(given: str, moment: datetime) -> None:
    assert fit({"time": given}, COLUMNS) == ({"time": moment, EXTRA: None}, {})
    said = back({"time": given})["time"]
    assert said.endswith("Z")
    assert datetime.fromisoformat(said) == moment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 5),
        ("text", {"a": 1}),
        ("whole", 2**63),
        ("whole", -(2**63) - 1),
        ("whole", 5.5),
        ("whole", "5"),
        ("whole", True),
        ("number", "5"),
        ("number", 2**53 + 1),
        ("number", 10**400),
        ("flag", 1),
        ("time", "soon"),
        ("time", ""),
        ("time", 1_700_000_000),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("time", "2026-02-30T00:00:00Z"),
        ("inner", "text"),
        ("inner", []),
        ("many", {"text": "a"}),
    ],
)
def test_value_that_does_not_fit_goes_to_the_extra_column(name: str, value: Any) -> None:
    row, extra = fit({name: value}, COLUMNS)
    assert row[name] is None
    assert extra == json.loads(row[EXTRA]) == {f"/{name}": value}
    assert back({name: value}) == NOTHING | {name: value}


def test_unknown_fields_at_any_place_are_kept_with_their_place() -> None:
    record = {
        "new": {"deep": [1]},
        "gone": None,
        "a/b~c": 1,
        "_extra": "a field of this name that Gong adds",
        "inner": {"text": "a", "new": 1.5},
        "many": [{"text": "b", "words": ["c", 4, None]}, 7, {"new": [], "~1": {}}],
    }
    row, extra = fit(record, COLUMNS)
    assert extra == {
        "/new": {"deep": [1]},
        "/gone": None,
        "/a~1b~0c": 1,
        "/_extra": "a field of this name that Gong adds",
        "/inner/new": 1.5,
        "/many/0/words/1": 4,
        "/many/1": 7,
        "/many/2/new": [],
        "/many/2/~01": {},
    }
    assert json.loads(row[EXTRA]) == extra
    many = [
        {"text": "b", "words": ["c", 4, None]},
        7,
        {"text": None, "words": None, "new": [], "~1": {}},
    ]
    assert back(record) == NOTHING | record | {"many": many}
