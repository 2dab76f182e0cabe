"""``scripts/demo.py`` as `make demo` runs it: what it shows, and that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 240
STOP_SECONDS = 30
STREAMS = ("calls", "transcripts", "users", "logs")
LISTENING = r"A local Gong listens on http://127\.0\.0\.1:(\d+)"


@dataclass
class Demo:
    """A copy of the demo, so that the `.demo` of the repository stays as it is."""

    project: Path
    home: Path

    @property
    def dag(self) -> Path:
        return self.project / "example_dags" / "gong_daily_export.py"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.home),
            # An Airflow that its user has set up already.
            "AIRFLOW_HOME": str(self.home / "own-airflow"),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the demo to its end."""
        return subprocess.run(
            [sys.executable, self.project / "scripts" / "demo.py"],
            cwd=folder or self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Start the demo; kill it at the end if nothing else has ended it."""
        process = subprocess.Popen(
            [sys.executable, self.project / "scripts" / "demo.py"],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def processes(self) -> list[int]:
        """Return the processes that carry the environment of the demo."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HOME") == str(self.home):
                    found.append(process.pid)
        return found


@pytest.fixture(scope="module")
def make_demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Demo]:
    def make() -> Demo:
        project = tmp_path_factory.mktemp("project")
        for folder in ("scripts", "example_dags"):
            shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
        return Demo(project, tmp_path_factory.mktemp("home"))

    return make


@pytest.fixture
def demo(make_demo: Callable[[], Demo]) -> Demo:
    return make_demo()


@pytest.fixture(scope="module")
def finished(make_demo: Callable[[], Demo]) -> tuple[Demo, str]:
    """Return a demo that has run to its end, and what it has printed."""
    demo = make_demo()
    done = demo.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return demo, done.stdout


def is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def port_of(output: str) -> int:
    listening = re.search(LISTENING, output)
    assert listening, output
    return int(listening[1])


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what the demo prints up to a line that matches."""
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return "".join(lines)
    raise AssertionError(f"no line matches {pattern!r}:\n{''.join(lines)}")


def test_it_lists_the_files_with_their_sizes(finished: tuple[Demo, str]) -> None:
    demo, output = finished
    listed = re.findall(r"^ +([\d,]+) bytes  (\S+)$", output, re.M)
    for stream in STREAMS:
        assert len([name for _, name in listed if name.startswith(f"{stream}/")]) == 2, stream
    for size, name in listed:
        assert (demo.project / ".demo" / "gong" / name).stat().st_size == int(size.replace(",", ""))


@pytest.mark.parametrize("stream", STREAMS)
def test_it_counts_the_rows_of_a_stream_and_shows_three(finished: tuple[Demo, str], stream: str) -> None:
    shown = re.search(rf"^{stream}: ([\d,]+) rows\n((?:  \{{.*\n)*)", finished[1], re.M)
    assert shown
    assert int(shown[1].replace(",", "")) > 50
    assert len(shown[2].splitlines()) == 3


def test_it_tells_requests_and_seconds_and_what_to_do_next(finished: tuple[Demo, str]) -> None:
    told = re.search(
        r"^(\d+) requests to Gong, (\d+) seconds\.\n\nNext: look into a file,\n", finished[1], re.M
    )
    assert told
    assert int(told[1]) > 8


def test_command_that_it_names_as_the_next_step_works(finished: tuple[Demo, str]) -> None:
    demo, output = finished
    [command] = re.findall(r"^ +(gzip .*)$", output, re.M)
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=demo.project, capture_output=True, text=True, check=False
    )
    assert '"metaData": {' in done.stdout, done.stderr


def test_it_stays_below_its_own_folder(finished: tuple[Demo, str]) -> None:
    demo, _ = finished
    assert (demo.project / ".demo" / "airflow" / "airflow.db").exists()
    assert not (demo.home / "airflow").exists()
    assert not (demo.home / "own-airflow").exists()
    assert {path.name for path in demo.project.iterdir()} == {".demo", "scripts", "example_dags"}


def test_it_stops_the_gong_that_it_started(finished: tuple[Demo, str]) -> None:
    demo, output = finished
    assert is_closed(port_of(output))
    assert demo.processes() == []


def test_it_runs_again_and_from_any_folder(finished: tuple[Demo, str], tmp_path: Path) -> None:
    demo, before = finished
    done = demo.run(folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [re.findall(r"^\w+: [\d,]+ rows$", output, re.M) for output in (before, done.stdout)]
    assert counts[0] == counts[1] != []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", [LISTENING, "Exporting users"], ids=["at the start", "in a task"])
def test_it_stops_when_it_is_told_to(demo: Demo, number: signal.Signals, moment: str) -> None:
    with demo.running() as process:
        output = read_until(process, LISTENING)
        if moment != LISTENING:
            output += read_until(process, moment)
        assert not is_closed(port_of(output))
        process.send_signal(number)
        began = time.monotonic()
        rest, _ = process.communicate(timeout=STOP_SECONDS)
        assert time.monotonic() - began < STOP_SECONDS
        assert process.returncode == 128 + number, output + rest
        assert rest.endswith("Stopped.\n")
        assert "requests to Gong" not in rest
    assert is_closed(port_of(output))
    assert demo.processes() == []


def test_it_fails_with_a_failing_dag(demo: Demo) -> None:
    source = demo.dag.read_text()
    demo.dag.write_text(source.replace('log_type="UserActivityLog"', 'log_type="NoSuchLog"'))
    done = demo.run()
    assert done.returncode == 1
    assert "ended as failed" in done.stderr
    assert is_closed(port_of(done.stdout))
    assert demo.processes() == []


def test_it_says_that_the_dag_cannot_be_read(demo: Demo) -> None:
    demo.dag.write_text("from airflow.sdk import DAG, NoSuchThing\n")
    done = demo.run()
    assert done.returncode == 1
    assert "The example Dag does not parse" in done.stderr
    assert "NoSuchThing" in done.stderr
    assert is_closed(port_of(done.stdout))
