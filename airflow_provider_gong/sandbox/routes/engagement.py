"""Engagement: events of custom actions, of content shared and of content viewed.

https://help.gong.io/apidocs/report-event-of-a-custom-action-v2customer-engagementaction
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.inputs import read_body
from airflow_provider_gong.sandbox.routes.shapes import (
    Check,
    check_body,
    list_of,
    moment,
    one_of,
    record,
    text,
)
from airflow_provider_gong.sandbox.routes.visit import Visit, needs

SCOPE = "api:engagement-data:write"
# Declared as the description of 409; nobody has shown a real reply.
REPORTED_BEFORE = "Event was already reported in the past."

SYSTEM = one_of("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
# The document has these words in a single string, separated by commas.
PLATFORM = one_of("Windows", "Linux", "MacOS", "iOS", "Android")
DATA_TYPE = one_of("number", "string", "url", "date")


def _links(*kinds: str) -> Check:
    """Return the check of a list of links to objects in other systems."""
    linked = record(
        {"objectType": one_of(*kinds), "objectId": text, "fields": list_of(record({"name": text}))},
        required=("objectType", "objectId"),
    )
    return list_of(record({"system": SYSTEM, "objects": list_of(linked)}, required=("system",)))


OF_PARTY = _links("Lead", "Contact", "Account", "Opportunity", "User", "Lead,Contact")
OF_EVENT = _links("Opportunity", "Account", "Lead", "Contact", "User", "Opportunity,Account")
PERSON = {**dict.fromkeys(("email", "name", "title"), text), "context": OF_PARTY}
ACTOR = record(PERSON)
# An Actor as well; only the description of the list says so.
RECIPIENT = record(PERSON, required=("email",))
PROPERTIES = list_of(
    record({"name": text, "value": text, "dataType": DATA_TYPE}, required=("name", "value", "dataType"))
)
COMMON: dict[str, Check] = {
    **dict.fromkeys(("reportingSystem", "eventId", "contentId", "contentUrl", "contentTitle"), text),
    **dict.fromkeys(("actionName", "shareId", "trackingId", "workspaceId", "moreInfoUrl"), text),
    **dict.fromkeys(("sharingMessageSubject", "sharingMessageBody", "userAgent", "mobileAppId"), text),
    "eventTimestamp": moment,
    "agentPlatform": PLATFORM,
    "sharer": record(dict.fromkeys(("id", "email", "name"), text)),
    "nonCompanyParticipants": list_of(ACTOR),
    "crmContext": OF_EVENT,
    "contentProperties": PROPERTIES,
    "eventProperties": PROPERTIES,
}
ALWAYS = ("reportingSystem", "eventTimestamp")
CONTENT = ("contentId", "contentUrl", "contentTitle")

ACTION = record({**COMMON, "actor": ACTOR, "eventInfoUrl": text}, required=ALWAYS)
SHARED = record(
    # The platform of a share is free text.
    {**COMMON, "recipients": list_of(RECIPIENT), "shareInfoUrl": text, "agentPlatform": text},
    required=(*ALWAYS, *CONTENT),
)
VIEWED = record(
    {**COMMON, "viewer": ACTOR, "viewActionTitle": text, "viewInfoUrl": text},
    required=(*ALWAYS, *CONTENT),
)

router = APIRouter()


@router.put("/v2/customer-engagement/action")
async def report_action(request: Request, visit: Annotated[Visit, Depends(needs(SCOPE))]) -> Response:
    """Keep the event of a custom action."""
    return _report(visit, "customEvent", await _read_event(request, ACTION))


@router.put("/v2/customer-engagement/content/shared")
async def report_content_shared(request: Request, visit: Annotated[Visit, Depends(needs(SCOPE))]) -> Response:
    """Keep the event of a content share."""
    return _report(visit, "contentShared", await _read_event(request, SHARED))


@router.put("/v2/customer-engagement/content/viewed")
async def report_content_viewed(request: Request, visit: Annotated[Visit, Depends(needs(SCOPE))]) -> Response:
    """Keep the event of a content view."""
    body = await _read_event(request, VIEWED)
    if body.get("viewer") is not None and body.get("trackingId") is not None:
        raise Refusal(400, "trackingId: must be null if a viewer is sent")  # wording not established
    return _report(visit, "contentViewed", body)


async def _read_event(request: Request, check: Check) -> dict[str, Any]:
    body = await read_body(request)
    check_body(body, check)
    return body


def _report(visit: Visit, kind: str, body: dict[str, Any]) -> Response:
    """Answer with a request id only; the rest of the declared schema belongs to another operation."""
    if not visit.gong.engagement.report(kind, body):
        raise Refusal(409, REPORTED_BEFORE)
    return reply({})
