"""Sandboxes for the tests of operators, and connections to them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.throttle import FileThrottle
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.sandbox import GongSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 1, 11, tzinfo=UTC)


class Connect(Protocol):
    """Set the connection `gong_default`: extras are keywords, `login`, `password` and `host` in `fields`."""

    def __call__(
        self, gong: GongSandbox, fields: dict[str, Any] | None = None, **extra: Any
    ) -> dict[str, Any]:
        """Set it, and return it."""


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connect:
    """Return a function that points the connection at a sandbox."""
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))

    def set_connection(
        gong: GongSandbox, fields: dict[str, Any] | None = None, **extra: Any
    ) -> dict[str, Any]:
        connection = {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000} | extra,
        } | (fields or {})
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
        return connection

    return set_connection


@pytest.fixture(scope="session")
def company() -> Iterator[GongSandbox]:
    """Run a company of four days, with three pages of everything a day."""
    with GongSandbox(
        seed=7, calls=250, days=4, users=240, logs=250, now=NOW, today=NOW.date(), per_second=None
    ) as gong:
        yield gong


@pytest.fixture
def gong(company: GongSandbox, connect: Connect) -> Iterator[GongSandbox]:
    """Return the company, connected; its clock, faults and switches are put back afterwards."""
    company.requests.clear()
    connect(company)
    yield company
    company.faults.clear()
    company.clock.set(NOW)
    company.access.trusted_ip = company.access.company_active = True


@pytest.fixture
def quiet(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company without calls and logs, connected; a test adds its own."""
    with GongSandbox(
        seed=3, calls=0, days=0, users=3, logs=0, now=NOW, today=NOW.date(), per_second=None
    ) as gong:
        connect(gong)
        yield gong


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send again at once: what is sent again and how often stays as it is, and nobody is held for others."""
    monkeypatch.setattr(RetryPolicy, "_wait", lambda self, state: 0.0)
    monkeypatch.setattr(FileThrottle, "hold", lambda self, seconds: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of `destination`."""
    return tmp_path / "exports"


@pytest.fixture
def destination(folder: Path) -> str:
    """Return a local destination."""
    return f"file://{folder}"


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a new bucket behind the connection `export_s3`."""
    connection = {
        "conn_type": "aws",
        "login": "test-access-key",
        "password": "test-secret-key",
        "extra": {"endpoint_url": s3_endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_EXPORT_S3", json.dumps(connection))
    name = f"gong-{uuid.uuid4().hex[:12]}"
    open_destination(f"s3://export_s3@{name}").fs.mkdir(name)
    return name
