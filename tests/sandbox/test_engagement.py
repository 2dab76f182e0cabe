"""Events of engagement: what is refused, and what counts as reported before."""

from typing import Any

import pytest
import requests

from tests.sandbox.client import Client, errors

KINDS = {"action": "customEvent", "content/shared": "contentShared", "content/viewed": "contentViewed"}
CONTENT = {"contentId": "7", "contentUrl": "https://docs.example.com/7", "contentTitle": "Offer"}
EVENT = {"reportingSystem": "docs", "eventTimestamp": "2026-01-10T08:00:00Z", **CONTENT}
PROPERTY = {"name": "pages", "value": "3", "dataType": "number"}

every_kind = pytest.mark.parametrize("path", KINDS)


def report(client: Client, path: str, **changes: Any) -> requests.Response:
    return client.ask("PUT", f"/v2/customer-engagement/{path}", json={**EVENT, **changes})


@every_kind
def test_an_event_is_kept_as_received(client: Client, path: str) -> None:
    reply = report(client, path, eventId="1", colour="green", contentProperties=[PROPERTY])
    assert reply.status_code == 200
    assert set(reply.json()) == {"requestId"}
    (event,) = client.gong.engagement
    assert event.kind == KINDS[path]
    assert event.body == {**EVENT, "eventId": "1", "colour": "green", "contentProperties": [PROPERTY]}


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("action", ["reportingSystem", "eventTimestamp"]),
        *((path, ["reportingSystem", "eventTimestamp", *CONTENT]) for path in list(KINDS)[1:]),
    ],
)
def test_all_that_is_missing_is_named_at_once(client: Client, path: str, required: list[str]) -> None:
    reply = client.ask("PUT", f"/v2/customer-engagement/{path}", json={})
    assert reply.status_code == 400
    assert errors(reply) == [f"{name}: must not be null" for name in required]


@every_kind
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"eventTimestamp": "2026-01-10T08:00:00"}, ["eventTimestamp"]),
        ({"reportingSystem": 5, "contentId": 7}, ["reportingSystem", "contentId"]),
        (
            {"eventProperties": [PROPERTY, {"name": "pages"}]},
            ["eventProperties[1].value", "eventProperties[1].dataType"],
        ),
        ({"contentProperties": [{**PROPERTY, "dataType": "NUMBER"}]}, ["contentProperties[0].dataType"]),
        ({"crmContext": [{"system": "Excel"}]}, ["crmContext[0].system"]),
        ({"crmContext": [{"objects": []}]}, ["crmContext[0].system"]),
        (
            {"crmContext": [{"system": "Generic", "objects": [{"objectType": "Deal"}]}]},
            ["crmContext[0].objects[0].objectId", "crmContext[0].objects[0].objectType"],
        ),
        ({"nonCompanyParticipants": [{"email": 5}]}, ["nonCompanyParticipants[0].email"]),
        ({"sharer": ["rep@example.com"]}, ["sharer"]),
    ],
)
def test_what_does_not_fit_is_a_400_and_is_not_kept(
    client: Client, path: str, changes: dict[str, Any], named: list[str]
) -> None:
    reply = report(client, path, **changes)
    assert reply.status_code == 400
    assert [message.partition(":")[0] for message in errors(reply)] == named
    assert len(client.gong.engagement) == 0


@pytest.mark.parametrize(
    ("path", "status"), [("action", 400), ("content/shared", 200), ("content/viewed", 400)]
)
def test_platforms_are_a_closed_list_except_of_shares(client: Client, path: str, status: int) -> None:
    assert report(client, path, agentPlatform="Amiga").status_code == status
    assert report(client, path, agentPlatform="MacOS").status_code == 200


def test_recipients_need_an_address_although_other_people_do_not(client: Client) -> None:
    nameless = [{"name": "Kim"}]
    reply = report(client, "content/shared", recipients=nameless)
    assert (reply.status_code, errors(reply)) == (400, ["recipients[0].email: must not be null"])
    assert report(client, "content/shared", nonCompanyParticipants=nameless).status_code == 200


def test_a_view_has_a_viewer_or_a_tracking_id(client: Client) -> None:
    viewer = {"email": "buyer@example.org"}
    reply = report(client, "content/viewed", viewer=viewer, trackingId="t")
    assert reply.status_code == 400
    assert errors(reply)[0].startswith("trackingId: must be null")
    assert report(client, "content/viewed", viewer=viewer, trackingId=None).status_code == 200
    assert report(client, "content/viewed", trackingId="t").status_code == 200


@every_kind
def test_an_event_that_was_reported_before_is_a_409(client: Client, path: str) -> None:
    assert report(client, path, eventId="1").status_code == 200
    again = report(client, path, eventId="1", contentTitle="Other")
    assert (again.status_code, errors(again)) == (409, ["Event was already reported in the past."])
    assert len(client.gong.engagement) == 1
    assert report(client, path, eventId="2").status_code == 200
    assert report(client, path, eventId="1", reportingSystem="other").status_code == 200


def test_events_of_different_kinds_may_share_an_id(client: Client) -> None:
    assert [report(client, path, eventId="1").status_code for path in KINDS] == [200, 200, 200]


@every_kind
def test_events_without_an_id_are_never_the_same(client: Client, path: str) -> None:
    assert [report(client, path, eventId=event_id).status_code for event_id in (None, None)] == [200, 200]
    assert len(client.gong.engagement) == 2
