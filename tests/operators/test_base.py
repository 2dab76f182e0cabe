"""How operators fail, what they never tell, and that they leave no connection open."""

from __future__ import annotations

import json
import logging
import traceback
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong import exceptions
from airflow_provider_gong.exceptions import (
    GongAuthenticationError,
    GongConfigurationError,
    GongError,
    GongForbidden,
    GongMissingScope,
    GongRateLimited,
    GongRequestRefused,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.operators.base import GongOperator
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.sandbox.access import SCOPES
from tests.operators.exporting import (
    Kind,
    all_files,
    assert_nothing_published,
    attempt,
    day,
    interval_run,
    rows,
)
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context

    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

RETRIES = 3

EXPORTS: dict[str, tuple[Kind, dict[str, Any], str]] = {
    "calls": (GongExportCallsOperator, {"content": "full"}, "api:calls:read:extensive"),
    "transcripts": (GongExportTranscriptsOperator, {}, "api:calls:read:transcript"),
    "conversations": (GongExportConversationsOperator, {"content": "full"}, "api:calls:read:transcript"),
    "users": (GongExportUsersOperator, {}, "api:users:read"),
    "logs": (GongExportLogsOperator, {"log_type": "AccessLog"}, "api:logs:read"),
}
each_export = pytest.mark.parametrize("stream", EXPORTS)


def try_export(stream: str, **arguments: Any) -> TaskResult:
    """Run an export that Airflow may retry."""
    kind, own, _ = EXPORTS[stream]
    defaults: dict[str, Any] = {"retries": RETRIES, "run": interval_run(9)}
    return attempt(kind, **(defaults | own | arguments))


def assert_failed_for_good(result: TaskResult, cause: type[GongError]) -> None:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    assert str(result.error) == str(result.error.__cause__)


def assert_left_for_retry(result: TaskResult, error: type[GongError]) -> None:
    assert result.state == "up_for_retry"
    assert type(result.error) is error


# What no retry can mend


@each_export
def test_wrong_key_fails_at_once(
    gong: GongSandbox, connect: Connect, destination: str, folder: Path, stream: str
) -> None:
    connect(gong, {"password": "mistyped"})
    result = try_export(stream, destination=destination)
    assert_failed_for_good(result, GongAuthenticationError)
    assert len(gong.requests) == 1
    assert_nothing_published(folder)


@each_export
def test_missing_scope_fails_at_once_and_is_named(
    gong: GongSandbox, connect: Connect, destination: str, folder: Path, stream: str
) -> None:
    scope = EXPORTS[stream][2]
    key = gong.access.add_key(scopes=SCOPES - {scope})
    connect(gong, {"login": key.access_key, "password": key.access_key_secret})
    result = try_export(stream, destination=destination)
    assert_failed_for_good(result, GongMissingScope)
    assert f"'{scope}'" in str(result.error)
    assert_nothing_published(folder)


@pytest.mark.parametrize(
    ("switch", "cause"), [("trusted_ip", GongForbidden), ("company_active", GongAuthenticationError)]
)
def test_company_that_lets_nobody_in_fails_at_once(
    gong: GongSandbox, destination: str, switch: str, cause: type[GongError]
) -> None:
    setattr(gong.access, switch, False)
    assert_failed_for_good(try_export("calls", destination=destination), cause)
    assert len(gong.requests) == 1


@pytest.mark.usefixtures("no_waiting")
def test_request_that_gong_refuses_fails_at_once(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("server_error", status=400, times=None)
    assert_failed_for_good(try_export("calls", destination=destination), GongRequestRefused)
    assert len(gong.requests) == 1


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("kind", ["not_json", "missing_items", "redirect"])
def test_answer_that_is_none_of_gongs_fails_at_once(gong: GongSandbox, destination: str, kind: str) -> None:
    gong.faults.add(kind, times=None)
    assert_failed_for_good(try_export("calls", destination=destination), GongUnexpectedResponse)


@pytest.mark.parametrize(
    "arguments",
    [
        {"from_datetime": "soon", "to_datetime": "later"},
        {"settle": "a while"},
        {"file_format": "csv"},
        {"destination": "nowhere"},
        {"destination": "gopher://nowhere/gong"},
        {"skip_if_empty": "perhaps"},
        {"workspace_id": "../elsewhere"},
    ],
)
@pytest.mark.parametrize("stream", ["calls", "transcripts"])
def test_bad_argument_fails_at_once(
    gong: GongSandbox, destination: str, stream: str, arguments: dict[str, Any]
) -> None:
    result = try_export(stream, **({"destination": destination} | arguments))
    assert_failed_for_good(result, GongConfigurationError)
    assert len(gong.requests) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "https://gong.example.com"},
        {"password": ""},
        {"login": ""},
        {"extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": "many"}},
    ],
)
def test_bad_connection_fails_at_once(
    gong: GongSandbox, connect: Connect, destination: str, fields: dict[str, Any]
) -> None:
    connect(gong, fields)
    assert_failed_for_good(try_export("calls", destination=destination), GongConfigurationError)
    assert len(gong.requests) == 0


# What a retry may mend


@pytest.mark.usefixtures("no_waiting")
@each_export
@pytest.mark.parametrize("status", [500, 503])
def test_outage_of_gong_is_left_for_retry(
    gong: GongSandbox, destination: str, folder: Path, stream: str, status: int
) -> None:
    gong.faults.add("server_error", status=status, times=None)
    assert_left_for_retry(try_export(stream, destination=destination), GongUnavailable)
    assert_nothing_published(folder)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("kind", ["dropped_connection", "truncated_json"])
def test_answer_that_is_cut_off_is_left_for_retry(gong: GongSandbox, destination: str, kind: str) -> None:
    gong.faults.add(kind, times=None, skip=1)
    assert_left_for_retry(try_export("calls", destination=destination), GongUnexpectedResponse)


def test_wait_that_is_longer_than_allowed_is_left_for_retry(
    gong: GongSandbox, connect: Connect, destination: str
) -> None:
    connect(gong, max_wait=2)
    gong.faults.add("rate_limited", retry_after=3600, times=None)
    result = try_export("calls", destination=destination)
    assert_left_for_retry(result, GongRateLimited)
    assert len(gong.requests) == 1


@pytest.mark.usefixtures("no_waiting")
def test_last_attempt_fails(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("server_error", times=None)
    result = try_export("calls", destination=destination, try_number=RETRIES + 1)
    assert result.state == "failed"
    assert isinstance(result.error, GongUnavailable)


@pytest.mark.usefixtures("no_waiting")
@each_export
def test_attempt_after_the_outage_exports_everything(
    gong: GongSandbox, destination: str, folder: Path, stream: str
) -> None:
    fault = gong.faults.add("server_error", times=None, skip=1)
    assert try_export(stream, destination=destination).state == "up_for_retry"
    assert fault.struck > 1
    gong.faults.clear()
    summary = try_export(stream, destination=destination, try_number=2).succeeded().xcom
    undisturbed = try_export(stream, destination=f"{destination}/other").succeeded().xcom
    assert rows(summary) == rows(undisturbed) != []
    assert not any("_staging/" in name for name in all_files(folder))


def gong_errors(kind: type[GongError] = GongError) -> list[type[GongError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in gong_errors(child))]


class Failing(GongOperator):
    """Raise an error, as any operator of the package may."""

    def __init__(self, *, error: Exception, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def perform(self, context: Context) -> Any:
        raise self.error


def run_failing(error: Exception) -> TaskResult:
    with DAG("failing", schedule=None):
        operator = Failing(task_id="fail", error=error, retries=RETRIES)
    return run_task(operator)


@pytest.mark.parametrize("kind", dict.fromkeys(gong_errors()), ids=lambda kind: kind.__name__)
def test_error_decides_about_the_retry(kind: type[GongError]) -> None:
    assert kind.__module__ == exceptions.__name__
    error = kind("something happened")
    result = run_failing(error)
    if error.retryable:
        assert_left_for_retry(result, kind)
        assert result.error is error
    else:
        assert_failed_for_good(result, kind)


def test_error_that_is_not_ours_is_left_to_airflow() -> None:
    error = OSError("no space left")
    result = run_failing(error)
    assert result.state == "up_for_retry"
    assert result.error is error


# What nobody may read


def told(result: TaskResult) -> str:
    """Return all that Airflow shows of a task: logs, errors with their causes, fields and summaries."""
    shown = [*result.logs, json.dumps([result.xcoms, result.rendered, result.outlet_events], default=repr)]
    if result.error is not None:
        shown += traceback.format_exception(result.error)
    return "\n".join(shown)


def words_of(record: Any) -> set[str]:
    """Return the texts of a record that say something about somebody."""
    if isinstance(record, dict):
        return {word for name, value in record.items() if name != "id" for word in words_of(value)}
    if isinstance(record, list):
        return {word for value in record for word in words_of(value)}
    telling = isinstance(record, str) and len(record) > 8 and any(sign in record for sign in " @./")
    return {record} if telling else set()


def secrets_of(gong: GongSandbox) -> set[str]:
    pair = f"{gong.access_key}:{gong.access_key_secret}"
    return {gong.access_key_secret, b64encode(pair.encode()).decode()}


@pytest.fixture
def debugging(caplog: pytest.LogCaptureFixture) -> None:
    """Log as much as Airflow can be asked to."""
    caplog.set_level(logging.DEBUG)


@pytest.mark.usefixtures("debugging")
@each_export
def test_success_tells_neither_secrets_nor_records(gong: GongSandbox, destination: str, stream: str) -> None:
    result = try_export(stream, destination=destination).succeeded()
    records = rows(result.xcom)
    words = words_of(records)
    assert len(words) > 100
    assert any("@" in word for word in words) or stream == "transcripts"
    assert any(line.startswith("http://127.0.0.1") for line in result.logs), "urllib3 speaks at this level"
    shown = told(result)
    assert {word for word in words | secrets_of(gong) if word in shown} == set()


FAULTS = [
    "server_error",
    "dropped_connection",
    "truncated_json",
    "missing_items",
    "not_json",
    "repeated_cursor",
]


@pytest.mark.usefixtures("debugging", "no_waiting")
@each_export
@pytest.mark.parametrize("fault", FAULTS)
def test_failure_tells_neither_secrets_nor_records(
    gong: GongSandbox, destination: str, stream: str, fault: str
) -> None:
    words = words_of(rows(try_export(stream, destination=f"{destination}/other").succeeded().xcom))
    struck = gong.faults.add(fault, times=None, skip=0 if fault == "repeated_cursor" else 1)
    result = try_export(stream, destination=destination)
    assert struck.struck
    assert result.error is not None
    shown = told(result)
    assert {word for word in words | secrets_of(gong) if word in shown} == set()


@pytest.mark.usefixtures("debugging")
def test_wrong_secret_is_not_shown(gong: GongSandbox, connect: Connect, destination: str) -> None:
    connect(gong, {"password": "a-mistyped-secret"})
    shown = told(try_export("calls", destination=destination))
    assert "a-mistyped-secret" not in shown
    assert gong.access_key_secret not in shown


@pytest.mark.usefixtures("debugging")
def test_records_for_xcom_are_nowhere_else(gong: GongSandbox) -> None:
    host = gong.world.call(gong.world.call_ids(day(9), day(10))[0]).host.id
    result = attempt(
        GongExportCallsOperator, content="basic", primary_user_ids=[host], run=interval_run(9)
    ).succeeded()
    titles = {record["metaData"]["title"] for record in result.xcom}
    assert titles
    assert not any(title in line for title in titles for line in result.logs)


# The hook


class Remembered(GongExportCallsOperator):
    """Keep hold of the hook and its client: templates are rendered in a copy of the operator."""

    def __init__(self, *, seen: list[tuple[GongHook, object]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seen = seen

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = super().__deepcopy__(memo)
        copied.seen = self.seen
        return copied

    def perform(self, context: Context) -> Any:
        self.seen.append((self.hook, self.hook.get_conn()))
        return super().perform(context)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", [None, "server_error", "not_json"])
@pytest.mark.parametrize("to_files", [True, False])
def test_hook_is_closed_when_the_task_is_over(
    gong: GongSandbox, destination: str, fault: str | None, to_files: bool
) -> None:
    if fault is not None:
        gong.faults.add(fault, times=None)
    seen: list[tuple[GongHook, object]] = []
    with DAG("closing", schedule=None):
        operator = Remembered(
            task_id="export", content="basic", destination=destination if to_files else None, seen=seen
        )
    result = run_task(operator, run=interval_run(9))
    assert (result.error is None) == (fault is None)
    [(hook, client)] = seen
    # A closed hook makes a new client when it is asked again.
    assert hook.get_conn() is not client
    hook.close()
