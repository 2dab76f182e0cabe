"""React to calls as Gong reports them: one run for each call that matches an automation rule of Gong.

Gong fires a webhook, Airflow's API server receives it and starts this Dag with the call's id. It needs a rule in
Airflow's configuration, such as `AIRFLOW__GONG__WEBHOOK_RULES='{"new_calls": {"dag_id": "gong_call_webhook"}}'`, and
a connection `gong_webhook_new_calls`; docs/events.md tells how to set up both, and Gong. Without Gong, fire the rule
with `python -m airflow_provider_gong.sandbox deliver`, or trigger the Dag by hand with the id of a call.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_gong.api.calls import get_call
from airflow_provider_gong.hooks.gong import GongHook

with DAG(
    dag_id="gong_call_webhook",
    schedule=None,
    params={
        "call_id": Param(type="string", title="Call", description="Gong's identifier of the call."),
        "is_test": Param(False, type="boolean", title='From the button "Test now" in Gong'),
    },
    tags=["gong"],
    doc_md=__doc__,
):

    @task(retries=3, retry_delay=timedelta(minutes=5))
    def process_call(**context: Any) -> str:
        """Fetch what Gong knows of the call by now; the webhook itself brings no more than its id."""
        call_id: str = context["params"]["call_id"]
        if context["params"]["is_test"]:
            print("This is a test of the rule: nothing is done.")
            return call_id
        with GongHook() as hook:
            call = hook.send(get_call(call_id))
        print(f"Call {call_id} began at {call['started']} and took {call['duration']} seconds.")
        return call_id

    process_call()
