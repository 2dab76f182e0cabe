"""OpenLineage's own listener at work in this process, and the events that it writes into a file."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


@dataclass(frozen=True)
class Events:
    """The events in a file, one a line."""

    file: Path

    @property
    def text(self) -> str:
        """Return all events as they were written."""
        return self.file.read_text() if self.file.exists() else ""

    def all(self) -> list[dict[str, Any]]:
        """Return all events, in the order in which they were written."""
        return [json.loads(line) for line in self.text.splitlines()]

    def last(self, kind: str, job: str = "exports.export") -> dict[str, Any]:
        """Return the last event of a kind (`COMPLETE`, `FAIL`, ...) of a job."""
        found = [one for one in self.all() if (one["eventType"], one["job"]["name"]) == (kind, job)]
        assert found, [(one["eventType"], one["job"]["name"]) for one in self.all()]
        return found[-1]


def environment(file: Path) -> dict[str, str]:
    """Return the settings with which Airflow writes its events into a file."""
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    return {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch, file: Path) -> Iterator[Events]:
    """Let OpenLineage's listener take part in the tasks of this process."""
    from airflow.providers.openlineage import conf
    from airflow.sdk.listener import get_listener_manager

    with monkeypatch.context() as settings:
        for name, value in environment(file).items():
            settings.setenv(name, value)
        # A fork of a process with many threads is what Airflow's workers are spared.
        settings.setenv("AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD", "True")
        _forget(conf)
        from airflow.providers.openlineage.plugins.listener import OpenLineageListener

        listener: Any = OpenLineageListener()  # type: ignore[no-untyped-call]
        manager: Any = get_listener_manager()
        manager.add_listener(listener)
        try:
            yield Events(file)
        finally:
            manager.pm.unregister(listener)
    _forget(conf)


def _forget(conf: Any) -> None:
    for read in vars(conf).values():
        if hasattr(read, "cache_clear"):
            read.cache_clear()
