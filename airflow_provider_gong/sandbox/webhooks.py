"""Automation rules that fire: a local Gong sends its webhook to whoever is to receive it.

The body: https://help.gong.io/docs/payload-sent-to-webhooks
"""

import hashlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.signing import SigningKey
from airflow_provider_gong.sandbox.world import Call, World
from airflow_provider_gong.sandbox.world.details import Wanted, details

KINDS = ("signed", "unsigned", "tampered", "expired")
TOKEN_LIFE = timedelta(minutes=5)
TIMEOUT_SECONDS = 60.0
CONTENT = ("structure", "topics", "trackers", "brief", "outline", "highlights", "callOutcome", "keyPoints")
EVERYTHING = Wanted(
    context="Extended",
    timings=("Now",),
    parties=True,
    content=dict.fromkeys(CONTENT, True),
    interaction=dict.fromkeys(("speakers", "video", "personInteractionStats", "questions"), True),
    comments=True,
    media=True,
)


@dataclass(frozen=True)
class Delivery:
    """A request that is ready to be sent, as often as one likes."""

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def send(self) -> "Answer":
        """Post it and return the answer; nothing is repeated."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("POST", path, self.body, {"Content-Type": "application/json", **self.headers})
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read().decode("utf-8", "replace"))
        finally:
            connection.close()


@dataclass(frozen=True)
class Answer:
    """What the receiver says."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """Return the content of the answer."""
        return json.loads(self.text)


class Webhooks:
    """Fire automation rules.

    :param clock: of the tokens' expiry
    :param world: the calls that match rules
    :param key: default: one made on the spot
    """

    def __init__(self, clock: Clock, world: World, key: SigningKey | None = None) -> None:
        self._clock = clock
        self._world = world
        self._given = key

    @cached_property
    def key(self) -> SigningKey:
        """Return the key that signs; its `public_key` belongs into the receiver's configuration."""
        return self._given or SigningKey()

    def fire(
        self,
        url: str,
        call: Call | str | None = None,
        *,
        kind: str = "signed",
        is_test: bool = False,
        sent_to: str | None = None,
    ) -> Answer:
        """Send one delivery and return the answer.

        :param url: the URL that the rule has in Gong; the token names it
        :param call: the call that matched, or its id; default: the newest visible one
        :param kind: one of ``signed``, ``unsigned``, ``tampered`` (the body is not the signed one), ``expired``
        :param is_test: as with the button "Test now"
        :param sent_to: where the request goes instead, as behind a proxy
        """
        return self.delivery(url, call, kind=kind, is_test=is_test, sent_to=sent_to).send()

    def delivery(
        self,
        url: str,
        call: Call | str | None = None,
        *,
        kind: str = "signed",
        is_test: bool = False,
        sent_to: str | None = None,
    ) -> Delivery:
        """Return a delivery without sending it; for the arguments see `fire`."""
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}: give one of {', '.join(KINDS)}")
        body = self.body(call, is_test=is_test)
        life = -TOKEN_LIFE if kind == "expired" else TOKEN_LIFE
        headers = (
            {} if kind == "unsigned" else {"Authorization": self.key.token(self.claims(url, body, life))}
        )
        if kind == "tampered":
            body = body.replace(b'"isTest": ', b'"isTest":  ')
        return Delivery(sent_to or url, body, headers)

    def body(self, call: Call | str | None = None, *, is_test: bool = False) -> bytes:
        """Return the body that tells of a call."""
        if not isinstance(call, Call):
            call = self._world.call(call) if call else self._world.visible_calls()[-1]
        data = details(call, EVERYTHING, self._clock.now())
        return json.dumps({"callData": data, "isTest": is_test}).encode()

    def claims(self, url: str, body: bytes, life: timedelta = TOKEN_LIFE) -> dict[str, Any]:
        """Return what a token says."""
        return {
            "webhook_url": url,
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "exp": int((self._clock.now() + life).timestamp()),
        }
