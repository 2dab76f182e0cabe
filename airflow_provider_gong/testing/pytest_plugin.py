"""The fixtures `gong_sandbox` and `run_gong_dag`, and the marker `gong`.

Every run of pytest beside this package loads this module: it imports nothing but pytest, and does nothing
until a test asks for a fixture.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.testing.dags import DagRunner, OwnDatabase

# A world that is there at once; the sandbox itself starts with more.
SMALL = {"calls": 10, "days": 3, "users": 10, "logs": 10, "per_second": None, "per_day": None}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for runs with --strict-markers."""
    config.addinivalue_line(
        "markers",
        "gong(calls=10, days=3, users=10, seed=0, ...): arguments of the GongSandbox behind gong_sandbox",
    )


@pytest.fixture
def gong_sandbox(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GongSandbox]:
    """Start a local Gong for one test; the connection gong_default leads to it, without waiting for quotas."""
    with _sandbox(request.node.get_closest_marker("gong")) as gong:
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", _connection(gong))
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path_factory.mktemp("gong-quota")))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, ",".join(filter(None, [os.environ.get(name), "127.0.0.1"])))
        yield gong


@pytest.fixture
def run_gong_dag(_gong_database: OwnDatabase) -> Iterator[DagRunner]:
    """Return a function that runs a Dag in this process, in a database of Airflow made for these tests."""
    from airflow_provider_gong.testing.dags import run_dag

    with _gong_database.in_use():
        yield run_dag


@pytest.fixture(scope="session")
def _gong_database(tmp_path_factory: pytest.TempPathFactory) -> OwnDatabase:
    from airflow_provider_gong.testing.dags import OwnDatabase

    folder: Path = tmp_path_factory.mktemp("gong-airflow")
    return OwnDatabase(folder)


def _sandbox(marker: pytest.Mark | None) -> GongSandbox:
    # The server is loaded only by tests that use it: it brings FastAPI.
    from airflow_provider_gong.sandbox import GongSandbox

    given: dict[str, Any] = {**SMALL, **(marker.kwargs if marker else {})}
    try:
        return GongSandbox(*(marker.args if marker else ()), **given)
    except TypeError as error:
        pytest.fail(f"@pytest.mark.gong takes the arguments of GongSandbox, by name: {error}", pytrace=False)


def _connection(gong: GongSandbox) -> str:
    return json.dumps(
        {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000},
        }
    )
