"""One user, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_provider_gong.api import users
from airflow_provider_gong.exceptions import GongConfigurationError, GongNotFound
from airflow_provider_gong.operators.users import GongGetUserOperator, GongListUsersOperator
from tests.operators.reading import refusal, result_of
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox


def test_user_is_asked_for_by_id() -> None:
    assert GongGetUserOperator(task_id="read", user_id="7").request() == users.get_user("7")


@pytest.mark.parametrize(("avatars", "asked"), [(False, None), ("False", None), (None, None), ("true", True)])
def test_avatars_are_asked_for_only_when_wanted(avatars: Any, asked: bool | None) -> None:
    request = GongListUsersOperator(task_id="read", include_avatars=avatars).request()
    assert request == users.list_users(include_avatars=asked)


def test_user_is_gongs_record(gong: GongSandbox) -> None:
    user = gong.world.find_users()[3]
    found = result_of(GongGetUserOperator, user_id="{{ ti.xcom_pull('before') }}", xcoms={"before": user.id})
    assert found == user.record


@pytest.mark.parametrize("user_id", [None, "", "None", "{{ none }}", "jane doe", 1.5, True])
def test_what_is_no_id_is_refused_before_any_request(gong: GongSandbox, user_id: Any) -> None:
    assert "user_id=" in refusal(GongGetUserOperator, GongConfigurationError, user_id=user_id)
    assert len(gong.requests) == 0


def test_unknown_user_fails_at_once(gong: GongSandbox) -> None:
    assert "User not found" in refusal(GongGetUserOperator, GongNotFound, user_id="1234567890123456789")
    assert len(gong.requests) == 1


@pytest.mark.parametrize("avatars", [False, True, "{{ params.avatars }}"])
def test_avatars_are_listed_when_wanted(gong: GongSandbox, avatars: bool | str) -> None:
    listed = result_of(GongListUsersOperator, include_avatars=avatars, params={"avatars": True})
    expected = gong.world.find_users(include_avatars=bool(avatars))
    assert [user["id"] for user in listed] == [user.id for user in expected]
    assert listed == [user.record for user in expected]


def test_switch_that_is_neither_true_nor_false_is_refused(gong: GongSandbox) -> None:
    assert "include_avatars='perhaps'" in refusal(
        GongListUsersOperator, GongConfigurationError, include_avatars="perhaps"
    )
    assert len(gong.requests) == 0


def test_mapped_tasks_get_a_user_each(gong: GongSandbox) -> None:
    found = gong.world.find_users()[:3]
    with DAG("users_of_a_dag", schedule=None) as dag:
        GongGetUserOperator.partial(task_id="get_user").expand(user_id=[user.id for user in found])
    result = run_dag(dag)
    assert result.state == "success"
    assert result.xcoms == {f"get_user[{index}]": user.record for index, user in enumerate(found)}
