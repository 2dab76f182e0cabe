"""The example of the sensors runs as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.example_dags.conftest import NOW
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load


def test_what_is_there_is_not_waited_for(connected: GongSandbox, load: Load) -> None:
    user = connected.world.users[0]
    run = run_dag(load("gong_sensors"), run_after=NOW, conf={"user_id": user.id})
    assert set(run.states.values()) == {"success"}, run.states
    assert run.xcoms["wait_for_enough_calls"] >= 10
    assert run.xcoms["wait_for_user"] == user.id
    listed = [call["id"] for call in run.xcoms["list_calls"]]
    given = run.xcoms["wait_for_given_transcripts"]
    assert sorted(given["ready"] + given["missing"]) == sorted(listed)
    assert len(run.xcoms["wait_for_transcripts_of_the_day"]["ready"]) >= len(listed) / 3
    assert set(run.xcoms["wait_for_log_entry"]) == {"event_time"}
