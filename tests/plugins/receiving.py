"""The receiver as a server in this process, on the test session's Airflow database."""

from __future__ import annotations

import socket
import sqlite3
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from airflow.models.asset import AssetActive, AssetEvent, AssetModel
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG, Asset, Param
from airflow.utils.session import create_session
from sqlalchemy import delete, insert, select

from airflow_provider_gong.plugins.gong import WebhookApp
from tests.support.dag_runs import _register, prepared_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_DAG = "webhook_run"
# Its parameters do not fit what a webhook brings.
PICKY_DAG = "webhook_picky"
# How the asset of a rule gets into Airflow: a Dag refers to it.
ASSET_DAG = "webhook_asset"


class Airflow:
    """What webhooks have left in the database."""

    def __init__(self) -> None:
        prepared_airflow()
        with DAG(RUN_DAG, schedule=None) as run_dag:
            pass
        with DAG(ASSET_DAG, schedule=[Asset("gong://rules/events"), Asset("gong://rules/both")]) as asset_dag:
            pass
        with DAG(PICKY_DAG, schedule=None, params={"call_id": Param(type="integer")}) as picky_dag:
            pass
        for dag in (run_dag, asset_dag, picky_dag):
            _register(dag)
        self.clear()

    def clear(self) -> None:
        """Forget all runs and events."""
        with create_session(scoped=False) as session:
            session.execute(delete(DagRun))
            session.execute(delete(AssetEvent))

    def runs(self) -> dict[str, Any]:
        """Return the conf of each run by its id."""
        with create_session(scoped=False) as session:
            rows = session.execute(select(DagRun.run_id, DagRun.conf).where(DagRun.dag_id == RUN_DAG))
            return {row.run_id: row.conf for row in rows}

    def events(self, rule: str = "events") -> list[dict[str, Any]]:
        """Return what each event of a rule's asset says."""
        with create_session(scoped=False) as session:
            chosen = select(AssetEvent.extra).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            return list(session.scalars(chosen.where(AssetModel.uri == f"gong://rules/{rule}")))

    def age_events(self, hours: float) -> None:
        """Let all events be older by this much."""
        with create_session(scoped=False) as session:
            for event in session.scalars(select(AssetEvent)):
                event.timestamp -= timedelta(hours=hours)

    @contextmanager
    def orphaned(self, rule: str) -> Iterator[None]:
        """Let no Dag refer to a rule's asset, as the scheduler finds when a Dag has gone."""
        uri = f"gong://rules/{rule}"
        with create_session(scoped=False) as session:
            session.execute(delete(AssetActive).where(AssetActive.uri == uri))
        try:
            yield
        finally:
            with create_session(scoped=False) as session:
                session.execute(insert(AssetActive).values(name=uri, uri=uri))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep everyone else from writing."""
        from airflow.settings import engine

        assert engine is not None
        connection = sqlite3.connect(str(engine.url.database), isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()


class Server:
    """Serve the plugin's app at ``/gong``, as Airflow does; `written` is what its access log would say."""

    def __init__(self) -> None:
        from starlette.applications import Starlette
        from starlette.routing import Mount

        self.plugin = WebhookApp()
        self.written: list[str] = []
        airflow = Starlette(routes=[Mount("/gong", self.plugin)])

        async def app(scope: Any, receive: Any, send: Any) -> None:
            try:
                await airflow(scope, receive, send)
            finally:
                self.written.append(f"{scope['path']} {scope['query_string'].decode()}")

        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, loop="asyncio", lifespan="off", log_config=None, access_log=False)
        self._thread = ServerThread(config, self._socket)

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    def rule(self, name: str) -> str:
        """Return the URL of a rule."""
        return f"{self.url}/gong/webhooks/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()


class ServerThread:
    """Run a server in a thread, and close its socket at the end."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._server = _Server(config)
        self._socket = listener
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)

    def start(self) -> None:
        """Return when requests are answered."""
        self._thread.start()
        assert self._server.ready.wait(30)

    def stop(self) -> None:
        """Return when nothing runs any more."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Counter:
    """Collect what is counted in Airflow's metrics."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, dict[str, str]]] = []

    def incr(self, stat: str, *, tags: dict[str, str] | None = None, **_: Any) -> None:
        """Take a count, as a metrics backend does."""
        self.counted.append((stat, tags or {}))

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@contextmanager
def counted_metrics() -> Iterator[Counter]:
    """Be the metrics backend for a while."""
    from airflow._shared.observability.metrics import stats

    counter = Counter()
    before = stats._factory, stats._backend, stats._export_legacy_names
    stats.initialize(factory=lambda: counter, export_legacy_names=False)  # type: ignore[arg-type,return-value]
    try:
        yield counter
    finally:
        stats._factory, stats._backend, stats._export_legacy_names = before
