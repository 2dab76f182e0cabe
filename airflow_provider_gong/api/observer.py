"""What a client tells whoever counts: this layer knows nothing of Airflow's metrics."""

from __future__ import annotations


class Observer:
    """Take note of what a client does; this one does nothing about it.

    Operations are named without arguments. Observers are called by several threads, and raise nothing.
    """

    def sent(self, operation: str, status: int | None, seconds: float) -> None:
        """Take note of an HTTP request and its reply.

        :param operation: method and path, such as `GET /v2/calls/{id}`.
        :param status: of the reply, None when there was none.
        :param seconds: from the beginning of the request to the end of the reply.
        """

    def waited(self, reason: str, seconds: float) -> None:
        """Take note of a wait that is over, or about to begin.

        :param reason: `quota`, `rate_limited` or `backoff`.
        """

    def refused(self) -> None:
        """Take note of a request that the quota kept back for longer than its caller may wait."""

    def repeats(self, operation: str, error: BaseException | None) -> None:
        """Take note of a request that is sent again.

        :param error: what happened to it before.
        """

    def refreshed(self, succeeded: bool) -> None:
        """Take note of a refresh of OAuth tokens."""
