"""A sandbox for the tests of the hook, and connections to it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[GongSandbox]:
    with GongSandbox(seed=7, calls=30, days=7, per_second=None) as sandbox:
        yield sandbox


@pytest.fixture
def gong(sandbox: GongSandbox) -> GongSandbox:
    sandbox.faults.clear()
    sandbox.requests.clear()
    sandbox.access.trusted_ip = sandbox.access.company_active = True
    return sandbox


@pytest.fixture
def connect(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Return a function that sets the connection `gong_default`; extras are keywords, fields are `fields`."""
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))

    def set_connection(fields: dict[str, Any] | None = None, **extra: Any) -> None:
        connection = {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000} | extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection | (fields or {})))

    set_connection()
    return set_connection


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
