"""A real Redis server for tests, on a free loopback port, with a directory of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

from tests.support.programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

PASSWORD = "the-secret-of-the-redis"
START_SECONDS = 20


class RedisServer:
    """Start a server that wants a password, and stop it at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._binary = program("redis-server", package="redis-server")
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {"bind": "127.0.0.1", "port": self.port, "requirepass": PASSWORD, "save": ""}
        arguments = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        with (self._folder / "redis.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._binary, *arguments, "--dir", str(self._folder)], stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "redis.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, **settings: Any) -> Redis:
        """Return a client."""
        from redis import Redis

        return Redis(host="127.0.0.1", port=self.port, **{"password": PASSWORD} | settings)

    def connection(self, **fields: Any) -> dict[str, Any]:
        """Return the Airflow connection of the server."""
        return {"conn_type": "redis", "host": "127.0.0.1", "port": self.port, "password": PASSWORD} | fields

    def _answers(self) -> bool:
        from redis.exceptions import RedisError

        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False
