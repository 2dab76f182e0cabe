"""Requests about meetings, and what is said of bad input."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider_gong.api import meetings
from airflow_provider_gong.exceptions import GongConfigurationError

MEETING: dict[str, Any] = {
    "start_time": "2026-02-01T10:00:00-05:00",
    "end_time": "2026-02-01T16:00:00Z",
    "organizer_email": "rep@example.com",
    "invitees": ["buyer@example.com"],
}
SENT = {
    "startTime": "2026-02-01T10:00:00-05:00",
    "endTime": "2026-02-01T16:00:00+00:00",
    "organizerEmail": "rep@example.com",
    "invitees": [{"email": "buyer@example.com"}],
}
LIST_IN_TEXT = "give a list, even of one, as text in JSON (use the tojson filter)."
NO_ADDRESS = "is no e-mail address: give one such as 'name@example.com', without blanks and names."


def refusal(*sentences: str) -> Any:
    return pytest.raises(GongConfigurationError, match=f"^{re.escape(' '.join(sentences))}$")


def test_smallest_meeting_has_what_gong_requires() -> None:
    request = meetings.create_meeting(**MEETING)
    assert (request.method, request.path, request.body) == ("POST", "/v2/meetings", SENT)


def test_whole_meeting_has_all_that_gong_knows() -> None:
    more = {"title": "Kick-off", "external_id": "outside-1", "provider": "zoom"}
    assert meetings.create_meeting(**MEETING, **more).body == SENT | {
        "title": "Kick-off",
        "externalId": "outside-1",
        "provider": "zoom",
    }


def test_invitees_may_be_addresses_and_objects() -> None:
    boss = {"email": "boss@example.com", "displayName": "The Boss", "firstName": None}
    invitees = ("buyer@example.com", boss)
    assert meetings.create_meeting(**MEETING | {"invitees": invitees}).body["invitees"] == [
        {"email": "buyer@example.com"},
        {"email": "boss@example.com", "displayName": "The Boss"},
    ]


def test_update_replaces_the_meeting_of_the_path() -> None:
    request = meetings.update_meeting(meeting_id="7782342274025937895", **MEETING)
    assert (request.method, request.path) == ("PUT", "/v2/meetings/7782342274025937895")
    assert request.body == SENT


@pytest.mark.parametrize(
    ("arguments", "body"),
    [({}, {}), ({"organizer_email": "rep@example.com"}, {"organizerEmail": "rep@example.com"})],
)
def test_delete_has_a_body_even_if_it_is_empty(arguments: Any, body: Any) -> None:
    request = meetings.delete_meeting(meeting_id="7", **arguments)
    assert (request.method, request.path, request.body) == ("DELETE", "/v2/meetings/7", body)


def test_status_is_asked_for_addresses_and_only_reads() -> None:
    request = meetings.get_meeting_integration_status(emails=("a@example.com", "b@example.com"))
    assert (request.method, request.path) == ("POST", "/v2/meetings/integration/status")
    assert request.body == {"emails": ["a@example.com", "b@example.com"]}
    assert request.endpoint.reads


@pytest.mark.parametrize("name", ["start_time", "end_time", "organizer_email", "invitees"])
@pytest.mark.parametrize("nothing", [None, "", []])
def test_what_gong_requires_is_named_when_it_is_missing(name: str, nothing: Any) -> None:
    with refusal(f"{name} is missing: Gong requires it."):
        meetings.create_meeting(**MEETING | {name: nothing})


@pytest.mark.parametrize("end", ["2026-02-01T10:00:00-05:00", "2026-02-01T14:59:59Z", "2026-02-01T11:00:00"])
def test_end_must_come_after_the_start_whatever_the_offsets(end: str) -> None:
    with pytest.raises(
        GongConfigurationError,
        match=r"^start_time='2026-02-01T10:00:00-05:00' is not before end_time='2026-02-01T1",
    ):
        meetings.create_meeting(**MEETING | {"end_time": end})


@pytest.mark.parametrize(
    ("invitees", "sentences"),
    [
        ("buyer@example.com", [f"invitees is str, not a list: {LIST_IN_TEXT}"]),
        ({"email": "buyer@example.com"}, ["invitees is dict, not a list: give a list, even of one."]),
        (["a@example.com", "Ann Secret"], [f"invitees[1] {NO_ADDRESS}"]),
        (["a@example.com", {"displayName": "Ann Secret"}], [f"invitees[1].email {NO_ADDRESS}"]),
        (
            [{"email": "Ann Secret"}, "", None],
            [f"invitees{at} {NO_ADDRESS}" for at in ("[0].email", "[1]", "[2]")],
        ),
    ],
)
def test_an_invitee_without_address_is_named_by_its_place_alone(invitees: Any, sentences: list[str]) -> None:
    with refusal(*sentences):
        meetings.create_meeting(**MEETING | {"invitees": invitees})


def test_all_problems_are_told_at_once() -> None:
    with refusal(
        "meeting_id='a b' is not an identifier of Gong: give its digits as text, such as '7782342274025937895'.",
        "end_time is missing: Gong requires it.",
        f"organizer_email {NO_ADDRESS}",
        f"invitees[0] {NO_ADDRESS}",
        "start_time='soon' is not a date and time: give a datetime or ISO 8601 text "
        "such as 2026-01-31T08:00:00+00:00.",
    ):
        meetings.update_meeting(
            meeting_id="a b",
            start_time="soon",
            end_time="",
            organizer_email="Ann Secret",
            invitees=["Bob Secret"],
        )


def test_delete_names_all_problems_and_no_address() -> None:
    with refusal(
        "meeting_id='' is not an identifier of Gong: give its digits as text, such as '7782342274025937895'.",
        f"organizer_email {NO_ADDRESS}",
    ):
        meetings.delete_meeting(meeting_id="", organizer_email="Ann Secret")


@pytest.mark.parametrize("count", [0, 101])
def test_status_is_for_a_hundred_at_most(count: int) -> None:
    with refusal(f"emails has {count} entries: give a list of 1 to 100 addresses of users."):
        meetings.get_meeting_integration_status(emails=[f"{number}@example.com" for number in range(count)])


def test_status_wants_a_list() -> None:
    with refusal(f"emails is str, not a list: {LIST_IN_TEXT}"):
        meetings.get_meeting_integration_status(emails="a@example.com")


def test_status_of_a_hundred_is_asked_at_once() -> None:
    emails = [f"{number}@example.com" for number in range(100)]
    assert meetings.get_meeting_integration_status(emails=emails).body == {"emails": emails}


def test_status_names_the_place_of_what_is_no_address() -> None:
    with refusal(f"emails[1] {NO_ADDRESS}"):
        meetings.get_meeting_integration_status(emails=["a@example.com", "Ann Secret"])


def test_an_unknown_argument_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match=r"^subject is no argument: use start_time, end_time, "):
        meetings.create_meeting(**MEETING | {"subject": "Kick-off"})
