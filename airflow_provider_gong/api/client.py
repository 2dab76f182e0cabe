"""The client: requests in, results out."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from airflow_provider_gong.api.observer import Observer
from airflow_provider_gong.api.replies import check_reply, read_reply, tells_of_a_worn_token
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.token_keeper import TokenKeeper
from airflow_provider_gong.api.transport import GongSession, fetch
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongRateLimited,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests.auth import AuthBase

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.api.replies import RawReply, Reply
    from airflow_provider_gong.api.throttle import Throttle

# Gong has a large file to put away before it answers, and an upload given up too early would be sent anew.
UPLOAD_READ_TIMEOUT = 300.0

TOO_MANY_REQUESTS = 429
MOST_RENEWALS = 2
# Seconds. A shorter wait for the quota is the time that counting takes.
SHORTEST_WAIT = 0.05
# Seconds; the limit is counted by the second, and Gong may not say how long to wait.
SHORTEST_HOLD = 1.0


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
    :param auth: signs each request; a keeper of OAuth tokens also says where requests go.
    :param throttle: lets each request through when the quota allows it.
    :param retry: what is sent again.
    :param timeout: seconds to wait for the connection and for each part of the answer; an upload may take longer.
    :param read_only: refuse every operation that changes something in Gong.
    :param observer: is told what happens.
    """

    def __init__(
        self,
        *,
        base_url: str,
        auth: AuthBase | TokenKeeper,
        throttle: Throttle,
        retry: RetryPolicy | None = None,
        timeout: tuple[float, float] = (10.0, 60.0),
        read_only: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self.base_url = base_url
        self.read_only = read_only
        self.retry = retry or RetryPolicy()
        self.session = GongSession()
        self._auth = auth
        self._throttle = throttle
        self._timeout = timeout
        self._observer = observer or Observer()
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
        return _result(request, self._exchange(request))

    def pages(self, request: Request) -> Iterator[Page]:
        """Yield the pages of a list; an empty list is one page without items.

        The chain of pages dies about an hour after its first request, however far it has come.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        seen: set[str] = set()
        while True:
            reply = self._exchange(request)
            page = _page(request, reply)
            if page.cursor in seen:
                raise _endless(request, reply)
            yield page
            if page.cursor is None:
                return
            seen.add(page.cursor)
            request = request.with_cursor(page.cursor)

    def items(self, request: Request) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page after page.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        for page in self.pages(request):
            yield from page.items

    def send_raw(
        self,
        request: Request,
        *,
        retry: RetryPolicy | None = None,
        read_timeout: float | None = None,
        sink: BinaryIO | None = None,
    ) -> RawReply:
        """Send a request and return the reply of a success, whatever its body is.

        :param retry: what is sent again; default: as everything else.
        :param read_timeout: seconds to wait for each part of the answer; default: as for everything else.
        :param sink: a file that the body is written to, from its start, so that it is never held in memory.
        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        self.check_allowed(request)
        timeout = self._timeout_of(request, read_timeout)

        def attempt() -> RawReply:
            with self._holding(request):
                return check_reply(request, self._fetch(request, timeout=timeout, sink=sink))

        return (retry or self.retry).run(attempt, self._before_wait(request))

    def check_allowed(self, request: Request) -> None:
        """Refuse what changes something in Gong when the connection is read-only.

        :raises GongConfigurationError: naming the field of the connection.
        """
        if self.read_only and not request.endpoint.reads:
            raise GongConfigurationError(
                f"{request.operation} changes something in Gong, and the connection is read-only: "
                f"switch off its field 'Read only' (extra read_only) to allow it."
            )

    def close(self) -> None:
        """Close the connections to Gong."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<GongClient {self.base_url}>"

    def _exchange(self, request: Request) -> Reply:
        self.check_allowed(request)
        timeout = self._timeout_of(request)

        def attempt() -> Reply:
            with self._holding(request):
                return read_reply(request, self._fetch(request, timeout=timeout))

        return self.retry.run(attempt, self._before_wait(request))

    def _before_wait(self, request: Request) -> Callable[[BaseException | None, float], None]:
        # Without the client: what tenacity is given lives until garbage is collected, and would keep the
        # connections to Redis open for as long.
        observer, operation = self._observer, _named(request)

        def note(error: BaseException | None, seconds: float) -> None:
            limited = isinstance(error, GongRateLimited)
            observer.repeats(operation, error)
            observer.waited("rate_limited" if limited else "backoff", seconds)

        return note

    @contextmanager
    def _holding(self, request: Request) -> Iterator[None]:
        """Let all who share the quota wait as long as Gong tells one of them to."""
        try:
            yield
        except GongRateLimited as error:
            # Tokens are given elsewhere, and not counted.
            if error.status == TOO_MANY_REQUESTS and error.operation == request.operation:
                # What Gong said matters more; trouble with the count shows at the next request.
                with suppress(GongError):
                    self._throttle.hold(max(SHORTEST_HOLD, error.retry_after or 0.0))
            raise

    def _timeout_of(self, request: Request, read_timeout: float | None = None) -> tuple[float, float]:
        """Return the seconds to wait for the connection and for each part of the answer."""
        connect, read = self._timeout
        if request.form is None:
            return connect, read_timeout or read
        # urllib3 gives each piece that is sent the time of connecting, which is short for a slow network.
        return max(connect, read), read_timeout or max(read, UPLOAD_READ_TIMEOUT)

    def _fetch(
        self, request: Request, *, timeout: tuple[float, float], sink: BinaryIO | None = None
    ) -> RawReply:
        """Send a request; again when its token has come to its end, since nothing was done for it then."""
        if not isinstance(self._auth, TokenKeeper):
            return self._send_once(request, self._auth, self.base_url, timeout, sink)
        access, renewals = self._auth.current(), 0
        self.base_url = access.base_url
        raw = self._send_once(request, access.auth, access.base_url, timeout, sink)
        # The token that somebody else has stored may be worn as well; one that Gong gave just now is not.
        while tells_of_a_worn_token(raw) and not access.fresh and renewals < MOST_RENEWALS:
            access, renewals = self._auth.renew(access), renewals + 1
            raw = self._send_once(request, access.auth, access.base_url, timeout, sink)
        return raw

    def _send_once(
        self,
        request: Request,
        auth: AuthBase,
        base_url: str,
        timeout: tuple[float, float],
        sink: BinaryIO | None,
    ) -> RawReply:
        """Wait for the quota, count the request and send it."""
        self._await_turn(request)
        with self._count:
            self._sent += 1
        began = time.monotonic()
        try:
            raw = fetch(self.session, request, base_url=base_url, auth=auth, timeout=timeout, sink=sink)
        except GongConfigurationError:
            # It never left.
            raise
        except GongError:
            self._observer.sent(_named(request), None, time.monotonic() - began)
            raise
        self._observer.sent(_named(request), raw.status, time.monotonic() - began)
        return raw

    def _await_turn(self, request: Request) -> None:
        began = time.monotonic()
        try:
            self._throttle.acquire()
        except GongRateLimited as error:
            error.operation = request.operation
            self._observer.refused()
            raise
        seconds = time.monotonic() - began
        if seconds >= SHORTEST_WAIT:
            self._observer.waited("quota", seconds)


def _named(request: Request) -> str:
    """Name an operation for who counts; one that is not of this package may have anything in its path."""
    return request.operation if request.endpoint.scope else f"{request.method} other"


def _result(request: Request, reply: Reply) -> Any:
    if reply.body is None:
        return []
    key = request.endpoint.result
    if key is None:
        return reply.body
    if reply.body.get(key) is None:
        raise _broken(request, reply, f"The reply has no {key!r}")
    return reply.body[key]


def _page(request: Request, reply: Reply) -> Page:
    if reply.body is None:
        return Page(items=[], total=0)
    items = _result(request, reply)
    if not isinstance(items, list):
        raise _broken(request, reply, f"{request.endpoint.result!r} of the reply is not a list")
    records = reply.body.get("records") or {}
    if not isinstance(records, dict):
        raise _broken(request, reply, "'records' of the reply is not an object")
    cursor = records.get("cursor") or None
    if cursor is not None and not isinstance(cursor, str):
        raise _broken(request, reply, "The cursor of the reply is not a text")
    total = records.get("totalRecords")
    # The records count, not their number: an odd one is none.
    return Page(items, total if type(total) is int else None, cursor, reply.request_id)


def _broken(request: Request, reply: Reply, problem: str) -> GongUnexpectedResponse:
    return GongUnexpectedResponse(
        f"{problem}; report it with the request id.",
        operation=request.operation,
        status=reply.status,
        request_id=reply.request_id,
    )


def _endless(request: Request, reply: Reply) -> GongUnexpectedResponse:
    error = _broken(request, reply, "Gong returned a cursor for the second time, so the list would never end")
    # Another chain of pages gets other cursors.
    error.retryable = True
    return error
