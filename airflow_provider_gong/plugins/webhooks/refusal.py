"""A delivery that is not accepted, with the answer that its sender gets."""

from __future__ import annotations

from airflow_provider_gong.exceptions import GongError


class Refused(GongError):  # noqa: N818 - an answer, as much as an error
    """Refuse a delivery.

    :param status: of the HTTP answer.
    :param reason: a word for metrics, logs and the answer.
    :param detail: a sentence for the answer; without anything that the delivery holds.
    :param retry_after: seconds after which the sender may try again.
    """

    def __init__(self, status: int, reason: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after


RETRY_SECONDS = 30


def unavailable(reason: str, detail: str) -> Refused:
    """Return the refusal of a delivery that may succeed later."""
    return Refused(503, reason, detail, retry_after=RETRY_SECONDS)
