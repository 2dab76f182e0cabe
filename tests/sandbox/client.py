"""A plain client for the tests of the sandbox: nothing of the package is used to ask it."""

from collections.abc import Iterator
from typing import Any

import requests

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import Key


class Client:
    """Ask a sandbox with one of its keys."""

    def __init__(self, gong: GongSandbox, key: Key | None = None) -> None:
        key = key or gong.key
        self.gong = gong
        self.session = requests.Session()
        self.session.auth = (key.access_key, key.access_key_secret)

    def get(self, path: str, **query: str) -> requests.Response:
        return self.ask("GET", path, params=query)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.ask("POST", path, json=body)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        url = self.gong.url + path
        return self.session.request(method, url, timeout=10, allow_redirects=False, **options)

    def pages(self, method: str, path: str, inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all pages; the cursor goes where Gong wants it."""
        cursor: dict[str, str] = {}
        while True:
            payload = {"params" if method == "GET" else "json": {**inputs, **cursor}}
            reply = self.ask(method, path, **payload)
            assert reply.status_code == 200, reply.text
            yield reply.json()
            if "cursor" not in reply.json()["records"]:
                return
            cursor = {"cursor": reply.json()["records"]["cursor"]}

    def all(self, method: str, path: str, name: str, inputs: dict[str, Any]) -> list[dict[str, Any]]:
        return [record for page in self.pages(method, path, inputs) for record in page[name]]


def errors(reply: requests.Response) -> list[str]:
    """Return the messages of an error."""
    found: list[str] = reply.json()["errors"]
    return found
