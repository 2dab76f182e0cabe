import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.client import Client

PATH = "/v2/calls/extensive"
CONTENT = ("structure", "topics", "trackers", "brief", "outline", "highlights", "callOutcome", "keyPoints")


def records(client: Client, selector: dict[str, Any] | None, *call_ids: str) -> list[dict[str, Any]]:
    body: dict[str, Any] = {"filter": {"callIds": list(call_ids)} if call_ids else {}}
    reply = client.post(PATH, {**body, "contentSelector": selector} if selector else body)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["calls"]
    return found


def exposing(**fields: Any) -> dict[str, Any]:
    return {"exposedFields": fields}


def test_without_a_selector_there_is_only_the_basic_data(reader: Client) -> None:
    for record in records(reader, None):
        assert set(record) == {"metaData"}


def test_basic_data_is_that_of_the_list(reader: Client) -> None:
    record = records(reader, None)[7]["metaData"]
    assert reader.get(f"/v2/calls/{record['id']}").json()["call"] == record


@pytest.mark.parametrize("selector", [exposing(parties=False, media=False), {"context": "None"}])
def test_what_is_not_wanted_is_absent(reader: Client, selector: dict[str, Any]) -> None:
    assert all(set(record) == {"metaData"} for record in records(reader, selector))


def test_parties_differ_as_they_do_in_life(reader: Client) -> None:
    found = [
        record
        for page in reader.pages("POST", PATH, {"filter": {}, "contentSelector": exposing(parties=True)})
        for record in page["calls"]
    ]
    with_parties = [record["parties"] for record in found if "parties" in record]
    parties = [party for record in with_parties for party in record]
    assert 0 < len(found) - len(with_parties) < len(found) / 10
    assert any("emailAddress" not in party for party in parties)
    assert any(party.get("emailAddress", "") is None for party in parties)
    assert any("speakerId" not in party for party in parties)
    internal = [party for party in parties if party["affiliation"] == "Internal"]
    assert 0 < sum("userId" not in party for party in internal) < len(internal) / 10
    assert not any("context" in party for party in parties)


def test_context_is_basic_or_extended(reader: Client) -> None:
    basic = [record["context"] for record in records(reader, {"context": "Basic"}) if "context" in record]
    extended = [one["context"] for one in records(reader, {"context": "Extended"}) if "context" in one]
    assert len(basic) == len(extended) < 100
    for link in (link for context in basic for system in context for link in system["objects"]):
        assert link["fields"] == []
        assert "timing" not in link
    for link in (link for context in extended for system in context for link in system["objects"]):
        assert link["fields"]
        assert link["timing"] == "Now"


def test_context_can_be_asked_for_at_two_times(reader: Client) -> None:
    selector = {"context": "Extended", "contextTiming": ["Now", "TimeOfCall"]}
    context = next(one["context"] for one in records(reader, selector) if "context" in one)
    assert [link["timing"] for link in context[0]["objects"]] == ["Now", "Now", "TimeOfCall", "TimeOfCall"]


@pytest.mark.parametrize("part", CONTENT)
def test_each_part_of_the_content_comes_alone(reader: Client, part: str) -> None:
    selector = exposing(content={part: True})
    found = [record["content"] for record in records(reader, selector) if "content" in record]
    assert len(found) > 50
    assert {name for content in found for name in content} == {part}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        *(("speakers", "speakers"), ("video", "video"), ("questions", "questions")),
        ("personInteractionStats", "interactionStats"),
    ],
)
def test_each_part_of_the_interaction_comes_alone(reader: Client, part: str, name: str) -> None:
    found = records(reader, exposing(interaction={part: True}))
    assert {key for record in found for key in record.get("interaction", {})} == {name}


def test_occurrences_of_trackers_come_only_when_wanted(reader: Client) -> None:
    for wanted in (True, False):
        selector = exposing(content={"trackers": True, "trackerOccurrences": wanted})
        trackers = [
            one
            for record in records(reader, selector)
            for one in record.get("content", {}).get("trackers", [])
        ]
        assert any(one["count"] for one in trackers)
        for one in trackers:
            assert len(one["occurrences"]) == (one["count"] if wanted else 0)


def test_speakers_are_joined_by_the_id_of_the_party(reader: Client) -> None:
    for record in records(reader, exposing(parties=True, interaction={"speakers": True})):
        if "interaction" in record and "parties" in record:
            speakers = {one["id"] for one in record["interaction"]["speakers"]}
            assert speakers <= {party["id"] for party in record["parties"]}


def test_media_links_are_signed_anew_for_each_request(reader: Client) -> None:
    first, second = (
        {record["metaData"]["id"]: record.get("media") for record in records(reader, exposing(media=True))}
        for _ in range(2)
    )
    assert 0 < list(first.values()).count(None) < 20
    for call_id, media in first.items():
        if media is not None:
            assert "X-Amz-Expires=28799" in media["audioUrl"]
            assert media["audioUrl"] != (second[call_id] or {})["audioUrl"]


def test_comments_are_there_when_wanted(reader: Client) -> None:
    selector = exposing(collaboration={"publicComments": True})
    found = [one["collaboration"]["publicComments"] for one in records(reader, selector)]
    assert any(found)
    assert not all(found)


def test_blocks_that_are_not_ready_are_absent_until_they_are(client: Client) -> None:
    gong = client.gong
    later = gong.clock.now() + timedelta(hours=2)
    call = gong.world.add_call(datetime(2026, 1, 10, tzinfo=UTC), transcript_at=later)
    selector = exposing(content={"brief": True}, interaction={"questions": True})
    assert set(records(client, selector, call.id)[0]) == {"metaData"}
    gong.clock.set(later)
    assert set(records(client, selector, call.id)[0]) == {"metaData", "content", "interaction"}


@pytest.mark.parametrize(
    ("selector", "field"),
    [
        ({"context": "All"}, "contentSelector.context"),
        ({"context": "Basic", "contextTiming": ["Now"]}, "contentSelector.contextTiming"),
        ({"context": "Extended", "contextTiming": ["Then"]}, "contentSelector.contextTiming"),
        ({"context": "Extended", "contextTiming": "Now"}, "contentSelector.contextTiming"),
        ({"exposedFields": []}, "contentSelector.exposedFields"),
        (exposing(parties="yes"), "contentSelector.exposedFields.parties"),
        (exposing(content={"brief": 1}), "contentSelector.exposedFields.content.brief"),
        (exposing(content=True), "contentSelector.exposedFields.content"),
    ],
)
def test_a_selector_that_is_not_as_documented_is_a_400(
    reader: Client, selector: dict[str, Any], field: str
) -> None:
    reply = reader.post(PATH, {"filter": {}, "contentSelector": selector})
    assert reply.status_code == 400
    assert reply.json()["errors"][0].startswith(f"{field}: ")


def test_unknown_keys_of_a_selector_are_accepted(reader: Client) -> None:
    selector = exposing(nonsense=True, content={"nonsense": True})
    assert set(records(reader, selector)[0]) == {"metaData"}


def test_a_call_reads_the_same_each_time(reader: Client) -> None:
    selector = {"context": "Extended", **exposing(parties=True, content=dict.fromkeys(CONTENT, True))}
    assert json.dumps(records(reader, selector)) == json.dumps(records(reader, selector))
