"""New calls: what Gong takes, what it refuses, and when they appear."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client, errors
from tests.sandbox.posting import created, new_call, upload

MINUTE = timedelta(minutes=1)
FULL: dict[str, Any] = {
    "title": "A talk about a lighthouse",
    "purpose": "Follow-up",
    "disposition": "Connected",
    "customData": "line 7",
    "meetingUrl": "https://meet.example.com/7",
    "callProviderCode": "zoom",
    "duration": 312.6,
    "scheduledStart": "2026-01-09T23:55:00-00:30",
    "direction": "Conference",
    "languageCode": "fr-CA",
}
PARTIES = {"exposedFields": {"parties": True, "media": True}}


def get(client: Client, call_id: str) -> Any:
    return client.get(f"/v2/calls/{call_id}")


def details(client: Client, call_id: str) -> dict[str, Any]:
    body = {"filter": {"callIds": [call_id]}, "contentSelector": PARTIES}
    reply = client.post("/v2/calls/extensive", body)
    assert reply.status_code == 200, reply.text
    [record] = reply.json()["calls"]
    return dict(record)


def appeared(client: Client, **changes: Any) -> str:
    """Create a call with media, and wait until it and its transcript are there."""
    call_id = created(client, **changes)
    assert upload(client, call_id).status_code == 201
    client.gong.clock.advance(client.gong.uploads.processing_time + client.gong.uploads.transcription_time)
    return call_id


def test_the_reply_has_the_id_and_nothing_else(client: Client) -> None:
    reply = client.post("/v2/calls", new_call(client.gong))
    assert reply.status_code == 200
    assert set(reply.json()) == {"requestId", "callId"}
    assert reply.json()["callId"].isdigit()
    assert len(reply.json()["callId"]) == 19


def test_equal_seeds_give_a_call_the_same_id(client: Client) -> None:
    created(client, clientUniqueId="another")
    with GongSandbox(seed=7, days=10, now=client.gong.clock.now()) as second:
        assert created(Client(second)) == created(client)


def test_a_created_call_is_in_no_read_before_its_media(client: Client) -> None:
    before = client.get("/v2/calls").json()["records"]
    call_id = created(client)
    client.gong.clock.advance(timedelta(hours=1))
    window = {"fromDateTime": "2026-01-10T12:00:00Z", "toDateTime": "2026-01-10T12:00:01Z"}
    reply = get(client, call_id)
    assert (reply.status_code, errors(reply)) == (404, [f"Call ID {call_id} was not found"])
    assert client.get("/v2/calls", **window).status_code == 404
    for path in ("/v2/calls/extensive", "/v2/calls/transcript"):
        assert client.post(path, {"filter": {"callIds": [call_id]}}).status_code == 404
    client.gong.clock.set(datetime(2026, 1, 11, tzinfo=UTC))
    assert client.get("/v2/calls").json()["records"]["totalRecords"] == before["totalRecords"]


@pytest.mark.parametrize("processing_time", [4 * MINUTE, 30 * MINUTE])
def test_a_call_appears_when_its_media_was_worked_on(client: Client, processing_time: timedelta) -> None:
    assert client.gong.uploads.processing_time == 4 * MINUTE
    client.gong.uploads.processing_time = processing_time
    call_id = created(client)
    client.gong.clock.advance(timedelta(hours=1))
    assert upload(client, call_id).status_code == 201
    client.gong.clock.advance(processing_time - timedelta(seconds=1))
    assert get(client, call_id).status_code == 404
    client.gong.clock.advance(timedelta(seconds=1))
    assert get(client, call_id).json()["call"]["id"] == call_id


def test_a_call_whose_media_gong_downloads_appears_by_itself(client: Client) -> None:
    call_id = created(client, downloadMediaUrl="https://media.example.com/a/call.mp4?key=1")
    assert get(client, call_id).status_code == 404
    client.gong.clock.advance(4 * MINUTE)
    assert get(client, call_id).json()["call"]["media"] == "Video"


def test_the_transcript_comes_later_than_the_call(client: Client) -> None:
    body: dict[str, Any] = {"filter": {"callIds": [created(client)]}}
    upload(client, body["filter"]["callIds"][0])
    client.gong.clock.advance(client.gong.uploads.processing_time)
    assert client.post("/v2/calls/extensive", body).status_code == 200
    assert client.post("/v2/calls/transcript", body).status_code == 404
    client.gong.clock.advance(client.gong.uploads.transcription_time)
    [record] = client.post("/v2/calls/transcript", body).json()["callTranscripts"]
    assert record["transcript"][0]["sentences"][0]["text"]


def test_a_call_of_less_than_a_minute_never_appears(client: Client) -> None:
    call_ids = [created(client, clientUniqueId=str(n), duration=n) for n in (59, 60)]
    assert [upload(client, one, one.encode()).status_code for one in call_ids] == [201, 201]
    client.gong.clock.advance(timedelta(days=3))
    assert [get(client, one).status_code for one in call_ids] == [404, 200]


def test_a_visible_call_is_what_was_posted(client: Client) -> None:
    call_id = appeared(client, **FULL, workspaceId=client.gong.world.workspaces[1]["id"])
    call = get(client, call_id).json()["call"]
    expected = {
        "title": FULL["title"],
        "purpose": "Follow-up",
        "sdrDisposition": "Connected",
        "customData": "line 7",
        "meetingUrl": FULL["meetingUrl"],
        "duration": 313,
        "direction": "Conference",
        "language": "fre",
        "clientUniqueId": "pbx-1",
        "system": "zoom",
        "scope": "External",
        "media": "Audio",
        "isPrivate": False,
        "primaryUserId": client.gong.uploads.hosts()[0].id,
        "workspaceId": client.gong.world.workspaces[1]["id"],
    }
    assert {name: call[name] for name in expected} == expected
    assert datetime.fromisoformat(call["started"]) == datetime(2026, 1, 10, 12, tzinfo=UTC)
    assert datetime.fromisoformat(call["scheduled"]) == datetime(2026, 1, 10, 0, 25, tzinfo=UTC)
    assert details(client, call_id)["metaData"] == call


def test_a_conference_is_listed_by_its_schedule_and_other_calls_by_their_start(client: Client) -> None:
    web = appeared(client, **FULL)
    dialed = created(client, clientUniqueId="2", scheduledStart=FULL["scheduledStart"])
    upload(client, dialed, b"other")
    client.gong.clock.advance(4 * MINUTE)
    for call_id, start in ((web, "2026-01-10T00:25:00"), (dialed, "2026-01-10T12:00:00")):
        window = {"fromDateTime": f"{start}Z", "toDateTime": f"{start}.001Z"}
        assert [one["id"] for one in client.get("/v2/calls", **window).json()["calls"]] == [call_id]


def test_parties_are_those_that_were_posted(client: Client) -> None:
    host = client.gong.uploads.hosts()[0]
    guest = {"name": "Bo", "emailAddress": "bo@guest.example.org", "phoneNumber": "+1-555-0100"}
    colleague = {"userId": client.gong.world.find_users()[-1].id, "name": "Colleague"}
    call_id = appeared(
        client, parties=[guest, colleague, {"userId": host.id, "speakerId": "unknown to Gong"}]
    )
    parties = details(client, call_id)["parties"]
    facts = ("name", "emailAddress", "phoneNumber", "userId")
    assert [{name: one[name] for name in facts if one.get(name)} for one in parties] == [
        {"name": host.name, "userId": host.id},
        guest,
        {"name": "Colleague", "userId": colleague["userId"]},
    ]
    assert [one["affiliation"] for one in parties] == ["Internal", "External", "Internal"]
    body = {"filter": {"callIds": [call_id]}}
    [record] = client.post("/v2/calls/transcript", body).json()["callTranscripts"]
    voices = {one["speakerId"] for one in record["transcript"]} - {None}
    assert voices <= {one["speakerId"] for one in parties}


def test_every_created_call_has_its_parties_and_media(client: Client) -> None:
    """Of other calls Gong does not always know them."""
    url = "https://media.example.com/{}.mp3"
    ids = [created(client, clientUniqueId=str(n), downloadMediaUrl=url.format(n)) for n in range(100)]
    client.gong.clock.advance(4 * MINUTE)
    body = {"filter": {"callIds": ids}, "contentSelector": PARTIES}
    records = client.post("/v2/calls/extensive", body).json()["calls"]
    assert {len(one["parties"]) for one in records} == {2}
    assert sum("media" in one for one in records) == 100


@pytest.mark.parametrize("others", [[], [{}], [{"name": " "}, {"phoneNumber": "+1-555-0100"}]])
def test_a_call_of_people_without_names_can_be_read(client: Client, others: list[dict[str, str]]) -> None:
    host = client.gong.uploads.hosts()[0]
    call_id = appeared(client, parties=[{"emailAddress": host.email.upper()}, *others])
    record = details(client, call_id)
    assert record["metaData"]["scope"] == ("External" if others else "Internal")
    assert len(record["parties"]) == 1 + len(others)
    assert client.post("/v2/calls/transcript", {"filter": {"callIds": [call_id]}}).status_code == 200


def test_everything_that_is_missing_is_said_at_once(client: Client) -> None:
    reply = client.post("/v2/calls", {"clientUniqueId": "x", "primaryUser": None})
    assert reply.status_code == 400
    assert set(errors(reply)) == {
        f"{name}: must not be null" for name in ("parties", "direction", "actualStart", "primaryUser")
    }


LINK = {"system": "Generic", "objects": [{"objectType": "Contact"}]}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"direction": "Sideways"}, "direction"),
        ({"purpose": "x" * 256}, "purpose"),
        ({"disposition": "x" * 256}, "disposition"),
        ({"clientUniqueId": "x" * 2049}, "clientUniqueId"),
        ({"clientUniqueId": 7}, "clientUniqueId"),
        ({"actualStart": "2026-01-10T12:00:00"}, "actualStart"),
        ({"actualStart": "2026-01-10"}, "actualStart"),
        ({"scheduledEnd": "soon"}, "scheduledEnd"),
        ({"duration": "312"}, "duration"),
        ({"duration": 1e300}, "duration"),
        ({"parties": []}, "parties"),
        ({"parties": {}}, "parties"),
        ({"parties": ["Bo"]}, "parties[0]"),
        ({"parties": [{"name": 1}]}, "parties[0].name"),
        ({"parties": [{"mediaChannelId": 2}]}, "parties[0].mediaChannelId"),
        ({"parties": [{"context": [{"system": "Else"}]}]}, "parties[0].context[0].system"),
        ({"parties": [{"context": [LINK]}]}, "parties[0].context[0].objects[0].objectId"),
        ({"context": [{}]}, "context[0].system"),
        ({"speakersTimeline": {"speechSegments": [{}]}}, "speakersTimeline.speechSegments[0].fromTime"),
        ({"languageCode": "xx-XX"}, "languageCode"),
        ({"title": ["x"]}, "title"),
        ({"workspaceId": "1"}, "workspaceId"),
        ({"primaryUser": "1"}, "primaryUser"),
        ({"parties": [{"name": "Bo"}]}, "parties"),
    ],
)
def test_what_is_not_as_documented_is_refused(client: Client, changes: dict[str, Any], place: str) -> None:
    reply = client.post("/v2/calls", new_call(client.gong, **changes))
    assert reply.status_code == 400
    assert errors(reply)[0].startswith(f"{place}: ")
    assert client.gong.uploads.calls() == []


def test_texts_may_be_as_long_as_documented(client: Client) -> None:
    assert created(client, clientUniqueId="x" * 2048, purpose="x" * 255, disposition="x" * 255)


def test_an_avatar_is_no_primary_user(client: Client) -> None:
    avatar = next(user for user in client.gong.world.users if user.avatar)
    body = new_call(client.gong, primaryUser=avatar.id, parties=[{"userId": avatar.id}])
    assert errors(client.post("/v2/calls", body)) == ["primaryUser: User not found"]


def test_those_who_speak_must_be_among_the_parties(client: Client) -> None:
    host = client.gong.uploads.hosts()[0].id
    parties = [{"userId": host, "partyId": "a"}, {"name": "Bo", "partyId": "b"}]
    segments = [{"fromTime": 0, "toTime": 5, "partyIds": ["a", "b"]}]
    timeline = {"precise": True, "speechSegments": segments}
    segments.append({"fromTime": 5, "toTime": 9, "partyIds": ["c"]})
    refused = client.post("/v2/calls", new_call(client.gong, parties=parties, speakersTimeline=timeline))
    assert errors(refused) == ["speakersTimeline.speechSegments[1].partyIds: there is no party 'c'"]
    segments.pop()
    assert created(client, parties=parties, speakersTimeline=timeline)


def test_an_id_of_the_client_is_taken_once(client: Client) -> None:
    call_id = created(client)
    for _ in range(2):
        reply = client.post("/v2/calls", new_call(client.gong, title="Another"))
        assert reply.status_code == 400
        assert errors(reply) == [
            f"A call with clientUniqueId 'pbx-1' has already been posted for the call {call_id}"
        ]
        upload(client, call_id)
    assert [call.id for call in client.gong.uploads.calls()] == [call_id]


def test_a_download_url_is_taken_once(client: Client) -> None:
    created(client, downloadMediaUrl="https://media.example.com/1.mp3")
    body = new_call(client.gong, clientUniqueId="2", downloadMediaUrl="https://media.example.com/1.mp3")
    assert errors(client.post("/v2/calls", body)) == ["Bad request"]


def test_a_host_whose_calls_are_not_imported_is_a_conflict(client: Client) -> None:
    other = next(user for user in client.gong.world.find_users() if not user.imports_calls)
    body = new_call(client.gong, primaryUser=other.id, parties=[{"userId": other.id}])
    assert client.post("/v2/calls", body).status_code == 409
    assert client.gong.uploads.calls() == []


def test_a_call_is_dropped_when_its_host_no_longer_imports_calls(client: Client) -> None:
    call_id = created(client)
    client.gong.uploads.hosts()[0].record["settings"]["telephonyCallsImported"] = False
    assert upload(client, call_id).status_code == 201
    client.gong.clock.advance(timedelta(days=3))
    assert get(client, call_id).status_code == 404


def test_a_created_call_can_be_found_by_tests(client: Client) -> None:
    call_id = created(client, title="Mine")
    call = client.gong.world.call(call_id)
    assert (call.title, call.posted and call.posted.body["clientUniqueId"]) == ("Mine", "pbx-1")
    assert client.gong.uploads.calls() == [call]


def test_creating_calls_changes_no_other_call(client: Client) -> None:
    before = client.get("/v2/calls").json()["calls"]
    call_id = appeared(client, actualStart="2025-12-01T00:00:00Z")
    client.gong.clock.set(datetime(2026, 1, 11, tzinfo=UTC))
    client.gong.world.hide_call(call_id)
    assert client.get("/v2/calls").json()["calls"] == before


def test_a_call_whose_reply_is_lost_is_created(client: Client) -> None:
    client.gong.faults.add("lost_reply", method="POST")
    with pytest.raises(requests.ConnectionError):
        client.post("/v2/calls", new_call(client.gong))
    assert len(client.gong.uploads.calls()) == 1
    assert client.gong.requests[-1].status is None


def test_a_call_whose_request_is_cut_is_not_created(client: Client) -> None:
    client.gong.faults.add("cut_request")
    with pytest.raises(requests.ConnectionError):
        client.post("/v2/calls", new_call(client.gong))
    assert client.gong.uploads.calls() == []
    assert created(client)
