"""A local Gong for the example Dags, and a way to load one as Airflow does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.support.connections import connection_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

EXAMPLES = Path(__file__).parent.parent.parent / "example_dags"
NOW = datetime(2026, 1, 10, 6, tzinfo=UTC)


class Load(Protocol):
    """Load an example Dag by its name."""

    def __call__(self, name: str) -> DAG:
        """Return the Dag."""


@pytest.fixture
def load() -> Load:
    def load(name: str) -> DAG:
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(EXAMPLES / f"{name}.py")
        assert bag.import_errors == {}
        dag = bag.dags[name]
        for task in dag.tasks:
            # dag.test() waits for a retry in this process.
            task.retries = 0
        return dag

    return load


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GongSandbox]:
    """Return a local Gong of a few days that `gong_default` reaches."""
    with GongSandbox(
        seed=5, calls=40, days=3, users=30, now=NOW, today=NOW.date(), per_second=None
    ) as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", connection_of(sandbox))
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
        yield sandbox
