"""Run the daily export against a local Gong, for two days, through real Airflow; then show what it wrote.

Everything lies below .demo/ in the project: Airflow's home, its database and the files. Nothing else is touched.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.sandbox import GongSandbox

if TYPE_CHECKING:
    from airflow.sdk import DAG

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".demo"
FILES = HOME / "gong"
STREAMS = ("calls", "transcripts", "users", "logs")


def main() -> None:
    """Run the demo and show what it wrote."""
    stop_when_told()
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with GongSandbox(calls=120, days=4, users=140) as gong:
        print(f"A local Gong listens on {gong.url}; Airflow makes its home in .demo/airflow.")
        prepare_airflow(gong)
        dag = load_dag()
        for day in (today - timedelta(days=2), today - timedelta(days=1)):
            run_day(dag, day)
        requests = len(gong.requests)
    show_files()
    show_rows()
    print(f"\n{requests} requests to Gong, {time.monotonic() - began:.0f} seconds.")
    print(NEXT_STEP)


NEXT_STEP = """
Next: look into a file,
    gzip -dc $(find .demo/gong/calls -name 'part-*.gz' | head -1) | head -1 | python3 -m json.tool
read the Dag that wrote it (example_dags/gong_daily_export.py),
and connect your own Gong (docs/quickstart.md)."""


def stop_when_told() -> None:
    """Let a signal end this process, and with it the local Gong, whatever Airflow is doing.

    Airflow's task runner puts its own handler in the place of ours, and takes Ctrl-C for the failure of a task.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait() -> None:
        number = signal.sigwait(signals)
        os.write(sys.stderr.fileno(), b"\nStopped.\n")
        os._exit(128 + number)

    threading.Thread(target=wait, name="stop", daemon=True).start()


def prepare_airflow(gong: GongSandbox) -> None:
    """Point this process at an Airflow of its own, before anything imports Airflow."""
    connection = {
        "conn_type": "gong",
        "host": gong.url,
        "login": gong.access_key,
        "password": gong.access_key_secret,
        "extra": {"allowed_hosts": "127.0.0.1"},
    }
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ.update(
        AIRFLOW_HOME=str(HOME / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(PROJECT / "example_dags"),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow/airflow.db",
        AIRFLOW__GONG__QUOTA_DIR=str(HOME / "quota"),
        AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
        AIRFLOW__LOGGING__NAMESPACE_LEVELS="airflow=WARNING,task=WARNING,py.warnings=ERROR,airflow_provider_gong=INFO",
        AIRFLOW_CONN_GONG_DEFAULT=json.dumps(connection),
        AIRFLOW_VAR_GONG_DESTINATION=f"file://{FILES}",
        NO_PROXY="127.0.0.1",
    )


def load_dag() -> DAG:
    """Make Airflow's database and parse the example Dag."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    logging.disable(logging.INFO)  # a screenful about tables is no news
    initdb()
    logging.disable(logging.NOTSET)
    bag = DagBag(str(PROJECT / "example_dags" / "gong_daily_export.py"))
    if bag.import_errors:
        sys.exit(f"The example Dag does not parse: {bag.import_errors}")
    return bag.dags["gong_daily_export"]


def run_day(dag: DAG, day: datetime) -> None:
    """Run the Dag for one full day, as the scheduler would at the end of it."""
    print(f"\n--- Airflow runs {dag.dag_id} for {day:%Y-%m-%d} ---")
    for task in dag.tasks:
        task.retries = 0  # a demo shows a failure at once
    end = day + timedelta(days=1)
    run = dag.test(logical_date=end, run_after=end)
    if str(run.state) != "success":
        sys.exit(f"The Dag run of {day:%Y-%m-%d} ended as {run.state}: see the log above.")


def show_files() -> None:
    """List the files that the runs wrote."""
    print(f"\nFiles below {FILES.relative_to(PROJECT)}:")
    for file in sorted(FILES.rglob("*")):
        if file.is_file() and not any(part.startswith("_") for part in file.relative_to(FILES).parts):
            print(f"  {file.stat().st_size:>10,} bytes  {file.relative_to(FILES)}")


def show_rows() -> None:
    """Count the rows of each stream and show a few."""
    from airflow_provider_gong.exports import read_export

    for stream in STREAMS:
        manifests = sorted((FILES / stream).rglob("_manifests/*/*.json"))
        rows = [row for manifest in manifests for row in read_export(f"file://{manifest}")]
        print(f"\n{stream}: {len(rows):,} rows")
        for row in rows[:3]:
            print("  " + shorten(row))


def shorten(row: dict[str, Any], width: int = 150) -> str:
    """Return a row as one line that fits a terminal."""
    text = json.dumps(row, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"


if __name__ == "__main__":
    main()
