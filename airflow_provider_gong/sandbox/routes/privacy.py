"""Data privacy: what refers to an address or a phone number, and its erasure.

https://help.gong.io/apidocs/retrieve-all-references-to-an-email-address-v2data-privacydata-for-email-address

These routes are plain functions, so that they run in threads: to find somebody among very many calls takes
seconds, the first time.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.engagement import Event
from airflow_provider_gong.sandbox.privacy import References
from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import Call
from airflow_provider_gong.sandbox.world.cast import cast
from airflow_provider_gong.sandbox.world.mail import Contact, Mail
from airflow_provider_gong.sandbox.world.mentions import Subject

READ = "api:data-privacy:read"
DELETE = "api:data-privacy:delete"
# Where each kind of event has its name.
EVENT_NAMES = {"contentShared": "actionName", "contentViewed": "viewActionTitle", "customEvent": "actionName"}

router = APIRouter()


@router.get("/v2/data-privacy/data-for-email-address")
def find_email_address(request: Request, visit: Annotated[Visit, Depends(needs(READ))]) -> Response:
    """List what refers to an address; nothing is an answer, too."""
    found = visit.gong.privacy.references(_read_address(request))
    events = [_event_record(event) for event in found.events]
    return reply({**_references(visit, found), "customerEngagement": events})


@router.get("/v2/data-privacy/data-for-phone-number")
def find_phone_number(request: Request, visit: Annotated[Visit, Depends(needs(READ))]) -> Response:
    """List what refers to a phone number; nothing is an answer, too."""
    found = visit.gong.privacy.references(_read_number(request))
    about = {
        "suppliedPhoneNumber": request.query_params["phoneNumber"],
        "matchingPhoneNumbers": sorted({person.phone for person in found.people if person.phone}),
        "emailAddresses": sorted({person.email for person in found.people if person.email}),
    }
    return reply({**_references(visit, found), **about})


@router.post("/v2/data-privacy/erase-data-for-email-address")
def erase_email_address(request: Request, visit: Annotated[Visit, Depends(needs(DELETE))]) -> Response:
    """Erase an address, whether anything refers to it or not."""
    return _erase(visit, _read_address(request))


@router.post("/v2/data-privacy/erase-data-for-phone-number")
def erase_phone_number(request: Request, visit: Annotated[Visit, Depends(needs(DELETE))]) -> Response:
    """Erase a phone number, whether anything refers to it or not."""
    return _erase(visit, _read_number(request))


def _read_address(request: Request) -> Subject:
    address = request.query_params.get("emailAddress", "")
    if not address.strip():
        raise Refusal(400, "emailAddress: must not be null")
    return Subject.of_address(address)


def _read_number(request: Request) -> Subject:
    """Return who has a number. A plus that is not encoded arrives as a blank, and is refused."""
    number = request.query_params.get("phoneNumber", "")
    if not number:
        raise Refusal(400, "phoneNumber: must not be null")
    subject = Subject.of_number(number)
    if not number.startswith("+") or not subject.digits:
        raise Refusal(400, "phoneNumber: must start with a + sign")  # wording not established
    return subject


def _erase(visit: Visit, subject: Subject) -> Response:
    if visit.gong.privacy.refuses_erasures:
        # That there is a guard is documented, its status and wording are not.
        raise Refusal(400, "The number of objects to delete is abnormal, contact help@gong.io")
    visit.gong.privacy.erase(subject)
    return reply({})


def _references(visit: Visit, found: References) -> dict[str, Any]:
    return {
        "emails": [_mail_record(mail) for mail in found.mails],
        "calls": [_call_record(call, visit) for call in found.calls],
        "meetings": [{"id": one} for one in dict.fromkeys(meeting.id for meeting in found.meetings)],
        "customerData": _customer_data(found.contacts),
    }


def _mail_record(mail: Mail) -> dict[str, Any]:
    return {
        "from": mail.sender,
        "id": mail.id,
        "sentTime": mail.sent.isoformat().replace("+00:00", "Z"),
        "mailbox": mail.mailbox,
        "messageHash": mail.hash,
    }


def _call_record(call: Call, visit: Visit) -> dict[str, Any]:
    """Return a call with its place in the CRM. The words of its status are not established."""
    crm = cast(call).crm
    task = {"objectType": "Task", "externalId": f"00T{call.id[:15]}"}
    return {
        "id": call.id,
        "status": "COMPLETED" if call.visible_at <= visit.gong.clock.now() else "PROCESSING",
        "externalSystems": [{"system": crm, "objects": [task]}] if crm else [],
    }


def _customer_data(found: list[Contact]) -> list[dict[str, Any]]:
    systems = dict.fromkeys(contact.system for contact in found)
    return [
        {"system": system, "objects": [one.record for one in found if one.system == system]}
        for system in systems
    ]


def _event_record(event: Event) -> dict[str, Any]:
    body = event.body
    return {
        "eventType": event.kind,
        "timestamp": body["eventTimestamp"],
        "contentId": body.get("contentId"),
        "contentUrl": body.get("contentUrl"),
        "reportingSystem": body["reportingSystem"],
        "eventName": body.get(EVENT_NAMES[event.kind]),
        "sourceEventId": body.get("eventId"),
    }
