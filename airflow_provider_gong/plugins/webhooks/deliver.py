"""A delivery becomes a Dag run, an asset event, or both: in one transaction, once.

What makes it once is Airflow's database, which all workers of the API server share and which outlives them: the id
of the Dag run is made from the call, and events of one asset are written one after the other, each after a look at
those of the replay window.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.refusal import unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from airflow_provider_gong.plugins.webhooks.payload import Delivery
    from airflow_provider_gong.plugins.webhooks.rules import Rule

LONGEST_PAUSE = 0.5


@dataclass(frozen=True)
class Outcome:
    """What has become of a delivery."""

    status: str
    """``accepted``, or ``duplicate`` when everything was there already, or ``ignored``."""
    dag_run_id: str | None = None


def deliver(rule: Rule, delivery: Delivery, *, deadline: float) -> Outcome:
    """Start what the rule starts, and return when the database has it for good.

    :param deadline: moment of the monotonic clock from which on a failed transaction is not repeated.
    :raises Refused: when the database does not answer.
    :raises GongConfigurationError: when the rule names what Airflow does not have.
    """
    if delivery.is_test and rule.tests == "ignore":
        return Outcome("ignored")
    from sqlalchemy import exc

    facts = delivery.facts(rule)
    while True:
        try:
            return _in_one_transaction(rule, delivery, facts)
        # IntegrityError: another worker was faster, and the next look will find its run.
        except (exc.IntegrityError, exc.InterfaceError, exc.OperationalError, exc.TimeoutError):
            if time.monotonic() > deadline:
                raise unavailable("database", "Airflow's database does not answer.") from None
        time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 - spreads the attempts, protects nothing


def run_id(rule: Rule, delivery: Delivery) -> str:
    """Return the id of the Dag run: the same for the same call, and for the same press of "Test now"."""
    key = f"test_{delivery.call_id}_{delivery.delivery_id[:12]}" if delivery.is_test else delivery.call_id
    return f"gong__{rule.name}__{key}"


def _in_one_transaction(rule: Rule, delivery: Delivery, facts: dict[str, Any]) -> Outcome:
    from airflow.utils.session import create_session

    # Airflow's own functions open sessions of the thread meanwhile, and close them.
    with create_session(scoped=False) as session:
        new_event = rule.asset and _emit_event(rule, delivery, facts, session)
        new_run = rule.dag_id is not None and _start_run(rule, delivery, facts, session)
    status = "accepted" if new_event or new_run else "duplicate"
    return Outcome(status, run_id(rule, delivery) if rule.dag_id else None)


def _start_run(rule: Rule, delivery: Delivery, facts: dict[str, Any], session: Session) -> bool:
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagNotFound, DagRunAlreadyExists
    from airflow.sdk.exceptions import ParamValidationError
    from airflow.utils.types import DagRunTriggeredByType

    try:
        trigger_dag(
            str(rule.dag_id),
            run_id=run_id(rule, delivery),
            conf=facts,
            triggered_by=DagRunTriggeredByType.REST_API,
            session=session,
        )
        session.flush()
    except DagRunAlreadyExists:
        return False
    except DagNotFound:
        raise GongConfigurationError(f"Rule {rule.name!r}: Airflow has no Dag {rule.dag_id!r}.") from None
    # Their texts quote what the delivery holds.
    except (ParamValidationError, ValueError) as error:
        raise GongConfigurationError(
            f"Rule {rule.name!r}: Dag {rule.dag_id!r} takes no such run ({type(error).__name__}): "
            "look at its params and its allowed_run_types."
        ) from None
    return True


def _emit_event(rule: Rule, delivery: Delivery, facts: dict[str, Any], session: Session) -> bool:
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from sqlalchemy import select, update

    ours = AssetModel.uri == rule.asset_uri
    # Changes nothing, but holds the row until the transaction ends: no two deliveries of a rule look at once.
    hold = update(AssetModel).where(ours).values(uri=AssetModel.uri, updated_at=AssetModel.updated_at)
    session.execute(hold.execution_options(synchronize_session=False))
    asset = session.scalar(select(AssetModel).where(ours, AssetModel.active.has()))
    if asset is None:
        raise GongConfigurationError(
            f"Rule {rule.name!r}: no Dag of Airflow refers to Asset({rule.asset_uri!r}): "
            "nobody would see its events."
        )
    if any(_same(extra, delivery) for extra in _earlier_events(asset.id, rule, delivery, session)):
        return False
    event = asset_manager.register_asset_change(asset=asset, extra=facts, session=session, source_is_api=True)
    if event is None:
        raise unavailable("asset", "Airflow did not take the event.")
    return True


def _earlier_events(asset_id: int, rule: Rule, delivery: Delivery, session: Session) -> list[dict[str, Any]]:
    from airflow.models.asset import AssetEvent
    from airflow.sdk import timezone
    from sqlalchemy import select

    since = timezone.utcnow() - timedelta(seconds=rule.replay_window)
    seen = select(AssetEvent.extra).where(
        AssetEvent.asset_id == asset_id,
        AssetEvent.timestamp > since,
        AssetEvent.extra["call_id"].as_string() == delivery.call_id,
    )
    return list(session.scalars(seen))


def _same(extra: Mapping[str, Any], delivery: Delivery) -> bool:
    if extra.get("delivery_id") == delivery.delivery_id:
        return True
    # A test must not keep out the call itself, and each press of the button is a test.
    return not delivery.is_test and not extra.get("is_test")
