"""Checks of arguments: what is wrong is told all at once, by its place and never by a person's data."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from airflow_provider_gong.api.encode import wire_datetime
from airflow_provider_gong.exceptions import GongConfigurationError

log = logging.getLogger(__name__)

Check = Callable[[Any, str], Iterator[str]]
"""Yields a sentence about each thing that is wrong with a value; the second argument names its place."""

ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


class Problems:
    """What is wrong with the arguments of one request."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def add(self, sentences: Iterable[str]) -> None:
        """Remember sentences that name a problem and its mend."""
        self._sentences += sentences

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Remember what is raised meanwhile, instead of ending at the first problem."""
        try:
            yield
        except GongConfigurationError as error:
            self._sentences.append(str(error))

    def tell(self) -> None:
        """Raise all of them together, if there are any.

        :raises GongConfigurationError: naming each argument that must be mended.
        """
        if self._sentences:
            raise GongConfigurationError(" ".join(self._sentences))


def wire_moment(value: datetime | str, argument: str) -> str:
    """Return a moment as `wire_datetime` does, and tell in the log when UTC had to be assumed."""
    text = wire_datetime(value, argument)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
    if moment.utcoffset() is None:
        log.warning(
            "%s has no offset from UTC and is taken as %s: write the offset to be sure", argument, text
        )
    return text


def present(arguments: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the arguments that say something: neither None nor blank, nor an empty list.

    :param kind: the TypedDict that describes them, which Python does not hold a call against by itself.
    """
    for name in arguments:
        if name not in kind.__annotations__:
            raise TypeError(f"{name} is no argument: use {', '.join(kind.__annotations__)}")
    return {name: value for name, value in arguments.items() if not _is_nothing(value)}


def missing(given: Mapping[str, Any], kind: type) -> Iterator[str]:
    """Yield a sentence for each argument that its TypedDict requires and that was not given."""
    required: frozenset[str] = kind.__required_keys__  # type: ignore[attr-defined]
    for name in kind.__annotations__:
        if name in required and name not in given:
            yield f"{name} is missing: Gong requires it."


def an_address(value: Any, where: str) -> Iterator[str]:
    """Check for an e-mail address, without showing it."""
    if not isinstance(value, str) or not ADDRESS.fullmatch(value):
        yield f"{where} is no e-mail address: give one such as 'name@example.com', without blanks and names."


def an_object(value: Any, where: str) -> Iterator[str]:
    """Check for an object."""
    if not isinstance(value, Mapping):
        yield f"{where} is {type(value).__name__}, not an object: give Gong's keys and their values."


def one_of(*choices: str) -> Check:
    """Return the check for one of a few words."""

    def check(value: Any, where: str) -> Iterator[str]:
        if value not in choices:
            yield f"{where} is unknown: use one of {', '.join(choices)}."

    return check


def list_of(item: Check) -> Check:
    """Return the check for a list, each entry of which is checked."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield f"{where} is {type(value).__name__}, not a list."
            return
        for number, one in enumerate(value):
            yield from item(one, f"{where}[{number}]")

    return check


def record(fields: Mapping[str, Check] | None = None, *, required: Collection[str] = ()) -> Check:
    """Return the check for an object; Gong takes null for an absent key and accepts keys it does not know."""

    def check(value: Any, where: str) -> Iterator[str]:
        yield from an_object(value, where)
        if not isinstance(value, Mapping):
            return
        yield from (
            f"{where}.{name} is missing: Gong requires it." for name in required if not _has(value, name)
        )
        for name, inspect in (fields or {}).items():
            if _has(value, name):
                yield from inspect(value[name], f"{where}.{name}")

    return check


def _has(value: Mapping[str, Any], name: str) -> bool:
    return not _is_nothing(value.get(name))


def _is_nothing(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


SYSTEM = one_of("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
LINKED_OBJECT = record(required=("objectType", "objectId"))

contexts = list_of(record({"system": SYSTEM, "objects": list_of(LINKED_OBJECT)}, required=("system",)))
"""Check for links to objects of other systems, such as a CRM."""
