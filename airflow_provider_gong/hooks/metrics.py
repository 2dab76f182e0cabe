"""What tasks and triggers count, in the metrics that Airflow is told to keep.

`METRICS` names all of them. Tags have few values each: no ids, no names, nothing personal.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache

from airflow_provider_gong.api.observer import Observer

log = logging.getLogger(__name__)

TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class Metric:
    """One metric.

    :param name: its name, behind Airflow's prefix.
    :param kind: `counter` or `timer`; timers are in milliseconds.
    :param tags: the names of its tags.
    :param meaning: what it counts or measures.
    """

    name: str
    kind: str
    tags: tuple[str, ...]
    meaning: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "gong.requests",
            "counter",
            ("operation", "outcome"),
            "HTTP requests sent to Gong's API, repeated ones included; requests for OAuth tokens are not among them.",
        ),
        Metric(
            "gong.request.duration",
            "timer",
            ("operation",),
            "From the beginning of a request to the end of its reply, waits before it not included.",
        ),
        Metric("gong.rate_limited", "counter", ("operation",), "Replies with status 429."),
        Metric("gong.retries", "counter", ("operation", "reason"), "Requests that are sent again."),
        Metric("gong.wait", "timer", ("reason",), "Waits in a worker or the triggerer before a request."),
        Metric(
            "gong.quota.refused",
            "counter",
            (),
            "Requests that our own quota kept back for longer than the connection's `max_wait`.",
        ),
        Metric("gong.deferrals", "counter", ("reason",), "Tasks that left their worker to wait."),
        Metric("gong.token.refreshes", "counter", ("outcome",), "Refreshes of OAuth tokens."),
        Metric(
            "gong.exports", "counter", ("stream", "outcome"), "Attempts of export tasks that came to an end."
        ),
        Metric("gong.export.duration", "timer", ("stream", "outcome"), "The time that such an attempt took."),
        Metric("gong.rows", "counter", ("stream",), "Rows that were exported."),
        *(
            Metric(f"gong.webhook.{outcome}", "counter", tags, meaning)
            for outcome, tags, meaning in (
                ("accepted", ("rule",), "Deliveries of webhooks that started something."),
                ("duplicate", ("rule",), "Deliveries of webhooks that had come before."),
                ("ignored", ("rule",), "Tests of webhooks that start nothing."),
                ("refused", ("rule", "reason"), "Deliveries of webhooks that were refused."),
            )
        ),
    )
}


def count(name: str, number: int = 1, **tags: str) -> None:
    """Add to a counter; whatever goes wrong with that is no concern of the caller's."""
    _tell("incr", name, number, tags)


def timing(name: str, seconds: float, **tags: str) -> None:
    """Tell how long something took; whatever goes wrong with that is no concern of the caller's."""
    _tell("timing", name, seconds * 1000, tags)


class ClientMetrics(Observer):
    """Count what a client does."""

    def sent(self, operation: str, status: int | None, seconds: float) -> None:
        """Count a request, and tell how long it took."""
        count("gong.requests", operation=_fit(operation), outcome=_outcome(status))
        timing("gong.request.duration", seconds, operation=_fit(operation))
        if status == TOO_MANY_REQUESTS:
            count("gong.rate_limited", operation=_fit(operation))

    def waited(self, reason: str, seconds: float) -> None:
        """Tell how long a wait is."""
        timing("gong.wait", seconds, reason=reason)

    def refused(self) -> None:
        """Count a refusal of the quota."""
        count("gong.quota.refused")

    def repeats(self, operation: str, error: BaseException | None) -> None:
        """Count a request that is sent again."""
        count("gong.retries", operation=_fit(operation), reason=type(error).__name__)

    def refreshed(self, succeeded: bool) -> None:
        """Count a refresh of tokens."""
        count("gong.token.refreshes", outcome="succeeded" if succeeded else "failed")


def _outcome(status: int | None) -> str:
    if status is None:
        return "no_reply"
    return str(status) if status == TOO_MANY_REQUESTS else f"{status // 100}xx"


@cache
def _fit(operation: str) -> str:
    """Return the name of an operation with the characters that every kind of metrics takes."""
    return re.sub(r"[^A-Za-z0-9/._-]+", "_", re.sub(r"[{}]", "", operation))


def _tell(method: str, name: str, value: float, tags: dict[str, str]) -> None:
    try:
        # Airflow begins with these wherever its SDK is: in workers, in the triggerer, in the API server.
        from airflow.sdk.observability import stats

        getattr(stats, method)(name, value, tags=tags)
    except Exception as error:
        # No task fails for its metrics, and it may send thousands of requests.
        log.debug("%s was not counted: %s", name, type(error).__name__)
