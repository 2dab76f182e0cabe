"""Checks of arguments: what they let pass, what they say, and what they never show."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypedDict

import pytest

from airflow_provider_gong.api.checks import (
    MOST_PROBLEMS,
    Check,
    Problems,
    a_text,
    an_address,
    an_id,
    contexts,
    list_of,
    missing,
    one_of,
    present,
    record,
    wire_moment,
)
from airflow_provider_gong.exceptions import GongConfigurationError


class Required(TypedDict):
    name: str
    people: list[str]


class Example(Required, total=False):
    note: str | None


def test_problems_are_told_together_in_the_order_found() -> None:
    problems = Problems()
    problems.add(["One is wrong.", "Two is wrong."])
    with problems.collected():
        raise GongConfigurationError("Three is wrong.")
    with pytest.raises(GongConfigurationError, match=r"^One is wrong\. Two is wrong\. Three is wrong\.$"):
        problems.tell()


def test_no_problems_are_no_error() -> None:
    problems = Problems()
    with problems.collected():
        problems.add([])
    problems.tell()


@pytest.mark.parametrize(
    ("number", "more"), [(MOST_PROBLEMS, False), (MOST_PROBLEMS + 1, True), (5000, True)]
)
def test_some_twenty_problems_are_told(number: int, more: bool) -> None:
    told = [*(f"One of {one}." for one in range(number - 1)), "The last."]
    problems = Problems()
    problems.add(told[:-1])
    with problems.collected():
        raise GongConfigurationError("The last.")
    with pytest.raises(GongConfigurationError) as caught:
        problems.tell()
    assert str(caught.value) == " ".join(told[:MOST_PROBLEMS] + ["And more."] * more)


def test_no_more_problems_are_looked_for_than_are_told() -> None:
    problems = Problems()
    for _ in range(2):
        problems.add(f"One of {number}." for number in count())
        with problems.collected():
            raise GongConfigurationError("Another.")
    with pytest.raises(GongConfigurationError, match=r"^One of 0\. .* One of 19\. And more\.$"):
        problems.tell()


def test_arguments_that_were_given_are_inspected_and_converted() -> None:
    problems = Problems()
    given = {"start": "2026-01-31T08:00:00Z", "end": "soon", "kind": "c"}
    problems.inspect(given, {"kind": one_of("a", "b"), "other": one_of("a")})
    sent = {"start": "2026-01-31T08:00:00+00:00"}
    assert problems.converted(given, wire_moment, "start", "end", "another") == sent
    with pytest.raises(
        GongConfigurationError, match=r"^kind is unknown: use one of a, b\. end='soon' is not a date"
    ):
        problems.tell()


def test_only_our_errors_are_collected() -> None:
    with pytest.raises(ZeroDivisionError), Problems().collected():
        raise ZeroDivisionError


@pytest.mark.parametrize("nothing", [None, "", "  ", []])
def test_what_says_nothing_is_missing(nothing: Any) -> None:
    given = present({"name": nothing, "people": nothing, "note": nothing}, Example)
    assert given == {}
    assert list(missing(given, Example)) == [
        "name is missing: Gong requires it.",
        "people is missing: Gong requires it.",
    ]


def test_what_says_something_is_present() -> None:
    given = {"name": "0", "people": ["one"], "note": "x"}
    assert present(given, Example) == given
    assert list(missing(given, Example)) == []


def test_an_argument_that_nobody_declared_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^nmae is no argument: use name, people, note$"):
        present({"nmae": None}, Example)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        (" 2026-01-31 08:00 ", "2026-01-31T08:00:00+00:00"),
        (datetime(2026, 1, 31, 8), "2026-01-31T08:00:00+00:00"),  # noqa: DTZ001 - on purpose
    ],
)
def test_a_moment_without_an_offset_is_utc_and_told(
    value: datetime | str, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert wire_moment(value, "start_time") == sent
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"start_time has no offset from UTC and is taken as {sent}: write the offset to be sure"
    )


@pytest.mark.parametrize(
    "value",
    ["2026-01-31T08:00:00Z", "2026-01-31 10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)],
)
def test_a_moment_with_an_offset_is_sent_without_a_word(
    value: datetime | str, caplog: pytest.LogCaptureFixture
) -> None:
    assert datetime.fromisoformat(wire_moment(value, "start_time")) == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert caplog.records == []


@pytest.mark.parametrize(
    "value", ["ann@example.com", "ann.o'neil+x@mail.example.com", "müller@bücher.example"]
)
def test_addresses_pass(value: str) -> None:
    assert list(an_address(value, "email")) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        7,
        "ann",
        "@example.com",
        "ann@",
        "a@b@c",
        " ann@example.com",
        "Ann <ann@example.com>",
        "ann@example.com;bob@example.com",
    ],
)
def test_what_is_no_address_is_not_shown(value: Any) -> None:
    assert list(an_address(value, "invitees[3].email")) == [
        "invitees[3].email is no e-mail address: give one such as 'name@example.com', without blanks and names."
    ]


A_RECORD = record({"kind": one_of("a", "b")}, required=("kind", "id"))


@pytest.mark.parametrize(
    ("check", "value", "sentences"),
    [
        (one_of("a", "b"), "b", []),
        (one_of("a", "b"), "secret", ["x is unknown: use one of a, b."]),
        (one_of("a", "b", shown=True), "c", ["x='c' is unknown: use one of a, b."]),
        (one_of("a", "b"), ["a"], ["x is unknown: use one of a, b."]),
        (A_RECORD, {"kind": "a", "id": 0, "other": 1}, []),
        (
            A_RECORD,
            {"kind": None, "id": " "},
            [f"x.{key} is missing: Gong requires it." for key in ("kind", "id")],
        ),
        (A_RECORD, {"kind": "", "id": "7"}, ["x.kind is missing: Gong requires it."]),
        (A_RECORD, {"kind": "c", "id": "7"}, ["x.kind is unknown: use one of a, b."]),
        (
            A_RECORD,
            "secret",
            [
                "x is str, not an object: give Gong's keys and their values, as text in JSON (use the tojson filter)."
            ],
        ),
        (
            list_of(A_RECORD),
            "secret",
            ["x is str, not a list: give a list, even of one, as text in JSON (use the tojson filter)."],
        ),
        (an_id, "234599484848423", []),
        (an_id, 234599484848423, []),
        (
            an_id,
            "ann@example.com",
            ["x is not an identifier of Gong: give its digits as text, such as '7782342274025937895'."],
        ),
        (a_text(most=3), "abc", []),
        (a_text(most=3), "secret", ["x has 6 characters, and Gong takes 3: shorten it."]),
        (a_text(most=3), 7, ["x is int, not text: put it in quotes."]),
        (record(keys=("userId",)), {"userId": 1, "user": 2, "user id": 3, 5: 6}, []),
        (
            record({"partyId": a_text(most=1)}, required=("objectType",), keys=("userId", "name")),
            {"party-id": "secret", "object_type": "secret", "UserID": "secret", "Name": "secret"},
            [
                "x has party-id: Gong's key is partyId.",
                "x has object_type: Gong's key is objectType.",
                "x has UserID: Gong's key is userId.",
                "x has Name: Gong's key is name.",
            ],
        ),
        (list_of(A_RECORD), ({"kind": "a", "id": "7"},), []),
        (list_of(A_RECORD), {"kind": "a", "id": "7"}, ["x is dict, not a list: give a list, even of one."]),
        (
            list_of(A_RECORD),
            [{"kind": "a", "id": "7"}, {"kind": "a"}, 5],
            [
                "x[1].id is missing: Gong requires it.",
                "x[2] is int, not an object: give Gong's keys and their values.",
            ],
        ),
        (contexts, [{"system": "Generic"}, {"system": "HubSpot", "objects": None}], []),
        (contexts, [{"system": "Salesforce", "objects": [{"objectType": "Lead", "objectId": "7"}]}], []),
        (
            contexts,
            [{"objects": [{"objectType": "Lead"}]}, {"system": "SAP", "objects": {}}],
            [
                "x[0].system is missing: Gong requires it.",
                "x[0].objects[0].objectId is missing: Gong requires it.",
                "x[1].system is unknown: use one of Salesforce, HubSpot, MicrosoftDynamic, Generic.",
                "x[1].objects is dict, not a list: give a list, even of one.",
            ],
        ),
    ],
)
def test_a_check_names_the_place_and_not_the_value(check: Check, value: Any, sentences: list[str]) -> None:
    assert list(check(value, "x")) == sentences
