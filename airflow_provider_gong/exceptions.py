"""Every error of this package, sorted by what the caller can do about it.

::

    GongError
    ├── GongConfigurationError        mend the connection, an argument or the environment
    │   └── GongNotConnected          an OAuth connection that somebody has to connect, or connect again
    ├── GongFileError                 a file to be sent or written failed, on our side
    ├── GongQuotaUnavailable          the store that counts requests cannot be reached: nothing was sent
    ├── GongTokensUnavailable         OAuth tokens cannot be read, locked or stored now: try later
    └── GongReplyError                a request was made and did not succeed
        ├── GongRequestRefused        Gong said no: the same request gets the same answer
        │   ├── GongAuthenticationError   401: the key or token is not accepted
        │   ├── GongGrantRefused          400: an OAuth code or refresh token is spent, revoked or too old
        │   ├── GongMissingScope          401: the key is accepted, but lacks a scope
        │   ├── GongForbidden             403: untrusted IP address, another host, a feature without licence
        │   ├── GongNotFound              404 that does not mean "an empty list"
        │   ├── GongConflict              409
        │   └── GongCursorExpired         400: the chain of pages is dead, start the slice again
        ├── GongUnavailable           5xx or a dropped connection: try later
        │   ├── GongRateLimited       429 or a spent budget, with a wait longer than allowed
        │   └── GongTimeout           no connection or no answer in time
        └── GongUnexpectedResponse    the reply is not what Gong promises

``error.retryable`` says whether the same thing may be done again and succeed without anybody mending anything;
``error.in_doubt`` that a write may have been carried out although its reply was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Iterable


IN_DOUBT = " The write may have been carried out: look in Gong before you repeat it."


class ReplyFacts(TypedDict, total=False):
    """What is known of the request and the reply behind an error."""

    operation: str
    status: int | None
    request_id: str | None
    messages: Iterable[str]


class GongError(Exception):
    """Root of all errors of this package."""

    retryable: bool = False


class GongConfigurationError(GongError):
    """The connection, an argument or the environment must be mended; Gong did nothing."""


class GongNotConnected(GongConfigurationError):  # noqa: N818
    """An OAuth connection has no tokens, or tokens that Gong does not accept any more: connect it (again)."""


class GongTokensUnavailable(GongError):  # noqa: N818
    """The OAuth tokens of a connection cannot be read, locked or stored at the moment; none of them is lost."""

    retryable = True


class GongFileError(GongError):
    """A file to be sent or written failed on our side; Gong did nothing."""

    retryable = True


class GongQuotaUnavailable(GongError):  # noqa: N818
    """The store in which several machines count their requests cannot be used; nothing was sent uncounted."""

    retryable = True


class GongReplyError(GongError):
    """A request was made and did not succeed.

    :param message: what it means and what to do about it.
    :param operation: method and path template, such as ``GET /v2/calls/{id}``.
    :param status: HTTP status of the reply; None when there was no reply.
    :param request_id: Gong's identifier of the request, for its support.
    :param messages: Gong's own error texts.
    """

    in_doubt: bool = False
    """A write may have been carried out: the request left, and its reply was lost."""

    # Everything but the message may be left out because unpickling builds the error from the message alone
    # and then restores the attributes.
    def __init__(self, message: str = "", **facts: Unpack[ReplyFacts]) -> None:
        super().__init__(message)
        self.message = message
        self.operation = facts.get("operation", "")
        self.status = facts.get("status")
        self.request_id = facts.get("request_id")
        self.messages = tuple(facts.get("messages", ()))

    def __str__(self) -> str:
        said = "; ".join(self.messages)
        facts = (self.operation, str(self.status or ""), said, self.message)
        text = ": ".join(fact for fact in facts if fact) + (IN_DOUBT if self.in_doubt else "")
        return f"{text} (request id {self.request_id})" if self.request_id else text


class GongRequestRefused(GongReplyError):  # noqa: N818 - the root says that it is an error
    """Gong refused the request (4xx); repeating it gives the same answer."""


class GongAuthenticationError(GongRequestRefused):
    """The access key or token is not accepted (401)."""


class GongGrantRefused(GongRequestRefused):
    """An OAuth code or refresh token is not accepted: spent, revoked or too old (400 invalid_grant)."""


class GongMissingScope(GongRequestRefused):
    """The access key lacks a scope (401 that names it).

    :param scope: the missing scope, such as ``api:calls:read:basic``.
    """

    def __init__(self, message: str = "", *, scope: str = "", **facts: Unpack[ReplyFacts]) -> None:
        super().__init__(message, **facts)
        self.scope = scope


class GongForbidden(GongRequestRefused):
    """Gong knows the key and refuses the request (403)."""


class GongNotFound(GongRequestRefused):
    """What was asked for does not exist (404 that does not mean "an empty list")."""


class GongConflict(GongRequestRefused):
    """The request contradicts what Gong already has, or the settings of the company (409)."""


class GongCursorExpired(GongRequestRefused):
    """The chain of pages is dead (400); start again from the first page."""


class GongUnavailable(GongReplyError):  # noqa: N818
    """Gong cannot be reached or cannot answer now; try later, unless it was a write that may have been done.

    :param retry_after: seconds after which another try makes sense; None when unknown.
    """

    retryable = True

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, **facts: Unpack[ReplyFacts]
    ) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class GongRateLimited(GongUnavailable):
    """Gong's limit or our own budget asks for a wait longer than allowed; ``retry_after`` has the seconds."""


class GongTimeout(GongUnavailable):
    """No connection or no answer within the time allowed."""


class GongUnexpectedResponse(GongReplyError):  # noqa: N818
    """The reply is not what Gong promises: not JSON, no result, a cursor seen before, a redirect.

    :param cut_off: True when the body ends too early, as after a dropped connection; the others come back
        until somebody mends their cause.
    """

    def __init__(self, message: str = "", *, cut_off: bool = False, **facts: Unpack[ReplyFacts]) -> None:
        super().__init__(message, **facts)
        self.cut_off = cut_off
        self.retryable = cut_off
