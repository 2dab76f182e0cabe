"""What became of each delivery, in Airflow's metrics and in the API server's log; without personal data."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gong.plugins.webhooks.deliver import Outcome
    from airflow_provider_gong.plugins.webhooks.payload import Delivery
    from airflow_provider_gong.plugins.webhooks.refusal import Refused
    from airflow_provider_gong.plugins.webhooks.rules import Rule

log = logging.getLogger(__name__)


def report_outcome(rule: Rule, delivery: Delivery, outcome: Outcome) -> None:
    """Count and log a delivery that was genuine."""
    _count(outcome.status, rule=rule.name)
    log.info(
        "Gong's webhook %s: %s call %s, delivery %s",
        rule.name,
        outcome.status,
        delivery.call_id,
        delivery.delivery_id,
    )


def report_refusal(rule: Rule | None, refusal: Refused, cause: str = "") -> None:
    """Count and log a delivery that was refused; what the sender calls the rule is nobody's business."""
    name = rule.name if rule else "unknown"
    _count("refused", rule=name, reason=refusal.reason)
    # A cause is ours to mend; the rest is mostly noise from the network.
    level = logging.ERROR if cause else logging.WARNING
    log.log(level, "Gong's webhook %s: refused, %s. %s", name, refusal.reason, cause)


def _count(outcome: str, **tags: str) -> None:
    # The API server initialises these statistics, not those that airflow.sdk offers.
    from airflow._shared.observability.metrics import stats

    stats.incr(f"gong.webhook.{outcome}", tags=tags)
