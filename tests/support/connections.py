"""The Airflow connection of a local Gong, as the tests above the hook set it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox


def connection_of(gong: GongSandbox, *, login: str | None = None, password: str | None = None) -> str:
    """Return a connection that is not held up by Gong's limits, with the sandbox's own key unless told."""
    return json.dumps(
        {
            "conn_type": "gong",
            "host": gong.url,
            "login": login or gong.access_key,
            "password": password or gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000},
        }
    )
