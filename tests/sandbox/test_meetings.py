"""Meetings, and the switches of the company that stand in their way."""

from typing import Any

import pytest
import requests

from tests.sandbox.client import Client, errors

STATUS = "/v2/meetings/integration/status"


def meeting(client: Client, **changes: Any) -> dict[str, Any]:
    body = {
        "startTime": "2026-02-01T10:00:00-05:00",
        "endTime": "2026-02-01T10:30:00-05:00",
        "title": "Demo",
        "invitees": [{"email": "buyer@example.org", "firstName": "Kim"}],
        "organizerEmail": client.gong.world.find_users()[0].email,
    }
    return {**body, **changes}


def put(client: Client, meeting_id: str, body: Any) -> requests.Response:
    return client.ask("PUT", f"/v2/meetings/{meeting_id}", json=body)


def delete(client: Client, meeting_id: str, body: Any) -> requests.Response:
    return client.ask("DELETE", f"/v2/meetings/{meeting_id}", json=body)


def test_a_created_meeting_has_an_id_a_link_and_a_coordinator(client: Client) -> None:
    reply = client.post("/v2/meetings", meeting(client))
    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {"requestId", "meetingId", "meetingUrl", "additionalInvitees"}
    assert len(body["meetingId"]) == 19
    assert len(body["additionalInvitees"]) == 1
    assert body["additionalInvitees"][0]["email"].endswith("@example.com")
    (kept,) = client.gong.meetings
    assert (kept.id, kept.url) == (body["meetingId"], body["meetingUrl"])
    assert kept.body == meeting(client)


def test_all_that_is_missing_is_named_at_once(client: Client) -> None:
    reply = client.post("/v2/meetings", {})
    assert reply.status_code == 400
    required = ("startTime", "endTime", "invitees", "organizerEmail")
    assert errors(reply) == [f"{name}: must not be null" for name in required]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"startTime": "2026-02-01T10:00:00"}, "startTime"),
        ({"endTime": 1770000000}, "endTime"),
        ({"invitees": "buyer@example.org"}, "invitees"),
        ({"invitees": [{"email": "buyer@example.org"}, {"firstName": "Kim"}]}, "invitees[1].email"),
        ({"invitees": [{"email": ["buyer@example.org"]}]}, "invitees[0].email"),
        ({"title": 5}, "title"),
        ({"endTime": "2026-02-01T10:00:00-05:00"}, "startTime"),
        ({"endTime": "2026-02-01T14:00:00Z"}, "startTime"),
    ],
)
def test_what_does_not_fit_is_a_400_and_makes_no_meeting(
    client: Client, changes: dict[str, Any], named: str
) -> None:
    reply = client.post("/v2/meetings", meeting(client, **changes))
    assert reply.status_code == 400
    assert [message.partition(":")[0] for message in errors(reply)] == [named]
    assert len(client.gong.meetings) == 0


def test_keys_that_gong_does_not_know_are_accepted(client: Client) -> None:
    assert client.post("/v2/meetings", meeting(client, colour="green")).status_code == 200


def test_the_organizer_must_be_a_user(client: Client) -> None:
    reply = client.post("/v2/meetings", meeting(client, organizerEmail="buyer@example.org"))
    assert reply.status_code == 404
    assert errors(reply) == ["No Gong user found corresponding to the provided organizer email"]


def test_the_case_of_an_organizer_does_not_matter(client: Client) -> None:
    shouted = meeting(client)["organizerEmail"].upper()
    made = client.post("/v2/meetings", meeting(client, organizerEmail=shouted)).json()["meetingId"]
    assert put(client, made, meeting(client)).status_code == 200
    assert delete(client, made, {"organizerEmail": shouted}).status_code == 200


def test_an_update_replaces_everything_but_id_and_link(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()
    changed = meeting(client, invitees=[])
    del changed["title"]
    reply = put(client, made["meetingId"], changed)
    assert reply.status_code == 200
    assert reply.json()["meetingId"] == made["meetingId"]
    (kept,) = client.gong.meetings
    assert (kept.id, kept.url, kept.body) == (made["meetingId"], made["meetingUrl"], changed)


def test_an_update_needs_all_that_a_creation_needs(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()
    assert put(client, made["meetingId"], {"title": "New"}).status_code == 400


def test_an_update_of_an_unknown_meeting_is_a_200_and_makes_none(client: Client) -> None:
    reply = put(client, "6423433218", meeting(client))
    assert reply.status_code == 200
    assert reply.json()["meetingId"] == "6423433218"
    assert len(client.gong.meetings) == 0


def test_a_deleted_meeting_is_gone(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()
    organizer = {"organizerEmail": meeting(client)["organizerEmail"]}
    reply = delete(client, made["meetingId"], organizer)
    assert reply.status_code == 200
    assert reply.json() == {**organizer, "requestId": reply.headers["x-traceid"]}
    assert len(client.gong.meetings) == 0
    again = delete(client, made["meetingId"], organizer)
    assert (again.status_code, errors(again)) == (404, ["The given meeting ID was not found."])


def test_a_deletion_needs_a_json_body_but_no_organizer(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()
    assert client.ask("DELETE", f"/v2/meetings/{made['meetingId']}").status_code == 415
    assert len(client.gong.meetings) == 1
    assert delete(client, made["meetingId"], {}).status_code == 200


def test_another_organizer_can_neither_change_nor_delete_a_meeting(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()
    other = meeting(client, organizerEmail=client.gong.world.find_users()[1].email)
    assert put(client, made["meetingId"], other).status_code == 404
    assert delete(client, made["meetingId"], {"organizerEmail": other["organizerEmail"]}).status_code == 404
    assert client.gong.meetings[0].body == meeting(client)


@pytest.mark.parametrize("meeting_id", ["abc", "1.5", "123456789012345678901"])
def test_an_id_that_is_no_number_is_a_400(client: Client, meeting_id: str) -> None:
    for ask in (put, delete):
        reply = ask(client, meeting_id, meeting(client))
        assert (reply.status_code, errors(reply)) == (400, ["Bad request"])


def test_outside_the_limited_release_everything_is_a_403(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()["meetingId"]
    client.gong.meetings.released = False
    for reply in (
        client.post("/v2/meetings", meeting(client)),
        put(client, made, meeting(client)),
        delete(client, made, {}),
        client.post(STATUS, {"emails": []}),
    ):
        assert reply.status_code == 403
        assert errors(reply) == [
            "This API endpoint is in Limited release - contact your CSM for more information."
        ]
    assert len(client.gong.meetings) == 1


def test_a_disconnected_provider_is_a_409_that_explains_itself_to_users(client: Client) -> None:
    client.gong.meetings.disconnect_provider()
    reply = client.post("/v2/meetings", meeting(client))
    assert reply.status_code == 409
    body = reply.json()
    assert set(body) == {"requestId", "errors", "userFacingError", "fixUrl", "helpUrl"}
    assert (body["errors"], body["fixUrl"], body["helpUrl"]) == (["Provider disconnected"], "", "")
    assert "disconnected from Gong" in body["userFacingError"]
    assert len(client.gong.meetings) == 0
    client.gong.meetings.connect_provider()
    assert client.post("/v2/meetings", meeting(client)).status_code == 200


def test_a_disconnected_provider_can_say_how_to_mend_it(client: Client) -> None:
    made = client.post("/v2/meetings", meeting(client)).json()["meetingId"]
    client.gong.meetings.disconnect_provider("https://app.example.com/fix")
    for reply in (client.post("/v2/meetings", meeting(client)), put(client, made, meeting(client))):
        assert (reply.status_code, reply.json()["fixUrl"]) == (409, "https://app.example.com/fix")


def test_the_status_tells_users_from_strangers(client: Client) -> None:
    user = client.gong.world.find_users()[0].email
    reply = client.post(STATUS, {"emails": [user, "buyer@example.org"]}).json()
    about = [(one["email"], one["exists"], one["valid"]) for one in reply["users"]]
    assert about == [(user, True, True), ("buyer@example.org", False, False)]
    client.gong.meetings.disconnect_provider("https://app.example.com/fix")
    (one,) = client.post(STATUS, {"emails": [user]}).json()["users"]
    assert (one["exists"], one["valid"], one["fixUrl"]) == (True, False, "https://app.example.com/fix")
    assert one["userFacingError"]


def test_the_status_answers_for_a_hundred_addresses_at_most(client: Client) -> None:
    assert client.post(STATUS, {}).json()["users"] == []
    assert len(client.post(STATUS, {"emails": ["a@example.org"] * 100}).json()["users"]) == 100
    assert client.post(STATUS, {"emails": ["a@example.org"] * 101}).status_code == 400
    assert client.post(STATUS, {"emails": [1]}).status_code == 400
