"""Requests that report engagement events, and what is said of bad input."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_gong.api import engagement
from airflow_provider_gong.exceptions import GongConfigurationError

EVENT: dict[str, Any] = {"reporting_system": "portal", "event_timestamp": "2026-02-01T10:00:00-05:00"}
CONTENT: dict[str, Any] = {
    "content_id": "7",
    "content_url": "https://content.example.com/7",
    "content_title": "Price list",
}
SENT_EVENT = {"reportingSystem": "portal", "eventTimestamp": "2026-02-01T10:00:00-05:00"}
SENT_CONTENT = {"contentId": "7", "contentUrl": "https://content.example.com/7", "contentTitle": "Price list"}
LINKS = [{"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": "0013"}]}]
BUYER = {"email": "buyer@example.com", "name": "A Buyer", "title": "CFO", "context": LINKS}
PROPERTY = {"name": "Pages", "value": "3", "dataType": "number"}
COMMON = {
    "event_id": "event-1",
    "tracking_id": "track-1",
    "workspace_id": "623457276584334",
    "action_name": "Document Signed",
    "share_id": "share-1",
    "sharer": {"id": "234599484848423"},
    "sharing_message_subject": "Prices",
    "sharing_message_body": "<b>Hello</b>",
    "non_company_participants": [BUYER],
    "more_info_url": "https://content.example.com/more",
    "crm_context": LINKS,
    "content_properties": [PROPERTY],
    "event_properties": [PROPERTY],
    "user_agent": "Mozilla/5.0",
    "mobile_app_id": "com.example.content",
    "agent_platform": "iOS",
}
SENT_COMMON = {
    "eventId": "event-1",
    "trackingId": "track-1",
    "workspaceId": "623457276584334",
    "actionName": "Document Signed",
    "shareId": "share-1",
    "sharer": {"id": "234599484848423"},
    "sharingMessageSubject": "Prices",
    "sharingMessageBody": "<b>Hello</b>",
    "nonCompanyParticipants": [BUYER],
    "moreInfoUrl": "https://content.example.com/more",
    "crmContext": LINKS,
    "contentProperties": [PROPERTY],
    "eventProperties": [PROPERTY],
    "userAgent": "Mozilla/5.0",
    "mobileAppId": "com.example.content",
    "agentPlatform": "iOS",
}
ACTION, SHARED, VIEWED = (
    engagement.report_custom_action,
    engagement.report_content_shared,
    engagement.report_content_viewed,
)
NEEDED: dict[Any, dict[str, Any]] = {ACTION: EVENT, SHARED: EVENT | CONTENT, VIEWED: EVENT | CONTENT}
each_event = pytest.mark.parametrize("report", NEEDED, ids=lambda function: function.__name__)


JSON = "as text in JSON (use the tojson filter)."


def refusal(*sentences: str) -> Any:
    return pytest.raises(GongConfigurationError, match=f"^{re.escape(' '.join(sentences))}$")


@pytest.mark.parametrize(
    ("report", "path", "body"),
    [
        (ACTION, "/v2/customer-engagement/action", SENT_EVENT),
        (SHARED, "/v2/customer-engagement/content/shared", SENT_EVENT | SENT_CONTENT),
        (VIEWED, "/v2/customer-engagement/content/viewed", SENT_EVENT | SENT_CONTENT),
    ],
)
def test_smallest_event_has_what_gong_requires(report: Any, path: str, body: Any) -> None:
    request = report(**NEEDED[report])
    assert (request.method, request.path, request.body) == ("PUT", path, body)


@pytest.mark.parametrize(
    ("report", "own", "sent"),
    [
        (
            ACTION,
            CONTENT | {"event_info_url": "https://content.example.com/e", "actor": BUYER},
            SENT_CONTENT | {"eventInfoUrl": "https://content.example.com/e", "actor": BUYER},
        ),
        (
            SHARED,
            {"share_info_url": "https://content.example.com/s", "recipients": [BUYER]},
            SENT_CONTENT | {"shareInfoUrl": "https://content.example.com/s", "recipients": [BUYER]},
        ),
        (
            VIEWED,
            {"view_action_title": "Document Viewed", "view_info_url": "https://content.example.com/v"},
            SENT_CONTENT
            | {"viewActionTitle": "Document Viewed", "viewInfoUrl": "https://content.example.com/v"},
        ),
    ],
)
def test_whole_event_has_all_that_gong_knows(report: Any, own: Any, sent: Any) -> None:
    assert report(**NEEDED[report], **COMMON, **own).body == SENT_EVENT | SENT_COMMON | sent


@each_event
def test_ids_that_became_numbers_are_sent_as_text(report: Any) -> None:
    context = [{"system": "Generic", "objects": [{"objectType": "Account", "objectId": 12}]}]
    body = report(**NEEDED[report], sharer={"id": 234599484848423}, crm_context=context).body
    assert body["sharer"] == {"id": "234599484848423"}
    assert body["crmContext"][0]["objects"] == [{"objectType": "Account", "objectId": "12"}]


def test_viewer_takes_the_place_of_tracking_id() -> None:
    assert VIEWED(**EVENT, **CONTENT, viewer=BUYER, tracking_id="").body == (
        SENT_EVENT | SENT_CONTENT | {"viewer": BUYER}
    )


def test_viewer_and_tracking_id_together_are_refused() -> None:
    with refusal("tracking_id and viewer were both given, which Gong refuses: leave one of them out."):
        VIEWED(**EVENT, **CONTENT, viewer=BUYER, tracking_id="track-1")


@each_event
@pytest.mark.parametrize("nothing", [None, "", " "])
def test_what_gong_requires_is_named_when_it_is_missing(report: Any, nothing: str | None) -> None:
    needed = NEEDED[report]
    with refusal(*(f"{name} is missing: Gong requires it." for name in needed)):
        report(**dict.fromkeys(needed, nothing))


@each_event
def test_moment_may_be_a_datetime(report: Any) -> None:
    body = report(**NEEDED[report] | {"event_timestamp": datetime(2026, 2, 1, tzinfo=UTC)}).body
    assert body["eventTimestamp"] == "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize("report", [ACTION, VIEWED], ids=lambda function: function.__name__)
def test_platform_is_one_of_gongs(report: Any) -> None:
    for platform in ("Windows", "Linux", "MacOS", "iOS", "Android"):
        assert report(**NEEDED[report], agent_platform=platform).body["agentPlatform"] == platform
    with refusal("agent_platform='macOS' is unknown: use one of Windows, Linux, MacOS, iOS, Android."):
        report(**NEEDED[report], agent_platform="macOS")


def test_platform_of_a_share_is_any_text() -> None:
    assert SHARED(**EVENT, **CONTENT, agent_platform="a toaster").body["agentPlatform"] == "a toaster"


@pytest.mark.parametrize(("value", "sent"), [(3.14, "3.14"), (7, "7"), ("", ""), ("x", "x")])
def test_values_of_properties_are_sent_as_text(value: Any, sent: str) -> None:
    given = {"name": "Pages", "value": value, "dataType": "string"}
    body = ACTION(**EVENT, event_properties=[given]).body
    assert body["eventProperties"] == [{**given, "value": sent}]
    assert given["value"] == value


@each_event
@pytest.mark.parametrize("name", ["content_properties", "event_properties"])
def test_a_property_needs_name_value_and_known_type(report: Any, name: str) -> None:
    wrong = [PROPERTY, {}, {"name": "a", "value": True, "dataType": "boolean"}, "a=b"]
    with refusal(
        f"{name}[1].name is missing: Gong requires it.",
        f"{name}[1].dataType is missing: Gong requires it.",
        f"{name}[1].value is missing, or neither a text nor a number.",
        f"{name}[2].dataType is unknown: use one of number, string, url, date.",
        f"{name}[2].value is missing, or neither a text nor a number.",
        f"{name}[3] is str, not an object: give Gong's keys and their values, {JSON}",
    ):
        report(**NEEDED[report], **{name: wrong})


UNKNOWN_SYSTEM = "is unknown: use one of Salesforce, HubSpot, MicrosoftDynamic, Generic."


@pytest.mark.parametrize(
    ("report", "wrong", "place"),
    [
        (ACTION, {"crm_context": [{"system": "SAP"}]}, "crm_context[0].system"),
        (ACTION, {"actor": {"context": [{"system": "SAP"}]}}, "actor.context[0].system"),
        (VIEWED, {"viewer": {"context": [*LINKS, {"system": "SAP"}]}}, "viewer.context[1].system"),
        (
            SHARED,
            {"recipients": [{"email": "a@example.com", "context": [{"system": "SAP"}]}]},
            "recipients[0].context[0].system",
        ),
        (
            SHARED,
            {"non_company_participants": [{}, {"context": [{"system": "SAP"}]}]},
            "non_company_participants[1].context[0].system",
        ),
    ],
)
def test_links_lead_to_systems_that_gong_knows(report: Any, wrong: Any, place: str) -> None:
    with refusal(f"{place} {UNKNOWN_SYSTEM}"):
        report(**NEEDED[report], **wrong)


def test_a_recipient_without_address_is_named_by_its_place_alone() -> None:
    recipients = [{"email": "a@example.com"}, {"name": "Ann Secret"}, {"email": "Bob Secret"}]
    with refusal(
        "recipients[1].email is missing: Gong requires it.",
        "recipients[2].email is no e-mail address: give one such as 'name@example.com', without blanks and names.",
    ):
        SHARED(**EVENT, **CONTENT, recipients=recipients)


@pytest.mark.parametrize("name", ["actor", "sharer"])
def test_a_person_is_an_object(name: str) -> None:
    with refusal(f"{name} is str, not an object: give Gong's keys and their values, {JSON}"):
        ACTION(**EVENT | {name: "Ann Secret"})


def test_all_problems_are_told_at_once() -> None:
    wrong: dict[str, Any] = {
        "event_timestamp": "soon",
        "workspace_id": "a b",
        "recipients": BUYER,
        "crm_context": [{"system": "HubSpot", "objects": [{"objectType": "Deal"}]}],
    }
    with refusal(
        "reporting_system is missing: Gong requires it.",
        "recipients is dict, not a list: give a list, even of one.",
        "crm_context[0].objects[0].objectId is missing: Gong requires it.",
        "event_timestamp='soon' is not a date and time: give a datetime or ISO 8601 text "
        "such as 2026-01-31T08:00:00+00:00.",
        "workspace_id='a b' is not an identifier of Gong: give its digits as text, such as '7782342274025937895'.",
    ):
        SHARED(**CONTENT | wrong)


@pytest.mark.parametrize(
    ("report", "argument"), [(ACTION, "viewer"), (SHARED, "actor"), (VIEWED, "recipients")]
)
def test_an_argument_of_another_event_is_a_mistake_of_the_program(report: Any, argument: str) -> None:
    with pytest.raises(TypeError, match=f"^{argument} is no argument: use reporting_system, "):
        report(**NEEDED[report], **{argument: None})
