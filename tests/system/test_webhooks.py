"""Gong fires, a real Airflow with two API-server workers receives, a real scheduler runs."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.plugins.hostile import Forger, send
from tests.system.conftest import connection
from tests.system.real_airflow import RealAirflow
from tests.system.rest import wait_until
from tests.system.reverse_proxy import ReverseProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parent.parent.parent / "example_dags" / "gong_call_webhook.py"
BURST = 50
URL_KEY = "a-long-random-key-of-this-rule"
RULES = {
    "new_calls": {"dag_id": "gong_call_webhook"},
    "both": {"dag_id": "receives", "asset": True},
    "proxied": {"dag_id": "receives"},
    "keyed": {"dag_id": "receives"},
    "open": {"dag_id": "receives"},
}
# The second task tells which parts of the plugin a process has that is no API server.
RECEIVES = """
import sys
from airflow.sdk import DAG, Asset, task

with DAG("receives", schedule=None):
    @task
    def loaded():
        return sorted(name for name in sys.modules if name.startswith("airflow_provider_gong.plugins."))
    loaded()

with DAG("refers", schedule=Asset("gong://rules/both")):
    @task
    def calls(triggering_asset_events):
        return [event.extra["call_id"] for events in triggering_asset_events.values() for event in events]
    calls()
"""


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=60, days=3, per_second=None, per_day=None) as gong:
        yield gong


@pytest.fixture(scope="module")
def airflow(gong: GongSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    airflow = RealAirflow(tmp_path_factory.mktemp("webhooks"))
    airflow.environment |= {
        "AIRFLOW__API__WORKERS": "2",
        # Secrets are looked for in all that is written.
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__GONG__WEBHOOK_RULES": json.dumps(RULES),
        "AIRFLOW_CONN_GONG_DEFAULT": connection(gong),
    }
    signed = {"public_keys": gong.webhooks.key.public_key}
    connections: dict[str, dict[str, Any]] = {
        "new_calls": {"extra": signed},
        "both": {"extra": signed},
        "proxied": {"extra": signed, "host": "https://Airflow.Example.com:443/hooks/proxied/"},
        "keyed": {"password": URL_KEY},
        "open": {},
    }
    for name, fields in connections.items():
        webhook = {"conn_type": "gongwebhook", "host": rule_url(airflow, name), **fields}
        airflow.environment[f"AIRFLOW_CONN_GONG_WEBHOOK_{name.upper()}"] = json.dumps(webhook)
    shutil.copy(EXAMPLE, airflow.dags)
    (airflow.dags / "receives.py").write_text(RECEIVES)
    with airflow:
        dags = ("gong_call_webhook", "receives", "refers")
        airflow.rest.wait_for_dags(*dags)
        for dag in dags:
            airflow.rest.unpause(dag)
        yield airflow


def rule_url(airflow: RealAirflow, rule: str) -> str:
    return f"{airflow.rest.url}/gong/webhooks/{rule}"


def at_once(works: list[Callable[[], Any]]) -> tuple[list[Any], float]:
    """Do it all at the same time; return the results and the seconds in which they were begun."""
    barrier, begun = Barrier(len(works)), []

    def one(work: Callable[[], Any]) -> Any:
        barrier.wait()
        begun.append(time.monotonic())
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        results = list(threads.map(one, works))
    return results, max(begun) - min(begun)


def events(airflow: RealAirflow, rule: str) -> list[dict[str, Any]]:
    found = airflow.rest.request("GET", "/assets/events", params={"limit": 100})["asset_events"]
    return [event["extra"] for event in found if event["extra"]["rule"] == rule]


def written(airflow: RealAirflow, rule: str) -> int:
    """Return how many requests to a rule are in the access log."""
    lines = airflow.output("api-server", 100_000).splitlines()
    return sum("request finished" in line and f"path=/gong/webhooks/{rule}" in line for line in lines)


def test_fifty_deliveries_in_a_second_are_fifty_processed_calls(
    airflow: RealAirflow, gong: GongSandbox
) -> None:
    calls = gong.world.visible_calls()[-BURST:]
    url = rule_url(airflow, "new_calls")
    deliveries = [gong.webhooks.delivery(url, call).send for call in calls]
    answers, seconds = at_once(deliveries)
    assert seconds < 1
    assert [(answer.status, answer.json()["status"]) for answer in answers] == [(200, "accepted")] * BURST
    runs = airflow.rest.wait_for_runs("gong_call_webhook", BURST, seconds=500)
    assert [run["state"] for run in runs] == ["success"] * BURST
    by_id = {run["dag_run_id"]: run for run in runs}
    assert set(by_id) == {f"gong__new_calls__{call.id}" for call in calls}
    for run_id in by_id:
        assert f"Call {run_id.rpartition('_')[2]} began at" in airflow.rest.log(
            "gong_call_webhook", run_id, "process_call"
        )
    asked = {request.path for request in gong.requests}
    assert {f"/v2/calls/{call.id}" for call in calls} <= asked


def test_one_delivery_at_many_workers_at_once_is_one_run_and_one_event(
    airflow: RealAirflow, gong: GongSandbox
) -> None:
    delivery = gong.webhooks.delivery(rule_url(airflow, "both"))
    answers, _ = at_once([delivery.send] * 24)
    assert sorted(answer.json()["status"] for answer in answers) == ["accepted", *["duplicate"] * 23]
    [event] = events(airflow, "both")
    [run] = [run for run in airflow.rest.runs("receives") if run["dag_run_id"].startswith("gong__both__")]
    assert run["conf"] == event
    [consumed] = airflow.rest.wait_for_runs("refers", 1)
    assert airflow.rest.xcom("refers", consumed["dag_run_id"], "calls") == [event["call_id"]]


def test_receiver_is_loaded_in_the_api_server_only(airflow: RealAirflow, gong: GongSandbox) -> None:
    gong.webhooks.fire(rule_url(airflow, "both"))
    run = airflow.rest.wait_for_runs("receives", 1)[0]
    assert airflow.rest.xcom("receives", run["dag_run_id"], "loaded") == [
        "airflow_provider_gong.plugins.gong"
    ]
    found = airflow.rest.request("GET", "/plugins")["plugins"]
    [app] = [app for plugin in found if plugin["name"] == "gong" for app in plugin["fastapi_apps"]]
    assert app["url_prefix"] == "/gong"


def test_what_was_received_is_known_after_a_restart(airflow: RealAirflow, gong: GongSandbox) -> None:
    call = gong.world.visible_calls()[-2]
    delivery = gong.webhooks.delivery(rule_url(airflow, "both"), call)
    assert delivery.send().json()["status"] == "accepted"
    airflow.restart("api-server")
    assert delivery.send().json()["status"] == "duplicate"
    assert len([one for one in events(airflow, "both") if one["call_id"] == call.id]) == 1


def test_proxy_may_change_host_and_path(airflow: RealAirflow, gong: GongSandbox) -> None:
    public = "https://airflow.example.com/hooks/proxied"
    with ReverseProxy(airflow.rest.url) as proxy:
        sent_to = f"{proxy.url}/hooks/proxied"
        assert gong.webhooks.fire(sent_to).json()["reason"] == "wrong_url"
        answer = gong.webhooks.fire(public, sent_to=sent_to)
        assert (answer.status, answer.json()["status"]) == (200, "accepted")
        assert gong.webhooks.fire(public, sent_to=f"{proxy.url}/api/v2/version").status == 404


def test_hostile_deliveries_leave_no_run_and_no_event(airflow: RealAirflow, gong: GongSandbox) -> None:
    port = urlsplit(airflow.rest.url).port
    assert port
    before = [run["dag_run_id"] for run in airflow.rest.runs("receives")], events(airflow, "both")
    hostile = dict(Forger(gong.webhooks, port).all())
    # Airflow itself answers what never gets to the plugin.
    answers = {name: send(port, one.raw)[0] for name, one in hostile.items()}
    assert {name: status for name, status in answers.items() if not 400 <= status < 500} == {}
    assert before == ([run["dag_run_id"] for run in airflow.rest.runs("receives")], events(airflow, "both"))


@pytest.mark.parametrize("where", ["?key={}", "?anything={}", "/{}"])
def test_url_key_is_written_down_nowhere(where: str, airflow: RealAirflow, gong: GongSandbox) -> None:
    url = rule_url(airflow, "keyed")
    before = written(airflow, "keyed")
    assert gong.webhooks.fire(f"{url}{where.format(URL_KEY)}", kind="unsigned").status == 200
    # The line is written after the answer.
    wait_until(lambda: written(airflow, "keyed") > before, seconds=10, what="a line in the access log")
    for output in airflow.home.glob("*.out"):
        assert URL_KEY not in output.read_text()


def test_tokens_are_written_down_nowhere(airflow: RealAirflow, gong: GongSandbox) -> None:
    before = written(airflow, "both")
    delivery = gong.webhooks.delivery(rule_url(airflow, "both"))
    assert delivery.send().status == 200
    wait_until(lambda: written(airflow, "both") > before, seconds=10, what="a line in the access log")
    signature = delivery.headers["Authorization"].rpartition(".")[2]
    for output in airflow.home.glob("*.out"):
        assert signature not in output.read_text()


def test_rule_without_credentials_is_named_when_airflow_starts_and_refused(
    airflow: RealAirflow, gong: GongSandbox
) -> None:
    assert gong.webhooks.fire(rule_url(airflow, "open")).status == 503
    said = airflow.output("api-server", 10_000).split("Gong's webhook open: refused")[0]
    assert "Gong's webhook open is refused: Connection 'gong_webhook_open' holds neither Public keys" in said
    assert "Gong's webhook new_calls is received." in said
