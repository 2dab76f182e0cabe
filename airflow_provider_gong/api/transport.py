"""One HTTP exchange: a request goes out, and its reply comes back or what kept it is raised."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, BinaryIO

from requests import RequestException, Session
from requests import exceptions as http
from urllib3.exceptions import LocationValueError, NameResolutionError, NewConnectionError, ReadTimeoutError

from airflow_provider_gong import __version__
from airflow_provider_gong.api.discretion import discreet
from airflow_provider_gong.api.form import encoded
from airflow_provider_gong.api.replies import RawReply, in_doubt
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongFileError,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response
    from requests.auth import AuthBase

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

COPY_BYTES = 1 << 20

# Raised before anything leaves: Gong has no part in it, and another try ends the same.
UNSENDABLE = (
    http.InvalidURL,
    http.InvalidSchema,
    http.MissingSchema,
    http.InvalidHeader,
    http.InvalidJSONError,
    LocationValueError,
    UnicodeError,
)


class GongSession(Session):
    """Keep connections open between requests, and nothing else: no cookies, no redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = f"airflow-provider-gong/{__version__}"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def get_redirect_target(self, resp: Response) -> None:
        """Find no target: requests looks for one even when it may not follow, and fails on odd ones."""
        return


def fetch(
    session: Session,
    request: Request,
    *,
    base_url: str,
    auth: AuthBase,
    timeout: tuple[float, float],
    sink: BinaryIO | None = None,
) -> RawReply:
    """Send a request once and return the reply, as far as it came.

    :param sink: where the body of a success is written to, from its start, in place of the reply's content.
    :raises GongError: when the request cannot be sent, or no reply began.
    """
    start = time.monotonic()
    try:
        with discreet(request.path, request.endpoint.path), _payload(request) as payload:
            response = session.request(
                request.method,
                base_url + request.path,
                params=request.query,
                auth=auth,
                timeout=timeout,
                # They would drop the credentials, or carry them to another host.
                allow_redirects=False,
                # The body is read apart: when it breaks off, status and request id are known already.
                stream=True,
                **payload,
            )
    except (RequestException, *UNSENDABLE) as error:
        # Not chained: the original text holds the URL with its query, which may be personal.
        raise _no_reply(request, error) from None
    with response:
        reply = _read(request, response, sink)
    log.debug(
        "%s: %d in %.3f s (request id %s)",
        request.operation,
        reply.status,
        time.monotonic() - start,
        reply.headers.get("x-traceid"),
    )
    return reply


@contextmanager
def _payload(request: Request) -> Iterator[dict[str, Any]]:
    """Yield the body of a request and its headers, as requests takes them."""
    headers = dict(request.headers)
    if request.form is not None:
        with encoded(request.form) as form:
            yield {"data": form, "headers": headers | {"Content-Type": form.content_type}}
    elif isinstance(request.body, str):
        yield {"data": request.body.encode(), "headers": headers}
    else:
        yield {"json": request.body, "headers": headers}


def _read(request: Request, response: Response, sink: BinaryIO | None) -> RawReply:
    try:
        if sink is None or response.status_code // 100 != 2:
            return RawReply(response.status_code, response.headers, response.content)
        _copy(request, response, sink)
        return RawReply(response.status_code, response.headers, b"")
    except RequestException as error:
        stalled = any(isinstance(cause, ReadTimeoutError) for cause in error.args)
        return RawReply(response.status_code, response.headers, None, stalled=stalled)


def _copy(request: Request, response: Response, sink: BinaryIO) -> None:
    with _writing(request):
        sink.seek(0)
        sink.truncate()
    for chunk in response.iter_content(COPY_BYTES):
        with _writing(request):
            sink.write(chunk)


@contextmanager
def _writing(request: Request) -> Iterator[None]:
    """Tell the errors of a file from those of the connection, which are also OSErrors."""
    try:
        yield
    except OSError as error:
        failed = GongFileError(
            f"{request.operation}: the reply could not be written ({type(error).__name__})."
        )
        # Gong has answered: a write has been carried out, and would be once more.
        failed.retryable = bool(request.endpoint.reads)
        raise failed from error


def _no_reply(request: Request, error: Exception) -> GongError:
    operation = request.operation
    if isinstance(error, UNSENDABLE):
        return GongConfigurationError(
            f"{operation}: the request cannot be sent ({type(error).__name__}): check Base URL, the access key "
            f"and the proxy of the environment."
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return GongConfigurationError(
            f"{operation}: the TLS certificate of the server is not trusted: check Base URL, and whether a proxy "
            f"needs its own certificate in REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, http.SSLError):
        return GongUnavailable("TLS could not be agreed; is this an https address?", operation=operation)
    if isinstance(error, http.ConnectTimeout):
        return GongTimeout("No connection in time: check Base URL and the network.", operation=operation)
    return _unconnected(operation, error) or in_doubt(request, _dropped(operation, error))


def _unconnected(operation: str, error: Exception) -> GongUnavailable | None:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, NameResolutionError):
        problem = "The host has no address: check the spelling of Base URL."
    elif isinstance(reason, NewConnectionError):
        problem = "The connection was refused: check host, port and firewall."
    else:
        return None
    return GongUnavailable(problem, operation=operation)


def _dropped(operation: str, error: Exception) -> GongUnavailable | GongUnexpectedResponse:
    if isinstance(error, http.Timeout):
        return GongTimeout("No answer in time.", operation=operation)
    if isinstance(error, http.ChunkedEncodingError | http.ContentDecodingError):
        return GongUnexpectedResponse("The reply was cut off on its way.", cut_off=True, operation=operation)
    return GongUnavailable(
        f"The connection failed or was dropped ({type(error).__name__}).", operation=operation
    )
