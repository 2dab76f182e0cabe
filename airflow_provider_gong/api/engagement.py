"""Engagement: what other systems report of content that was shared, viewed or acted on.

Gong keeps these operations for what exists and advises Digital Interactions for what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from airflow_provider_gong.api.checks import (
    Check,
    Problems,
    an_address,
    an_object,
    contexts,
    list_of,
    missing,
    one_of,
    present,
    record,
    wire_moment,
)
from airflow_provider_gong.api.encode import camel_case, wire_id, with_texts
from airflow_provider_gong.api.endpoint import Params, endpoint

if TYPE_CHECKING:
    from datetime import datetime

Objects = Sequence[Mapping[str, Any]]

SCOPE = "api:engagement-data:write"
TEXTS = ("id", "objectId")
DATA_TYPES = ("number", "string", "url", "date")


class RequiredOfEvent(TypedDict):
    """What every event has."""

    reporting_system: str
    event_timestamp: datetime | str


class Event(RequiredOfEvent, total=False):
    """What every event may have."""

    event_id: str | None
    tracking_id: str | None
    workspace_id: str | None
    action_name: str | None
    share_id: str | None
    sharer: Mapping[str, Any] | None
    sharing_message_subject: str | None
    sharing_message_body: str | None
    non_company_participants: Objects | None
    more_info_url: str | None
    crm_context: Objects | None
    content_properties: Objects | None
    event_properties: Objects | None
    user_agent: str | None
    mobile_app_id: str | None
    agent_platform: str | None


class CustomAction(Event, total=False):
    """The arguments that describe an action."""

    content_id: str | None
    content_url: str | None
    content_title: str | None
    event_info_url: str | None
    actor: Mapping[str, Any] | None


class ContentEvent(Event):
    """An event that content is part of."""

    content_id: str
    content_url: str
    content_title: str


class ContentShared(ContentEvent, total=False):
    """The arguments that describe a share."""

    share_info_url: str | None
    recipients: Objects | None


class ContentViewed(ContentEvent, total=False):
    """The arguments that describe a view."""

    view_action_title: str | None
    view_info_url: str | None
    viewer: Mapping[str, Any] | None


@endpoint("PUT", "/v2/customer-engagement/action", result=None, scope=SCOPE)
def report_custom_action(**event: Unpack[CustomAction]) -> Params:
    """Report that somebody did something with content, or anything else that belongs in the timeline.

    Arguments are Gong's fields in snake_case; see `GongReportCustomActionOperator`.

    https://help.gong.io/apidocs/report-event-of-a-custom-action-v2customer-engagementaction

    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(body=_body(event, CustomAction, {"agent_platform": PLATFORM}))


@endpoint("PUT", "/v2/customer-engagement/content/shared", result=None, scope=SCOPE)
def report_content_shared(**event: Unpack[ContentShared]) -> Params:
    """Report that content was shared with people.

    Arguments are Gong's fields in snake_case; see `GongReportContentSharedOperator`.

    https://help.gong.io/apidocs/report-event-of-a-content-share-v2customer-engagementcontentshared

    :raises GongConfigurationError: naming the argument that must be mended.
    """
    # Here, and only here, Gong's document lets the platform be any text.
    return Params(body=_body(event, ContentShared, {}))


@endpoint("PUT", "/v2/customer-engagement/content/viewed", result=None, scope=SCOPE)
def report_content_viewed(**event: Unpack[ContentViewed]) -> Params:
    """Report that content was viewed.

    Arguments are Gong's fields in snake_case; see `GongReportContentViewedOperator`.

    https://help.gong.io/apidocs/report-event-of-a-content-view-v2customer-engagementcontentviewed

    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(body=_body(event, ContentViewed, {"agent_platform": PLATFORM}))


def _body(event: Mapping[str, Any], kind: type, checks: Mapping[str, Check]) -> dict[str, Any]:
    given = present(event, kind)
    problems = Problems()
    problems.add(missing(given, kind))
    problems.inspect(given, {**CHECKS, **checks})
    if "tracking_id" in given and "viewer" in given:
        problems.add(["tracking_id and viewer were both given, which Gong refuses: leave one of them out."])
    given |= problems.converted(given, wire_moment, "event_timestamp")
    given |= problems.converted(given, wire_id, "workspace_id")
    problems.tell()
    for name in PROPERTIES:
        if name in given:
            given[name] = [_in_text(one) for one in given[name]]
    return {camel_case(name): with_texts(value, TEXTS) for name, value in given.items()}


def _a_property(value: Any, where: str) -> Iterator[str]:
    yield from record({"dataType": one_of(*DATA_TYPES)}, required=("name", "dataType"))(value, where)
    if isinstance(value, Mapping) and not _is_text_or_number(value.get("value")):
        yield f"{where}.value is missing, or neither a text nor a number."


def _is_text_or_number(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _in_text(one: Mapping[str, Any]) -> dict[str, Any]:
    # Gong's document speaks of numbers in its description, but its schema wants a text for every data type.
    return {**one, "value": str(one["value"])}


PLATFORM = one_of("Windows", "Linux", "MacOS", "iOS", "Android", shown=True)
PERSON = record({"context": contexts})
RECIPIENT = record({"email": an_address, "context": contexts}, required=("email",))
PROPERTIES = ("content_properties", "event_properties")
CHECKS: dict[str, Check] = {
    "actor": PERSON,
    "viewer": PERSON,
    "sharer": an_object,
    "recipients": list_of(RECIPIENT),
    "non_company_participants": list_of(PERSON),
    "crm_context": contexts,
    **dict.fromkeys(PROPERTIES, list_of(_a_property)),
}
