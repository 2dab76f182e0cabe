"""Operators with an OAuth connection, in Airflow's task runner; and what nobody may read afterwards."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exceptions import GongNotConnected, GongTokensUnavailable
from airflow_provider_gong.hooks.token_store import ROTATED
from airflow_provider_gong.operators.users import GongListUsersOperator
from airflow_provider_gong.operators.workspaces import GongListWorkspacesOperator
from airflow_provider_gong.sandbox import GongSandbox
from tests.hooks.oauth import fields_of, granted, tokens_in, variables_of
from tests.support.redis_server import RedisServer
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_gong.api.oauth_app import Tokens

KEY = "gong_oauth_token__gong_default"


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None) as gong:
        yield gong


@pytest.fixture
def connect(
    gong: GongSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
    # No other machine gets there first.
    monkeypatch.setattr("airflow_provider_gong.api.token_keeper.GRACE", 0.1)
    monkeypatch.setattr("airflow_provider_gong.api.retry.RetryPolicy._wait", lambda self, state: 0.01)

    def set_connection(**extra: Any) -> dict[str, Any]:
        fields = fields_of(gong, **extra)
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(fields))
        return fields

    set_connection()
    return set_connection


@pytest.fixture
def variables(gong: GongSandbox, connect: Callable[..., dict[str, Any]]) -> dict[str, str]:
    """Return the Variables of a connection that somebody has connected."""
    return variables_of(connect(), granted(gong))


def read(variables: dict[str, str], operator: Any = GongListWorkspacesOperator) -> TaskResult:
    return run_task(operator(task_id="read"), variables=variables)


def test_an_operator_needs_nothing_but_the_connection(gong: GongSandbox, variables: dict[str, str]) -> None:
    before = dict(variables)
    assert read(variables).succeeded().xcom == gong.world.workspaces
    assert variables == before


def test_a_rotated_token_is_stored_where_the_next_task_finds_it(
    gong: GongSandbox, variables: dict[str, str]
) -> None:
    for rotation in range(1, 4):
        gong.oauth.expire_access_tokens()
        read(variables).succeeded()
        read(variables).succeeded()
        assert (gong.oauth.rotations, gong.oauth.chains) == (rotation, 1)
    assert variables.keys() == {KEY, KEY + ROTATED}
    assert [gong.oauth.is_valid(one.refresh_token) for one in tokens_in(variables, gong)] == [False, True]


def test_a_refresh_token_in_the_connection_is_enough(gong: GongSandbox, connect: Callable[..., Any]) -> None:
    connect(refresh_token=granted(gong).refresh_token)
    variables: dict[str, str] = {}
    read(variables).succeeded()
    read(variables).succeeded()
    assert variables.keys() == {KEY + ROTATED}
    assert gong.oauth.rotations == 1


def test_a_new_refresh_token_in_the_connection_wins(gong: GongSandbox, connect: Callable[..., Any]) -> None:
    variables: dict[str, str] = {}
    connect(refresh_token=granted(gong).refresh_token)
    read(variables).succeeded()
    gong.oauth.revoke()
    connect(refresh_token=granted(gong).refresh_token)
    read(variables).succeeded()
    assert gong.oauth.rotations == 2


def test_connecting_again_wins_over_what_tasks_have_stored(
    gong: GongSandbox, connect: Callable[..., Any], variables: dict[str, str]
) -> None:
    gong.oauth.expire_access_tokens()
    read(variables).succeeded()
    gong.oauth.revoke()
    again = granted(gong)
    variables |= variables_of(connect(), again)
    read(variables).succeeded()
    assert gong.oauth.rotations == 1


@pytest.mark.parametrize("retries", [0, 3])
def test_a_connection_that_was_revoked_fails_the_task_at_once(
    gong: GongSandbox, variables: dict[str, str], retries: int
) -> None:
    gong.oauth.revoke()
    result = run_task(GongListWorkspacesOperator(task_id="read", retries=retries), variables=variables)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert isinstance(result.error.__cause__, GongNotConnected)
    assert "'gong_default' has to be connected again" in str(result.error)
    assert "airflow gong connect gong_default" in str(result.error)
    assert gong.oauth.refused == 1


def test_a_connection_that_nobody_has_connected_says_how(
    gong: GongSandbox, connect: Callable[..., Any]
) -> None:
    result = read({})
    assert "is not connected: it has no tokens yet. Connect it: `airflow gong connect" in str(result.error)
    assert len(gong.requests) == 0


def test_a_disconnected_one_does_not_go_back_to_its_own_token(
    gong: GongSandbox, connect: Callable[..., Any]
) -> None:
    own = granted(gong)
    [record] = variables_of(connect(refresh_token=own.refresh_token), own).values()
    result = read({KEY: json.dumps(json.loads(record) | {"tokens": None})})
    assert "is not connected: it was disconnected. Connect it" in str(result.error)
    assert gong.oauth.is_valid(own.refresh_token)


def test_a_changed_secret_of_the_app_is_told(
    gong: GongSandbox, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(fields_of(gong) | {"password": "another"}))
    assert "or the secret was. Connect it" in str(read(variables).error)


def test_tokens_of_another_app_are_not_used(
    gong: GongSandbox, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(fields_of(gong) | {"login": "another"}))
    assert "its API Key or Sign-in URL has changed" in str(read(variables).error)
    assert len(gong.requests.to("/v2/workspaces")) == 0


def test_trouble_at_gong_is_worth_a_retry(gong: GongSandbox, variables: dict[str, str]) -> None:
    gong.oauth.expire_access_tokens()
    gong.faults.add("rate_limited", retry_after=600, path="/oauth2/generate-customer-token")
    result = run_task(GongListWorkspacesOperator(task_id="read", retries=1), variables=variables)
    assert result.state == "up_for_retry"
    read(variables).succeeded()


def test_a_variable_that_hides_the_stored_one_is_told(
    gong: GongSandbox, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AIRFLOW_VAR_{KEY.upper()}", variables[KEY])
    gong.oauth.expire_access_tokens()
    monkeypatch.setenv(f"AIRFLOW_VAR_{KEY.upper()}{ROTATED.upper()}", "{}")
    assert "something else stands before it" in str(read(variables).error)
    # And no token is lost over it.
    monkeypatch.delenv(f"AIRFLOW_VAR_{KEY.upper()}{ROTATED.upper()}")
    read(variables).succeeded()
    assert gong.oauth.rotations == 1


@pytest.mark.parametrize("damage", ["no json", "[]", '{"tokens": 7}', '{"tokens": "gAAAA"}'])
def test_a_damaged_variable_is_named(variables: dict[str, str], damage: str) -> None:
    if damage.startswith("{"):
        damage = json.dumps(json.loads(variables[KEY]) | json.loads(damage))
    assert f"The Variable '{KEY}' does not hold" in str(read(variables | {KEY: damage}).error)


def test_an_airflow_that_cannot_be_asked_is_no_reason_to_spend_a_token(
    gong: GongSandbox, variables: dict[str, str], mocker: Any
) -> None:
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time import comms

    from tests.support.supervisor import InMemorySupervisor

    real = InMemorySupervisor.send

    def send(self: InMemorySupervisor, msg: Any) -> Any:
        if isinstance(msg, comms.GetVariable) and msg.key.endswith(ROTATED):
            return comms.ErrorResponse(error=ErrorType.GENERIC_ERROR, detail={})
        return real(self, msg)

    mocker.patch.object(InMemorySupervisor, "send", send)
    gong.oauth.expire_access_tokens()
    result = read(variables)
    assert isinstance(result.error, GongTokensUnavailable), result.error
    assert gong.oauth.rotations == 0


def test_machines_take_turns_in_redis(
    gong: GongSandbox,
    variables: dict[str, str],
    connect: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path) as redis:
        monkeypatch.setenv("AIRFLOW_CONN_QUOTA", json.dumps(redis.connection()))
        connect(redis_conn_id="quota")
        gong.oauth.expire_access_tokens()
        read(variables).succeeded()
        with redis.client() as client:
            assert [key for key in client.scan_iter() if key.startswith(b"gong-oauth:")]
        gong.oauth.expire_access_tokens()
    result = read(variables)
    assert result.error is not None
    assert gong.oauth.rotations == 1


# What nobody may read


def secrets_of(gong: GongSandbox, variables: dict[str, str], *more: Tokens) -> set[str]:
    found = {gong.oauth.client_secret}
    for tokens in (*tokens_in(variables, gong), *more):
        found |= {tokens.access_token, tokens.refresh_token}
    return found - {""}


def everything_told(result: TaskResult) -> str:
    error = result.error
    trace = "".join(traceback.format_exception(error)) if error else ""
    return "\n".join(
        [*result.logs, json.dumps(result.xcoms), json.dumps(result.rendered), repr(error), trace]
    )


@pytest.mark.parametrize(
    "trouble", ["none", "revoked", "server_error", "truncated_json", "not_json", "scope"]
)
def test_no_secret_is_in_logs_errors_xcom_or_rendered_fields(
    gong: GongSandbox,
    variables: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    # What is searched is not masked: the secret must not have been told at all.
    known = secrets_of(gong, variables)
    gong.oauth.expire_access_tokens()
    if trouble == "revoked":
        gong.oauth.revoke()
    elif trouble not in ("none", "scope"):
        gong.faults.add(trouble, path="/oauth2/*", times=None)
    told = ""
    with caplog.at_level(logging.DEBUG):
        for operator in (GongListWorkspacesOperator, GongListUsersOperator):
            told += everything_told(read(variables, operator))
    told += caplog.text + json.dumps(variables)
    assert "POST /oauth2/generate-customer-token" in told
    known |= secrets_of(gong, variables)
    if trouble in ("none", "scope"):
        assert len(known) == 5
    for secret in known:
        assert secret not in told


def test_every_secret_is_masked_as_soon_as_it_is_known_also_rotated_ones(
    gong: GongSandbox, variables: dict[str, str]
) -> None:
    reset_secrets_masker()
    gong.oauth.expire_access_tokens()
    read(variables).succeeded()
    secrets = secrets_of(gong, variables)
    assert len(secrets) == 5
    for secret in secrets:
        assert redact(f"it is {secret}!") == "it is ***!"


def test_nothing_that_holds_a_secret_shows_it(gong: GongSandbox, variables: dict[str, str]) -> None:
    from airflow_provider_gong.api.auth import BearerAuth
    from airflow_provider_gong.hooks.oauth import keeper_of
    from tests.hooks.oauth import settings_of

    settings = settings_of(fields_of(gong, refresh_token="hunter2secret"))
    [tokens] = tokens_in(variables, gong)
    keeper = keeper_of("gong_default", settings)
    shown = f"{settings!r} {settings.oauth!r} {tokens!r} {keeper!r} {vars(keeper)!r} {BearerAuth('hunter2secret')!r}"
    for secret in secrets_of(gong, variables) | {"hunter2secret"}:
        assert secret not in shown
