"""What Gong accepts as a new call, what is said of all others, and how it goes on the wire."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_gong.api import calls
from airflow_provider_gong.api.new_call import LANGUAGES, MOST_PROBLEMS, posted_before
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
TIMELINE = {"speechSegments": [{"fromTime": 0, "toTime": 900, "partyIds": ["a"]}]}


def create(**arguments: Any) -> Any:
    return calls.create_call(**(REQUIRED | arguments)).body


def problems(**arguments: Any) -> list[str]:
    with pytest.raises(GongConfigurationError) as caught:
        create(**arguments)
    return str(caught.value).split("; ")


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
    assert [problem.split(" ")[0] for problem in found] == [
        "client_unique_id",
        "primary_user",
        "actual_start",
        "direction",
        "parties",
    ]


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
        ({"client_unique_id": ""}, "client_unique_id is missing"),
        ({"client_unique_id": "x" * 2049}, "client_unique_id has 2049 characters, and Gong takes 2048"),
        ({"purpose": "x" * 256}, "purpose has 256 characters, and Gong takes 255"),
        ({"disposition": "x" * 300}, "disposition has 300 characters, and Gong takes 255"),
        ({"workspace_id": "a b"}, "workspace_id is not an id of Gong"),
        ({"actual_start": "soon"}, "actual_start='soon' is not a date and time"),
        ({"scheduled_start": "31.01.2026"}, "scheduled_start='31.01.2026' is not a date and time"),
        ({"scheduled_end": 5}, "scheduled_end=5 is not a date and time"),
        (
            {"scheduled_start": "2026-01-31T09:00:00-05:00", "scheduled_end": "2026-01-31T13:59:00Z"},
            "scheduled_end lies before scheduled_start",
        ),
        ({"direction": "outbound"}, "direction='outbound' is unknown: use one of Inbound, Outbound"),
        ({"duration": -0.1}, "duration=-0.1 is not a number of seconds"),
        ({"duration": float("nan")}, "duration=nan is not a number of seconds"),
        ({"duration": float("inf")}, "duration=inf is not a number of seconds"),
        ({"duration": True}, "duration=True is not a number of seconds"),
        ({"duration": "long"}, "duration='long' is not a number of seconds"),
        ({"context": {"system": "Generic"}}, "context is dict, not a list of objects"),
        ({"context": ["Generic"]}, "context[0] is str, not an object"),
        ({"context": [{"objects": []}]}, "context[0].system is missing or unknown: use one of Salesforce"),
        ({"context": [{"system": "SAP"}]}, "context[0].system is missing or unknown: use one of Salesforce"),
    ],
)
def test_what_gong_would_refuse_is_named(arguments: dict[str, Any], problem: str) -> None:
    [found] = problems(**arguments)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("parties", "problem"),
    [
        (None, "parties is missing or empty"),
        ([], "parties is missing or empty"),
        ({"userId": HOST}, "parties is dict, not a list of objects"),
        ("[{userId}]", "parties is str, not a list of objects"),
        ([{"userId": HOST}, "Jane"], "parties[1] is str, not an object"),
        ([CUSTOMER], "parties has no party whose userId is primary_user"),
        ([{"userId": "9"}], "parties has no party whose userId is primary_user"),
        ([{"userId": HOST, "mediaChannelId": 2}], "parties[0].mediaChannelId must be 0 (left) or 1 (right)"),
        ([{"userId": HOST, "mediaChannelId": "1"}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "mediaChannelId": True}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "mediaChannelId": 1.0}], "parties[0].mediaChannelId must be 0 (left)"),
        ([{"userId": HOST, "context": [{"system": "X"}]}], "parties[0].context[0].system is missing or"),
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
        ({"toTime": 4, "partyIds": ["a"]}, "needs fromTime and toTime, whole milliseconds"),
        ({"fromTime": 0.5, "toTime": 4, "partyIds": ["a"]}, "needs fromTime and toTime, whole milliseconds"),
        ({"fromTime": -1, "toTime": 4, "partyIds": ["a"]}, "needs fromTime and toTime, whole milliseconds"),
        ({"fromTime": 0, "toTime": 4, "partyIds": ["a", "c"]}, "partyIds[1] is no party's partyId"),
        ({"fromTime": 0, "toTime": 4, "partyIds": []}, "partyIds is missing or empty"),
        ({"fromTime": 0, "toTime": 4}, "partyIds is missing or empty"),
        ("a", "is str, not an object"),
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


def test_snake_case_in_a_timeline_is_named_too() -> None:
    [found] = problems(speakers_timeline={"speech_segments": []})
    assert found == "speakers_timeline has speech_segments: Gong's key is speechSegments"


def test_thousands_of_problems_are_not_all_told() -> None:
    wrong = {"fromTime": 2, "toTime": 1, "partyIds": ["a"]}
    found = problems(**speakers(*[wrong] * 5000))
    assert (len(found), found[-1]) == (MOST_PROBLEMS + 1, "and more")
    exact = problems(**speakers(*[wrong] * MOST_PROBLEMS))
    assert (len(exact), "and more" in exact) == (MOST_PROBLEMS, False)


def test_problems_show_neither_addresses_nor_numbers_nor_names() -> None:
    secret = "jane.roe@example.com"
    text = "; ".join(
        problems(
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
    )
    assert text.count(";") > 6
    assert secret not in text


# Languages


def test_the_languages_are_gongs() -> None:
    assert len(LANGUAGES) == len(set(LANGUAGES)) == 133
    assert {"en-US", "fil-PH", "pa-Guru-IN", "yue-Hant-HK", "zu-ZA"} <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ("en-us", "write en-US"),
        ("EN_US", "write en-US"),
        ("pa-guru-in", "write pa-Guru-IN"),
        ("ja", "use ja-JP"),
        ("pt", "use pt-BR or pt-PT"),
        ("zh-Hans", "use zh-CN or zh-TW"),
        ("de", "use one of de-AT, de-CH, de-DE"),
        ("tlh", "Gong has none for this language. Leave it out"),
    ],
)
def test_another_spelling_of_a_language_gets_the_right_one(given: str, mend: str) -> None:
    [found] = ["; ".join(problems(language_code=given))]
    assert found.startswith(f"language_code={given!r} is unknown: {mend}")


# What Gong says of a call that it has


KNOWN = "A call with clientUniqueId 'dialer-173' has already been posted for the call 7022652889306584427"


@pytest.mark.parametrize(
    "message",
    [
        KNOWN,
        f"{KNOWN}.",
        "A call with clientUniqueId 'dialer-173' was already posted, call id 7022652889306584427",
        "Call 7022652889306584427 already exists for the client unique ID dialer-173",
        "clientUniqueId: duplicate of call #7022652889306584427",
        'clientUniqueId "dialer-173" already exists (callId: "7022652889306584427")',
        f"A call with clientUniqueId '{'x' * 100} ... ' has already been posted for the call 7022652889306584427",
    ],
)
def test_the_call_is_found_in_other_words_too(message: str) -> None:
    assert posted_before(message, "dialer-173") == "7022652889306584427"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Bad request",
        "parties: must not be null",
        "clientUniqueId: size must be between 0 and 2048",
        "A call with clientUniqueId 'dialer-173' has already been posted",
        "The user 234599484848423 has already reached the number of unique calls",
        "A call with clientUniqueId 'dialer-173' was already posted by the user 234599484848423",
        "A call of this time already exists: call 7022652889306584427",
        "clientUniqueId: there is no call 7022652889306584427",
        "clientUniqueId: already used by call 7022652889306584427 and call 7022652889306584428",
    ],
)
def test_other_refusals_name_no_call(message: str) -> None:
    assert posted_before(message, "dialer-173") is None


@pytest.mark.parametrize(
    "client_unique_id",
    ["7022652889306584000", "call 12345678", "call", "already", "A", "a.b*c(", "7022652889306584427"],
)
def test_the_clients_own_id_is_not_taken_for_the_call(client_unique_id: str) -> None:
    message = KNOWN.replace("dialer-173", client_unique_id)
    assert posted_before(message, client_unique_id) == "7022652889306584427"
