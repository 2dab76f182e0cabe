"""How a call and its transcript become one record, whatever Gong leaves out; reading it is tested with the operator."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gong.exceptions import GongUnexpectedResponse
from airflow_provider_gong.exports.content import content_selector, selected_blocks
from airflow_provider_gong.exports.conversations import (
    Conversations,
    account_of,
    checked_monologues,
    clock,
    conversation,
    with_parties,
)
from airflow_provider_gong.exports.streams import Calls

JANE = {
    "id": "11",
    "speakerId": "1",
    "name": "Jane Doe",
    "affiliation": "External",
    "emailAddress": "jane@acme.com",
}
REP = {"id": "12", "speakerId": "2", "name": "Rae Seller", "affiliation": "Internal", "userId": "7"}
ACME = {"objectType": "Account", "objectId": "001", "fields": [{"name": "Name", "value": "Acme"}]}


def says(voice: Any, /, *texts: Any, at: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a monologue whose sentences take a second each."""
    sentences = [
        {"start": at + 1000 * n, "end": at + 1000 * (n + 1), "text": text} for n, text in enumerate(texts)
    ]
    return {"speakerId": voice, "topic": None, "sentences": sentences} | more


def call(*parties: Any, **blocks: Any) -> dict[str, Any]:
    return {"metaData": {"id": "5"}, "parties": list(parties)} | blocks


def speakers(*monologues: dict[str, Any], parties: Any = ()) -> list[tuple[str, str]]:
    row = conversation(call(*parties), list(monologues))
    return [(one["speaker"], one["affiliation"]) for one in row["transcript"]]


def text(*monologues: dict[str, Any], parties: Any = (JANE, REP), **blocks: Any) -> list[str]:
    row = conversation(call(*parties, **blocks), list(monologues))
    shown: str = row["text"]
    return shown.split("\n")


# Who spoke


def test_monologue_is_told_with_its_speaker_and_its_bounds() -> None:
    row = conversation(call(JANE), [says("1", "Hello.", "Well.", at=65_000, topic="Opening")])
    assert row["transcript"] == [
        {
            "speaker": "Jane Doe",
            "speakerId": "1",
            "affiliation": "External",
            "topic": "Opening",
            "start": 65_000,
            "end": 67_000,
            "sentences": [
                {"start": 65_000, "end": 66_000, "text": "Hello."},
                {"start": 66_000, "end": 67_000, "text": "Well."},
            ],
        }
    ]
    assert row["text"] == "[00:01:05] Jane Doe (external): Hello. Well."
    assert list(row) == ["metaData", "parties", "transcript", "text"]


def test_speaker_is_found_by_the_id_of_the_voice_and_not_of_the_party() -> None:
    swapped = [JANE | {"id": "2"}, REP | {"id": "1"}]
    assert speakers(says("1", "Hi"), says("2", "Ho"), parties=swapped) == [
        ("Jane Doe", "External"),
        ("Rae Seller", "Internal"),
    ]


@pytest.mark.parametrize(("party_id", "voice"), [(1, "1"), ("1", 1), (" 1", "1")])
def test_ids_meet_as_numbers_and_as_texts(party_id: Any, voice: Any) -> None:
    row = conversation(call(JANE | {"speakerId": party_id}), [says(voice, "Hi")])
    assert [(one["speaker"], one["speakerId"]) for one in row["transcript"]] == [("Jane Doe", "1")]


@pytest.mark.parametrize("parties", [(), (JANE,), (REP | {"speakerId": None},), ({"speakerId": "8"},)])
def test_voices_that_no_party_has_are_told_apart(parties: Any) -> None:
    assert speakers(says("8", "Hi"), says("9", "Ho"), says("8", "Hi again"), parties=parties) == [
        ("Unknown speaker 1", "Unknown"),
        ("Unknown speaker 2", "Unknown"),
        ("Unknown speaker 1", "Unknown"),
    ]


@pytest.mark.parametrize("parties", [None, "none", {}, [None, "Jane"]])
def test_call_without_parties_is_told_all_the_same(parties: Any) -> None:
    row = conversation({"metaData": {"id": "5"}, "parties": parties}, [says("8", "Hi")])
    assert row["text"] == "[00:00:00] Unknown speaker 1: Hi"
    assert row["parties"] is parties


@pytest.mark.parametrize("voice", [None, "", "  "])
def test_voice_without_an_id_has_no_number(voice: Any) -> None:
    nobody = {"name": "Somebody Else", "speakerId": voice}
    row = conversation(call(nobody), [says(voice, "Hi"), says("8", "Ho")])
    assert [(one["speaker"], one["speakerId"]) for one in row["transcript"]] == [
        ("Unknown speaker", None),
        ("Unknown speaker 1", "8"),
    ]


def test_monologue_may_lack_its_speaker_altogether() -> None:
    assert speakers({"sentences": []}, parties=[REP]) == [("Unknown speaker", "Unknown")]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"name": "Jane Doe", "emailAddress": "j@acme.com"}, "Jane Doe"),
        ({"name": "  ", "emailAddress": "j@acme.com", "phoneNumber": "+1 555"}, "j@acme.com"),
        ({"name": None, "phoneNumber": "+1 555", "title": "Buyer"}, "+1 555"),
        ({"title": "Buyer", "affiliation": "External"}, "Buyer"),
        ({"affiliation": "External"}, "External speaker"),
        ({"affiliation": "Internal", "name": 5}, "Internal speaker"),
        ({"affiliation": "Unknown"}, "Unknown speaker 1"),
        ({"name": "Jane\n  Doe\u2028"}, "Jane Doe"),
    ],
)
def test_party_without_a_name_is_called_by_what_is_known(facts: dict[str, Any], name: str) -> None:
    [(speaker, affiliation)] = speakers(says("1", "Hi"), parties=[{"speakerId": "1"} | facts])
    assert speaker == name
    assert affiliation == facts.get("affiliation", "Unknown")


def test_title_or_affiliation_of_several_voices_is_numbered_in_the_order_of_speaking() -> None:
    parties = [
        {"speakerId": "1", "title": "Buyer"},
        {"speakerId": "2", "title": "Buyer"},
        {"speakerId": "3", "affiliation": "External"},
        {"speakerId": "4", "affiliation": "External"},
        {"speakerId": "5", "title": "Lawyer"},
    ]
    told = speakers(*(says(voice, "Hi") for voice in "42135"), parties=parties)
    names = [name for name, _ in told]
    assert names == ["External speaker 1", "Buyer 1", "Buyer 2", "External speaker 2", "Lawyer"]


def test_people_of_one_name_keep_it() -> None:
    parties = [JANE, JANE | {"speakerId": "2"}]
    assert [name for name, _ in speakers(says("1", "Hi"), says("2", "Ho"), parties=parties)] == [
        "Jane Doe"
    ] * 2


def test_people_who_share_a_voice_are_all_named() -> None:
    room = [JANE, JANE | {"id": "13", "name": "John Roe"}, {"speakerId": "1", "emailAddress": "x@acme.com"}]
    assert speakers(says("1", "Hi"), parties=room)[0][0] == "Jane Doe / John Roe"
    assert speakers(says("1", "Hi"), parties=[JANE, JANE | {"id": "13"}]) == [("Jane Doe", "External")]
    assert speakers(says("1", "Hi"), parties=[JANE, REP | {"speakerId": "1"}]) == [
        ("Jane Doe / Rae Seller", "Unknown")
    ]


# What was said


def test_monologues_stand_in_order_of_time() -> None:
    row = conversation(
        call(JANE, REP), [says("1", "second", at=9000), says("2", "first"), says("1", "third", at=12_000)]
    )
    assert [one["start"] for one in row["transcript"]] == [0, 9000, 12_000]


def test_monologue_without_a_time_stays_behind_its_predecessor() -> None:
    timeless = {"speakerId": "1", "sentences": [{"text": "b"}]}
    row = conversation(
        call(JANE), [says("1", "c", at=8000), timeless, says("1", "a"), timeless, says("1", "d", at=9000)]
    )
    assert row["text"].split("\n") == [
        "[00:00:00] Jane Doe (external): a",
        "[--:--:--] Jane Doe (external): b",
        "[00:00:08] Jane Doe (external): c",
        "[--:--:--] Jane Doe (external): b",
        "[00:00:09] Jane Doe (external): d",
    ]


@pytest.mark.parametrize(
    "sentences", [None, [], "talk", [None], [{"text": None}], [{"start": "0", "text": " "}]]
)
def test_monologue_in_which_nothing_was_said_is_in_the_transcript_only(sentences: Any) -> None:
    row = conversation(call(JANE), [{"speakerId": "1", "sentences": sentences}, says("1", "Hi", at=1000)])
    silent = row["transcript"][0]
    assert (silent["sentences"], silent["start"], silent["end"]) == (sentences, None, None)
    assert row["text"] == "[00:00:01] Jane Doe (external): Hi"


def test_each_monologue_is_one_line_of_text() -> None:
    assert text(says("1", "One\ntwo\u2028three", " four\r\n"), says("2", "Five", at=5000)) == [
        "[00:00:00] Jane Doe (external): One two three four",
        "[00:00:05] Rae Seller (internal): Five",
    ]


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "00:00:00"),
        (999, "00:00:00"),
        (65_000, "00:01:05"),
        (65_999.9, "00:01:05"),
        (3_600_000 * 99 + 59_000, "99:00:59"),
        (3_600_000 * 123, "123:00:00"),
        (-5, "00:00:00"),
        (None, "--:--:--"),
    ],
)
def test_time_stamps_are_hours_minutes_and_seconds(milliseconds: float | None, shown: str) -> None:
    assert clock(milliseconds) == shown


@pytest.mark.parametrize("start", [None, "65000", True, float("nan"), float("inf")])
def test_time_that_is_none_is_no_reason_to_fail(start: Any) -> None:
    assert text({"speakerId": "1", "sentences": [{"start": start, "end": start, "text": "Hi"}]}) == [
        "[--:--:--] Jane Doe (external): Hi"
    ]


def test_field_that_gong_adds_to_a_monologue_is_kept() -> None:
    row = conversation(call(JANE), [says("1", "Hi", mood="sunny", speaker="a claim of another kind")])
    assert (row["transcript"][0]["mood"], row["transcript"][0]["speaker"]) == ("sunny", "Jane Doe")


def test_transcript_that_is_not_ready_is_null_and_an_empty_one_is_empty() -> None:
    assert conversation(call(JANE), None) == call(JANE) | {"transcript": None, "text": None}
    assert conversation(call(JANE), []) == call(JANE) | {"transcript": [], "text": ""}


@pytest.mark.parametrize("monologues", ["talk", {}, [None], [["Hi"]], 5])
def test_transcript_of_another_shape_is_refused_without_showing_it(monologues: Any) -> None:
    with pytest.raises(
        GongUnexpectedResponse, match=r"^A record of Gong's reply has a transcript that is no list "
    ):
        checked_monologues(monologues)


# The account


def in_crm(*objects: Any) -> dict[str, Any]:
    return {"context": [{"system": "Salesforce", "objects": list(objects)}]}


def test_account_stands_beside_external_speakers_alone() -> None:
    lines = [says("1", "Hi"), says("2", "Ho", at=1000), says("9", "Hm", at=2000)]
    assert text(*lines, **in_crm(ACME)) == [
        "[00:00:00] Jane Doe (Acme, external): Hi",
        "[00:00:01] Rae Seller (internal): Ho",
        "[00:00:02] Unknown speaker 1: Hm",
    ]


def test_account_now_and_then_is_one_account() -> None:
    assert account_of(in_crm(ACME | {"timing": "Now"}, ACME | {"timing": "TimeOfCall"})) == "Acme"


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {"context": None},
        {"context": "Acme"},
        in_crm(None),
        in_crm(ACME | {"fields": None}),
        in_crm(ACME | {"fields": [{"name": "Name", "value": None}]}),
        in_crm(ACME | {"objectType": "Opportunity"}),
        in_crm(ACME, ACME | {"fields": [{"name": "Name", "value": "Other"}]}),
    ],
)
def test_call_with_no_account_or_several_has_none_in_its_text(blocks: dict[str, Any]) -> None:
    assert account_of(blocks) is None
    assert text(says("1", "Hi"), **blocks) == ["[00:00:00] Jane Doe (external): Hi"]


# Statistics


def named(*given: Any, parties: Any = (JANE, REP)) -> Any:
    interaction = {"speakers": list(given), "questions": {"companyCount": 1}}
    row = conversation(call(*parties, interaction=interaction), None)
    assert row["interaction"]["questions"] == {"companyCount": 1}
    return row["interaction"]["speakers"]


def test_speakers_in_the_statistics_are_found_by_the_id_of_the_party() -> None:
    assert named({"id": "11", "talkTime": 4.5}, {"id": 12}) == [
        {"name": "Jane Doe", "id": "11", "talkTime": 4.5},
        {"name": "Rae Seller", "id": 12},
    ]


def test_speaker_in_the_statistics_whom_no_party_is_has_no_name() -> None:
    assert [one["name"] for one in named({"id": "1"}, {"id": None}, {})] == ["Unknown speaker"] * 3
    assert named(None, "Jane") == [None, "Jane"]


def test_people_who_share_a_voice_have_statistics_of_their_own() -> None:
    room = [JANE, JANE | {"id": "13", "name": "John Roe"}]
    assert [one["name"] for one in named({"id": "11"}, {"id": "13"}, parties=room)] == [
        "Jane Doe",
        "John Roe",
    ]


def test_vague_name_in_the_statistics_is_that_of_the_transcript() -> None:
    parties = [
        {"id": "11", "speakerId": "1", "title": "Buyer"},
        {"id": "12", "speakerId": "2", "title": "Buyer"},
    ]
    interaction = {"speakers": [{"id": "11"}, {"id": "12"}]}
    row = conversation(call(*parties, interaction=interaction), [says("2", "Hi"), says("1", "Ho", at=9000)])
    assert [one["name"] for one in row["interaction"]["speakers"]] == ["Buyer 2", "Buyer 1"]
    assert [one["speaker"] for one in row["transcript"]] == ["Buyer 1", "Buyer 2"]


def test_name_that_gong_gives_in_the_statistics_one_day_is_kept() -> None:
    assert named({"id": "11", "name": "J. Doe"}) == [{"name": "J. Doe", "id": "11"}]


@pytest.mark.parametrize("interaction", [None, {}, {"speakers": None}, []])
def test_statistics_without_speakers_stay_as_they_are(interaction: Any) -> None:
    assert conversation(call(JANE, interaction=interaction), None)["interaction"] == interaction


def test_record_of_gong_is_not_changed() -> None:
    interaction = {"speakers": [{"id": "11"}]}
    record, monologues = call(JANE, interaction=interaction), [says("1", "Hi")]
    conversation(record, monologues)
    assert record == call(JANE, interaction={"speakers": [{"id": "11"}]})
    assert monologues == [says("1", "Hi")]


# What is asked for


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ("basic", ("metaData", "parties")),
        ("default", ("metaData", "context", "parties")),
        ("full", ("metaData", "context", "parties", "content", "interaction", "collaboration")),
        (
            {"exposedFields": {"parties": False, "content": {"brief": True}}},
            ("metaData", "parties", "content"),
        ),
        ({"context": "Basic", "exposedFields": None}, ("metaData", "context", "parties")),
    ],
)
def test_parties_are_always_asked_for(content: Any, blocks: tuple[str, ...]) -> None:
    selector = content_selector(content)
    before = repr(selector)
    assert selected_blocks(with_parties(selector)) == blocks
    assert repr(selector) == before


def test_dataset_is_that_of_the_calls_under_another_name() -> None:
    assert Conversations().folder == "conversations"
    calls = Calls(workspace_id="623457276584335", content="full")
    assert Conversations(calls=calls).folder == "conversations/workspace=623457276584335"
    assert Conversations(calls=calls).selection == calls.selection
