"""What Gong accepts as a new call, what is said of all others, and how it goes on the wire."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_gong.api import calls, engagement
from airflow_provider_gong.api.checks import MOST_PROBLEMS
from airflow_provider_gong.exceptions import GongConfigurationError

HOST = "234599484848423"
CUSTOMER = {"name": "Jane Roe", "emailAddress": "jane@example.com", "phoneNumber": "+1 425 555 2671"}
REQUIRED: dict[str, Any] = {
    "client_unique_id": "dialer-173",
    "actual_start": "2026-01-31T09:30:00-05:00",
    "parties": [{"userId": HOST}, CUSTOMER],
    "direction": "Outbound",
    "primary_user": HOST,
}
NO_HOST = "parties has no party whose userId is primary_user: add one for the user who hosted the call."
TIMELINE = {"speechSegments": [{"fromTime": 0, "toTime": 900, "partyIds": ["a"]}]}


def create(**arguments: Any) -> Any:
    return calls.create_call(**(REQUIRED | arguments)).body


def problems(**arguments: Any) -> list[str]:
    with pytest.raises(GongConfigurationError) as caught:
        create(**arguments)
    return re.split(r"(?<=\.) ", str(caught.value))


def segments(*given: Any) -> dict[str, Any]:
    return {"speechSegments": list(given)}


def speakers(*given: Any) -> dict[str, Any]:
    """Return the arguments of a call with a timeline, whose parties are called a and b."""
    parties = [{"userId": HOST, "partyId": "a"}, {"partyId": "b"}]
    return {"parties": parties, "speakers_timeline": segments(*given)}


# What is sent


def test_the_smallest_call_has_the_five_required_fields() -> None:
    assert create() == {
        "clientUniqueId": "dialer-173",
        "actualStart": "2026-01-31T09:30:00-05:00",
        "parties": [{"userId": HOST}, CUSTOMER],
        "direction": "Outbound",
        "primaryUser": HOST,
    }


def test_every_argument_has_its_field() -> None:
    link = [{"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": "001"}]}]
    sent = create(
        parties=[{"userId": HOST, "partyId": "a", "context": link}],
        scheduled_start="2026-01-31T14:30:00Z",
        scheduled_end=datetime(2026, 1, 31, 15, tzinfo=UTC),
        title="Renewal",
        purpose="Renew",
        duration=12.5,
        disposition="Reached",
        context=link,
        custom_data="x=1",
        speakers_timeline=TIMELINE | {"precise": True},
        meeting_url="https://meet.example.com/1",
        call_provider_code="zoom",
        download_media_url="https://files.example.com/1.mp3?signature=x",
        workspace_id="623457276584334",
        language_code="en-US",
        flow_task_id="77",
    )
    assert sent == {
        "clientUniqueId": "dialer-173",
        "actualStart": "2026-01-31T09:30:00-05:00",
        "parties": [{"userId": HOST, "partyId": "a", "context": link}],
        "direction": "Outbound",
        "primaryUser": HOST,
        "scheduledStart": "2026-01-31T14:30:00+00:00",
        "scheduledEnd": "2026-01-31T15:00:00+00:00",
        "title": "Renewal",
        "purpose": "Renew",
        "duration": 12.5,
        "disposition": "Reached",
        "context": link,
        "customData": "x=1",
        "speakersTimeline": TIMELINE | {"precise": True},
        "meetingUrl": "https://meet.example.com/1",
        "callProviderCode": "zoom",
        "downloadMediaUrl": "https://files.example.com/1.mp3?signature=x",
        "workspaceId": "623457276584334",
        "languageCode": "en-US",
        "flowContext": {"taskId": "77"},
    }


def test_ids_that_became_numbers_are_sent_as_text() -> None:
    sent = create(primary_user=int(HOST), parties=[{"userId": int(HOST), "partyId": 1}])
    assert sent["primaryUser"] == HOST
    assert sent["parties"] == [{"userId": HOST, "partyId": "1"}]


def test_keys_that_gong_does_not_document_pass() -> None:
    party = {"userId": HOST, "affiliation": "Internal", "speakerId": "5"}
    assert create(parties=[party])["parties"] == [party]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-01-31T09:30:00", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31 09:30", "2026-01-31T09:30:00+00:00"),
        (datetime(2026, 1, 31, 9, 30), "2026-01-31T09:30:00+00:00"),  # noqa: DTZ001 - the point of it
    ],
)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("actual_start", "actualStart"),
        ("scheduled_start", "scheduledStart"),
        ("scheduled_end", "scheduledEnd"),
    ],
)
def test_a_moment_without_offset_is_utc_and_its_argument_is_named_in_a_warning(
    caplog: pytest.LogCaptureFixture, given: Any, sent: str, name: str, key: str
) -> None:
    assert create(**{name: given})[key] == sent
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"{name} has no offset from UTC")


def test_a_moment_with_offset_keeps_it_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    start = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert create(actual_start=start)["actualStart"] == "2026-01-31T09:30:00-05:00"
    assert create(actual_start="2026-01-31T14:30:00Z")["actualStart"] == "2026-01-31T14:30:00+00:00"
    assert caplog.records == []


def test_the_limits_themselves_are_accepted() -> None:
    sent = create(client_unique_id="x" * 2048, purpose="x" * 255, disposition="x" * 255, duration=0)
    assert (len(sent["clientUniqueId"]), len(sent["purpose"]), sent["duration"]) == (2048, 255, 0)


def test_a_scheduled_end_at_the_start_is_accepted() -> None:
    create(scheduled_start="2026-01-31T09:00:00-05:00", scheduled_end="2026-01-31T14:00:00Z")


# What is refused


def test_everything_that_is_missing_is_named_at_once() -> None:
    found = problems(**dict.fromkeys(REQUIRED))
    assert found == [f"{name} is missing: Gong requires it." for name in REQUIRED]


def test_one_of_each_problem_is_named_at_once() -> None:
    found = problems(
        client_unique_id="x" * 2049,
        purpose="x" * 256,
        actual_start="yesterday",
        duration=-1,
        language_code="xx-XX",
        parties=[{"userId": HOST, "mediaChannelId": 2}],
    )
    assert len(found) == 6


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"client_unique_id": ""}, "client_unique_id is missing: Gong requires it."),
        (
            {"client_unique_id": "x" * 2049},
            "client_unique_id has 2049 characters, and Gong takes 2048: shorten it.",
        ),
        ({"purpose": "x" * 256}, "purpose has 256 characters, and Gong takes 255: shorten it."),
        ({"disposition": "x" * 300}, "disposition has 300 characters, and Gong takes 255: shorten it."),
        ({"client_unique_id": 173}, "client_unique_id is int, not text: put it in quotes."),
        ({"workspace_id": "a b"}, "workspace_id is not an identifier of Gong: give its digits as text"),
        ({"primary_user": None, "parties": [{"userId": HOST}]}, "primary_user is missing: Gong requires it."),
        ({"actual_start": "soon"}, "actual_start='soon' is not a date and time"),
        ({"scheduled_start": "31.01.2026"}, "scheduled_start='31.01.2026' is not a date and time"),
        ({"scheduled_end": 5}, "scheduled_end=5 is not a date and time"),
        (
            {"scheduled_start": "2026-01-31T09:00:00-05:00", "scheduled_end": "2026-01-31T13:59:00Z"},
            "scheduled_end='2026-01-31T13:59:00+00:00' lies before scheduled_start='2026-01-31T09:00:00-05:00'.",
        ),
        ({"direction": "outbound"}, "direction='outbound' is unknown: use one of Inbound, Outbound"),
        ({"language_code": "en-us"}, "language_code='en-us' is unknown: write en-US."),
        ({"duration": -0.1}, "duration=-0.1 is not a number of seconds"),
        ({"duration": float("nan")}, "duration=nan is not a number of seconds"),
        ({"duration": float("inf")}, "duration=inf is not a number of seconds"),
        ({"duration": True}, "duration=True is not a number of seconds"),
        ({"duration": "long"}, "duration='long' is not a number of seconds"),
    ],
)
def test_what_gong_would_refuse_is_named(arguments: dict[str, Any], problem: str) -> None:
    [found] = problems(**arguments)
    assert found.startswith(problem)


@pytest.mark.parametrize("host", ["rep@example.com", 1.5, True])
def test_a_primary_user_that_is_no_id_is_refused_and_not_shown(host: Any) -> None:
    assert problems(primary_user=host) == [
        "primary_user is not an identifier of Gong: give its digits as text, such as '7782342274025937895'.",
        NO_HOST,
    ]


@pytest.mark.parametrize(
    ("links", "sentences"),
    [
        ({"system": "Generic"}, [" is dict, not a list: give a list, even of one."]),
        ("CRM", [" is str, not a list: give a list, even of one, as text in JSON (use the tojson filter)."]),
        ([5], ["[0] is int, not an object: give Gong's keys and their values."]),
        ([{"objects": []}], ["[0].system is missing: Gong requires it."]),
        ([{"System": "Generic"}], ["[0] has System: Gong's key is system."]),
        (
            [{"system": "SAP"}],
            ["[0].system is unknown: use one of Salesforce, HubSpot, MicrosoftDynamic, Generic."],
        ),
        (
            [{"system": "HubSpot", "objects": [{"object_type": "Lead"}]}],
            [
                "[0].objects[0] has object_type: Gong's key is objectType.",
                "[0].objects[0].objectId is missing: Gong requires it.",
            ],
        ),
    ],
)
def test_links_of_calls_and_of_parties_are_checked_as_those_of_events(
    links: Any, sentences: list[str]
) -> None:
    moment = "2026-01-31T09:30:00-05:00"
    with pytest.raises(GongConfigurationError) as caught:
        engagement.report_custom_action(reporting_system="x", event_timestamp=moment, crm_context=links)
    assert str(caught.value) == " ".join(f"crm_context{sentence}" for sentence in sentences)
    assert problems(context=links) == [f"context{sentence}" for sentence in sentences]
    parties = [{"userId": HOST}, {"context": links}]
    assert problems(parties=parties) == [f"parties[1].context{sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("parties", "problem"),
    [
        (None, "parties is missing: Gong requires it."),
        ([], "parties is missing: Gong requires it."),
        ({"userId": HOST}, "parties is dict, not a list: give a list, even of one."),
        (
            "[{userId}]",
            "parties is str, not a list: give a list, even of one, as text in JSON (use the tojson",
        ),
        ("Jane", "parties is str, not a list: give a list"),
        ([{"userId": HOST}, "Jane"], "parties[1] is str, not an object: give Gong's keys"),
        ([CUSTOMER], NO_HOST),
        ([{"userId": "9"}], NO_HOST),
        ([{"userId": HOST, "mediaChannelId": 2}], "parties[0].mediaChannelId must be 0 (left) or 1 (right)"),
        ([{"userId": HOST, "mediaChannelId": "1"}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "mediaChannelId": ""}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "mediaChannelId": True}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "mediaChannelId": 1.0}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "context": [{"system": "X"}]}], "parties[0].context[0].system is unknown: use"),
        (
            [{"userId": HOST}, {"email_address": "j@x.y"}],
            "parties[1] has email_address: Gong's key is emailA",
        ),
        ([{"userId": HOST}, {"phone_number": "1"}], "parties[1] has phone_number: Gong's key is phoneNumber"),
        ([{"userId": HOST}, {"PartyId": "a"}], "parties[1] has PartyId: Gong's key is partyId"),
        ([{"userId": HOST, "media_channel_id": 0}], "parties[0] has media_channel_id: Gong's key is media"),
    ],
)
def test_what_is_wrong_with_parties_is_named_with_its_place(parties: Any, problem: str) -> None:
    [found] = problems(parties=parties)
    assert found.startswith(problem)


@pytest.mark.parametrize("channel", [0, 1])
def test_both_channels_are_accepted(channel: int) -> None:
    create(parties=[{"userId": HOST, "mediaChannelId": channel}])


@pytest.mark.parametrize(
    ("segment", "problem"),
    [
        ({"fromTime": 5, "toTime": 5, "partyIds": ["a"]}, "ends before it begins: fromTime=5, toTime=5"),
        ({"fromTime": 5, "toTime": 4, "partyIds": ["a"]}, "ends before it begins: fromTime=5, toTime=4"),
        ({"toTime": 4, "partyIds": ["a"]}, "fromTime is missing: Gong requires it."),
        ({"fromTime": 0.5, "toTime": 4, "partyIds": ["a"]}, "fromTime is not a whole number of milliseconds"),
        ({"fromTime": -1, "toTime": 4, "partyIds": ["a"]}, "fromTime is not a whole number of milliseconds"),
        ({"fromTime": 0, "toTime": True, "partyIds": ["a"]}, "toTime is not a whole number of milliseconds"),
        ({"fromTime": 0, "toTime": 4, "partyIds": ["a", "c"]}, "partyIds[1] is no party's partyId."),
        ({"fromTime": 0, "toTime": 4, "partyIds": []}, "partyIds is missing: Gong requires it."),
        ({"fromTime": 0, "toTime": 4}, "partyIds is missing: Gong requires it."),
        ({"fromTime": 0, "toTime": 4, "partyIds": "a"}, "partyIds is str, not a list: give a list"),
        ({"fromTime": 0, "toTime": 4, "party_ids": ["a"]}, " has party_ids: Gong's key is partyIds."),
        ("a", " is str, not an object: give Gong's keys and their values"),
    ],
)
def test_what_is_wrong_with_a_segment_is_named_with_its_place(segment: Any, problem: str) -> None:
    good = {"fromTime": 0, "toTime": 1, "partyIds": ["a", "b"]}
    [found] = problems(**speakers(good, segment))
    assert found.startswith("speakers_timeline.speechSegments[1]")
    assert problem in found


@pytest.mark.parametrize("timeline", ["who spoke when", ["a"]])
def test_a_timeline_that_is_no_object_is_refused(timeline: Any) -> None:
    [found] = problems(speakers_timeline=timeline)
    assert found.startswith(f"speakers_timeline is {type(timeline).__name__}, not an object")


def test_a_timeline_and_channels_exclude_each_other() -> None:
    parties = [{"userId": HOST, "partyId": "a"}, {"partyId": "b", "mediaChannelId": 0}]
    [found] = problems(parties=parties, speakers_timeline=TIMELINE)
    assert found.startswith("speakers_timeline and a party's mediaChannelId were both given")


def test_misspelt_keys_of_a_timeline_are_named_too() -> None:
    assert problems(speakers_timeline={"speech_segments": [], "Precise": True}) == [
        "speakers_timeline has speech_segments: Gong's key is speechSegments.",
        "speakers_timeline has Precise: Gong's key is precise.",
    ]


def test_thousands_of_problems_are_not_all_told() -> None:
    wrong = {"fromTime": 2, "toTime": 1, "partyIds": ["a"]}
    found = problems(**speakers(*[wrong] * 5000))
    assert (len(found), found[-1]) == (MOST_PROBLEMS + 1, "And more.")
    exact = problems(**speakers(*[wrong] * MOST_PROBLEMS))
    assert (len(exact), "And more." in exact) == (MOST_PROBLEMS, False)


def test_problems_show_neither_addresses_nor_numbers_nor_names() -> None:
    secret = "jane.roe@example.com"
    found = problems(
        primary_user=secret,
        workspace_id=secret,
        title=secret,
        custom_data=secret,
        parties=[
            dict.fromkeys(("userId", "email_address", "phoneNumber", "mediaChannelId"), secret),
            {"name": secret, "context": [{"system": secret}]},
            secret,
        ],
        speakers_timeline=segments({"fromTime": secret, "toTime": 1, "partyIds": [secret]}),
        context=[secret],
    )
    assert len(found) > 7
    assert secret not in " ".join(found)
