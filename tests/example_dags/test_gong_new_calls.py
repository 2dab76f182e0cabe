"""The example that reacts to new calls does so for each of them, and its watcher is one that Airflow can run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.models.trigger import Trigger
from airflow.sdk import BaseOperator

from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load


def event(*calls: str) -> Any:
    told = [{"id": call_id, "title": None, "started": "2026-01-09T10:00:00+00:00"} for call_id in calls]
    return SimpleNamespace(extra={"from_trigger": True, "payload": {"calls": told, "more": False}})


def run(load: Load, task_id: str, xcoms: Mapping[str | tuple[str, str], Any]) -> TaskResult:
    task = load("gong_new_calls").get_task(task_id)
    assert isinstance(task, BaseOperator)
    return run_task(task, xcoms=xcoms)


def test_each_call_of_the_events_is_worked_on_once(load: Load) -> None:
    task: Any = load("gong_new_calls").get_task("ids_of_new_calls")
    [asset] = task.inlets
    events = {asset: [event("1", "2"), event("2", "3")]}
    assert task.python_callable(events) == ["1", "2", "3"]


def test_calls_with_a_transcript_are_waited_for_and_read(connected: GongSandbox, load: Load) -> None:
    ids = connected.world.call_ids(transcribed=True)[:3]
    ready = run(load, "wait_for_transcripts", {"ids_of_new_calls": ids})
    assert ready.succeeded().xcom == {"ready": ids, "missing": []}
    transcripts = run(load, "get_transcripts", {"ids_of_new_calls": ids}).succeeded().xcom
    assert [one["callId"] for one in transcripts] == ids
    longest = run(load, "longest", {"get_transcripts": transcripts}).succeeded().xcom
    assert longest["call_id"] in ids
    assert longest["sentences"] > 0
    assert run(load, "longest", {"get_transcripts": []}).succeeded().xcom == {"call_id": None, "sentences": 0}


def test_the_watcher_survives_being_stored(load: Load) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = load("gong_new_calls")
    stored = DagSerialization.serialize_dag(dag)
    assert "GongNewCallsTrigger" in repr(stored)
    [asset] = dag.get_task("ids_of_new_calls").inlets
    path, arguments = asset.watchers[0].trigger.serialize()
    again = Trigger._decrypt_kwargs(Trigger.encrypt_kwargs(arguments))
    assert GongNewCallsTrigger(**again).serialize() == (path, arguments)
    assert arguments["asset_name"] == asset.name
