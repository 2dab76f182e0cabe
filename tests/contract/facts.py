"""What Gong's OpenAPI document says, as read from `gong_facts.json`, and how to hold a value against it.

`violations(schema, value)` names all that a schema does not allow; `operation("GET /v2/calls")` returns the
facts of an operation, with `query`, `path` and `body_schema` for requests and `reply_schema` for replies.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "gong_facts.json"

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a path or query."""

    name: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Operation:
    """The facts of one operation."""

    name: str
    """Method and path, for instance `GET /v2/calls/{id}`."""
    operation_id: str
    scopes: tuple[str, ...]
    path: dict[str, Parameter]
    query: dict[str, Parameter]
    body_schema: Schema | None
    body_media_type: str | None
    success: int
    reply_schema: Schema
    errors: tuple[int, ...]

    @property
    def is_paged(self) -> bool:
        """Tell whether replies say how many records there are."""
        return "records" in resolve(self.reply_schema).get("properties", {})


@cache
def operations() -> dict[str, Operation]:
    """Return all operations by their names."""
    return {name: _operation(name, facts) for name, facts in _facts()["operations"].items()}


def operation(name: str) -> Operation:
    """Return one operation, by method and path."""
    return operations()[name]


def resolve(schema: Schema) -> Schema:
    """Follow the name of a schema."""
    named: Schema = _facts()["schemas"][schema["schema"]] if "schema" in schema else schema
    return named


def violations(schema: Schema, value: Any, where: str = "", *, nullable: bool = False) -> Iterator[str]:
    """Yield what a value has that its schema does not allow.

    `nullable` accepts null anywhere: replies recorded from Gong have it for what is absent, although the
    document never says so.
    """
    schema = resolve(schema)
    place = where or "the value"
    if value is None and nullable:
        return
    kind = schema.get("type", "object")
    if kind == "object" and "properties" not in schema:
        return  # Free in form.
    if not _is(kind, value):
        yield f"{place} is {type(value).__name__}, not {kind}"
    elif "enum" in schema and value not in _choices(schema):
        yield f"{place} is {value!r}, not one of {schema['enum']}"
    elif kind == "object":
        yield from _violations_of_object(schema, value, where, nullable)
    elif kind == "array":
        for number, item in enumerate(value):
            yield from violations(schema["items"], item, f"{where}[{number}]", nullable=nullable)


def _choices(schema: Schema) -> list[str]:
    # Where the document has all words of an enumeration in one string, blanks stand between them.
    return [word for text in schema["enum"] for word in text.split(", ")]


def _violations_of_object(schema: Schema, value: dict[str, Any], where: str, nullable: bool) -> Iterator[str]:
    properties = schema["properties"]
    for name in schema.get("required", []):
        if value.get(name) is None:
            yield f"{where}.{name} is required"
    for name, one in value.items():
        if name in properties:
            yield from violations(properties[name], one, f"{where}.{name}", nullable=nullable)
        else:
            yield f"{where}.{name} is unknown to Gong"


def _is(kind: str, value: Any) -> bool:
    # In Python a bool is an int, in JSON it is not.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return facts


def _operation(name: str, facts: dict[str, Any]) -> Operation:
    body = facts.get("body", {})
    status, reply = sorted(facts["replies"].items())[0]
    return Operation(
        name=name,
        operation_id=facts["operationId"],
        scopes=tuple(facts["scopes"]),
        path=_parameters(facts, "path"),
        query=_parameters(facts, "query"),
        body_schema=body.get("schema"),
        body_media_type=body.get("mediaType"),
        success=int(status),
        reply_schema=reply["schema"],
        errors=tuple(int(error) for error in facts["errors"]),
    )


def _parameters(facts: dict[str, Any], where: str) -> dict[str, Parameter]:
    found = [one for one in facts["parameters"] if one["in"] == where]
    return {one["name"]: Parameter(one["name"], one["required"], one["schema"]) for one in found}
