"""What is counted, beside the exports; and what is written about it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow.sdk._shared.observability.metrics.otel_logger import name_is_otel_safe
from airflow.sdk._shared.observability.metrics.validators import stat_name_default_handler

from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.endpoint import Endpoint, Request
from airflow_provider_gong.api.raw import described
from airflow_provider_gong.exceptions import GongNotFound
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.hooks.metrics import METRICS, Metric, _fit, count
from airflow_provider_gong.operators.users import GongListUsersOperator
from airflow_provider_gong.plugins.webhooks import report
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sensors.calls import GongCallSensor
from tests.hooks.oauth import fields_of, granted, variables_of
from tests.support.statsd import StatsD, counting
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
DASHBOARDS = DOCS / "dashboards"
UNITS = {"counter": "count", "timer": "ms"}


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsD]:
    with counting(monkeypatch) as server:
        yield server


@pytest.fixture
def gong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GongSandbox]:
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None) as gong:
        fields = {"host": gong.url, "login": gong.access_key, "password": gong.access_key_secret}
        extra = {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000}
        monkeypatch.setenv(
            "AIRFLOW_CONN_GONG_DEFAULT", json.dumps({"conn_type": "gong", **fields, "extra": extra})
        )
        yield gong


# What is counted


def test_a_refresh_of_tokens_is_counted_apart_from_requests(
    gong: GongSandbox, statsd: StatsD, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = fields_of(gong)
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(fields))
    variables = variables_of(fields, granted(gong))
    gong.oauth.expire_access_tokens()
    gong.requests.clear()
    run_task(GongListUsersOperator(task_id="users"), variables=variables).succeeded()
    assert statsd.counts("gong.token.refreshes", "outcome") == {("succeeded",): 1}
    assert statsd.total("gong.requests") == len(gong.requests.to("/v2/users")) == 2


def test_a_refresh_that_gong_refuses_is_counted(
    gong: GongSandbox, statsd: StatsD, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_gong.api.token_keeper.GRACE", 0.1)
    fields = fields_of(gong)
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(fields))
    variables = variables_of(fields, granted(gong))
    gong.oauth.revoke()
    assert run_task(GongListUsersOperator(task_id="users"), variables=variables).state == "failed"
    assert statsd.counts("gong.token.refreshes", "outcome") == {("failed",): 1}


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
def test_a_sensor_that_leaves_is_a_deferral(gong: GongSandbox, statsd: StatsD, alone: bool) -> None:
    sensor = GongCallSensor(
        task_id="wait", call_id="7782342274025937895", deferrable=True, exponential_backoff=alone
    )
    assert run_task(sensor).deferral is not None
    assert statsd.counts("gong.deferrals", "reason") == {("not_yet",): 1}
    assert statsd.counts("gong.requests", "operation") == {("GET_/v2/calls/id",): len(gong.requests)}


def test_a_path_that_is_not_known_is_not_told(gong: GongSandbox, statsd: StatsD) -> None:
    unknown = Request(Endpoint("GET", "/v2/people/somebody", result=None, scope=""), "/v2/people/somebody")
    with GongHook() as hook, pytest.raises(GongNotFound):
        hook.send(unknown)
    assert statsd.counts("gong.requests", "operation", "outcome") == {("GET_other", "4xx"): 1}


def test_a_request_that_cannot_be_sent_is_none(statsd: StatsD) -> None:
    from airflow_provider_gong.api.auth import ApiKeyAuth
    from airflow_provider_gong.api.throttle import NoThrottle
    from airflow_provider_gong.exceptions import GongConfigurationError
    from airflow_provider_gong.hooks.metrics import ClientMetrics

    client = GongClient(
        base_url="http://", auth=ApiKeyAuth("k", "s"), throttle=NoThrottle(), observer=ClientMetrics()
    )
    with client, pytest.raises(GongConfigurationError):
        client.send(Request(Endpoint("GET", "/v2/users", result="users", scope="x"), "/v2/users"))
    assert statsd.samples("gong.") == []


ELSEWHERE = """
from airflow_provider_gong.hooks.metrics import count
count("gong.retries", operation="GET_/v2/users", reason="GongTimeout")
"""


def test_a_process_in_which_airflow_has_not_begun_with_metrics_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with StatsD() as server:
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            env=os.environ | server.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert server.total("gong.retries") == 1


def test_counting_raises_nothing(monkeypatch: pytest.MonkeyPatch, statsd: StatsD) -> None:
    monkeypatch.setattr("airflow.sdk.observability.stats.incr", None)
    count("gong.retries")
    assert statsd.samples("gong.") == []


# Names


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_fit_every_kind_of_metrics(metric: Metric) -> None:
    assert stat_name_default_handler(f"airflow.{metric.name}") == f"airflow.{metric.name}"
    assert name_is_otel_safe("airflow", metric.name)


def test_operations_fit_names_with_tags() -> None:
    operations = {function.endpoint for function in described().values()}
    fitted = {_fit(f"{one.method} {one.path}") for one in operations}
    assert len(fitted) == len(operations) > 20
    assert all(stat_name_default_handler(one) == one for one in fitted)
    assert "GET_/v2/calls/id" in fitted


def test_what_the_receiver_counts_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, set[str]]] = []
    monkeypatch.setattr(
        "airflow._shared.observability.metrics.stats.incr", lambda name, tags: told.append((name, set(tags)))
    )
    rule: Any = type("Rule", (), {"name": "new_calls"})
    delivery: Any = type("Delivery", (), {"call_id": "1", "delivery_id": "2"})
    for status in ("accepted", "duplicate", "ignored"):
        report.report_outcome(rule, delivery, type("Outcome", (), {"status": status}))  # type: ignore[arg-type]
    refusal: Any = type("Refused", (), {"reason": "expired"})
    report.report_refusal(rule, refusal)
    described_tags = {name: set(one.tags) for name, one in METRICS.items() if ".webhook." in name}
    assert dict(told) == described_tags


# The documentation and what lies beside it


def row(metric: Metric) -> str:
    tags = ", ".join(f"`{tag}`" for tag in metric.tags) or "-"
    return f"| `{metric.name}` | {metric.kind} | {UNITS[metric.kind]} | {tags} | {metric.meaning} |"


def test_the_table_has_each_metric() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `gong.") and line.count("|") == 6]
    assert rows == [row(metric) for metric in METRICS.values()]


def mapping() -> dict[str, str]:
    """Return the name in Prometheus of each metric."""
    told = yaml.safe_load((DASHBOARDS / "statsd_mapping.yml").read_text())
    return {one["match"].removeprefix("airflow."): one["name"] for one in told["mappings"]}


def test_the_mapping_has_each_metric() -> None:
    endings = {"counter": "_total", "timer": "_seconds"}
    assert mapping() == {
        name: "airflow_" + name.replace(".", "_") + endings[metric.kind] for name, metric in METRICS.items()
    }


def queries() -> dict[str, list[str]]:
    """Return the PromQL of each place."""
    dashboard = json.loads((DASHBOARDS / "gong.json").read_text())
    alerts = yaml.safe_load((DASHBOARDS / "alerts.yml").read_text())
    return {
        "dashboard": [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]],
        "alerts": [rule["expr"] for group in alerts["groups"] for rule in group["rules"]],
        "page": re.findall(r"`([^`]*airflow_gong_[^`]*\(?[^`]*)`", PAGE),
    }


def selectors(query: str) -> Iterator[tuple[str, str]]:
    """Yield each metric of a query with what it is narrowed to, and with the labels it is grouped by."""
    yield from re.findall(r"(airflow_gong_\w+)((?:\{[^}]*\})?)", query)


@pytest.mark.parametrize("place", ["dashboard", "alerts", "page"])
def test_queries_use_metrics_and_labels_that_there_are(place: str) -> None:
    known = {prometheus: METRICS[name] for name, prometheus in mapping().items()}
    assert len(queries()[place]) >= 5
    for query in queries()[place]:
        found = list(selectors(query))
        assert found, query
        for name, narrowed in found:
            metric = known.get(re.sub(r"_(bucket|sum|count)$", "", name) if "_seconds" in name else name)
            assert metric is not None, name
            labels = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", narrowed))
            grouped = {one.strip() for by in re.findall(r"by \(([^)]*)\)", query) for one in by.split(",")}
            assert labels | grouped <= {*metric.tags, "le"}, query


def test_each_metric_is_on_the_dashboard() -> None:
    text = "\n".join(queries()["dashboard"])
    assert [name for name, prometheus in mapping().items() if prometheus not in text] == []


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads((DASHBOARDS / "gong.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
