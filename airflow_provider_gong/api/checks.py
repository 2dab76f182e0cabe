"""Checks of arguments: what is wrong is told all at once, by its place and never by a person's data."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

from airflow_provider_gong.api.encode import wire_datetime, wire_id
from airflow_provider_gong.exceptions import GongConfigurationError

log = logging.getLogger(__name__)

Check = Callable[[Any, str], Iterator[str]]
"""Yields a sentence about each thing that is wrong with a value; the second argument names its place."""

# A list may have thousands of entries, each wrong in the same way.
MOST_PROBLEMS = 20

ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


class Problems:
    """What is wrong with the arguments of one request, some twenty things at most."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def add(self, sentences: Iterable[str]) -> None:
        """Remember sentences that name a problem and its mend."""
        self._sentences += islice(sentences, MOST_PROBLEMS + 1 - len(self._sentences))

    def inspect(self, given: Mapping[str, Any], checks: Mapping[str, Check]) -> None:
        """Remember what checks say of the arguments that were given."""
        for name, check in checks.items():
            if name in given:
                self.add(check(given[name], name))

    def converted(
        self, given: Mapping[str, Any], convert: Callable[[Any, str], str], *names: str
    ) -> dict[str, str]:
        """Return those of some arguments that can be converted, and remember what is wrong with the others."""
        done: dict[str, str] = {}
        for name in names:
            if name in given:
                with self.collected():
                    done[name] = convert(given[name], name)
        return done

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Remember what is raised meanwhile, instead of ending at the first problem."""
        try:
            yield
        except GongConfigurationError as error:
            self.add([str(error)])

    def tell(self) -> None:
        """Raise all of them together, if there are any.

        :raises GongConfigurationError: naming each argument that must be mended.
        """
        if self._sentences:
            more = ["And more."] if len(self._sentences) > MOST_PROBLEMS else []
            raise GongConfigurationError(" ".join(self._sentences[:MOST_PROBLEMS] + more))


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


def an_id(value: Any, where: str) -> Iterator[str]:
    """Check for one identifier, without showing it."""
    try:
        wire_id(value, where)
    except GongConfigurationError:
        yield (
            f"{where} is not an identifier of Gong: give its digits as text, such as '7782342274025937895'."
        )


def a_text(*, most: int) -> Check:
    """Return the check for a text of limited length."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{where} is {type(value).__name__}, not text: put it in quotes."
        elif len(value) > most:
            yield f"{where} has {len(value)} characters, and Gong takes {most}: shorten it."

    return check


def one_of(*choices: str, shown: bool = False) -> Check:
    """Return the check for one of a few words.

    :param shown: whether the wrong word is told; not where it might be out of place and about a person.
    """

    def check(value: Any, where: str) -> Iterator[str]:
        if value not in choices:
            given = f"={value!r}" if shown else ""
            yield f"{where}{given} is unknown: use one of {', '.join(choices)}."

    return check


def an_object(value: Any, where: str) -> Iterator[str]:
    """Check for an object."""
    if not isinstance(value, Mapping):
        yield _another_kind(value, where, "an object: give Gong's keys and their values")


def list_of(item: Check) -> Check:
    """Return the check for a list, each entry of which is checked."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield _another_kind(value, where, "a list: give a list, even of one")
            return
        for number, one in enumerate(value):
            yield from item(one, f"{where}[{number}]")

    return check


def _another_kind(value: Any, where: str, wanted: str) -> str:
    hint = ", as text in JSON (use the tojson filter)" if isinstance(value, str) else ""
    return f"{where} is {type(value).__name__}, not {wanted}{hint}."


def record(
    fields: Mapping[str, Check] | None = None, *, required: Collection[str] = (), keys: Collection[str] = ()
) -> Check:
    """Return the check for an object; Gong takes null for an absent key and accepts keys it does not know.

    :param fields: checks of what some keys hold.
    :param required: keys that must hold something.
    :param keys: other keys of Gong's, so that misspelt ones are noticed.
    """
    inspected = fields or {}
    known = (*inspected, *required, *keys)

    def check(value: Any, where: str) -> Iterator[str]:
        yield from an_object(value, where)
        if not isinstance(value, Mapping):
            return
        misspelt = _misspelt(value, known)
        yield from (f"{where} has {key}: Gong's key is {right}." for right, key in misspelt.items())
        absent = [name for name in required if _is_nothing(value.get(name))]
        yield from (
            f"{where}.{name} is missing: Gong requires it." for name in absent if name not in misspelt
        )
        for name, inspect in inspected.items():
            if name not in absent and value.get(name) is not None:
                yield from inspect(value[name], f"{where}.{name}")

    return check


def _misspelt(value: Mapping[str, Any], known: Iterable[str]) -> dict[str, str]:
    """Return the keys in another spelling than Gong's, each by the right one."""
    spellings = {_snake_case(key): key for key in known}
    rights = {key: spellings.get(_snake_case(str(key))) for key in value}
    return {right: key for key, right in rights.items() if right is not None and right != key}


def _snake_case(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).replace("-", "_").lower()


def _is_nothing(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


SYSTEM = one_of("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
LINKED_OBJECT = record(required=("objectType", "objectId"))

contexts = list_of(record({"system": SYSTEM, "objects": list_of(LINKED_OBJECT)}, required=("system",)))
"""Check for links to objects of other systems, such as a CRM."""
