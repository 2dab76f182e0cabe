"""Airflow's web application as a server in this process, and somebody who visits it."""

from __future__ import annotations

import html
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import requests
import uvicorn

from tests.hooks.oauth import decide, fields_of
from tests.plugins.receiving import ServerThread
from tests.support.dag_runs import prepared_airflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_gong.sandbox import GongSandbox

PASSWORDS = {"admin": "password-of-admin", "op": "password-of-op", "viewer": "password-of-viewer"}


class ServedAirflow:
    """Serve what `airflow api-server` serves; `written` is what its access log would say."""

    def __init__(self) -> None:
        prepared_airflow()
        from airflow.api_fastapi.app import create_app, purge_cached_app

        purge_cached_app()
        application = create_app(apps="core")
        self.written: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            try:
                await application(scope, receive, send)
            finally:
                if scope["type"] == "http":
                    self.written.append(f"{scope['path']} {scope['query_string'].decode()}")

        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.page = f"{self.url}/gong/oauth/"
        self.callback = f"{self.page}callback"
        config = uvicorn.Config(app, loop="asyncio", lifespan="off", log_config=None, access_log=False)
        self._thread = ServerThread(config, self._socket)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()

    def wait_for_lines(self, count: int, *parts: str) -> list[str]:
        """Return the lines of the access log that have one of these parts, when there are as many."""

        def found() -> list[str]:
            return [line for line in self.written if any(part in line for part in parts)]

        wait_until(lambda: len(found()) >= count, seconds=20, what=f"{count} lines")
        return found()

    def add(self, gong: GongSandbox, conn_id: str, **fields: Any) -> None:
        """Store a connection in the database."""
        from airflow.models.connection import Connection
        from airflow.utils.session import create_session

        usual = fields_of(gong)
        with create_session(scoped=False) as session:
            given = usual | {"extra": json.dumps(usual["extra"])} | fields
            session.add(Connection(conn_id=conn_id, **given))

    def remove(self, conn_id: str) -> None:
        """Delete a connection from the database."""
        from airflow.models.connection import Connection
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        with create_session(scoped=False) as session:
            session.execute(delete(Connection).where(Connection.conn_id == conn_id))

    def rename(self, conn_id: str, name: str) -> None:
        """Give a connection a name that Airflow would not."""
        from airflow.models.connection import Connection
        from airflow.utils.session import create_session
        from sqlalchemy import update

        with create_session(scoped=False) as session:
            session.execute(update(Connection).where(Connection.conn_id == conn_id).values(conn_id=name))

    @contextmanager
    def team(self, name: str) -> Iterator[None]:
        """Have a team for a while."""
        from airflow.models.team import Team
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        with create_session(scoped=False) as session:
            session.add(Team(name=name))
        try:
            yield
        finally:
            with create_session(scoped=False) as session:
                session.execute(delete(Team).where(Team.name == name))

    def clear(self) -> None:
        """Forget all connections of ours, all Variables and the audit log."""
        from airflow.models.connection import Connection
        from airflow.models.log import Log
        from airflow.models.variable import Variable
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        with create_session(scoped=False) as session:
            session.execute(delete(Connection).where(Connection.conn_type.in_(["gong", "gong_oauth"])))
            session.execute(delete(Variable))
            session.execute(delete(Log))
        self.written.clear()

    def variables(self) -> dict[str, str]:
        """Return what is stored of tokens and consents."""
        from airflow.models.variable import Variable
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session(scoped=False) as session:
            return {one.key: one.val for one in session.scalars(select(Variable))}

    def tokens(self) -> set[str]:
        """Return the keys of the Variables with tokens."""
        return {key for key in self.variables() if "__state__" not in key}

    def audit(self) -> list[tuple[str, str, str]]:
        """Return what, who and with which details."""
        from airflow.models.log import Log
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session(scoped=False) as session:
            found = session.scalars(select(Log).where(Log.event.startswith("gong_oauth.")))
            return [(one.event, one.owner or "", one.extra or "") for one in found]


class Visit:
    """A browser of somebody who is signed in."""

    def __init__(self, airflow: ServedAirflow, user: str) -> None:
        self.airflow = airflow
        self.browser = requests.Session()
        self.browser.trust_env = False
        if user:
            self.sign_in(user)

    def sign_in(self, user: str) -> None:
        """Get Airflow's cookie."""
        body = {"username": user, "password": PASSWORDS[user]}
        reply = requests.post(f"{self.airflow.url}/auth/token", json=body, timeout=30)
        self.browser.cookies.set("_token", reply.json()["access_token"], domain="127.0.0.1", path="/")

    def close(self) -> None:
        """Close the connections."""
        self.browser.close()

    def get(self, url: str = "", method: str = "GET", **query: str) -> requests.Response:
        """Open a page; redirects are answered."""
        target = url or self.airflow.page
        return self.browser.request(method, target, params=query, allow_redirects=False, timeout=30)

    def post(
        self, action: str, data: dict[str, str], headers: Mapping[str, str | None] | None = None
    ) -> requests.Response:
        """Send a form as browsers do."""
        usual: dict[str, str | None] = {"Origin": self.airflow.url, "Sec-Fetch-Site": "same-origin"}
        return self.browser.post(
            f"{self.airflow.page}{action}",
            data=data,
            headers={**usual, **(headers or {})},
            allow_redirects=False,
            timeout=30,
        )

    def form(self, conn_id: str = "gong_default") -> dict[str, str]:
        """Return what the form of a connection holds."""
        text = self.get(conn_id=conn_id).text
        found = re.search(r'name="form_token" value="(\w+)"', text)
        assert found, text
        return {"form_token": found[1], "conn_id": conn_id}

    def begin(self, conn_id: str = "gong_default") -> str:
        """Press the button and return the address of Gong's consent page."""
        answer = self.post("connect", self.form(conn_id))
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def at_once(self, urls: list[str]) -> list[int]:
        """Open several pages at the same moment, and return their states."""
        start = Barrier(len(urls))

        def get(url: str) -> int:
            start.wait(30)
            with requests.Session() as browser:
                browser.cookies.update(self.browser.cookies)
                return browser.get(url, allow_redirects=False, timeout=60).status_code

        with ThreadPoolExecutor(len(urls)) as pool:
            return sorted(pool.map(get, urls))

    def connect(self, conn_id: str = "gong_default", decision: str = "allow") -> requests.Response:
        """Go the whole way, and return how Airflow answers what Gong said."""
        return self.get(decide(self.begin(conn_id), decision))


def heading(answer: requests.Response) -> str:
    """Return the title of a page."""
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    assert found, answer.text
    return html.unescape(re.sub("<.*?>", "", found[1]))


def query_of(url: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
