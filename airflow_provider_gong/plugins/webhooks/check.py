"""What each rule needs of its connection: looked at when the API server starts, and with each delivery."""

from __future__ import annotations

import logging
import threading
import time

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.credentials import Credentials, read_credentials
from airflow_provider_gong.plugins.webhooks.rules import configured_rules

log = logging.getLogger(__name__)

# Strangers must not make us ask a secrets backend with each of their requests; keys may change meanwhile.
KEEP_SECONDS = 30.0


def check_rules() -> None:
    """Log which rules cannot be used, and why."""
    try:
        rules = configured_rules()
    except GongConfigurationError as error:
        log.error("No webhook of Gong is received: %s", error)
        return
    for rule in rules.values():
        try:
            stored_credentials(rule.conn_id)
            log.info("Gong's webhook %s is received.", rule.name)
        except GongConfigurationError as error:
            log.error("Gong's webhook %s is refused: %s", rule.name, error)


def stored_credentials(conn_id: str) -> Credentials:
    """Return the credentials of a connection.

    :raises GongConfigurationError: when it must be mended.
    """
    from airflow.models.connection import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get_connection_from_secrets(conn_id)
    except AirflowNotFoundException:
        raise GongConfigurationError(f"There is no connection {conn_id!r}.") from None
    # The text of a secrets backend's error is not ours and may hold a secret.
    except Exception as error:
        raise GongConfigurationError(
            f"Connection {conn_id!r}: {type(error).__name__} while reading it."
        ) from None
    return read_credentials(found)


class CredentialsCache:
    """Keep the credentials of each connection for a short while; also that they are not to be used."""

    def __init__(self, seconds: float = KEEP_SECONDS) -> None:
        self._seconds = seconds
        self._kept: dict[str, tuple[float, Credentials | GongConfigurationError]] = {}
        self._lock = threading.Lock()

    def kept(self, conn_id: str) -> Credentials | None:
        """Return the credentials of a connection if they are at hand; never wait.

        :raises GongConfigurationError: when it is known that the connection must be mended.
        """
        return _usable(self._kept[conn_id][1]) if self._fresh(conn_id) else None

    def get(self, conn_id: str) -> Credentials:
        """Return the credentials of a connection.

        :raises GongConfigurationError: when it must be mended.
        """
        with self._lock:
            if not self._fresh(conn_id):
                self._kept[conn_id] = (time.monotonic() + self._seconds, _asked(conn_id))
            return _usable(self._kept[conn_id][1])

    def _fresh(self, conn_id: str) -> bool:
        return conn_id in self._kept and time.monotonic() <= self._kept[conn_id][0]


def _usable(found: Credentials | GongConfigurationError) -> Credentials:
    if isinstance(found, GongConfigurationError):
        # A new one each time: an error that is raised again and again collects all its stacks.
        raise GongConfigurationError(str(found))
    return found


def _asked(conn_id: str) -> Credentials | GongConfigurationError:
    try:
        return stored_credentials(conn_id)
    except GongConfigurationError as error:
        return error
