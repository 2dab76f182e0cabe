"""The example that uses each operator once runs as it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.example_dags.conftest import NOW
from tests.support.dag_runs import DagRunResult, run_dag

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load


@pytest.fixture
def run(connected: GongSandbox, load: Load, monkeypatch: pytest.MonkeyPatch) -> DagRunResult:
    number = connected.privacy.known_phone_number()
    monkeypatch.setenv("AIRFLOW_VAR_GONG_PRIVACY_SECRET_PHONE_NUMBER", number)
    return run_dag(load("gong_operators"), run_after=NOW)


def test_each_operator_does_what_it_says(run: DagRunResult, connected: GongSandbox) -> None:
    assert set(run.states.values()) == {"success"}, run.states
    calls = connected.world.call_ids(NOW - timedelta(days=1), NOW, by_schedule=True)
    assert [call["id"] for call in run.xcoms["list_calls"]] == calls
    assert run.xcoms["get_call"] == run.xcoms["list_calls"][0]
    ready = connected.world.call_ids(transcribed=True)
    transcribed = [one["callId"] for one in run.xcoms["get_call_transcripts"]]
    assert transcribed == [one for one in calls if one in ready]
    assert len(run.xcoms["list_users"]) == 30
    assert run.xcoms["get_user"] == run.xcoms["list_users"][0]
    assert run.xcoms["list_logs"]
    assert {"Sales"} <= {workspace["name"] for workspace in run.xcoms["list_workspaces"]}
    assert run.xcoms["list_library_folders"]
    assert [record["metaData"]["id"] for record in run.xcoms["request"]] == calls[:1]
    assert len(run.xcoms["raw_request"]["users"]) == 32


def test_what_it_creates_is_in_gong_afterwards(run: DagRunResult, connected: GongSandbox) -> None:
    assert run.xcoms["delete_meeting"] == {
        "meeting_id": run.xcoms["create_meeting"]["meeting_id"],
        "deleted": True,
    }
    events = {request.path for request in connected.requests if "customer-engagement" in request.path}
    assert len(events) == 3
    for task in ("report_content_shared", "report_content_viewed", "report_custom_action"):
        assert run.xcoms[task] == {"already_reported": False}


def test_a_dry_run_of_an_erasure_erases_nothing(run: DagRunResult, connected: GongSandbox) -> None:
    assert (
        run.xcoms["erase_phone_number"]["call_ids"] == run.xcoms["list_phone_number_references"]["call_ids"]
    )
    assert run.xcoms["erase_phone_number"]["call_ids"]
    assert connected.privacy.erasures == []
