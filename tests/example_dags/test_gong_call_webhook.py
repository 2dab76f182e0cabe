"""The example Dag for webhooks runs as it stands, with what a delivery brings and by hand.

That each of many deliveries gets its run is shown in a real Airflow, see tests/system/test_webhooks.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load


def test_call_of_a_delivery_is_fetched(connected: GongSandbox, load: Load) -> None:
    call = connected.world.visible_calls()[-1]
    conf = {"rule": "new_calls", "call_id": call.id, "is_test": False, "delivery_id": "x"}
    run = run_dag(load("gong_call_webhook"), conf=conf)
    assert (run.state, run.xcoms) == ("success", {"process_call": call.id})
    assert [request.path for request in connected.requests] == [f"/v2/calls/{call.id}"]


def test_test_of_a_rule_asks_gong_for_nothing(connected: GongSandbox, load: Load) -> None:
    run = run_dag(load("gong_call_webhook"), conf={"call_id": "7", "is_test": True})
    assert run.state == "success"
    assert len(connected.requests) == 0
