"""Waiting for users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.sensors.users import GongUserSensor
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.sandbox.world import User


@pytest.fixture
def user(quiet: GongSandbox) -> User:
    """Return a user with an alias, who is active."""
    user = next(one for one in quiet.world.users if not one.avatar)
    user.record.update(active=True, emailAliases=["Old.Name@example.com"])
    return user


def look(**arguments: Any) -> TaskResult:
    given: dict[str, Any] = {"deferrable": False, "mode": "reschedule"}
    arguments = given | arguments
    return run_task(GongUserSensor(task_id="wait", **arguments))


def test_a_user_is_known_by_id(quiet: GongSandbox, user: User) -> None:
    assert look(user_id=user.id).succeeded().xcom == user.id
    assert [(one.method, one.path) for one in quiet.requests] == [("POST", "/v2/users/extensive")]


def test_a_user_is_known_by_address_and_alias_in_any_case(quiet: GongSandbox, user: User) -> None:
    assert look(email_address=user.email.upper()).succeeded().xcom == user.id
    assert look(email_address=" old.name@Example.com ").succeeded().xcom == user.id


@pytest.mark.parametrize(
    "nobody", [{"user_id": "7782342274025937895"}, {"email_address": "nobody@example.com"}]
)
def test_a_user_that_gong_does_not_know_is_not_yet(quiet: GongSandbox, nobody: dict[str, str]) -> None:
    assert look(**nobody).state == "up_for_reschedule"
    assert look(**nobody, deferrable=True).state == "deferred"


def test_an_inactive_user_is_not_yet_unless_told_otherwise(quiet: GongSandbox, user: User) -> None:
    user.record["active"] = False
    assert look(user_id=user.id).state == "up_for_reschedule"
    assert look(user_id=user.id, wait_until_active="false").succeeded().xcom == user.id
    user.record["active"] = True
    assert look(user_id=user.id).succeeded().xcom == user.id


def test_the_address_is_masked(quiet: GongSandbox, user: User) -> None:
    result = look(email_address=user.email)
    assert result.rendered["email_address"] == "***"
    assert user.email not in repr(result)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "Of user_id and email_address neither has a value"),
        ({"user_id": "7", "email_address": "a@example.com"}, "Of user_id and email_address both has a value"),
        ({"user_id": "x y"}, "user_id='x y' is not an identifier"),
        ({"email_address": "Ann"}, "email_address has no @"),
    ],
)
def test_wrong_arguments_fail_at_once(quiet: GongSandbox, arguments: dict[str, Any], problem: str) -> None:
    result = look(**arguments, retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert problem in str(result.error)


def test_it_looks_every_ten_minutes_unless_told_otherwise() -> None:
    assert GongUserSensor(task_id="wait", user_id="7").poke_interval == 600
    assert GongUserSensor(task_id="wait", user_id="7", poke_interval=60).poke_interval == 60
