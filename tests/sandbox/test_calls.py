from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client, errors

NONE = ["No calls found corresponding to the provided filters"]
LISTS = [("GET", "/v2/calls"), ("POST", "/v2/calls/extensive"), ("POST", "/v2/calls/transcript")]
lists = pytest.mark.parametrize(("method", "path"), LISTS)


def ask(client: Client, method: str, path: str, **criteria: Any) -> Any:
    if method == "GET":
        return client.get(path, **criteria)
    return client.post(path, {"filter": criteria})


def ids_of(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.text
    records = reply.json().get("calls") or reply.json()["callTranscripts"]
    return [record.get("id") or record.get("callId") or record["metaData"]["id"] for record in records]


@lists
def test_windows_are_half_open(client: Client, method: str, path: str) -> None:
    moment = datetime(2026, 1, 5, 3, 0, 0, 500_000, tzinfo=UTC)
    call = client.gong.world.add_call(moment)
    millisecond = timedelta(milliseconds=1)
    begins = {"fromDateTime": moment.isoformat(), "toDateTime": (moment + millisecond).isoformat()}
    ends = {"fromDateTime": (moment - millisecond).isoformat(), "toDateTime": moment.isoformat()}
    assert ids_of(ask(client, method, path, **begins)) == [call.id]
    assert ask(client, method, path, **ends).status_code == 404


@pytest.mark.parametrize("moment", ["2026-01-05T03:00:00Z", "2026-01-05T05:30:00+02:30"])
@lists
def test_any_offset_is_understood(client: Client, method: str, path: str, moment: str) -> None:
    call = client.gong.world.add_call(datetime(2026, 1, 5, 3, tzinfo=UTC))
    assert call.id in ids_of(
        ask(client, method, path, fromDateTime=moment, toDateTime="2026-01-05T03:00:01Z")
    )


@lists
def test_a_window_is_what_the_world_says(reader: Client, method: str, path: str) -> None:
    start, end = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    expected = reader.gong.world.call_ids(
        start,
        end,
        by_schedule=method == "GET",
        transcribed=path.endswith("transcript"),
        include_private=True,
    )
    window = {"fromDateTime": start.isoformat(), "toDateTime": end.isoformat()}
    assert 80 < len(expected) <= 100
    assert ids_of(ask(reader, method, path, **window)) == expected


def test_web_conferences_are_listed_by_their_scheduled_time(client: Client) -> None:
    scheduled, started = (datetime(2026, 1, day, 12, 7, tzinfo=UTC) for day in (4, 6))
    world = client.gong.world
    meeting = world.add_call(started, scheduled=scheduled, web_conference=True)
    telephone = world.add_call(started)
    for day, listed, extensive in (
        (4, {meeting.id}, set[str]()),
        (6, {telephone.id}, {meeting.id, telephone.id}),
    ):
        window = {"fromDateTime": f"2026-01-0{day}T12:07:00Z", "toDateTime": f"2026-01-0{day}T12:07:01Z"}
        reply = ask(client, "GET", "/v2/calls", **window)
        assert {call["id"] for call in reply.json().get("calls", [])} == listed
        for path in ("/v2/calls/extensive", "/v2/calls/transcript"):
            reply = ask(client, "POST", path, **window)
            assert (set(ids_of(reply)) if extensive else reply.status_code) == (extensive or 404)


def test_every_day_has_a_call_that_was_scheduled_for_the_day_before(shared: GongSandbox) -> None:
    for day in range(10):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        calls = [call for call in shared.world.calls() if start <= call.started < start + timedelta(days=1)]
        assert any(call.listed_at < start for call in calls)


def test_listing_needs_no_dates_although_gong_documents_them_as_required(reader: Client) -> None:
    assert reader.get("/v2/calls").status_code == 200
    assert reader.get("/v2/calls", fromDateTime="2026-01-05T00:00:00Z").status_code == 200
    assert reader.get("/v2/calls", toDateTime="2026-01-05T00:00:00Z").status_code == 200


@lists
def test_a_future_end_is_accepted(reader: Client, method: str, path: str) -> None:
    assert ask(reader, method, path, toDateTime="2030-01-01T00:00:00Z").status_code == 200


@lists
def test_an_empty_window_is_a_404_with_gongs_words(reader: Client, method: str, path: str) -> None:
    window = {"fromDateTime": "2020-01-01T00:00:00Z", "toDateTime": "2020-01-02T00:00:00Z"}
    reply = ask(reader, method, path, **window)
    assert reply.status_code == 404
    assert errors(reply) == NONE


@pytest.mark.parametrize("end", ["2026-01-05T00:00:00Z", "2026-01-04T00:00:00Z"])
@lists
def test_an_inverted_or_empty_window_is_a_400_with_gongs_words(
    reader: Client, method: str, path: str, end: str
) -> None:
    reply = ask(reader, method, path, fromDateTime="2026-01-05T00:00:00Z", toDateTime=end)
    assert reply.status_code == 400
    where = "" if method == "GET" else "filter."
    assert errors(reply) == [f"{where}fromDateTime: must be before toDateTime"]


@pytest.mark.parametrize(
    "date", ["2026-01-05", "2026-01-05T00:00:00", "2026-01-05 00:00:00Z", "2026-02-30T00:00:00Z"]
)
@lists
def test_a_date_that_is_not_as_documented_is_a_400(reader: Client, method: str, path: str, date: str) -> None:
    reply = ask(reader, method, path, fromDateTime=date)
    assert reply.status_code == 400
    assert "fromDateTime" in errors(reply)[0]


def test_a_plus_sign_that_was_not_encoded_is_a_400(reader: Client) -> None:
    reply = reader.ask("GET", "/v2/calls?fromDateTime=2026-01-05T00:00:00+00:00")
    assert reply.status_code == 400


@lists
def test_calls_are_spread_over_workspaces_that_filter_them(reader: Client, method: str, path: str) -> None:
    found = []
    for workspace in reader.gong.world.workspaces:
        found.append(ids_of(ask(reader, method, path, workspaceId=workspace["id"])))
    assert all(len(ids) > 50 for ids in found)
    assert not set(found[0]) & set(found[1])
    reply = ask(reader, method, path, workspaceId="1234")
    assert (reply.status_code, errors(reply)) == (404, NONE)


@pytest.mark.parametrize("path", ["/v2/calls/extensive", "/v2/calls/transcript"])
class TestIds:
    """What is asked for by id."""

    def test_known_ids_are_found_and_unknown_ones_left_out(self, reader: Client, path: str) -> None:
        wanted = reader.gong.world.call_ids(transcribed=True)[5:8]
        reply = reader.post(path, {"filter": {"callIds": ["1234", *reversed(wanted)]}})
        assert ids_of(reply) == wanted

    def test_more_than_a_hundred_ids_are_served_in_pages(self, reader: Client, path: str) -> None:
        wanted = reader.gong.world.call_ids(transcribed=True)[:150]
        pages = list(reader.pages("POST", path, {"filter": {"callIds": wanted}}))
        assert [page["records"]["currentPageSize"] for page in pages] == [100, 50]

    def test_ids_outside_the_window_are_left_out(self, reader: Client, path: str) -> None:
        wanted = reader.gong.world.call_ids(transcribed=True)[0]
        criteria = {"callIds": [wanted], "fromDateTime": "2026-01-09T00:00:00Z"}
        assert reader.post(path, {"filter": criteria}).status_code == 404

    def test_only_unknown_ids_are_a_404(self, reader: Client, path: str) -> None:
        reply = reader.post(path, {"filter": {"callIds": ["1234"]}})
        assert (reply.status_code, errors(reply)) == (404, NONE)

    def test_an_empty_list_is_a_400_with_gongs_words(self, reader: Client, path: str) -> None:
        reply = reader.post(path, {"filter": {"callIds": []}})
        assert reply.status_code == 400
        assert errors(reply) == ["filter.callIds: must not be empty but can be null or can be omitted"]

    @pytest.mark.parametrize("ids", ["1234", [1234], [None], {"id": "1"}])
    def test_ids_that_are_not_strings_are_a_400(self, reader: Client, path: str, ids: Any) -> None:
        assert reader.post(path, {"filter": {"callIds": ids}}).status_code == 400

    def test_null_is_no_filter(self, reader: Client, path: str) -> None:
        body = {"filter": {"callIds": None, "workspaceId": None, "fromDateTime": None}, "cursor": None}
        assert len(ids_of(reader.post(path, body))) == 100

    def test_a_missing_filter_is_a_400(self, reader: Client, path: str) -> None:
        for body in ({}, {"filter": None}):
            reply = reader.post(path, body)
            assert (reply.status_code, errors(reply)) == (400, ["filter: must not be null"])

    def test_unknown_keys_are_accepted(self, reader: Client, path: str) -> None:
        assert reader.post(path, {"filter": {"nonsense": 1}, "more": 1}).status_code == 200


def test_ids_and_workspace_together_are_a_400_only_for_transcripts(reader: Client) -> None:
    call = reader.gong.world.visible_calls()[0]
    body = {"filter": {"callIds": [call.id], "workspaceId": call.workspace_id}}
    reply = reader.post("/v2/calls/transcript", body)
    assert reply.status_code == 400
    assert errors(reply) == ["filter.workspaceId: must not provide both callIds and workspaceId"]
    assert ids_of(reader.post("/v2/calls/extensive", body)) == [call.id]


def test_calls_can_be_asked_for_by_their_hosts(reader: Client) -> None:
    host = reader.gong.world.visible_calls()[0].host.id
    reply = reader.post("/v2/calls/extensive", {"filter": {"primaryUserIds": [host]}})
    expected = [call.id for call in reader.gong.world.visible_calls() if call.host.id == host]
    assert ids_of(reply) == expected
    assert {record["metaData"]["primaryUserId"] for record in reply.json()["calls"]} == {host}


def test_one_call_is_wrapped_and_equals_its_listing(reader: Client) -> None:
    listed = reader.get("/v2/calls").json()["calls"][3]
    reply = reader.get(f"/v2/calls/{listed['id']}").json()
    assert set(reply) == {"requestId", "call"}
    assert reply["call"] == listed


def test_an_unknown_call_is_a_404_with_gongs_words(reader: Client) -> None:
    reply = reader.get("/v2/calls/894411314421502864")
    assert reply.status_code == 404
    assert errors(reply) == ["Call ID 894411314421502864 was not found"]


@pytest.mark.parametrize("call_id", ["abc", "1" * 21, "1.5"])
def test_an_id_that_is_no_number_is_a_400(reader: Client, call_id: str) -> None:
    reply = reader.get(f"/v2/calls/{call_id}")
    assert (reply.status_code, errors(reply)) == (400, ["Bad request"])


def test_a_call_that_gong_still_works_on_is_nowhere(client: Client) -> None:
    gong = client.gong
    started = datetime(2026, 1, 5, 3, tzinfo=UTC)
    call = gong.world.add_call(started, visible_at=gong.clock.now() + timedelta(hours=1))
    by_id = {"filter": {"callIds": [call.id]}}
    for _ in range(2):
        statuses = {
            client.get(f"/v2/calls/{call.id}").status_code,
            client.post("/v2/calls/extensive", by_id).status_code,
            client.post("/v2/calls/transcript", by_id).status_code,
            client.get(
                "/v2/calls", fromDateTime="2026-01-05T03:00:00Z", toDateTime="2026-01-05T03:00:01Z"
            ).status_code,
        }
        assert statuses == ({404} if gong.clock.now().hour == 0 else {200})
        gong.clock.advance(timedelta(hours=1))


def test_private_calls_are_listed_and_say_so(client: Client) -> None:
    call = client.gong.world.visible_calls()[0]
    client.gong.world.alter_call(call.id, private=True)
    assert client.get(f"/v2/calls/{call.id}").json()["call"]["isPrivate"] is True
    assert call.id not in client.gong.world.call_ids()
    assert call.id in client.gong.world.call_ids(include_private=True)
