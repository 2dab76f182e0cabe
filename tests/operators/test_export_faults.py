"""Each fault of Gong meets each export: what was exported is whole, or there is no export."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import read_export
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.faults import OF_SEQUENCES, Fault, FaultKind
from tests.operators.conftest import NOW
from tests.operators.exporting import (
    Kind,
    assert_nothing_published,
    attempt,
    call_ids,
    day,
    digests,
    interval_run,
    manifest,
    manifests,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.operators.conftest import Connect
    from tests.support.task_runner import TaskResult

pytestmark = pytest.mark.usefixtures("no_waiting")

# More than two pages of each, so that a page may be the first, one between, or the last.
PER_DAY = 215
ENDLESS = 10.0  # seconds, far more than any attempt takes
PAGES = {"first": 0, "later": 1, "last": 2}
CALLS, TRANSCRIPTS = "/v2/calls/extensive", "/v2/calls/transcript"

RECOVERS = "success"
RETRIES = "up_for_retry"
FAILS = "failed"


@dataclass(frozen=True)
class Subject:
    """An export and those of its requests that a fault strikes."""

    kind: Kind
    path: str
    arguments: dict[str, Any] = field(default_factory=dict)
    has_cursors: bool = True


@dataclass(frozen=True)
class Trouble:
    """A fault, and how the task ends when it strikes one request or all that follow, and why.

    An attempt that ends at the first strike meets no second one: its `always` is None.
    """

    kind: FaultKind
    once: str
    always: str | None
    why: str
    settings: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


SUBJECTS = {
    "calls": Subject(GongExportCallsOperator, CALLS, {"content": "basic"}),
    "transcripts_of_calls": Subject(GongExportTranscriptsOperator, TRANSCRIPTS, has_cursors=False),
    "transcripts_listing": Subject(GongExportTranscriptsOperator, CALLS),
    "transcripts_listed": Subject(GongExportTranscriptsOperator, TRANSCRIPTS, has_cursors=False),
    "conversations_listing": Subject(GongExportConversationsOperator, CALLS),
    "conversations_told": Subject(GongExportConversationsOperator, TRANSCRIPTS, has_cursors=False),
    "users": Subject(GongExportUsersOperator, "/v2/users"),
    "logs": Subject(GongExportLogsOperator, "/v2/logs", {"log_type": "AccessLog", "settle": "PT0S"}),
}

TROUBLES = {
    "server_error": Trouble(
        FaultKind.SERVER_ERROR,
        RECOVERS,
        RETRIES,
        "a read is sent again; Gong may be back at the next attempt",
    ),
    "key_refused": Trouble(
        FaultKind.SERVER_ERROR, FAILS, None, "somebody has to mend the key", {"status": 401}
    ),
    "nothing_there": Trouble(
        FaultKind.SERVER_ERROR,
        FAILS,
        None,
        "a 404 that does not name an empty list is none",
        {"status": 404},
    ),
    "rate_limited": Trouble(
        FaultKind.RATE_LIMITED, RECOVERS, RETRIES, "Gong says when to come back, and the wait is short"
    ),
    "rate_limited_for_long": Trouble(
        FaultKind.RATE_LIMITED,
        RETRIES,
        None,
        "no worker is held for longer than max_wait",
        {"retry_after": 7200},
    ),
    "dropped_connection": Trouble(
        FaultKind.DROPPED_CONNECTION, RECOVERS, RETRIES, "a read is sent again when its reply was lost"
    ),
    "lost_reply": Trouble(
        FaultKind.LOST_REPLY, RECOVERS, RETRIES, "a read is sent again when there was no reply at all"
    ),
    "cut_request": Trouble(
        FaultKind.CUT_REQUEST, RECOVERS, RETRIES, "a read that Gong did not get is sent again"
    ),
    "truncated_json": Trouble(
        FaultKind.TRUNCATED_JSON, RECOVERS, RETRIES, "the end of the reply was lost on its way"
    ),
    "not_json": Trouble(
        FaultKind.NOT_JSON, FAILS, None, "another server answers: Base URL or a proxy is wrong"
    ),
    "missing_items": Trouble(
        FaultKind.MISSING_ITEMS, FAILS, None, "Gong breaks its promise; no records is not an empty list"
    ),
    "redirect": Trouble(FaultKind.REDIRECT, FAILS, None, "following it would give the key away"),
    "repeated_cursor": Trouble(
        FaultKind.REPEATED_CURSOR,
        RETRIES,
        None,
        "the list would never end; another chain has other cursors",
    ),
    "expired_cursor": Trouble(
        FaultKind.EXPIRED_CURSOR,
        RECOVERS,
        FAILS,
        "the window is read anew, and is too long if that does not help",
    ),
    "slow": Trouble(FaultKind.SLOW, RECOVERS, RECOVERS, "late is not wrong", {"seconds": 0.02}),
    "too_slow": Trouble(
        FaultKind.SLOW,
        RECOVERS,
        RETRIES,
        "a read is sent again after its time is up",
        # An answer that is not slow has to fit in, also on a busy machine.
        {"seconds": 0.7},
        {"read_timeout": 0.5},
    ),
}

# Waiting five times in vain takes long: one export stands for those that read ahead, one for the others.
WAITING = ("calls", "transcripts_listed")


def encounters() -> Iterator[Any]:
    """Yield every meeting of an export and a trouble: once on its ends, or from a page in between on."""
    for name, what in product(SUBJECTS, TROUBLES):
        trouble = TROUBLES[what]
        if trouble.kind in OF_SEQUENCES and not SUBJECTS[name].has_cursors:
            continue
        for page in ("first",) if trouble.kind in OF_SEQUENCES else ("first", "last"):
            yield pytest.param(name, trouble, page, 1, trouble.once, id=f"{name}-{what}-{page}-once")
        if trouble.always is not None and (what != "too_slow" or name in WAITING):
            always = f"{name}-{what}-later-always"
            yield pytest.param(name, trouble, "later", None, trouble.always, id=always)


@pytest.fixture(scope="module")
def company() -> Iterator[GongSandbox]:
    """Run a small company, in which every attempt of this module finds the same."""
    with GongSandbox(
        seed=7, calls=PER_DAY, days=2, users=PER_DAY, logs=PER_DAY, now=NOW, today=NOW.date(), per_second=None
    ) as gong:
        yield gong


@dataclass(frozen=True)
class Undisturbed:
    """An export that met no fault."""

    folder: Path
    summary: dict[str, Any]
    rows: list[dict[str, Any]]


class Oracle:
    """Export everything once without faults, when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Undisturbed] = {}

    def __getitem__(self, name: str) -> Undisturbed:
        if name not in self._known:
            folder = self._folder / name
            summary = run(self, name, f"file://{folder}").succeeded().xcom
            self._known[name] = Undisturbed(folder, summary, rows(summary))
        return self._known[name]


@pytest.fixture(scope="module")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """Return what the exports of this module's company have to be."""
    return Oracle(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def oracle(oracles: Oracle, gong: GongSandbox) -> Oracle:
    """Return the undisturbed exports, all of them taken before a fault is added."""
    for name in SUBJECTS:
        assert oracles[name].rows
    gong.requests.clear()
    return oracles


def run(oracle: Oracle, name: str, destination: str, try_number: int = 1, **changed: Any) -> TaskResult:
    """Make an attempt of the same run, whatever became of those before."""
    subject = SUBJECTS[name]
    arguments = subject.arguments | changed
    if name == "transcripts_of_calls":
        arguments["calls"] = oracle["calls"].summary
    return attempt(
        subject.kind, destination=destination, run=interval_run(9), try_number=try_number, **arguments
    )


def strike(gong: GongSandbox, name: str, trouble: Trouble, page: str, times: int | None) -> Fault:
    """Add the fault; that of a cursor counts pages from the second on, the first that has one."""
    path, skip = SUBJECTS[name].path, PAGES[page]
    return gong.faults.add(trouble.kind, path=path, skip=skip, times=times, **trouble.settings)


def uri_in(folder: Path, expected: Undisturbed) -> str:
    """Return where the manifest of an export to this folder lies."""
    uri: str = expected.summary["uri"]
    return uri.replace(str(expected.folder), str(folder))


def facts(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of its rows; how many requests it took depends on the faults."""
    return {
        name: value for name, value in manifest(summary).items() if name not in ("requests", "seconds", "run")
    }


def assert_same(result: TaskResult, folder: Path, expected: Undisturbed) -> None:
    """Assert that an export is the undisturbed one: its rows in order, its files and what its manifest says."""
    summary = result.succeeded().xcom
    assert rows(summary) == expected.rows
    assert digests(folder) == digests(expected.folder)
    assert manifests(folder) == manifests(expected.folder)
    assert facts(summary) == facts(expected.summary)


def assert_nothing_to_read(result: TaskResult, folder: Path, expected: Undisturbed) -> None:
    """Assert that no follower finds an export, nor where its manifest would be."""
    assert result.xcom is None
    assert result.outlet_events == []
    assert_nothing_published(folder)
    with pytest.raises(GongConfigurationError, match="There is no manifest"):
        list(read_export(uri_in(folder, expected)))


def test_every_kind_of_fault_has_an_outcome() -> None:
    assert {trouble.kind for trouble in TROUBLES.values()} == set(FaultKind)


def test_undisturbed_exports_are_what_the_company_has_on_three_pages(
    gong: GongSandbox, oracle: Oracle
) -> None:
    window = day(9), day(10)
    transcripts = gong.world.call_ids(*window, transcribed=True)
    assert call_ids(oracle["calls"].rows) == gong.world.call_ids(*window)
    for name in ("transcripts_of_calls", "transcripts_listed"):
        assert [row["callId"] for row in oracle[name].rows] == transcripts
    for name in ("conversations_listing", "conversations_told"):
        assert call_ids(oracle[name].rows) == gong.world.call_ids(*window)
        assert [row["metaData"]["id"] for row in oracle[name].rows if row["text"]] == transcripts
    assert [row["id"] for row in oracle["users"].rows] == [user.id for user in gong.world.find_users()]
    assert len(oracle["logs"].rows) == len(gong.world.find_logs("AccessLog", *window))
    assert {oracle[name].summary["requests"] for name in SUBJECTS} == {3, 6}


@pytest.mark.parametrize(("name", "trouble", "page", "times", "outcome"), list(encounters()))
def test_export_is_whole_or_absent_and_the_retry_makes_it_whole(
    gong: GongSandbox,
    connect: Connect,
    oracle: Oracle,
    folder: Path,
    destination: str,
    name: str,
    trouble: Trouble,
    page: str,
    times: int | None,
    outcome: str,
) -> None:
    connect(gong, **trouble.extra)
    fault = strike(gong, name, trouble, page, times)
    result = run(oracle, name, destination)
    assert fault.struck > 0
    assert result.state == outcome, trouble.why
    if outcome == RECOVERS:
        assert_same(result, folder, oracle[name])
        assert manifest(result.xcom)["requests"] == len(gong.requests)
        return
    assert_nothing_to_read(result, folder, oracle[name])
    gong.faults.clear()
    connect(gong)
    assert_same(run(oracle, name, destination, try_number=2), folder, oracle[name])


@pytest.mark.parametrize(("what", "outcome"), [("server_error", RETRIES), ("redirect", FAILS)])
@pytest.mark.parametrize("name", ["calls", "transcripts_listing", "logs"])
def test_fault_of_an_export_made_again_leaves_the_one_that_was(
    gong: GongSandbox, oracle: Oracle, folder: Path, destination: str, name: str, what: str, outcome: str
) -> None:
    run(oracle, name, destination).succeeded()
    before = digests(folder)
    strike(gong, name, TROUBLES[what], "later", None)
    assert run(oracle, name, destination, try_number=2).state == outcome
    assert digests(folder) == before
    assert list(read_export(uri_in(folder, oracle[name]))) == oracle[name].rows


# A task that is stopped

# Where a thread of Python waits for another one, or for the network.
WAITING_IN = {"_wait_for_tstate_lock", "wait", "readinto", "recv_into", "read"}


@contextmanager
def stopped_at(fault: Fault) -> Iterator[None]:
    """Let the alarm of Airflow's time limit ring as soon as the task waits for an answer of Gong's."""
    is_over, main = threading.Event(), threading.main_thread().ident

    def waits() -> bool:
        frame = sys._current_frames().get(main or 0)
        return frame is not None and frame.f_code.co_name in WAITING_IN

    def ring() -> None:
        # Within the code that measures coverage, an alarm would leave its lock closed for ever.
        while not (fault.struck and waits()):
            if is_over.wait(0.002):
                return
        os.kill(os.getpid(), signal.SIGALRM)

    watch = threading.Thread(target=ring)
    watch.start()
    try:
        yield
    finally:
        is_over.set()
        watch.join()


@pytest.mark.parametrize(
    ("name", "page"), [*((name, "last") for name in SUBJECTS), ("calls", "first"), ("users", "first")]
)
def test_task_that_is_stopped_neither_waits_for_gong_nor_publishes(
    gong: GongSandbox, oracle: Oracle, folder: Path, destination: str, name: str, page: str
) -> None:
    fault = gong.faults.add(FaultKind.SLOW, path=SUBJECTS[name].path, skip=PAGES[page], seconds=ENDLESS)
    began = time.monotonic()
    with stopped_at(fault):
        result = run(oracle, name, destination, execution_timeout=timedelta(seconds=2 * ENDLESS))
    assert time.monotonic() - began < ENDLESS
    assert fault.struck == 1
    assert isinstance(result.error, AirflowTaskTimeout)
    assert result.state == RETRIES
    assert_nothing_to_read(result, folder, oracle[name])
    assert_same(run(oracle, name, destination, try_number=2), folder, oracle[name])


# Object storage


def visible(bucket: str) -> list[str]:
    """Return the manifests and data files of a bucket."""
    names = open_destination(f"s3://export_s3@{bucket}").fs.find(bucket)
    return sorted(name for name in names if "/_staging/" not in name and "/_runs/" not in name)


@pytest.mark.parametrize("name", ["calls", "transcripts_listing"])
def test_export_to_s3_that_failed_on_a_later_page_is_absent_until_the_retry(
    gong: GongSandbox, oracle: Oracle, bucket: str, name: str
) -> None:
    destination = f"s3://export_s3@{bucket}/gong"
    strike(gong, name, TROUBLES["server_error"], "later", None)
    assert run(oracle, name, destination).state == RETRIES
    assert visible(bucket) == []
    gong.faults.clear()
    assert rows(run(oracle, name, destination, try_number=2).succeeded().xcom) == oracle[name].rows


@pytest.mark.parametrize("name", ["calls", "transcripts_listing"])
def test_export_to_s3_survives_a_cursor_that_expires(
    gong: GongSandbox, oracle: Oracle, bucket: str, name: str
) -> None:
    strike(gong, name, TROUBLES["expired_cursor"], "later", 1)
    summary = run(oracle, name, f"s3://export_s3@{bucket}/gong").succeeded().xcom
    assert rows(summary) == oracle[name].rows
    assert len(visible(bucket)) == 3  # the rows, their ids and the manifest
