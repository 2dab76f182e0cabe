"""What bodies must look like: a check for each field, and one message for each that does not fit.

All messages come at once and follow the pattern of the one that is recorded, `parties: must not be null`;
the wording of the others is not established. Fields that Gong does not know are accepted, as recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_gong.sandbox.replies import Refusal
from airflow_provider_gong.sandbox.routes.inputs import read_datetime

Check = Callable[[Any, str], Iterator[str]]
"""Yields messages about a value; the second argument names its place."""


def check_body(body: Mapping[str, Any], check: Check) -> None:
    """Refuse a body that does not fit."""
    messages = list(check(body, ""))
    if messages:
        raise Refusal(400, *messages)


def text(value: Any, where: str) -> Iterator[str]:
    """Check for a string."""
    if not isinstance(value, str):
        yield f"{where}: must be a string"


def moment(value: Any, where: str) -> Iterator[str]:
    """Check for a date and time with an offset."""
    try:
        read_datetime({where: value}, where)
    except Refusal as refusal:
        yield from refusal.messages


def one_of(*choices: str) -> Check:
    """Check for one of several words."""

    def check(value: Any, where: str) -> Iterator[str]:
        if value not in choices:
            yield f"{where}: must be one of {', '.join(choices)}"

    return check


def list_of(item: Check) -> Check:
    """Check each item of a list."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where}: must be a list"
            return
        for number, one in enumerate(value):
            yield from item(one, f"{where}[{number}]")

    return check


def record(fields: Mapping[str, Check], *, required: Iterable[str] = ()) -> Check:
    """Check the fields of an object; null is the same as none."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{where}: must be an object"
            return
        prefix = f"{where}." if where else ""
        yield from (f"{prefix}{name}: must not be null" for name in required if value.get(name) is None)
        for name, inspect in fields.items():
            if value.get(name) is not None:
                yield from inspect(value[name], f"{prefix}{name}")

    return check
