"""From Gong's records to the rows of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.encode import wire_id
from airflow_provider_gong.exceptions import GongConfigurationError, GongUnexpectedResponse
from airflow_provider_gong.exports.writer import Row, short_hash

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable


def is_private(record: dict[str, Any]) -> bool:
    """Tell whether a call, in detail, is private."""
    return bool(basic_data(record).get("isPrivate"))


def basic_data(record: dict[str, Any]) -> dict[str, Any]:
    """Return the basic data of a call, in detail."""
    basic = _key(record, "metaData")
    if not isinstance(basic, dict):
        raise GongUnexpectedResponse("A record of Gong's reply has a metaData that is no object.")
    return basic


def call_record(record: dict[str, Any], blocks: Iterable[str]) -> dict[str, Any]:
    """Return what a row keeps of a call: each selected block, null where Gong omits it, and what else Gong sends."""
    basic = basic_data(record)
    basic["id"] = record_id(basic, "id")
    row = {block: record.get(block) for block in blocks}
    # What Gong adds one day is kept; media URLs are dead before anyone reads them.
    return row | {name: value for name, value in record.items() if name not in row and name != "media"}


def call_row(record: dict[str, Any]) -> Row:
    """Encode a call as `call_record` returned it, or with more beside its blocks."""
    basic = record["metaData"]
    return Row.of(record, id=basic["id"], basic=basic, start=basic.get("started"))


def transcript_row(record: dict[str, Any]) -> Row:
    """Return the row of a transcript."""
    record["callId"] = record_id(record, "callId")
    return Row.of(record, id=record["callId"])


def log_row(record: dict[str, Any], seen: Counter[str]) -> Row:
    """Return the row of a log entry, which gets an id: its hash and its number among equal entries seen."""
    # Long enough that different entries never meet; shorter hashes only tell versions of one record apart.
    digest = short_hash(record, size=12)
    record["_id"] = f"{digest}-{seen[digest]}"
    seen[digest] += 1
    return Row.of(record, id=record["_id"], basic=digest, start=record.get("eventTime"))


def told_url(row: dict[str, Any]) -> object:
    """Return where Gong says that the call of an exported row is; None for rows of other kinds."""
    basic = row.get("metaData")
    return basic.get("url") if isinstance(basic, dict) else None


def record_id(record: dict[str, Any], name: str) -> str:
    """Return an id as text; what cannot be one would be lost or mixed up on the way to a warehouse."""
    value = _key(record, name)
    try:
        return wire_id(value, name)
    except GongConfigurationError:
        raise GongUnexpectedResponse(f"A record of Gong's reply has a {name} that is no id.") from None


def _key(record: dict[str, Any], name: str) -> Any:
    """Return a field that Gong promises, and say which one is missing otherwise."""
    if record.get(name) is None:
        raise GongUnexpectedResponse(f"A record of Gong's reply has no {name}.")
    return record[name]
