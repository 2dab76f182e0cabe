"""What the newest run of a dataset of conversations does about the windows before its own.

It looks back as that of calls does, and exports those again whose transcript has come since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.glances import IDS_PER_REQUEST
from airflow_provider_gong.exports.streams import Transcripts, transcripts_by_id
from airflow_provider_gong.exports.waiting import TranscriptsHistory

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.history import CallsHistory
    from airflow_provider_gong.exports.lookback import Findings
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.tally import Tally


@dataclass(frozen=True, kw_only=True)
class ConversationsHistory:
    """The past of a dataset of conversations: that of its calls, and the transcripts that are waited for."""

    calls: CallsHistory
    give_up_after: timedelta

    @property
    def beside(self) -> tuple[Dataset, ...]:
        """Return the deletions."""
        return self.calls.beside

    def look(self) -> Findings:
        """Find what came late, changed or vanished, and whose transcript has come."""
        findings = self.calls.look()
        if not self.calls.is_head:
            return findings
        findings.changed = list(dict.fromkeys([*findings.changed, *self._transcribed()]))
        return findings

    def check_identity(self, identity: dict[str, Any]) -> None:
        """Refuse deletions of other conversations."""
        self.calls.check_identity(identity)

    def tell(self, findings: Findings, tally: Tally, manifest: Manifest, run: Run, folder: Path) -> Manifest:
        """Publish the deletions, and return the manifest with what is known of the past."""
        told = self.calls.tell(findings, tally, manifest, run, folder)
        if not self.calls.is_head:
            return told
        settled = {*findings.changed, *findings.deleted}
        waiting = [call_id for call_id in self._waiting.waits if call_id not in settled]
        told = replace(told, pending=tuple(dict.fromkeys([*told.pending, *waiting])))
        reach = datetime.fromisoformat(told.complete_through) if told.complete_through else None
        history = replace(self._waiting, stream=Transcripts(calls_reach=reach))
        waited = history.tell(findings, tally, told, run, folder)
        doubts = [why for why in told.incomplete_because if why not in manifest.incomplete_because]
        why = (*waited.incomplete_because, *doubts)
        return replace(waited, complete=not why, incomplete_because=why)

    @cached_property
    def _waiting(self) -> TranscriptsHistory:
        return TranscriptsHistory(
            stream=Transcripts(),
            client=self.calls.client,
            dataset=self.calls.dataset,
            window=self.calls.window,
            give_up_after=self.give_up_after,
        )

    def _transcribed(self) -> list[str]:
        """Return the calls that were exported without their transcript, and have one now."""
        waits = list(self._waiting.waits)
        ready: list[str] = []
        for first in range(0, len(waits), IDS_PER_REQUEST):
            asked = waits[first : first + IDS_PER_REQUEST]
            found = transcripts_by_id(self.calls.client, asked)
            ready += [call_id for call_id in asked if found.get(call_id, {}).get("transcript") is not None]
        return ready
