"""The basic data of a call, which Gong's lists and its detailed data have in common.

https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid
"""

from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, title
from airflow_provider_gong.sandbox.world.times import wire


def basics(call: Call, people: Cast) -> dict[str, Any]:
    """Return the basic data of a call."""
    office = call.host.office
    number = int(call.id[-6:])
    web = call.web_conference
    return {
        "id": call.id,
        "url": f"https://app.example.com/call?id={call.id}",
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
