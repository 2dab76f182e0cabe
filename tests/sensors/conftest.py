"""The sandboxes and connections of the operators' tests."""

import pytest

from airflow_provider_gong.triggers.calls import GongCallsTrigger
from tests.operators.conftest import connect, no_waiting, quiet

__all__ = ["connect", "no_waiting", "quiet"]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare tests the time that an Airflow's scheduler needs."""
    monkeypatch.setattr(GongCallsTrigger, "shortest", 0.0)
