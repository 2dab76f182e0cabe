"""Calls and media as a client posts them."""

from typing import Any

import requests

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client


def new_call(gong: GongSandbox, **changes: Any) -> dict[str, Any]:
    """Return a request that Gong takes; change what differs, None leaves a field out."""
    host = gong.uploads.hosts()[0]
    body = {
        "clientUniqueId": "pbx-1",
        "actualStart": "2026-01-10T12:00:00Z",
        "parties": [{"userId": host.id}, {"name": "Bo Placeholder", "emailAddress": "bo@guest.example.org"}],
        "direction": "Outbound",
        "primaryUser": host.id,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def created(client: Client, **changes: Any) -> str:
    """Create a call and return its id."""
    reply = client.post("/v2/calls", new_call(client.gong, **changes))
    assert reply.status_code == 200, reply.text
    call_id: str = reply.json()["callId"]
    return call_id


def upload(
    client: Client, call_id: str, content: Any = b"sound", name: str = "call.mp3"
) -> requests.Response:
    """Give the media of a call."""
    return client.ask("PUT", f"/v2/calls/{call_id}/media", files={"mediaFile": (name, content)})
