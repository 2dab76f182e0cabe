"""The sandbox as a server in a thread: start, stop, and everything a test wants to hold on to."""

import socket
import threading
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Self

import uvicorn

from airflow_provider_gong.sandbox.access import Access
from airflow_provider_gong.sandbox.app import create_app
from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.cursors import Cursors
from airflow_provider_gong.sandbox.engagement import Engagement
from airflow_provider_gong.sandbox.faults import Faults
from airflow_provider_gong.sandbox.journal import Journal
from airflow_provider_gong.sandbox.library import Library
from airflow_provider_gong.sandbox.limits import Limits
from airflow_provider_gong.sandbox.meetings import Meetings
from airflow_provider_gong.sandbox.oauth import OAuth
from airflow_provider_gong.sandbox.privacy import Privacy
from airflow_provider_gong.sandbox.state import Gong
from airflow_provider_gong.sandbox.uploads import Uploads
from airflow_provider_gong.sandbox.webhooks import Webhooks
from airflow_provider_gong.sandbox.world import World

HOST = "127.0.0.1"
CUSTOMER_HOST = "localhost"
START_SECONDS = 10.0


class GongSandbox:
    """Serve a local Gong over HTTP, on the loopback interface.

    ::

        with GongSandbox(seed=7) as gong:
            requests.get(f"{gong.url}/v2/users", auth=(gong.access_key, gong.access_key_secret))

    :param seed: equal seeds give equal companies; a given day holds the same calls whenever one looks
    :param calls: calls that start in each UTC day
    :param days: days before `today` that hold calls; `today` and days that the clock reaches follow
    :param users: users of the company, without the avatars
    :param logs: entries of each log type in each UTC day
    :param now: let the clock stand still at this moment; default: the real time
    :param today: the day that `days` count back from; default: the clock's
    :param latency: seconds that each reply takes at least
    :param per_second: requests a second before 429; None: unlimited; default: 3
    :param per_day: requests a day before 429; None: unlimited; default: 10,000
    :param cursor_lifetime: how long after its first page a sequence of pages dies; default: an hour
    :param port: default: a free one
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        calls: int = 30,
        days: int = 30,
        users: int = 25,
        logs: int = 40,
        now: datetime | None = None,
        today: date | None = None,
        latency: float = 0.0,
        per_second: int | None = 3,
        per_day: int | None = 10_000,
        cursor_lifetime: timedelta = timedelta(hours=1),
        port: int = 0,
    ) -> None:
        self.clock = Clock(now)
        self.world = World(
            self.clock,
            seed=seed,
            calls_per_day=calls,
            days=days,
            users=users,
            logs_per_day=logs,
            today=today,
        )
        self.access = Access(seed)
        self.limits = Limits(self.clock, per_second, per_day)
        self.cursors = Cursors(self.clock, seed, cursor_lifetime)
        self.faults = Faults()
        self.requests = Journal()
        self.meetings = Meetings(self.clock, seed)
        self.engagement = Engagement(self.clock)
        self.privacy = Privacy(self.clock, self.world, self.meetings, self.engagement)
        self.uploads = Uploads(self.clock, self.world, seed)
        self.library = Library(self.clock, self.world, seed)
        self.oauth = OAuth(self.clock, seed)
        self.webhooks = Webhooks(self.clock, self.world)
        self.key = self.access.first
        self.access_key = self.key.access_key
        self.access_key_secret = self.key.access_key_secret
        self._gong = Gong(
            clock=self.clock,
            world=self.world,
            access=self.access,
            limits=self.limits,
            cursors=self.cursors,
            faults=self.faults,
            requests=self.requests,
            meetings=self.meetings,
            engagement=self.engagement,
            privacy=self.privacy,
            uploads=self.uploads,
            library=self.library,
            oauth=self.oauth,
            latency=latency,
        )
        self._port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the port that the sandbox listens on."""
        if self._socket is None:
            raise RuntimeError("The sandbox is not running; call start() first")
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def customer_url(self) -> str:
        """Return the base URL that OAuth tokens belong to: this machine by its other name."""
        return f"http://{CUSTOMER_HOST}:{self.port}"

    @property
    def latency(self) -> float:
        """Return the seconds that each reply takes at least."""
        return self._gong.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._gong.latency = seconds

    def start(self) -> Self:
        """Listen, in a thread; return when requests are answered."""
        if self._socket is not None:
            raise RuntimeError("The sandbox is already running")
        self._socket = _listen(self._port)
        self.oauth.customer_url = self.customer_url
        config = uvicorn.Config(
            create_app(self._gong, self._drop),
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="gong-sandbox", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise RuntimeError(f"The sandbox did not start within {START_SECONDS:.0f} s")
        return self

    def stop(self) -> None:
        """Stop listening and end the thread; connections are closed."""
        if self._server is None or self._thread is None or self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self._server = self._thread = self._socket = None

    def _drop(self, client: tuple[str, int]) -> None:
        if self._server is not None:
            self._server.drop(client)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """A server that says when it is ready, and that can let a connection break."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def drop(self, client: tuple[str, int]) -> None:
        """Close a connection; applications cannot do so without a reply."""
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("peername") == client:
                connection.transport.abort()


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small replies at once; without it many wait 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener
