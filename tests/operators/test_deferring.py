"""Exports that wait in the triggerer when Gong or the quota asks for longer than a worker may be held."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api.throttle import FileThrottle
from airflow_provider_gong.exceptions import GongAuthenticationError, GongRateLimited, GongUnavailable
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.deferring import MOST_JITTER
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW, Connect
from tests.operators.exporting import (
    all_files,
    assert_nothing_published,
    build,
    call_ids,
    digests,
    export,
    interval_run,
    rows,
)
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.operators.export_base import GongExportOperator

HOUR = 3600.0
RUN = interval_run(9)
# Calls of a day that are not private.
ROWS = 240


def deferring(**arguments: Any) -> GongExportOperator:
    return build(GongExportCallsOperator, deferrable=True, **arguments)


def seconds_to_wait(result: TaskResult) -> float:
    """Return when the trigger fires, in seconds from now."""
    assert result.state == "deferred", result.error
    assert result.deferral is not None
    assert result.deferral.classpath == "airflow.providers.standard.triggers.temporal.DateTimeTrigger"
    moment: datetime = result.deferral.trigger_kwargs["moment"]
    return (moment - datetime.now(UTC)).total_seconds()


def go_on(operator: GongExportOperator, result: TaskResult, run: RunSpec = RUN) -> TaskResult:
    assert result.deferral is not None
    return run_task(operator, run=run, resume=result.deferral.resume_with(None))


def told(result: TaskResult) -> str:
    (line,) = [line for line in result.logs if line.startswith("Deferred until ")]
    return line


def assert_waits(result: TaskResult, seconds: float) -> None:
    """Assert that the task waits so long, and no more than a little longer."""
    assert seconds - 30 <= seconds_to_wait(result) <= seconds + min(seconds / 10, MOST_JITTER)


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def limited(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[GongSandbox]:
    """Return a company that has two requests a day, which is too few; our clock is its clock."""
    with GongSandbox(
        seed=7, calls=250, days=4, now=NOW + timedelta(hours=8), today=NOW.date(), per_second=None, per_day=2
    ) as gong:
        settings: Any = FileThrottle.__init__.__kwdefaults__
        monkeypatch.setitem(settings, "clock", lambda: gong.clock.now().timestamp())
        connect(gong)
        yield gong


# Until when


def test_a_wait_of_hours_leaves_the_worker_and_the_resumed_export_has_the_same_rows(
    gong: GongSandbox, destination: str, folder: Path, leftovers: Path, connect: Connect, tmp_path: Path
) -> None:
    undisturbed = export(GongExportCallsOperator, destination=f"file://{tmp_path}/undisturbed", run=RUN)
    gong.faults.add("rate_limited", retry_after=7200, skip=2)
    operator, began = deferring(destination=destination), time.monotonic()
    left = run_task(operator, run=RUN)
    assert time.monotonic() - began < 30
    assert_waits(left, 7200)
    assert "429" in told(left)
    assert_nothing_published(folder)
    assert list(leftovers.iterdir()) == []
    # Everybody is held until then; a new file is what two hours are to the test.
    connect(gong, quota_group="two hours later")
    summary = go_on(operator, left).succeeded().xcom
    assert call_ids(rows(summary)) == call_ids(rows(undisturbed))
    assert summary["window_from"] == undisturbed["window_from"]
    assert digests(folder) == digests(tmp_path / "undisturbed")
    assert [name for name in all_files(folder) if "_staging" in name] == []


def test_a_spent_day_of_gong_ends_when_gong_says(limited: GongSandbox, destination: str) -> None:
    operator = deferring(destination=destination)
    left = run_task(operator, run=RUN)
    # Gong's day ends at midnight.
    assert_waits(left, 16 * HOUR)
    asked = len(limited.requests)
    # Woken too early, it spends no request to learn that.
    limited.clock.advance(timedelta(hours=10))
    again = go_on(operator, left)
    assert_waits(again, 6 * HOUR)
    assert "Gong told one who shares the quota to wait" in told(again)
    assert len(limited.requests) == asked
    limited.clock.advance(timedelta(hours=6, seconds=1))
    limited.limits.per_day = None
    resumed = go_on(operator, again).succeeded().xcom
    undisturbed = export(GongExportCallsOperator, destination=f"{destination}/undisturbed", run=RUN)
    assert call_ids(rows(resumed)) == call_ids(rows(undisturbed))


@pytest.fixture
def large(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[GongSandbox]:
    """Return a company with a day of some 50 pages of calls, none of which comes late; our clock is its clock."""
    with GongSandbox(
        seed=7, calls=5200, days=1, now=NOW + timedelta(days=9), today=NOW.date(), per_second=None
    ) as gong:
        settings: Any = FileThrottle.__init__.__kwdefaults__
        monkeypatch.setitem(settings, "clock", lambda: gong.clock.now().timestamp())
        connect(gong)
        yield gong


def test_export_in_slices_that_spends_its_day_goes_on_from_the_stored_ones(
    large: GongSandbox, connect: Connect, destination: str, folder: Path, tmp_path: Path
) -> None:
    run = interval_run(10)
    undisturbed = export(GongExportCallsOperator, destination=f"file://{tmp_path}/undisturbed", run=run)
    needed = len(large.requests)
    # Enough for some slices, not for all.
    connect(large, requests_per_day=50, daily_share=100, quota_group="small")
    operator, spent = deferring(destination=destination), list[int]()
    left = run_task(operator, run=run)
    while left.state == "deferred":
        assert_waits(left, 24 * HOUR)
        assert_nothing_published(folder)
        spent.append(len(large.requests) - needed - sum(spent))
        assert spent[-1] == 50
        large.clock.advance(timedelta(hours=24, minutes=6))
        left = go_on(operator, left, run)
    summary = left.succeeded().xcom
    assert digests(folder) == digests(tmp_path / "undisturbed")
    assert summary["rows"] == undisturbed["rows"]
    # Only the slices that were under way were read again.
    assert len(spent) == 1
    assert summary["requests"] == len(large.requests) - needed < 2 * needed - 5
    assert [name for name in all_files(folder) if "_staging" in name] == []


def test_cursors_that_died_during_a_wait_are_not_used_again(
    large: GongSandbox, connect: Connect, destination: str, folder: Path, tmp_path: Path
) -> None:
    run = interval_run(10)
    export(GongExportCallsOperator, destination=f"file://{tmp_path}/undisturbed", run=run)
    # Gong's own answer, in the middle of several chains: hours pass, and all cursors with them.
    large.faults.add("rate_limited", retry_after=7200, skip=12)
    operator = deferring(destination=destination)
    left = run_task(operator, run=run)
    assert_waits(left, 7200)
    large.clock.advance(timedelta(hours=2, minutes=15))
    go_on(operator, left, run).succeeded()
    assert digests(folder) == digests(tmp_path / "undisturbed")
    assert {one.status for one in large.requests} == {200, 429}


def test_export_that_takes_longer_than_cursors_live_ends_whole(
    large: GongSandbox,
    connect: Connect,
    destination: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = interval_run(10)
    export(GongExportCallsOperator, destination=f"file://{tmp_path}/undisturbed", run=run)
    connect(large, quota_group="slow")
    acquire, began = FileThrottle.acquire, large.clock.now()

    def slowly(throttle: FileThrottle) -> None:
        acquire(throttle)
        large.clock.advance(timedelta(seconds=75))

    monkeypatch.setattr(FileThrottle, "acquire", slowly)
    export(GongExportCallsOperator, destination=destination, run=run)
    assert large.clock.now() - began > timedelta(hours=1)
    assert digests(folder) == digests(tmp_path / "undisturbed")


def test_our_own_spent_day_ends_when_it_renews(
    gong: GongSandbox, connect: Connect, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_800_000_000.0]
    settings: Any = FileThrottle.__init__.__kwdefaults__
    monkeypatch.setitem(settings, "clock", lambda: now[0])
    monkeypatch.setitem(settings, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    connect(gong, requests_per_day=4, daily_share=100)
    run_task(build(GongExportUsersOperator), run=RUN).succeeded()
    operator = deferring(destination=destination)
    left = run_task(operator, run=RUN)
    assert_waits(left, 24 * HOUR)
    assert "Our share of the day, 4 requests, is spent" in told(left)
    now[0] += 24 * HOUR + 5
    assert go_on(operator, left).succeeded().xcom["rows"] == ROWS


def test_a_spent_share_of_backfills_defers_backfills_only(
    gong: GongSandbox, connect: Connect, destination: str
) -> None:
    connect(gong, requests_per_day=20, daily_share=100, backfill_share=10)
    backfill = RunSpec(run_type="backfill", data_interval=RUN.data_interval)
    operator = deferring(destination=destination)
    left = run_task(operator, run=backfill)
    assert_waits(left, 24 * HOUR)
    assert "backfills have, 2 requests" in told(left)
    # The run of a resumed task is still that of a backfill.
    assert_waits(go_on(operator, left, backfill), 24 * HOUR)
    assert len(gong.requests) == 2
    assert run_task(operator, run=RUN).succeeded().xcom["rows"] == ROWS


def test_a_short_wait_is_no_shorter_than_a_minute(
    gong: GongSandbox, connect: Connect, destination: str
) -> None:
    connect(gong, max_wait=2)
    gong.faults.add("rate_limited", retry_after=3)
    assert_waits(run_task(deferring(destination=destination), run=RUN), 60)


def test_a_wait_that_a_worker_may_be_held_for_is_waited(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("rate_limited", retry_after=1)
    assert run_task(deferring(destination=destination), run=RUN).succeeded().xcom["rows"] == ROWS


def test_an_outage_with_a_moment_defers(
    gong: GongSandbox, connect: Connect, destination: str, mocker: Any
) -> None:
    error = GongUnavailable("Gong is being maintained.", retry_after=1800)
    mocker.patch.object(GongHook, "get_conn", side_effect=error)
    assert_waits(run_task(deferring(destination=destination), run=RUN), 1800)


def test_tasks_do_not_wake_in_the_same_second(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("rate_limited", retry_after=7200, times=None)
    waits = [seconds_to_wait(run_task(deferring(destination=destination), run=RUN)) for _ in range(8)]
    assert len({round(wait) for wait in waits}) > 4


def test_without_a_destination_the_export_begins_anew(gong: GongSandbox, connect: Connect) -> None:
    undisturbed = export(GongExportUsersOperator, run=RUN)
    gong.faults.add("rate_limited", retry_after=7200, skip=1)
    operator = build(GongExportUsersOperator, deferrable=True)
    left = run_task(operator, run=RUN)
    assert_waits(left, 7200)
    connect(gong, quota_group="two hours later")
    assert go_on(operator, left).succeeded().xcom == undisturbed


def test_each_kind_of_export_defers(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("rate_limited", retry_after=7200, times=None)
    for kind in (GongExportTranscriptsOperator, GongExportUsersOperator):
        assert_waits(run_task(build(kind, destination=destination, deferrable=True), run=RUN), 7200)


# Not


def test_without_deferring_the_task_is_retried_then(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("rate_limited", retry_after=7200)
    result = run_task(build(GongExportCallsOperator, destination=destination), run=RUN)
    assert result.state == "up_for_retry"
    assert isinstance(result.error, GongRateLimited)
    assert result.error.retry_after == 7200


@pytest.mark.usefixtures("no_waiting")
def test_trouble_that_names_no_moment_is_left_to_retries(gong: GongSandbox, destination: str) -> None:
    gong.faults.add("server_error", times=None)
    assert run_task(deferring(destination=destination), run=RUN).state == "up_for_retry"


def test_what_no_wait_mends_fails_at_once_even_after_one(
    gong: GongSandbox, connect: Connect, destination: str
) -> None:
    gong.faults.add("rate_limited", retry_after=7200)
    operator = deferring(destination=destination)
    left = run_task(operator, run=RUN)
    connect(gong, {"password": "mistyped"}, quota_group="two hours later")
    result = go_on(operator, left)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert isinstance(result.error.__cause__, GongAuthenticationError)


def test_nothing_stays_open_while_a_task_waits(gong: GongSandbox, destination: str, mocker: Any) -> None:
    closed = mocker.spy(GongHook, "close")
    gong.faults.add("rate_limited", retry_after=7200)
    assert run_task(deferring(destination=destination), run=RUN).state == "deferred"
    assert closed.call_count >= 1


def test_deferring_follows_the_option_of_airflow(destination: str) -> None:
    assert build(GongExportCallsOperator, destination=destination).deferrable is False
