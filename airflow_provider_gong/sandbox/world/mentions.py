"""In which calls a person appears: by address or number, however it is written."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Participant, cast


@dataclass(frozen=True)
class Subject:
    """Whoever has an address or a number; make it with `of_address` or `of_number`."""

    email_address: str | None = None
    """In lower case."""
    digits: str | None = None
    """Of the phone number."""

    @classmethod
    def of_address(cls, email_address: str) -> "Subject":
        """Return whoever has an address; case does not matter."""
        return cls(email_address=email_address.strip().lower())

    @classmethod
    def of_number(cls, phone_number: str) -> "Subject":
        """Return whoever has a phone number; only digits matter."""
        return cls(digits=_digits(phone_number))

    def matches(self, person: Participant) -> bool:
        """Tell whether a person is meant."""
        return self in _subjects(person)


class Mentions:
    """Know the calls of each person.

    Who takes part in a call is drawn when somebody asks, so the first question takes a while: all calls
    are gone through. Later ones go through the calls that are new; a host who was exchanged in between
    is not noticed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._calls: defaultdict[Subject, list[Call]] = defaultdict(list)

    def among(self, calls: Iterable[Call], subject: Subject) -> list[Call]:
        """Return those of all calls in which somebody appears."""
        with self._lock:
            for call in calls:
                if call.id not in self._seen:
                    self._note(call)
            return list(self._calls.get(subject, ()))

    def _note(self, call: Call) -> None:
        self._seen.add(call.id)
        for subject in {one for person in cast(call).participants for one in _subjects(person)}:
            self._calls[subject].append(call)


def _subjects(person: Participant) -> Iterator[Subject]:
    if person.email:
        yield Subject.of_address(person.email)
    if person.phone:
        yield Subject.of_number(person.phone)


def _digits(phone_number: str) -> str:
    return "".join(letter for letter in phone_number if letter in "0123456789")
