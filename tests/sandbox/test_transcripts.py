from datetime import UTC, datetime, timedelta

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client

PATH = "/v2/calls/transcript"


def test_a_transcript_is_a_dialogue_in_time(reader: Client) -> None:
    records = reader.post(PATH, {"filter": {}}).json()["callTranscripts"]
    assert len(records) == 100
    for record in records:
        length = reader.gong.world.call(record["callId"]).duration * 1000
        sentences = [one for monologue in record["transcript"] for one in monologue["sentences"]]
        assert len(sentences) > 10
        assert all(one["text"].strip() == one["text"] != "" for one in sentences)
        assert not any("{" in one["text"] for one in sentences)
        times = [time for one in sentences for time in (one["start"], one["end"])]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= length
        assert len({monologue["speakerId"] for monologue in record["transcript"]}) > 1


def test_voices_are_those_of_the_parties(reader: Client) -> None:
    body = {"filter": {}, "contentSelector": {"exposedFields": {"parties": True}}}
    parties = {
        record["metaData"]["id"]: {party.get("speakerId") for party in record["parties"]}
        for record in reader.post("/v2/calls/extensive", body).json()["calls"]
        if "parties" in record
    }
    for record in reader.post(PATH, {"filter": {"callIds": list(parties)}}).json()["callTranscripts"]:
        voices = {monologue["speakerId"] for monologue in record["transcript"]}
        assert voices <= parties[record["callId"]] | {None}


def test_topics_and_voices_are_null_now_and_then(reader: Client) -> None:
    records = reader.post(PATH, {"filter": {}}).json()["callTranscripts"]
    monologues = [monologue for record in records for monologue in record["transcript"]]
    for name in ("topic", "speakerId"):
        nulls = sum(monologue[name] is None for monologue in monologues)
        assert 0 < nulls < len(monologues) / 2


def test_a_voice_is_missing_here_and_there_although_its_owner_is_known(reader: Client) -> None:
    records = reader.post(PATH, {"filter": {}}).json()["callTranscripts"]
    voices = [[monologue["speakerId"] for monologue in record["transcript"]] for record in records]
    # The host opens every call and always has a voice.
    assert any(voice[0] is None for voice in voices)
    assert sum(voice[0] is None for voice in voices) < 15


def test_a_transcript_comes_after_its_call_and_then_stays(client: Client) -> None:
    gong = client.gong
    ready = gong.clock.now() + timedelta(hours=2)
    call = gong.world.add_call(datetime(2026, 1, 10, tzinfo=UTC), transcript_at=ready)
    body = {"filter": {"callIds": [call.id]}}
    assert client.post("/v2/calls/extensive", body).status_code == 200
    assert client.post(PATH, body).status_code == 404
    gong.clock.set(ready)
    assert client.post(PATH, body).json()["callTranscripts"][0]["callId"] == call.id


def test_calls_that_were_too_short_never_get_one(shared: GongSandbox) -> None:
    calls = shared.world.calls()
    without = [call for call in calls if call.transcript_at is None]
    assert 0 < len(without) < len(calls) / 10
    assert all(call.duration < 60 for call in without)
    assert all(call.duration >= 60 for call in calls if call.transcript_at is not None)


def test_transcripts_are_later_than_calls(shared: GongSandbox) -> None:
    delays = [
        call.transcript_at - call.visible_at
        for call in shared.world.calls()
        if call.transcript_at is not None
    ]
    assert min(delays) > timedelta(0)
    assert any(delay > timedelta(hours=3) for delay in delays)
    assert max(delays) <= timedelta(hours=24)
