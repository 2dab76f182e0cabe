"""Measure what is promised, and print one line a figure: `figure | value | limit | ok` (or `over`).

Everything is measured in this one run against a local Gong in a process of its own; ratios are of the best of
several alternating rounds. The exit status is 0 either way: a figure is for reading, not for breaking a build.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
PER_SECOND = 3
# The day before yesterday: by now all of its calls are visible, the late ones too.
DAY_END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
DAY_START = DAY_END - timedelta(days=1)
HEAVY = ("requests", "fastapi", "pyarrow", "cryptography")


def main() -> None:
    """Measure and print all figures."""
    figure("figure", "value", "limit", "")
    with sandbox(calls=10_000, latency=1, limited=True) as url:
        # Slow and limited as Gong is: the quota decides how long it takes.
        paced = child("paced", url)
    quota = paced["requests"] / PER_SECOND
    figure("10,000 calls, transcripts: times the quota's own time", paced["seconds"] / quota, 1.15)
    print(
        f"  {paced['requests']} requests of 1 s in {paced['seconds']:.1f} s, the quota's own {quota:.1f} s, "
        f"peak {paced['peak']:.0f} MiB",
        flush=True,
    )
    with sandbox(calls=10_000, users=500) as url:
        counts = child("everything", url)
        figure("requests: 10,000 calls, transcripts, 500 users", counts["requests"], 225)
        ratio = time_ratio(url)
        figure("calls export, times a bare loop that gzips the pages", ratio, 1.6)
        figure("calls export as Parquet, times the one as jsonl.gz", format_ratio(url), 2)
        small, small_parquet = child("calls", url), child("calls parquet", url)
    with sandbox(calls=100_000, users=1) as url:
        large, large_parquet = child("calls", url), child("calls parquet", url)
    with sandbox(calls=30, users=500, days=12) as url:
        daily = child("steady 24", url)
        figure("requests of a steady day: daily, 30 calls, 500 users", daily["requests"], 12)
    with sandbox(calls=1000, days=12) as url:
        hourly = child("steady 1", url)
        figure("requests of a steady day: hourly, 1,000 calls", hourly["requests"], 1200)
    with sandbox(calls=1) as url:
        waits = child("waits", url, script="bench_waiting.py")
        figure("requests of a look for 500 deferred transcript sensors", waits["requests"], 5)
        figure("seconds of that look", waits["seconds"], 5)
        figure("longest block of the triggerer's loop meanwhile, ms", waits["blocked"], 50)
        little, recording = child("upload 1000000", url), child("upload 1500000000", url)
    assert (counts["rows"], small["rows"], large["rows"]) == (
        20_000 - counts["pending"] + 500,
        10_000,
        100_000,
    )
    figure("peak memory at 100,000 calls over 10,000, MiB", large["peak"] - small["peak"], 30)
    growth = large_parquet["peak"] - small_parquet["peak"]
    figure("peak memory at 100,000 calls as Parquet over 10,000, MiB", growth, 30)
    figure("peak memory of uploading 1.5 GB over 1 MB, MiB", recording["peak"] - little["peak"], 64)
    milliseconds, brought = parse_cost()
    figure("Dag parsing: importing all operators, ms", milliseconds, 20)
    figure("Dag parsing: heavy modules it brings", ", ".join(brought) or 0, 0)


def figure(name: str, value: Any, limit: Any, verdict: str | None = None) -> None:
    """Print one line."""
    if verdict is None:
        verdict = "ok" if not isinstance(value, str) and value <= limit else "over"
    shown = f"{value:.2f}" if isinstance(value, float) else str(value)
    print(f"{name:<56} | {shown:>8} | {limit!s:>5} | {verdict}", flush=True)


@contextmanager
def sandbox(*, limited: bool = False, **sizes: int) -> Iterator[str]:
    """Run a local Gong in a process of its own, with its calls on two past days; without limits unless told."""
    command = [
        sys.executable,
        "-m",
        "airflow_provider_gong.sandbox",
        "--port",
        "0",
        "--days",
        "2",
    ]
    if not limited:
        command.append("--unlimited")
    for name, value in sizes.items():
        command += [f"--{name}", str(value)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        connection = next(
            match for line in lines if (match := re.search(r"AIRFLOW_CONN_GONG_DEFAULT='(.*)'", line))
        )
        yield connection.group(1)
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.communicate()


def child(what: str, connection: str, script: str = "bench.py") -> dict[str, Any]:
    """Run an export in a process of its own and return what it measured."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *what.split()]
    environment = os.environ | {"AIRFLOW_CONN_GONG_DEFAULT": connection}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if output.returncode:
        sys.exit(output.stderr)
    result: dict[str, Any] = json.loads(output.stdout.splitlines()[-1])
    return result


def time_ratio(connection: str) -> float:
    """Time the calls export against a loop that only fetches the same pages and compresses them."""
    settings = json.loads(connection)
    pages = page_requests(settings)
    bare: list[float] = []
    export: list[float] = []
    for _ in range(ROUNDS):
        bare.append(bare_loop(settings, pages))
        export.append(child("calls", connection)["seconds"])
    print(f"  bare loop {min(bare):.2f} s, export {min(export):.2f} s, {len(pages)} pages", flush=True)
    return min(export) / min(bare)


def format_ratio(connection: str) -> float:
    """Time the calls export as Parquet against the one as compressed JSON lines."""
    lines: list[float] = []
    parquet: list[float] = []
    for _ in range(ROUNDS):
        lines.append(child("calls", connection)["seconds"])
        parquet.append(child("calls parquet", connection)["seconds"])
    print(f"  jsonl.gz {min(lines):.2f} s, parquet {min(parquet):.2f} s", flush=True)
    return min(parquet) / min(lines)


def bare_loop(settings: dict[str, Any], pages: list[dict[str, Any]]) -> float:
    """Fetch the pages with one session and compress the bytes as they are."""
    began = time.perf_counter()
    with requests.Session() as session, tempfile.TemporaryFile() as file, gzip.open(file, "wb", 6) as target:
        session.auth = (settings["login"], settings["password"])
        for body in pages:
            target.write(
                session.post(f"{settings['host']}/v2/calls/extensive", json=body, timeout=60).content
            )
    return time.perf_counter() - began


def page_requests(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Collect the bodies of all page requests, so that the bare loop need not read the replies."""
    from airflow_provider_gong.exports.content import PRESETS

    body: dict[str, Any] = {
        "filter": {"fromDateTime": DAY_START.isoformat(), "toDateTime": DAY_END.isoformat()},
        "contentSelector": PRESETS["default"],
    }
    pages = [body]
    with requests.Session() as session:
        session.auth = (settings["login"], settings["password"])
        while True:
            reply = session.post(f"{settings['host']}/v2/calls/extensive", json=pages[-1], timeout=60).json()
            cursor = reply["records"].get("cursor")
            if not cursor:
                return pages
            pages.append(body | {"cursor": cursor})


def parse_cost() -> tuple[float, list[str]]:
    """Measure what importing all operator modules adds to a process that has Airflow's SDK, with -X importtime."""
    script = (
        "import sys, pkgutil, importlib\n"
        "from airflow.sdk import DAG, BaseOperator\n"
        "before = set(sys.modules)\n"
        "import airflow_provider_gong.operators as operators\n"
        "for module in pkgutil.iter_modules(operators.__path__, operators.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    runs = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-X", "importtime", "-c", script]
        process = subprocess.run(command, capture_output=True, text=True, check=True)
        brought = process.stdout.splitlines()[-1].split()
        own_times = re.findall(r"import time: +(\d+) \| +\d+ \| +([\w.]+)$", process.stderr, re.MULTILINE)
        microseconds = sum(int(time) for time, module in own_times if module in brought)
        runs.append((microseconds / 1000, [heavy for heavy in HEAVY if heavy in brought]))
    return min(runs)


def run_exports(*names: str, file_format: str = "jsonl.gz", paced: bool = False) -> None:
    """Export streams of the day and print rows, pending ids, requests, seconds and the peak of memory in MiB."""
    from airflow_provider_gong.api.throttle import NoThrottle
    from airflow_provider_gong.exports import batches, streams
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.engine import Export
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.storage import open_destination
    from airflow_provider_gong.exports.window import Window
    from airflow_provider_gong.hooks.gong import GongHook

    folder = tempfile.mkdtemp(prefix="gong-bench-")
    # Airflow loads its file systems with the first path of a process; that is no part of an export.
    destination = open_destination(folder)
    client = GongHook().get_conn()
    if not paced:
        client._throttle = NoThrottle()
    window, rows, pending, began = Window(DAY_START, DAY_END), 0, 0, time.perf_counter()
    # Private calls too, so that the figures are about as many calls as they say.
    stream: batches.Stream = streams.Calls(include_private=True)
    for name in names:
        dataset = Dataset(destination / name)
        run = Run(dag_id="bench", task_id=name, run_id="bench", run_after=DAY_END)
        manifest = Export(
            stream=stream,
            client=client,
            host="bench",
            dataset=dataset,
            run=run,
            window=window,
            file_format=file_format,
        ).execute()
        rows += manifest.rows
        pending += len(manifest.pending)
        if name == "calls":
            ids = tuple(row_id for row_id, _ in dataset.ids(manifest))
            stream = streams.Transcripts(call_ids=ids, calls_window=window)
        else:
            stream, window = streams.Users(), Window.snapshot(DAY_END)
    seconds = time.perf_counter() - began
    shutil.rmtree(folder)
    facts = {"rows": rows, "pending": pending, "requests": client.requests, "seconds": seconds}
    print(json.dumps(facts | {"peak": peak_memory()}))


def run_steadily(hours: int) -> None:
    """Export calls and transcripts every so many hours, users too when daily; print the requests of the last day."""
    from airflow.sdk import DAG

    from airflow_provider_gong.operators import exports

    length, week = timedelta(hours=hours), timedelta(days=8)
    settings = json.loads(os.environ["AIRFLOW_CONN_GONG_DEFAULT"])
    control = f"{settings['host']}/_sandbox"
    with (
        tempfile.TemporaryDirectory(prefix="gong-bench-") as folder,
        DAG("bench", schedule=None, max_active_runs=1) as dag,
    ):
        calls = exports.GongExportCallsOperator(task_id="calls", destination=folder)
        transcripts = exports.GongExportTranscriptsOperator(
            task_id="transcripts", destination=folder, calls={}
        )
        users = exports.GongExportUsersOperator(task_id="users", destination=folder)
        end = DAY_START - week
        while end < DAY_END:
            if end == DAY_START:
                requests.delete(f"{control}/requests", timeout=60)
            # The week before only has to be there; the day before is as the one that is measured.
            start, end = end, end + (length if end >= DAY_START - timedelta(days=1) else timedelta(days=1))
            moment = {"now": (end + timedelta(minutes=5)).isoformat()}
            requests.post(f"{control}/clock", json=moment, timeout=60)
            transcripts.calls = perform(calls, dag, start, end)
            perform(transcripts, dag, start, end)
            if hours == 24:
                perform(users, dag, start, end)
    print(json.dumps({"requests": requests.get(f"{control}/requests", timeout=60).json()["count"]}))


def perform(operator: Any, dag: Any, start: datetime, end: datetime) -> Any:
    """Run an export as a scheduled run of the interval does, without a limit of requests."""
    from airflow_provider_gong.api.throttle import NoThrottle

    facts: dict[str, Any] = {"data_interval_start": start, "data_interval_end": end, "logical_date": start}
    run = SimpleNamespace(run_type="scheduled", run_after=end, **facts)
    instance = SimpleNamespace(
        dag_id="bench",
        task_id=operator.task_id,
        run_id=f"until {end}",
        map_index=-1,
        try_number=1,
        xcom_push=lambda **_: None,
    )
    operator.hook.get_conn()._throttle = NoThrottle()
    return operator.perform({"dag": dag, "dag_run": run, "ti": instance})


def run_upload(size: int) -> None:
    """Create a call, send a sparse file as its recording and print the seconds and the peak of memory in MiB."""
    from airflow_provider_gong.api import calls, users
    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.operators.media import stored_file

    with GongHook() as hook, tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.truncate(size)
        host = next(
            user for user in hook.items(users.list_users()) if user["settings"]["telephonyCallsImported"]
        )
        new_call = calls.create_call(
            client_unique_id=f"bench-{size}",
            actual_start=DAY_START,
            direction="Outbound",
            primary_user=host["id"],
            parties=[{"userId": host["id"]}],
        )
        call_id, began = hook.send(new_call)["callId"], time.perf_counter()
        recording = stored_file(file.name, None)
        hook.send(calls.add_call_media(call_id, file_name="call.wav", source=recording))
        print(json.dumps({"seconds": time.perf_counter() - began, "peak": peak_memory()}))


def peak_memory() -> float:
    """Return the most memory that this process ever held, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    if sys.argv[1:] == ["calls"]:
        run_exports("calls")
    elif sys.argv[1:] == ["calls", "parquet"]:
        run_exports("calls", file_format="parquet")
    elif sys.argv[1:] == ["everything"]:
        run_exports("calls", "transcripts", "users")
    elif sys.argv[1:] == ["paced"]:
        run_exports("calls", "transcripts", paced=True)
    elif sys.argv[1:2] == ["steady"]:
        run_steadily(int(sys.argv[2]))
    elif sys.argv[1:2] == ["upload"]:
        run_upload(int(sys.argv[2]))
    else:
        main()
