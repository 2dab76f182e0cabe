"""The links of tasks as Airflow's API server gives them to its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.real_airflow import RealAirflow

pytestmark = pytest.mark.system


def test_calls_meetings_and_exports_open_in_gong(airflow: RealAirflow) -> None:
    airflow.rest.wait_for_dags("opens_in_gong")
    airflow.rest.unpause("opens_in_gong")
    run_id = airflow.rest.trigger("opens_in_gong")
    airflow.rest.wait_for_run("opens_in_gong", run_id)
    call = airflow.rest.xcom("opens_in_gong", run_id, "call")
    assert call["url"].endswith(f"/call?id={call['id']}")
    assert airflow.rest.links("opens_in_gong", run_id, "call") == {"Open in Gong": call["url"]}
    assert airflow.rest.links("opens_in_gong", run_id, "calls") == {}
    meeting = airflow.rest.xcom("opens_in_gong", run_id, "meeting")
    assert airflow.rest.links("opens_in_gong", run_id, "meeting") == {"Open in Gong": meeting["meeting_url"]}
    # The local Gong's calls say where its application is.
    company = call["url"].removesuffix(f"call?id={call['id']}")
    assert airflow.rest.links("opens_in_gong", run_id, "export") == {"Open in Gong": company}
