"""The example of a dialer's uploads runs as it stands, again and again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.example_dags.conftest import NOW
from tests.support.dag_runs import DagRunResult, run_dag

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.example_dags.conftest import Load

NAMES = ("dialer-1", "dialer-2", "dialer-3")


@pytest.fixture
def folder(connected: GongSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the dialer's folder, with three recordings and their descriptions."""
    # dag.test() would wait in this process while the sensor is deferred.
    connected.uploads.processing_time = timedelta()
    folder = tmp_path / "recordings"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_VAR_GONG_RECORDINGS", f"file://{folder}")
    host = connected.uploads.hosts()[0].id
    for name in NAMES:
        (folder / f"{name}.mp3").write_bytes(name.encode() * 1000)
        description = {
            "client_unique_id": name,
            "actual_start": (NOW - timedelta(hours=2)).isoformat(),
            "direction": "Outbound",
            "primary_user": host,
            "parties": [{"userId": host}, {"name": "A buyer"}],
            "recording": f"{name}.mp3",
        }
        (folder / f"{name}.json").write_text(json.dumps(description))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def upload(load: Load) -> DagRunResult:
    return run_dag(load("gong_dialer_upload"), run_after=NOW)


def test_each_recording_is_shown_by_gong_and_filed_away(
    connected: GongSandbox, folder: Path, load: Load
) -> None:
    run = upload(load)
    assert run.state == "success", run.states
    # Airflow runs them in any order.
    uploaded = sorted(
        connected.uploads.calls(), key=lambda call: call.posted.client_unique_id if call.posted else ""
    )
    assert [call.id for call in uploaded] == [
        run.xcoms[f"upload.create_call[{n}]"]["call_id"] for n in range(3)
    ]
    assert {call.id for call in uploaded} <= {call.id for call in connected.world.visible_calls()}
    media = [connected.uploads.media(call.id) for call in uploaded]
    assert [one.file_name for one in media if one] == [f"{name}.mp3" for name in NAMES]
    assert files(folder) == sorted(f"done/{name}.{kind}" for name in NAMES for kind in ("json", "mp3"))


def test_what_failed_is_taken_up_by_the_next_run_and_makes_no_second_call(
    connected: GongSandbox, folder: Path, load: Load
) -> None:
    recording = folder / "dialer-2.mp3"
    content = recording.read_bytes()
    recording.write_bytes(b"")
    assert upload(load).state == "failed"
    assert files(folder) == [
        "dialer-2.json",
        "dialer-2.mp3",
        *("done/dialer-1.json", "done/dialer-1.mp3", "done/dialer-3.json", "done/dialer-3.mp3"),
    ]
    recording.write_bytes(content)
    run = upload(load)
    assert run.state == "success", run.states
    assert run.xcoms["upload.create_call[0]"]["created"] is False
    assert len(connected.uploads.calls()) == 3


def test_a_description_that_cannot_be_read_stops_no_other_upload(
    connected: GongSandbox, folder: Path, load: Load
) -> None:
    # Of mapped tasks Airflow looks at the first one with other eyes.
    (folder / "dialer-1.json").write_text("{")
    assert upload(load).state == "failed"
    assert files(folder) == [
        "dialer-1.json",
        "dialer-1.mp3",
        *("done/dialer-2.json", "done/dialer-2.mp3", "done/dialer-3.json", "done/dialer-3.mp3"),
    ]


def test_what_was_filed_away_by_half_is_filed_away(connected: GongSandbox, folder: Path, load: Load) -> None:
    file_away: Any = load("gong_dialer_upload").task_dict["upload.file_away"]
    (folder / "done").mkdir()
    (folder / "dialer-1.mp3").rename(folder / "done" / "dialer-1.mp3")
    file_away.python_callable(f"file://{folder}/dialer-1.json", f"file://{folder}/dialer-1.mp3")
    assert [name for name in files(folder) if "dialer-1" in name] == [
        "done/dialer-1.json",
        "done/dialer-1.mp3",
    ]


def test_an_empty_folder_is_no_failure(connected: GongSandbox, folder: Path, load: Load) -> None:
    for path in folder.iterdir():
        path.unlink()
    assert upload(load).state == "success"
    assert len(connected.requests) == 0
