"""What a delivery says about a call, and what of it Airflow keeps.

https://help.gong.io/docs/payload-sent-to-webhooks
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.plugins.webhooks.refusal import Refused

if TYPE_CHECKING:
    from airflow_provider_gong.plugins.webhooks.rules import Rule
    from airflow_provider_gong.plugins.webhooks.verify import Proof

CALL_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
MAX_TEXT = 2048
MAX_DEPTH = 50
# Who took part and what was said is not among them.
SUMMARY = (
    *("title", "scheduled", "duration", "direction", "system", "scope", "media", "language", "purpose"),
    *("workspaceId", "primaryUserId", "isPrivate"),
)


@dataclass(frozen=True)
class Delivery:
    """One call that matched a rule."""

    call_id: str
    delivery_id: str
    is_test: bool
    call: dict[str, Any] = field(repr=False)

    def facts(self, rule: Rule) -> dict[str, Any]:
        """Return what the Dag run or the event gets to know."""
        meta = self.call["metaData"]
        facts: dict[str, Any] = {
            "rule": rule.name,
            "call_id": self.call_id,
            "url": _short(meta.get("url")),
            "started": _short(meta.get("started")),
            "is_test": self.is_test,
            "delivery_id": self.delivery_id,
        }
        if rule.payload == "summary":
            facts["summary"] = {name: meta[name] for name in SUMMARY if name in meta}
        if rule.payload == "full":
            # Links to recordings carry their own permission, and are dead after eight hours.
            facts["call"] = {name: block for name, block in self.call.items() if name != "media"}
        return {name: _storable(value) for name, value in facts.items()}


def read_delivery(rule: Rule, proof: Proof, body: bytes) -> Delivery:
    """Return what a body says.

    :raises Refused: when it is not what Gong sends.
    """
    content = _object(_parsed(body), "The body")
    call = _object(content.get("callData"), "callData")
    meta = _object(call.get("metaData"), "callData.metaData")
    call_id = meta.get("id")
    if isinstance(call_id, int) and not isinstance(call_id, bool):
        call_id = str(call_id)
    if not isinstance(call_id, str) or not CALL_ID.fullmatch(call_id):
        raise Refused(400, "no_call_id", "callData.metaData.id is missing or no id.")
    is_test = content.get("isTest", False)
    if not isinstance(is_test, bool | None):
        raise Refused(400, "bad_payload", "isTest is not true or false.")
    # Equal deliveries are equal tokens, or without a token equal bodies.
    seen = hashlib.sha256(b"\n".join([rule.name.encode(), proof.signed or body]))
    return Delivery(call_id, seen.hexdigest()[:32], bool(is_test), call)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The body is not JSON that can be read.") from None


def _refuse_constant(name: str) -> None:
    # NaN and Infinity are no JSON, and not every database takes them.
    raise ValueError(name)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(400, "bad_payload", f"{what} is not an object.")
    return value


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else None


def _storable(value: Any, depth: int = 0) -> Any:
    """Leave out what PostgreSQL refuses in JSON: the character 0, halves of surrogate pairs, infinite numbers."""
    if depth > MAX_DEPTH:
        raise Refused(400, "bad_payload", "The body is nested too deeply.")
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_storable(key, depth + 1): _storable(item, depth + 1) for key, item in value.items()}
    return value
