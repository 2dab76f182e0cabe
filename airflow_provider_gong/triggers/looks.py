"""What waits look for, of up to 100 calls with one request: the same functions in workers and in the triggerer."""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import calls, transcripts
from airflow_provider_gong.exceptions import GongMissingScope, GongNotFound, GongUnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_gong.hooks.gong import GongHook

    Look = Callable[[GongHook, Sequence[str]], set[str]]

log = logging.getLogger(__name__)

IDS_PER_REQUEST = 100
# Gong's words for a call that it does not show (yet); at a wrong address there are others.
NOT_SHOWN = re.compile(r"call id \S+ was not found", re.IGNORECASE)


def find_call(hook: GongHook, call_id: str) -> dict[str, Any] | None:
    """Return the basic record of a call, None while Gong does not show it."""
    try:
        record: dict[str, Any] = hook.send(calls.get_call(call_id))
    except GongNotFound as error:
        if any(NOT_SHOWN.search(text) for text in error.messages):
            return None
        raise
    return record


def shown_calls(hook: GongHook, call_ids: Sequence[str]) -> set[str]:
    """Return which of up to 100 calls Gong shows.

    Asking for many at once needs a scope more than asking for one; a key without it asks for one after the other.
    """
    if len(call_ids) > 1:
        try:
            found = hook.items(calls.list_calls_extensive(call_ids=call_ids))
            return {_id(call.get("metaData"), "id") for call in found}
        except GongMissingScope as error:
            log.warning(
                "The access key lacks the scope %s, so each of %d calls costs a request.",
                error.scope,
                len(call_ids),
            )
    return {call_id for call_id in call_ids if find_call(hook, call_id) is not None}


def transcribed_calls(hook: GongHook, call_ids: Sequence[str]) -> set[str]:
    """Return which of up to 100 calls have a transcript."""
    found = hook.items(transcripts.list_call_transcripts(call_ids=call_ids))
    return {_id(one, "callId") for one in found}


def batches(call_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in groups that one request can ask for."""
    for start in range(0, len(call_ids), IDS_PER_REQUEST):
        yield call_ids[start : start + IDS_PER_REQUEST]


def needed(calls: int, share: float) -> int:
    """Return how many calls a share is; at least one, since nothing is no share of anything."""
    # Of 100 calls 0.07 are 7, although 100 * 0.07 is a little more.
    return max(1, math.ceil(calls * share - 1e-9))


def _id(record: Any, name: str) -> str:
    found = record.get(name) if isinstance(record, dict) else None
    if not isinstance(found, str | int):
        raise GongUnexpectedResponse(f"A record of Gong's reply has no {name}.")
    return str(found)
