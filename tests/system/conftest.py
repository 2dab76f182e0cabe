"""One real Airflow for all system tests, and the local Gongs that its Dags export."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = Path(__file__).parent / "dags"
EXAMPLE = Path(__file__).parent.parent.parent / "example_dags" / "gong_daily_export.py"

# Each is a Gong of its own: what one Dag is to suffer must not meet another's requests.
PAST_GONGS = ("gong_past", "gong_flaky", "gong_stumbling", "gong_closed")


@pytest.fixture(scope="package")
def gongs() -> Iterator[dict[str, GongSandbox]]:
    """Start a Gong for each connection; `gong_default` has calls of these days, the others of January 2026."""
    # Their clocks stand still: nothing becomes visible between an export and the look at it.
    today, past = datetime.now(UTC), datetime(2026, 1, 11, 12, tzinfo=UTC)
    found = {name: _gong(now=past) for name in PAST_GONGS} | {"gong_default": _gong(now=today)}
    with ExitStack() as stack:
        for gong in found.values():
            stack.enter_context(gong)
        yield found


@pytest.fixture(scope="package")
def exports_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the Dags export to, each below its own name."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="package")
def airflow_environment(gongs: dict[str, GongSandbox], exports_folder: Path) -> dict[str, str]:
    """Return what the components' environment needs besides Airflow's own settings."""
    connections = {f"AIRFLOW_CONN_{name.upper()}": connection(gong) for name, gong in gongs.items()}
    # So that a wait that is too long for a worker need not be long for a test.
    connections["AIRFLOW_CONN_GONG_FLAKY"] = connection(gongs["gong_flaky"], max_wait=5)
    return {
        **connections,
        "GONG_EXPORTS": str(exports_folder),
        "AIRFLOW_VAR_GONG_DESTINATION": f"file://{exports_folder}/example",
    }


@pytest.fixture(scope="package")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, airflow_environment: dict[str, str]
) -> Iterator[RealAirflow]:
    """Start Airflow with the Dags of ``tests/system/dags`` and the example Dag."""
    airflow = RealAirflow(tmp_path_factory.mktemp("airflow"), environment=airflow_environment)
    shutil.copytree(DAGS, airflow.dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE, airflow.dags)
    with airflow:
        yield airflow


def _gong(now: datetime) -> GongSandbox:
    return GongSandbox(calls=12, days=10, now=now, per_second=None, per_day=None)


def connection(gong: GongSandbox, max_wait: float = 60) -> str:
    """Write the Airflow connection of a sandbox."""
    limits = {"requests_per_second": 1000, "requests_per_day": 1_000_000, "max_wait": max_wait}
    extra = {"allowed_hosts": "127.0.0.1", **limits}
    return json.dumps(
        {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": extra,
        }
    )
