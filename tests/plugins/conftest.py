"""A local Gong that fires rules, and the receiver of its webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.signing import SigningKey
from airflow_provider_gong.sandbox.webhooks import Webhooks
from airflow_provider_gong.sandbox.world import World
from airflow_provider_gong.sandbox.world.details import has_media, has_parties
from tests.plugins.receiving import PICKY_DAG, RUN_DAG, Airflow, Counter, Server, counted_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.sandbox.world.calls import Call

URL_KEY = "a-long-random-key-of-a-rule"
RULES = {
    "runs": {"dag_id": RUN_DAG},
    "events": {},
    "both": {"dag_id": RUN_DAG, "asset": True},
    "keyed": {"dag_id": RUN_DAG},
    "strict": {"dag_id": RUN_DAG},
    "summary": {"dag_id": RUN_DAG, "payload": "summary", "tests": "ignore"},
    "full": {"dag_id": RUN_DAG, "payload": "full"},
    "open": {"dag_id": RUN_DAG},
    "no_connection": {"dag_id": RUN_DAG},
    "no_dag": {"dag_id": "there_is_none"},
    "picky": {"dag_id": PICKY_DAG},
    "no_asset": {"asset": True},
}
SIGNED = ("runs", "events", "both", "summary", "full", "no_dag", "picky", "no_asset")


class WholeCalls(Webhooks):
    """Tell of the newest call that lacks nothing, as long as no other is named: Gong lacks now this, now that."""

    def body(self, call: Call | str | None = None, *, is_test: bool = False) -> bytes:
        newest_first = reversed(self._world.visible_calls())
        whole = next(one for one in newest_first if has_parties(one) and has_media(one))
        return super().body(call or whole, is_test=is_test)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey()


@pytest.fixture(scope="session")
def webhooks(key: SigningKey) -> Webhooks:
    """Return a Gong whose clock is the real one: tokens expire."""
    clock = Clock()
    world = World(clock, seed=3, calls_per_day=30, days=5, users=25, today=datetime.now(UTC).date())
    return WholeCalls(clock, world, key)


@pytest.fixture(scope="session")
def airflow_tables() -> Airflow:
    return Airflow()


@pytest.fixture
def airflow(airflow_tables: Airflow) -> Airflow:
    """Return the database, without runs and events."""
    airflow_tables.clear()
    return airflow_tables


@pytest.fixture
def server(airflow: Airflow, key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start a receiver of all these rules."""
    monkeypatch.setenv("AIRFLOW__GONG__WEBHOOK_RULES", json.dumps(RULES))
    with Server() as server:

        def connect(name: str, **fields: object) -> None:
            connection = {"conn_type": "gongwebhook", "host": server.rule(name), **fields}
            monkeypatch.setenv(f"AIRFLOW_CONN_GONG_WEBHOOK_{name.upper()}", json.dumps(connection))

        for name in SIGNED:
            connect(name, extra={"public_keys": key.public_key})
        connect("keyed", password=URL_KEY)
        connect("strict", password=URL_KEY, extra={"public_keys": key.public_key})
        connect("open")
        yield server


@pytest.fixture
def metrics() -> Iterator[Counter]:
    with counted_metrics() as counter:
        yield counter
