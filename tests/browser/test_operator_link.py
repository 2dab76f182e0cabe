"""The button that leads from a finished task to Gong, in a browser and a real Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.support.browser import take_picture
from tests.system.conftest import connection
from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.system

DAG_ID = "opens_in_gong"
SOURCE = """
from airflow.sdk import DAG
from airflow_provider_gong.operators.calls import GongGetCallOperator

with DAG("opens_in_gong", schedule=None):
    GongGetCallOperator(task_id="get_call", call_id={call_id!r})
"""


def test_a_finished_task_opens_its_call_in_gong(tmp_path: Path, page: Page) -> None:
    with GongSandbox(seed=7, calls=5, days=3, per_second=None) as gong:
        environment = {"AIRFLOW_CONN_GONG_DEFAULT": connection(gong)}
        with RealAirflow(tmp_path, environment=environment) as airflow:
            airflow.add_dag(DAG_ID, SOURCE.format(call_id=gong.world.visible_calls()[0].id))
            run_id = airflow.rest.trigger(DAG_ID)
            airflow.rest.wait_for_run(DAG_ID, run_id, seconds=120)
            page.set_viewport_size({"width": 1180, "height": 480})
            page.goto(f"{airflow.rest.url}/dags/{DAG_ID}/runs/{run_id}/tasks/get_call/details")
            button = page.get_by_role("link", name="Open in Gong")
            button.wait_for()
            url = airflow.rest.xcom(DAG_ID, run_id, "get_call")["url"]
            assert button.get_attribute("href") == url
            # Gong opens beside Airflow and learns nothing of where it was opened from.
            assert button.get_attribute("target") == "_blank"
            take_picture(page, "operator-link")
