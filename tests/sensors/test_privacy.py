"""Waiting for erasures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_gong.api import privacy
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.world.mentions import Subject
from airflow_provider_gong.sensors.privacy import GongErasureSensor
from tests.operators.conftest import NOW
from tests.support.task_runner import Resume, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operators.conftest import Connect


@pytest.fixture
def gong(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company that may forget people, connected."""
    with GongSandbox(seed=7, calls=20, days=3, now=NOW, today=NOW.date(), per_second=None) as company:
        connect(company)
        yield company


@pytest.fixture(params=["address", "number"])
def person(gong: GongSandbox, request: pytest.FixtureRequest) -> tuple[dict[str, str], Subject]:
    """Return somebody whom Gong knows, as the sensor and the sandbox name them."""
    if request.param == "address":
        address = gong.privacy.known_email_address()
        return {"email_address": address}, Subject.of_address(address)
    number = gong.privacy.known_phone_number()
    return {"phone_number": number}, Subject.of_number(number)


def sensor(**arguments: Any) -> GongErasureSensor:
    return GongErasureSensor(task_id="wait", **({"deferrable": True} | arguments))


def test_the_wait_ends_when_nothing_is_left(
    gong: GongSandbox, person: tuple[dict[str, str], Subject]
) -> None:
    argument, subject = person
    gong.privacy.erase(subject)
    operator = sensor(**argument)
    result = run_task(operator)
    looks = 1
    while result.state == "deferred":
        gong.clock.advance(timedelta(hours=1))
        assert result.deferral is not None
        result = run_task(operator, resume=result.deferral.resume_with(None))
        looks += 1
    assert result.succeeded().xcom is True
    assert looks == 1 + gong.privacy.erasure_time / timedelta(hours=1) == len(gong.requests)


def test_a_person_who_comes_back_keeps_the_wait_from_ending(
    gong: GongSandbox, person: tuple[dict[str, str], Subject]
) -> None:
    argument, _ = person
    started = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    operator = sensor(**argument, timeout=timedelta(days=1))
    result = run_task(operator, resume=Resume("look_again", {"started": started, "event": None}))
    assert isinstance(result.error, AirflowSensorTimeout)
    assert not any(value in str(result) for value in argument.values())


def test_what_is_left_is_told_by_kind(gong: GongSandbox) -> None:
    lines = run_task(sensor(email_address=gong.privacy.known_email_address())).logs
    [line] = [line for line in lines if line.startswith("Gong still has")]
    kinds = [part.strip("0123456789 ") for part in line.removeprefix("Gong still has ").split(",")]
    assert kinds == ["calls", "emails", "meetings", "customer data", "customer engagement"]


def test_it_asks_what_the_operators_ask() -> None:
    assert sensor(email_address="ann@example.com", phone_number="").request() == (
        privacy.list_email_address_references("ann@example.com")
    )
    assert sensor(email_address=None, phone_number="+1 425 555-2671").request() == (
        privacy.list_phone_number_references("+14255552671")
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "neither has a value"),
        ({"email_address": "", "phone_number": "None"}, "neither has a value"),
        ({"email_address": "ann@example.com", "phone_number": "+14255552671"}, "both has a value"),
    ],
)
def test_exactly_one_of_address_and_number_is_wanted(
    gong: GongSandbox, given: dict[str, str], problem: str
) -> None:
    result = run_task(sensor(**given, retries=2))
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert str(result.error) == (f"Of email_address and phone_number {problem}: give exactly one of them.")
    assert len(gong.requests) == 0


@pytest.mark.usefixtures("no_waiting")
def test_a_reply_without_lists_does_not_pass_for_an_erasure(gong: GongSandbox) -> None:
    gong.faults.add("missing_items", times=None)
    result = run_task(sensor(email_address=gong.privacy.known_email_address()))
    assert result.state == "failed"
    assert "The list of references has no 'calls'" in str(result.error)


def test_it_looks_once_an_hour_unless_told_otherwise() -> None:
    assert sensor(phone_number="x").poke_interval == 3600
    assert sensor(phone_number="x", poke_interval=60).poke_interval == 60
    with DAG("often", schedule=None, default_args={"poke_interval": 120}):
        assert sensor(phone_number="x").poke_interval == 120


def test_the_person_is_masked_and_not_handed_to_the_trigger(
    gong: GongSandbox, person: tuple[dict[str, str], Subject]
) -> None:
    [(argument, value)] = person[0].items()
    result = run_task(sensor(**person[0]))
    assert result.rendered[argument] == "***"
    assert value not in repr(result)
    assert result.deferral is not None
    resumed = run_task(sensor(**person[0]), resume=result.deferral.resume_with(None))
    assert resumed.rendered[argument] == "***"
    assert value not in repr(resumed)
