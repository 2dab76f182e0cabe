"""Exports whose process is killed, or sleeps and wakes up beside its retry: nothing is lost, nothing comes twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.operators.exports import GongExportCallsOperator
from tests.operators.exporting import attempt, data_files, digests, export, manifests
from tests.operators.sliced import STREAMS, arguments, large_company

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

PATIENCE = 60
# Slow enough that an export can be caught between any two of its requests.
LATENCY = 0.02


@pytest.fixture(scope="module")
def busy_company() -> Iterator[GongSandbox]:
    """Run a company that answers slowly."""
    with large_company() as gong:
        gong.latency = LATENCY
        yield gong


@pytest.fixture
def busy(busy_company: GongSandbox, connect: Connect) -> GongSandbox:
    """Return the company, connected."""
    connect(busy_company, requests_per_day=10_000_000)
    busy_company.requests.clear()
    return busy_company


def run_alone(stream: str, folder: Path, environment: dict[str, str]) -> None:
    # A process that is stopped while it counts would keep the others of this machine waiting.
    os.environ.update(environment | {"AIRFLOW__GONG__QUOTA_DIR": f"{folder}-quota-{os.getpid()}"})
    attempt(STREAMS[stream][0], **arguments(stream, folder)).succeeded()


@contextmanager
def another_process(stream: str, folder: Path) -> Iterator[BaseProcess]:
    """Run an export in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.operators.test_export_crash"])
    names = [name for name in os.environ if name.startswith("AIRFLOW_")]
    child = context.Process(
        target=run_alone, args=(stream, folder, {name: os.environ[name] for name in names})
    )
    child.start()
    try:
        yield child
    finally:
        child.kill()
        child.join()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def undisturbed(stream: str, gong: GongSandbox, folder: Path) -> tuple[dict[str, str], int]:
    """Return the data files of an export that nothing happens to, and how many requests it takes."""
    gong.requests.clear()
    export(STREAMS[stream][0], **arguments(stream, folder))
    return digests(folder), len(gong.requests)


def kill_and_retry(stream: str, gong: GongSandbox, folder: Path, request: int) -> int:
    """Kill an export at one of its requests, retry it, and return the requests of both."""
    gong.requests.clear()
    with another_process(stream, folder) as child:
        wait_until(lambda: len(gong.requests) >= request or not child.is_alive())
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    # What was on its way when the process died still arrives.
    wait_until(lambda: all(one.status is not None for one in gong.requests))
    summary = export(STREAMS[stream][0], try_number=2, **arguments(stream, folder))
    assert summary["complete"] or stream != "calls"
    return len(gong.requests)


@pytest.mark.parametrize(
    ("stream", "points"), [("calls", 10), ("transcripts", 3), ("conversations", 3), ("logs", 3)]
)
def test_export_killed_at_random_requests_ends_as_an_undisturbed_one(
    stream: str, points: int, busy: GongSandbox, tmp_path: Path
) -> None:
    expected, requests = undisturbed(stream, busy, tmp_path / "undisturbed")
    for number in sorted(random.Random(stream).sample(range(1, requests + 1), points)):
        folder = tmp_path / str(number)
        assert kill_and_retry(stream, busy, folder, number) <= 2 * requests
        assert digests(folder) == expected
        assert len(manifests(folder)) == 2
        assert data_files(folder) == sorted(expected)


@pytest.mark.parametrize("request_number", [1, 9, 21])
def test_attempt_that_wakes_up_beside_its_retry_does_no_harm(
    request_number: int, busy: GongSandbox, tmp_path: Path
) -> None:
    expected, _ = undisturbed("calls", busy, tmp_path / "undisturbed")
    folder = tmp_path / "zombie"
    busy.requests.clear()
    with another_process("calls", folder) as zombie:
        wait_until(lambda: len(busy.requests) >= request_number)
        assert zombie.pid is not None
        os.kill(zombie.pid, signal.SIGSTOP)
        export(GongExportCallsOperator, try_number=2, **arguments("calls", folder))
        assert digests(folder) == expected
        os.kill(zombie.pid, signal.SIGCONT)
        zombie.join(PATIENCE)
        assert zombie.exitcode == 0
    assert digests(folder) == expected
    assert len(manifests(folder)) == 2


def test_attempt_that_wakes_up_while_its_retry_reads_does_no_harm(busy: GongSandbox, tmp_path: Path) -> None:
    expected, requests = undisturbed("calls", busy, tmp_path / "undisturbed")
    folder = tmp_path / "beside"
    busy.requests.clear()
    with another_process("calls", folder) as zombie:
        wait_until(lambda: len(busy.requests) >= requests // 2)
        assert zombie.pid is not None
        os.kill(zombie.pid, signal.SIGSTOP)
        before = len(busy.requests)
        with another_process("calls", folder) as retry:
            wait_until(lambda: len(busy.requests) > before)
            os.kill(zombie.pid, signal.SIGCONT)
            for process in (zombie, retry):
                process.join(PATIENCE)
                assert process.exitcode == 0
    assert digests(folder) == expected
    assert len(manifests(folder)) == 2
