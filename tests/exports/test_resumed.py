"""An export in slices that is killed at any step: its retry goes on from what is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.storage import open_destination
from tests.exports.crash import attempt, count_changes, kill_before
from tests.exports.doubles import S3_CONNECTION, assert_sound, exported, files, run, window

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.exports.manifest import Manifest

COUNT = 2100
SLICES = 3


def assert_resumed(step: int, destination: str, environment: dict[str, str], undisturbed: Manifest) -> int:
    """Kill an export before a step and retry it; return how many slices the retry did not have to read."""
    dataset = Dataset(open_destination(destination) / "calls")
    kill_before(step, destination, COUNT, environment)
    killed = dataset.manifest(window())
    if killed is not None:
        assert_sound(dataset, killed)
        assert killed.parts == undisturbed.parts

    found = len([name for name in files(dataset) if "/slices-" in name])
    manifest = attempt(dataset, COUNT, try_number=2).execute()
    assert_sound(dataset, manifest)
    assert [(part.rows, part.sha256) for part in manifest.parts] == [
        (part.rows, part.sha256) for part in undisturbed.parts
    ]
    assert [one["id"] for one in exported(dataset)] == [str(number) for number in range(COUNT)]
    # Nobody reads what a killed process was writing aside; it is swept one day.
    assert [name for name in storage.names_in(dataset.staging) if not name.endswith(".upload")] == []
    return found


def undisturbed_export(destination: str) -> Manifest:
    dataset = Dataset(open_destination(destination) / "calls")
    manifest: Manifest = attempt(dataset, COUNT).execute()
    return manifest


def test_export_killed_at_any_step_goes_on_from_its_slices(tmp_path: Path) -> None:
    undisturbed = undisturbed_export(f"file://{tmp_path}/undisturbed")
    steps = count_changes(f"file://{tmp_path}/counted", COUNT, {})
    # Plan, count, slices, parts, ids, run, manifest: each is written aside and moved; then the staging goes.
    assert steps == 2 * (2 + SLICES + len(undisturbed.parts) + 3) + 1
    found = [
        assert_resumed(step, f"file://{tmp_path}/killed-{step}", {}, undisturbed) for step in range(steps + 1)
    ]
    assert found[0] == 0
    # All are stored before anything is published, and stay until everything is.
    assert found[2 * (2 + SLICES) : steps] == [SLICES] * (steps - 2 * (2 + SLICES))
    for step, stored in enumerate(found[4 : 2 * (2 + SLICES)]):
        # Each is written aside and moved, several side by side: at most one step of each is not one of a pair.
        assert step - SLICES <= 2 * stored <= step
    assert found[-1] == 0


def test_export_to_s3_killed_at_any_step_goes_on_from_its_slices(
    s3_destination: str, s3_connection: str
) -> None:
    environment = {f"AIRFLOW_CONN_{S3_CONNECTION.upper()}": s3_connection}
    undisturbed = undisturbed_export(f"{s3_destination}/undisturbed")
    steps = count_changes(f"{s3_destination}/counted", COUNT, environment)
    # At the end plan and slices are deleted one by one.
    assert steps == (2 + SLICES + len(undisturbed.parts) + 3) + (1 + SLICES)
    for step in range(steps + 1):
        assert_resumed(step, f"{s3_destination}/killed-{step}", environment, undisturbed)


def test_plan_of_another_shape_is_no_plan(local_dataset: Dataset) -> None:
    staging = local_dataset.staging_of(run())
    staging.begin(window(), {})
    path = staging.root / "plan.json"
    plan = json.loads(storage.read_bytes(path) or b"")
    assert plan["window"] == window().write()
    for damaged in (b"", b"{", b"[]", json.dumps(plan | {"window": {"from": "x", "to": "y"}}).encode()):
        path.fs.pipe_file(path.path, damaged)
        assert staging.plan() is None
        assert local_dataset.kept_window(run()) is None
    del plan["records"]
    path.fs.pipe_file(path.path, json.dumps(plan).encode())
    assert staging.plan() is None
