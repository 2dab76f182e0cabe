"""The basic data of a call, which Gong's lists and its detailed data have in common.

https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid
"""

from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, title
from airflow_provider_gong.sandbox.world.posted import Posted
from airflow_provider_gong.sandbox.world.times import wire

# The codes of ISO-639-2B that Gong's document names; the sandbox knows no other language.
LANGUAGES = {"en": "eng", "fr": "fre", "es": "spa", "de": "ger", "it": "ita"}


def basics(call: Call, people: Cast) -> dict[str, Any]:
    """Return the basic data of a call."""
    office = call.host.office
    number = int(call.id[-6:])
    web = call.web_conference
    record = {
        "id": call.id,
        "url": call_url(call),
        "title": title(call, people),
        "scheduled": wire(call.scheduled, office) if call.scheduled else None,
        "started": wire(call.started, office),
        "duration": call.duration,
        "primaryUserId": call.host.id,
        "direction": "Conference" if web else ("Inbound", "Outbound", "Outbound", "Unknown")[number % 4],
        "system": "Web Meeting" if web else "Dialer",
        "scope": "External" if number % 9 else "Unknown",
        "media": "Video" if web else "Audio",
        "language": "eng",
        "workspaceId": call.workspace_id,
        "sdrDisposition": None if web or number % 3 else "Connected",
        "clientUniqueId": None if web else f"dialer-{call.id[:12]}",
        "customData": None,
        "purpose": call.theme if number % 5 == 0 else None,
        "meetingUrl": f"https://meet.example.com/{call.id[:10]}" if web else None,
        "isPrivate": call.private,
        "calendarEventId": f"event-{call.id[-10:]}" if web else None,
    }
    return record if call.posted is None else {**record, **_as_posted(call, call.posted, people)}


def call_url(call: Call) -> str:
    """Return where the call is in the Gong web application."""
    return f"https://app.example.com/call?id={call.id}"


def _as_posted(call: Call, posted: Posted, people: Cast) -> dict[str, Any]:
    """Return what a client said of a call."""
    said = posted.body
    external = any(not person.internal for person in people.participants)
    language = said.get("languageCode")
    return {
        "direction": said["direction"],
        "system": said.get("callProviderCode"),
        "scope": "External" if external else "Internal",
        "media": "Video" if call.has_video else "Audio",
        "language": LANGUAGES.get(language.partition("-")[0], "und") if language else "eng",
        "sdrDisposition": said.get("disposition"),
        "clientUniqueId": said["clientUniqueId"],
        "customData": said.get("customData"),
        "purpose": said.get("purpose"),
        "meetingUrl": said.get("meetingUrl"),
        "calendarEventId": None,
    }
