"""What a visitor of the page is told instead of what they asked for."""

from __future__ import annotations

from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongNotConnected,
    GongReplyError,
)


class Problem(GongError):  # noqa: N818 - an answer, as much as an error
    """Answer with a page that says what is wrong.

    :param status: of the HTTP answer.
    :param title: in a few words.
    :param detail: what happened and what to do about it; without anything secret.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class NotSignedIn(GongError):  # noqa: N818 - an answer, as much as an error
    """Nobody is signed in to Airflow."""


def forbidden() -> Problem:
    """Return what somebody is told who may not change connections, whatever they asked for."""
    return Problem(
        403,
        "You may not connect to Gong",
        "Airflow lets only those connect to Gong who may edit the connection: ask an administrator of Airflow for the "
        "permission to edit connections.",
    )


def unknown(conn_id: str) -> Problem:
    """Return what is said of a connection that does not exist."""
    return Problem(
        404,
        "There is no such connection",
        f"There is no connection {conn_id!r} in the environment (AIRFLOW_CONN_...), the secrets backends or Airflow's "
        f"database; it may have been deleted meanwhile. Nothing was changed.",
    )


def connecting_failed(error: GongError) -> Problem:
    """Return what an error of connecting means to the visitor; nothing was stored."""
    text = str(error)
    if isinstance(error, GongNotConnected):
        return Problem(400, "Gong does not accept the code", text)
    if error.retryable:
        return Problem(
            503, "Gong or Airflow's database cannot be used now", f"{text} Nothing was stored: try later."
        )
    if isinstance(error, GongReplyError):
        return Problem(502, "Gong did not give tokens", f"{text} Nothing was stored.")
    if isinstance(error, GongConfigurationError):
        return Problem(409, "The connection has to be mended first", f"{text} Nothing was stored.")
    return Problem(500, "Airflow failed", f"{text} Nothing was stored.")
