"""What the tests of exports in slices share: a day that is too large for one chain of pages, and what exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW
from tests.operators.exporting import Kind, bounds

if TYPE_CHECKING:
    from pathlib import Path

DAY = 10

STREAMS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "calls": (GongExportCallsOperator, {"content": "basic"}),
    "transcripts": (GongExportTranscriptsOperator, {}),
    "conversations": (GongExportConversationsOperator, {"content": "basic"}),
    "logs": (GongExportLogsOperator, {"log_type": "AccessLog"}),
}


def large_company() -> GongSandbox:
    """Return a company with a day of some 22 pages of calls, and of logs."""
    return GongSandbox(
        seed=5,
        calls=2200,
        days=1,
        logs=2200,
        users=5,
        now=NOW,
        today=NOW.date(),
        per_second=None,
        per_day=None,
    )


def arguments(stream: str, folder: Path) -> dict[str, Any]:
    """Return the arguments that export the large day of a stream."""
    return {"destination": f"file://{folder}", **bounds(DAY), **STREAMS[stream][1]}
