from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.sandbox.client import Client

NOW = datetime(2026, 1, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared() -> Iterator[GongSandbox]:
    """Return a sandbox for tests that only read: ten days of 30 calls, the eleventh has just begun."""
    with GongSandbox(seed=7, days=10, users=240, now=NOW, per_second=None) as gong:
        yield gong


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    """Return a sandbox that a test may do with what it likes."""
    with GongSandbox(seed=7, days=10, logs=5, now=NOW, per_second=None) as gong:
        yield gong


@pytest.fixture
def reader(shared: GongSandbox) -> Iterator[Client]:
    client = Client(shared)
    with client.session:
        yield client


@pytest.fixture
def client(gong: GongSandbox) -> Iterator[Client]:
    client = Client(gong)
    with client.session:
        yield client


@pytest.fixture
def borrowed(shared: GongSandbox) -> Iterator[Client]:
    """Return a client of the shared sandbox, whose clock, faults and requests are put back afterwards."""
    shared.requests.clear()
    client = Client(shared)
    with client.session:
        yield client
    shared.faults.clear()
    shared.clock.set(NOW)
