"""Exports without a destination: the records themselves, for XCom."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.window import Window

log = logging.getLogger(__name__)

#: The most that an export puts into XCom, in bytes of JSON: XCom lies in Airflow's database.
XCOM_LIMIT = 1_000_000


def collect(
    stream: Stream, client: GongClient, window: Window, limit: int = XCOM_LIMIT
) -> list[dict[str, Any]]:
    """Return the rows of a window, each id once.

    :raises GongConfigurationError: as soon as they exceed the limit, before more requests are spent
    """
    rows: dict[str, bytes] = {}
    pending: list[str] = []
    size = 0
    for batch in stream.read(client, window):
        pending += batch.pending
        for row in batch.rows:
            size += len(row.line) if row.id not in rows else 0
            rows.setdefault(row.id, row.line)
        if size > limit:
            raise GongConfigurationError(
                f"The export of {stream.name} exceeds {limit:,} bytes, more than fits into XCom: pass destination= "
                "(for example 's3://my_aws@bucket/gong') and let the next task use read_export() on the summary."
            )
    if pending:
        # No manifest remembers them here.
        log.warning("%d transcripts are not ready yet: %s", len(pending), ", ".join(pending))
    return [json.loads(line) for line in rows.values()]
