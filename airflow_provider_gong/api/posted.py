"""How Gong says that it has a call already."""

from __future__ import annotations

import re

# What Gong answers to a `clientUniqueId` that it knows was seen once, and is not documented.
ALREADY = re.compile(r"\b(already|exist(s|ing)?|duplicate)\b", re.IGNORECASE)
CLIENT_ID = re.compile(r"\bclient\W?unique\W?id\b", re.IGNORECASE)
CALL_ID = re.compile(
    r"\bcall(?:\W*(?:with|having|the|id|number|no))*[\s#:='\"`(\[]*(\d{5,20})(?![\w-])", re.IGNORECASE
)


def posted_before(message: str, client_unique_id: str) -> str | None:
    """Return the call that Gong says has this `client_unique_id` already; None when it says something else."""
    # It may look like the identifier of a call itself.
    own = rf"(?<![\w-]){re.escape(client_unique_id)}(?![\w-])"
    rest = re.sub(own, "", message, count=1)
    if not (ALREADY.search(rest) and CLIENT_ID.search(rest)):
        return None
    found = set(CALL_ID.findall(rest))
    return found.pop() if len(found) == 1 else None
