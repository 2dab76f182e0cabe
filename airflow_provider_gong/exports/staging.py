"""What a run that is under way leaves behind, so that a retry or a resumed task goes on instead of beginning anew.

    _staging/<run>/plan.json                 the window, what Gong counted in it, and what looking back found out
    _staging/<run>/slices-<kind>/<name>.gz   each slice that is finished, apart by what was asked for

Every attempt of the run writes the same names, and each object appears whole, so that an attempt which wakes up beside
its retry does no harm: whoever comes second finds a slice, or reads it once more.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_gong import __version__
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.window import Window

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.run import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run means to read; an attempt that follows reads the same.

    :param clear_number: how often the Dag run had been cleared: another clear begins anew.
    :param identity: what is asked for; the arguments of the Dag may be others when it is tried again.
    :param records: what Gong counted in the window, when that was too much for one go.
    :param splits: slices that held too much, with what Gong counted in them.
    :param findings: what looking back found out.
    :param requests: what attempts before this one have spent, as far as they could tell.
    """

    window: Window
    clear_number: int
    identity: dict[str, Any]
    records: int | None = None
    splits: dict[str, int] = field(default_factory=dict)
    findings: dict[str, Any] | None = None
    requests: int = 0

    @property
    def slices(self) -> str:
        """Name the folder of the slices, so that none is used that another clear, Dag or package would not read."""
        kind = json.dumps([self.clear_number, self.identity, __version__], sort_keys=True)
        return f"slices-{hashlib.sha256(kind.encode()).hexdigest()[:16]}"

    def to_json(self) -> bytes:
        """Write the plan."""
        body = asdict(self) | {"window": self.window.write(), "planned_at": datetime.now(UTC).isoformat()}
        return json.dumps(body).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Plan | None:
        """Read a plan; None when it is damaged."""
        try:
            body = json.loads(content)
            known = {name: body[name] for name in cls.__dataclass_fields__}
            return cls(**known | {"window": Window.read(body["window"])})
        except (ValueError, KeyError, TypeError):
            return None


class Staging:
    """The workspace of one run.

    :param folder: where the workspaces of all runs of the dataset lie.
    """

    def __init__(self, folder: ObjectStoragePath, run: Run) -> None:
        self._aside = folder
        self._run = run
        self.root = folder / run.key

    def plan(self) -> Plan | None:
        """Return the plan of an earlier attempt since the last clear."""
        content = storage.read_bytes(self._plan_path)
        plan = None if content is None else Plan.from_json(content)
        return plan if plan and plan.clear_number == self._run.clear_number else None

    def begin(self, window: Window, identity: dict[str, Any]) -> Plan:
        """Return the plan of an earlier attempt for the same, or write one, before the first request."""
        plan = self.plan()
        if plan is None or (plan.window, plan.identity) != (window, identity):
            plan = Plan(window=window, clear_number=self._run.clear_number, identity=identity)
            self.save(plan)
        return plan

    def save(self, plan: Plan) -> None:
        """Remember a plan."""
        storage.put_bytes(plan.to_json(), self._plan_path, self._aside)

    def note(self, plan: Plan, **facts: Any) -> Plan:
        """Remember what has become known, and return the plan with it."""
        plan = replace(plan, **facts)
        self.save(plan)
        return plan

    def stored(self, plan: Plan) -> frozenset[str]:
        """Return the names of the slices that are stored."""
        return frozenset(name.removesuffix(".gz") for name in storage.names_in(self.root / plan.slices))

    def store(self, plan: Plan, name: str, local: Path) -> None:
        """Keep a finished slice."""
        storage.put_file(local, self._slice_path(plan, name), self._aside)

    def fetch(self, plan: Plan, name: str, local: Path) -> bool:
        """Bring a stored slice; return False when it is gone."""
        return storage.fetch(self._slice_path(plan, name), local)

    @property
    def _plan_path(self) -> ObjectStoragePath:
        return self.root / "plan.json"

    def _slice_path(self, plan: Plan, name: str) -> ObjectStoragePath:
        return self.root / plan.slices / f"{name}.gz"
