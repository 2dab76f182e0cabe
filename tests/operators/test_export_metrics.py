"""What exports count, as Airflow's own StatsD client sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.observability import stats

from airflow_provider_gong.hooks.metrics import METRICS
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportUsersOperator
from tests.operators.exporting import attempt, bounds, day, export, interval_run, manifest
from tests.support.statsd import StatsD, begin, counting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

CALLS = "/v2/calls/extensive"
OPERATION = "POST_/v2/calls/extensive"


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsD]:
    with counting(monkeypatch) as server:
        yield server


@pytest.mark.usefixtures("no_waiting")
def test_an_export_counts_each_request_that_gong_received(
    gong: GongSandbox, destination: str, statsd: StatsD
) -> None:
    gong.faults.add("rate_limited", path=CALLS)
    gong.faults.add("server_error", path=CALLS, skip=1)
    summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert statsd.total("gong.requests") == len(gong.requests) == summary["requests"]
    assert statsd.counts("gong.requests", "operation", "outcome") == {
        (OPERATION, "429"): 1,
        (OPERATION, "5xx"): 1,
        (OPERATION, "2xx"): len(gong.requests) - 2,
    }
    assert statsd.counts("gong.rate_limited", "operation") == {(OPERATION,): 1}
    assert statsd.counts("gong.retries", "reason") == {("GongRateLimited",): 1, ("GongUnavailable",): 1}
    durations = list(statsd.of("gong.request.duration"))
    assert len(durations) == len(gong.requests)
    assert all(0 < one.value < 60_000 and one.kind == "ms" for one in durations)
    # On a busy machine there may be waits for the file of the quota as well.
    waits = [one.tags["reason"] for one in statsd.of("gong.wait") if one.tags["reason"] != "quota"]
    assert sorted(waits) == ["backoff", "rate_limited"]
    assert statsd.counts("gong.rows", "stream") == {("calls",): summary["rows"]}
    assert statsd.counts("gong.exports", "stream", "outcome") == {("calls", "complete"): 1}
    [duration] = statsd.of("gong.export.duration")
    assert duration.value >= max(one.value for one in durations)
    assert summary["rows"] == manifest(summary)["rows"] > 100


@pytest.mark.usefixtures("no_waiting")
def test_an_export_that_fails_counts_its_requests(
    gong: GongSandbox, destination: str, statsd: StatsD
) -> None:
    gong.faults.add("dropped_connection", path=CALLS, times=None)
    result = attempt(GongExportCallsOperator, destination=destination, retries=0, **bounds(8))
    assert result.state == "failed"
    assert statsd.total("gong.requests") == len(gong.requests) == 5
    assert statsd.counts("gong.retries") == {(): 4}
    assert statsd.counts("gong.rows") == {}
    [(outcome,)] = statsd.counts("gong.exports", "outcome")
    assert outcome in ("failed", "interrupted")


def test_a_request_without_a_reply_counts(
    gong: GongSandbox, destination: str, statsd: StatsD, no_waiting: None
) -> None:
    gong.faults.add("lost_reply", path=CALLS)
    export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert statsd.counts("gong.requests", "outcome")[("no_reply",)] == 1
    assert statsd.total("gong.requests") == len(gong.requests)


def test_a_wrong_key_is_a_failed_export(
    gong: GongSandbox, connect: Connect, destination: str, statsd: StatsD
) -> None:
    connect(gong, {"password": "wrong"})
    assert attempt(GongExportCallsOperator, destination=destination, **bounds(8)).state == "failed"
    assert statsd.counts("gong.requests", "outcome") == {("4xx",): 1}
    assert statsd.counts("gong.exports", "stream", "outcome") == {("calls", "failed"): 1}


def test_a_spent_quota_counts_the_refusal_and_the_deferral(
    gong: GongSandbox, connect: Connect, destination: str, statsd: StatsD
) -> None:
    connect(gong, requests_per_day=2, daily_share=50, max_wait=1)
    result = attempt(GongExportCallsOperator, destination=destination, deferrable=True, **bounds(8))
    assert result.deferral is not None
    assert statsd.total("gong.quota.refused") == 1
    assert statsd.counts("gong.deferrals", "reason") == {("quota",): 1}
    assert statsd.counts("gong.exports", "outcome") == {("interrupted",): 1}
    assert statsd.total("gong.requests") == len(gong.requests) == 1


def test_a_429_that_asks_for_a_long_wait_counts_a_deferral(
    gong: GongSandbox, connect: Connect, destination: str, statsd: StatsD, no_waiting: None
) -> None:
    connect(gong, max_wait=5)
    gong.faults.add("rate_limited", path=CALLS, retry_after=600)
    result = attempt(GongExportCallsOperator, destination=destination, deferrable=True, **bounds(8))
    assert result.deferral is not None
    assert statsd.counts("gong.deferrals", "reason") == {("rate_limited",): 1}
    assert statsd.total("gong.rate_limited") == 1
    assert statsd.total("gong.retries") == 0


def test_waits_for_the_quota_are_timed(
    gong: GongSandbox, connect: Connect, destination: str, statsd: StatsD
) -> None:
    connect(gong, requests_per_second=4)
    export(GongExportCallsOperator, destination=destination, **bounds(8))
    waits = [one for one in statsd.of("gong.wait") if one.tags == {"reason": "quota"}]
    assert waits
    assert all(50 <= one.value < 60_000 for one in waits)


def test_a_snapshot_that_existed_is_not_counted_again(
    gong: GongSandbox, destination: str, statsd: StatsD
) -> None:
    first = export(GongExportUsersOperator, destination=destination, run=interval_run(9))
    export(GongExportUsersOperator, destination=destination, run=interval_run(9))
    assert statsd.counts("gong.rows", "stream") == {("users",): first["rows"]}
    assert statsd.counts("gong.exports", "outcome") == {("complete",): 2}


def test_records_that_go_to_xcom_count(gong: GongSandbox, statsd: StatsD) -> None:
    records = export(
        GongExportCallsOperator, from_datetime=day(8), to_datetime=f"{day(8):%Y-%m-%d}T06:00:00Z"
    )
    assert statsd.counts("gong.rows", "stream") == {("calls",): len(records)}


def test_names_and_tags_are_the_described_ones_and_tell_nothing_of_anybody(
    gong: GongSandbox, connect: Connect, destination: str, statsd: StatsD, no_waiting: None
) -> None:
    connection = connect(gong)
    gong.faults.add("rate_limited", path=CALLS)
    export(GongExportConversationsOperator, destination=destination, **bounds(8))
    samples = statsd.samples("gong.")
    assert len({sample.name for sample in samples}) >= 6
    for sample in samples:
        described = METRICS[sample.name]
        assert set(sample.tags) == set(described.tags), sample
        assert sample.kind == {"counter": "c", "timer": "ms"}[described.kind]
    text = "\n".join(line for line in statsd.lines if "gong." in line)
    ids = gong.world.call_ids(day(8), day(9))
    people = [user.email for user in gong.world.users]
    for unwanted in (connection["login"], connection["password"], "127.0.0.1", "gong_default", *ids, *people):
        assert unwanted not in text


def test_metrics_that_fail_do_not_fail_an_export(
    gong: GongSandbox, destination: str, statsd: StatsD, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no route to the metrics")

    plain = stats.incr
    with monkeypatch.context() as patched:
        patched.setattr(
            stats, "incr", lambda name, *a, **k: broken() if "gong" in name else plain(name, *a, **k)
        )
        patched.setattr(stats, "timing", broken)
        summary = export(GongExportCallsOperator, destination=destination, **bounds(8))
    assert summary["rows"] > 0
    assert statsd.samples("gong.") == []


def test_without_metrics_nothing_is_sent(gong: GongSandbox, destination: str) -> None:
    with StatsD() as server:
        begin()
        export(GongExportCallsOperator, destination=destination, **bounds(8))
        assert server.samples() == []
