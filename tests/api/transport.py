"""A transport double: what Gong's bytes would do, without a server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.throttle import NoThrottle, Throttle

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

URL = "https://us-1.api.gong.io"
KEY = "PUBLICKEYOFTHETEST"
SECRET = "the-secret-of-the-test"

JSON = {"Content-Type": "application/json;charset=UTF-8"}


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Transport(HTTPAdapter):
    """Answer with the replies given, one after the other, and keep what was sent; an exception is raised."""

    def __init__(self, *replies: Reply | Exception) -> None:
        super().__init__()
        self.replies = list(replies)
        self.sent: list[PreparedRequest] = []
        self.timeouts: list[Any] = []

    def send(self, request: PreparedRequest, *_: Any, timeout: Any = None, **__: Any) -> Response:
        self.sent.append(request)
        self.timeouts.append(timeout)
        assert self.replies, f"request {len(self.sent)} was not expected: {request.method} {request.url}"
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        raw = HTTPResponse(
            BytesIO(content), headers=JSON | reply.headers, status=reply.status, preload_content=False
        )
        return self.build_response(request, raw)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body) if request.body else None for request in self.sent]

    @property
    def urls(self) -> list[str]:
        return [(request.url or "").removeprefix(URL) for request in self.sent]


def error(status: int, *messages: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"requestId": "4al018gzaztcr8nbukw", "errors": list(messages)}, headers or {})


def page(key: str, *items: Any, cursor: str | None = None, total: int | None = None) -> Reply:
    records = {"totalRecords": len(items) if total is None else total, "currentPageNumber": 0}
    return Reply(
        body={
            "requestId": "4al018gzaztcr8nbukw",
            "records": records | ({"cursor": cursor} if cursor is not None else {}),
            key: list(items),
        }
    )


class Waits(list[float]):
    """Takes the place of sleep and keeps how long it should have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client_of(
    transport: Transport,
    *,
    waits: Waits | None = None,
    attempts: int = 5,
    max_wait: float = 60.0,
    throttle: Throttle | None = None,
    **kwargs: Any,
) -> GongClient:
    client = GongClient(
        base_url=URL,
        auth=ApiKeyAuth(KEY, SECRET),
        throttle=throttle or NoThrottle(),
        retry=RetryPolicy(attempts=attempts, max_wait=max_wait, sleep=Waits() if waits is None else waits),
        **kwargs,
    )
    client.session.mount("https://", transport)
    return client
