"""A process that uses an OAuth connection over and over; its one argument is JSON, see `Settings`.

It prints a line per request: `ok` with a fingerprint of the token, or what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_gong.api import workspaces
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.lockbox import FileLockbox, RedisLockbox
from airflow_provider_gong.api.oauth import TokenClient
from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens
from airflow_provider_gong.api.throttle import NoThrottle
from airflow_provider_gong.api.token_keeper import TokenKeeper
from airflow_provider_gong.exceptions import GongError, GongNotConnected

if TYPE_CHECKING:
    from airflow_provider_gong.api.lockbox import Lockbox


@dataclass(frozen=True)
class Settings:
    """What the process is told."""

    sign_in: str
    client_id: str
    client_secret: str
    store: str
    directory: str
    redis_port: int = 0
    redis_password: str = ""
    grace: float = 1.0


class FileStore:
    """Tokens in a file that all machines see, written without compare and set: what a Variable is to tasks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Tokens:
        """Return what is there."""
        try:
            return Tokens.from_json(self.path.read_text())
        except FileNotFoundError:
            raise GongNotConnected("Nothing is stored.") from None

    def replace(self, old: Tokens, new: Tokens) -> Tokens:
        """Write, unless something else is there."""
        stored = self.load()
        if stored.refresh_token != old.refresh_token:
            return stored
        self.put(new)
        return new

    def put(self, tokens: Tokens) -> None:
        """Write."""
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(tokens.as_json())
        draft.replace(self.path)


def lockbox_of(settings: Settings, hold_seconds: float = 0.6) -> Lockbox:
    """Return what the processes of one test share."""
    if not settings.redis_port:
        return FileLockbox("race", directory=settings.directory)
    from redis import Redis

    redis = Redis(host="127.0.0.1", port=settings.redis_port, password=settings.redis_password)
    return RedisLockbox("race", redis=redis, server="quota", hold_seconds=hold_seconds)


def keeper_of(settings: Settings) -> TokenKeeper:
    """Return the keeper of this process."""
    app = OAuthApp(
        settings.client_id,
        settings.client_secret,
        sign_in=settings.sign_in,
        allowed_hosts=("127.0.0.1", "localhost"),
    )
    return TokenKeeper(
        app,
        store=FileStore(Path(settings.store)),
        lockbox=lockbox_of(settings),
        client=TokenClient(app),
        reconnect="Connect it again.",
        grace=settings.grace,
    )


def main(settings: Settings) -> None:
    """Use the connection for each line that comes in, until there is none."""
    keeper = keeper_of(settings)
    client = GongClient(base_url="", auth=keeper, throttle=NoThrottle())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        try:
            client.send(workspaces.list_workspaces())
            answer = "ok"
        except GongError as error:
            answer = f"{type(error).__name__}: {error}"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
