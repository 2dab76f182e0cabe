"""One real Airflow for all system tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="session")
def airflow_environment() -> dict[str, str]:
    """Return what the components' environment needs besides Airflow's own settings."""
    return {}


@pytest.fixture(scope="session")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, airflow_environment: dict[str, str]
) -> Iterator[RealAirflow]:
    """Start Airflow with the Dags of ``tests/system/dags``."""
    airflow = RealAirflow(tmp_path_factory.mktemp("airflow"), environment=airflow_environment)
    shutil.copytree(DAGS, airflow.dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with airflow:
        yield airflow
