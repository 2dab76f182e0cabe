"""Write the datasets of the present version below tests/golden/, once for each release that changes what is written.

Every later version has to read them: `tests/test_golden.py`. A set that is there already is never written again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
FIRST = datetime(2026, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LOG_TYPE = "UserActivityLog"
STREAMS = ("calls", "transcripts", "conversations", "users", "logs")
# Neither belongs to what is published: a calendar, and runs in progress.
UNPUBLISHED = ("_staging", "_coverage.html")


def main() -> None:
    """Write the set of this version."""
    home = tempfile.mkdtemp(prefix="golden-")
    os.environ |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__GONG__QUOTA_DIR": f"{home}/quota",
    }
    sys.path.insert(0, str(ROOT))
    from airflow_provider_gong import __version__

    folder = GOLDEN / __version__
    if folder.exists():
        sys.exit(f"{folder.relative_to(ROOT)} is there already, and what is published stays as it is.")
    try:
        for file_format in ("jsonl.gz", "parquet"):
            write(folder / file_format.partition(".")[0], file_format)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder.relative_to(ROOT)}: {size:,} bytes")


def write(folder: Path, file_format: str) -> None:
    """Export three days of a small company that changes, and note what is read of it."""
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.support.golden import datasets, facts_of

    with GongSandbox(
        seed=4, calls=4, days=2, users=2, logs=3, now=FIRST, today=(FIRST + 2 * DAY).date()
    ) as gong:
        os.environ["AIRFLOW_CONN_GONG_DEFAULT"] = json.dumps(
            {
                "conn_type": "gong",
                "host": gong.url,
                "login": gong.access_key,
                "password": gong.access_key_secret,
                "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000},
            }
        )
        # All is shown at once but for one transcript.
        calls = [call for call in gong.world.calls(FIRST + 3 * DAY) if call.started >= FIRST]
        for number, call in enumerate(calls):
            call.visible_at = call.started
            call.private = False
            call.transcript_at = call.started if number != 4 else None
        # The columns of Parquet take room: a day less of it, and of conversations one.
        for number in (1, 2, 3) if file_format == "jsonl.gz" else (1, 2):
            gong.clock.set(FIRST + number * DAY + timedelta(hours=2))
            if number == 2:
                gong.world.hide_call(calls[0].id)
                gong.world.alter_call(calls[1].id, private=True)
                gong.world.alter_call(calls[2].id, title="Another title")
            whole = file_format == "jsonl.gz" or number == 1
            streams = [one for one in STREAMS if whole or one != "conversations"]
            export(f"file://{folder}", FIRST + number * DAY, file_format, streams)
    for path in [one for name in UNPUBLISHED for one in folder.rglob(name)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    expected = {name: facts_of(folder, name) for name in datasets(folder)}
    text = json.dumps(expected, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def export(destination: str, due: datetime, file_format: str, streams: Iterable[str]) -> None:
    """Run the exports of a day."""
    from airflow.sdk import DAG

    from airflow_provider_gong.operators import conversations, exports
    from tests.support.task_runner import RunSpec, run_task

    calls: dict[str, Any] = {}
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "calls": (exports.GongExportCallsOperator, {}),
        "transcripts": (exports.GongExportTranscriptsOperator, {"calls": calls}),
        "conversations": (conversations.GongExportConversationsOperator, {}),
        "users": (exports.GongExportUsersOperator, {}),
        "logs": (exports.GongExportLogsOperator, {"log_type": LOG_TYPE}),
    }
    run = RunSpec(run_type="scheduled", data_interval=(due - DAY, due), run_after=due)
    for stream in streams:
        kind, arguments = kinds[stream]
        with DAG("gong_export", schedule=None, max_active_runs=1):
            task = kind(task_id=stream, destination=destination, file_format=file_format, **arguments)
        summary = run_task(task, run=run).succeeded().xcom
        if stream == "calls":
            calls |= summary


if __name__ == "__main__":
    main()
