"""The client: requests in, results out."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from requests import RequestException, Session
from requests import exceptions as http

from airflow_provider_gong import __version__
from airflow_provider_gong.api.replies import read_reply
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongReplyError,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response
    from requests.auth import AuthBase

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.api.throttle import Throttle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """One page of a list.

    :param items: the entries of the page.
    :param total: how many entries Gong counts for the whole list, not always as many as it returns.
    :param cursor: stands for the next page, for about an hour; None on the last page.
    :param request_id: Gong's identifier of the request.
    """

    items: list[dict[str, Any]]
    total: int | None = None
    cursor: str | None = None
    request_id: str | None = None


class GongClient:
    """Send requests to Gong, no faster than the quota allows. Fit for use by several threads.

    :param base_url: address as returned by `airflow_provider_gong.api.base_url.base_url`, without path.
    :param auth: signs each request.
    :param throttle: lets each request through when the quota allows it.
    :param retry: what is sent again.
    :param timeout: seconds to wait for the connection and for each part of the answer.
    :param read_only: refuse every operation that changes something in Gong.
    """

    def __init__(
        self,
        *,
        base_url: str,
        auth: AuthBase,
        throttle: Throttle,
        retry: RetryPolicy | None = None,
        timeout: tuple[float, float] = (10.0, 60.0),
        read_only: bool = False,
    ) -> None:
        self.base_url = base_url
        self.read_only = read_only
        self.session = Session()
        self.session.headers["User-Agent"] = f"airflow-provider-gong/{__version__}"
        self._auth = auth
        self._throttle = throttle
        self._retry = retry or RetryPolicy()
        self._timeout = timeout
        self._sent = 0
        self._count = threading.Lock()

    @property
    def requests(self) -> int:
        """Return how many HTTP requests were sent so far, repeated ones included."""
        return self._sent

    def send(self, request: Request) -> Any:
        """Send a request and return its result; of a list, that is the first page.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        body = self._exchange(request)
        return [] if body is None else _result(request, body)

    def pages(self, request: Request) -> Iterator[Page]:
        """Yield the pages of a list; an empty list is one page without items.

        The chain of pages dies about an hour after its first request, however far it has come.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        seen: set[str] = set()
        while True:
            page = _page(request, self._exchange(request))
            if page.cursor in seen:
                raise GongUnexpectedResponse(
                    "Gong returned a cursor for the second time, so the list would never end: "
                    "start it again.",
                    operation=request.operation,
                    request_id=page.request_id,
                )
            yield page
            if page.cursor is None:
                return
            seen.add(page.cursor)
            request = request.with_cursor(page.cursor)

    def items(self, request: Request) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page after page."""
        for page in self.pages(request):
            yield from page.items

    def close(self) -> None:
        """Close the connections to Gong."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<GongClient {self.base_url}>"

    def _exchange(self, request: Request) -> dict[str, Any] | None:
        if self.read_only and not request.endpoint.reads:
            raise GongConfigurationError(
                f"{request.operation} changes something in Gong, and the connection is read-only: "
                f"switch off its field 'Read only' (extra read_only) to allow it."
            )
        return self._retry.run(lambda: self._attempt(request), reads=bool(request.endpoint.reads))

    def _attempt(self, request: Request) -> dict[str, Any] | None:
        self._throttle.acquire()
        with self._count:
            self._sent += 1
        return read_reply(request, self._response(request))

    def _response(self, request: Request) -> Response:
        start = time.monotonic()
        try:
            response = self.session.request(
                request.method,
                self.base_url + request.path,
                params=request.query,
                json=request.body,
                auth=self._auth,
                timeout=self._timeout,
                # They would drop the credentials, or carry them to another host.
                allow_redirects=False,
            )
        except RequestException as error:
            # Not chained: the original text holds the URL with its query, which may be personal.
            raise _transport_error(request, error) from None
        log.debug(
            "%s: %d in %.3f s (request id %s)",
            request.operation,
            response.status_code,
            time.monotonic() - start,
            response.headers.get("x-traceid"),
        )
        return response


def _transport_error(request: Request, error: RequestException) -> GongReplyError:
    operation = request.operation
    if isinstance(error, http.ConnectTimeout):
        return GongTimeout("No connection in time: check Base URL and the network.", operation=operation)
    if isinstance(error, http.Timeout):
        return GongTimeout("No answer in time; Gong may have carried out a write.", operation=operation)
    if isinstance(error, http.SSLError):
        return GongUnavailable("The TLS certificate of the server is not trusted.", operation=operation)
    if isinstance(error, http.ChunkedEncodingError | http.ContentDecodingError):
        return GongUnexpectedResponse("The reply was cut off on its way.", cut_off=True, operation=operation)
    if "NameResolutionError" in repr(error):
        return GongUnavailable(
            "The host has no address: check the spelling of Base URL.", operation=operation
        )
    return GongUnavailable(
        f"The connection failed or was dropped ({type(error).__name__}).", operation=operation
    )


def _result(request: Request, body: dict[str, Any]) -> Any:
    key = request.endpoint.result
    if key is None:
        return body
    if body.get(key) is None:
        raise _broken(request, body, f"The reply has no {key!r}")
    return body[key]


def _page(request: Request, body: dict[str, Any] | None) -> Page:
    if body is None:
        return Page(items=[], total=0)
    items = _result(request, body)
    if not isinstance(items, list):
        raise _broken(request, body, f"{request.endpoint.result!r} of the reply is not a list")
    records = body.get("records") or {}
    if not isinstance(records, dict):
        raise _broken(request, body, "'records' of the reply is not an object")
    cursor = records.get("cursor") or None
    if cursor is not None and not isinstance(cursor, str):
        raise _broken(request, body, "The cursor of the reply is not a text")
    return Page(items, records.get("totalRecords"), cursor, body.get("requestId"))


def _broken(request: Request, body: dict[str, Any], problem: str) -> GongUnexpectedResponse:
    return GongUnexpectedResponse(
        f"{problem}; report it with the request id.",
        operation=request.operation,
        status=200,
        request_id=body.get("requestId"),
    )
