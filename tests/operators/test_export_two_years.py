"""Two years of a company, of the Dags that export it, and of everything that goes wrong meanwhile."""

from __future__ import annotations

import gzip
import json
import os
from bisect import bisect_left
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api.calls import list_calls_extensive
from airflow_provider_gong.api.transcripts import list_call_transcripts
from airflow_provider_gong.exports.content import content_selector
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import build
from tests.support.task_runner import RunSpec, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import BaseOperator

    from airflow_provider_gong.sandbox import Call
    from tests.operators.conftest import Connect

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START, END = datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
# The Dag's data intervals end here: from now on its runs follow from the newest export, as those of a cron string do.
NO_MORE_INTERVALS = datetime(2024, 1, 1, tzinfo=UTC)
# What happens to calls of the last days is seen: looks of seven days come daily, and failures may delay them.
WITHIN_REACH = timedelta(days=4)
LATEST = timedelta(days=5)
# With a run in each of the 17,544 hours this takes most of an hour. Otherwise the scheduler misses hours, as one that
# was down or late, and the next run has the longer window; on the first days of each month it misses none.
EVERY_HOUR = os.environ.get("GONG_TESTS_EVERY_HOUR") == "1"
DENSE_DAYS = 2
FAULTS = ("server_error", "dropped_connection", "truncated_json", "not_json", "missing_items", "kill")


@dataclass
class ExportDag:
    """A Dag that exports, and the runs it has had."""

    destination: str
    tasks: dict[str, BaseOperator]
    runs: list[RunSpec] = field(default_factory=list)
    owed: list[RunSpec] = field(default_factory=list)
    """Runs that failed, and stretches of time that nobody has exported yet."""
    reached: datetime = START

    def run(self, spec: RunSpec, try_number: int = 1) -> bool:
        """Run all tasks, each with what those before it returned, until one fails."""
        xcoms: dict[str | tuple[str, str], Any] = {}
        for name, operator in self.tasks.items():
            result = run_task(operator, run=spec, try_number=try_number, xcoms=xcoms)
            if result.state != "success":
                return False
            xcoms[name] = result.xcom
        return True


@dataclass
class TwoYears:
    """The clock, the company and its exports, driven by dice."""

    gong: GongSandbox
    dice: Random
    hourly: ExportDag
    daily: ExportDag
    paused_until: datetime = START
    happened: Counter[str] = field(default_factory=Counter)

    def live(self) -> None:
        """Let two years pass."""
        self._let_some_come_late()
        for now in hours(START + HOUR, END):
            self.gong.clock.set(now + timedelta(minutes=self.dice.randrange(1, 10)))
            self._disturb()
            if now.hour == 0:
                self._begin(self.daily, due(now, since=now - DAY))
            if self._is_due(now):
                self._run_hourly(now)
            elif now >= self.paused_until and self.dice.random() < 0.003:
                self.paused_until = now + timedelta(hours=self.dice.randrange(2, 60))
        self._settle()

    def _settle(self) -> None:
        """Run what is owed, and the next morning once more, when all that was pending is asked for."""
        self._run_what_is_owed()
        self.gong.clock.set(END + DAY + timedelta(minutes=5))
        assert self.hourly.run(due(END + DAY))
        self.daily.tasks["transcripts"] = transcripts_task(self.daily.destination, resolve_pending=True)
        assert self.daily.run(due(END + DAY, since=END))

    # The company

    def _let_some_come_late(self) -> None:
        for call in self.gong.world.calls(END):
            if self.dice.random() < 0.05:
                # Beside the day and a quarter that Gong may take by itself.
                late = self.dice.random() * (LATEST - 1.5 * DAY)
                moments = {"visible_at": call.visible_at, "transcript_at": call.transcript_at}
                later = {name: moment + late for name, moment in moments.items() if moment}
                self.gong.world.alter_call(call.id, **later)

    def _disturb(self) -> None:
        """Change a call of the last days, now and then."""
        since = min(self.hourly.reached, self.daily.reached) - WITHIN_REACH
        if self.dice.random() > 0.04 or not (recent := self._known(since)):
            return
        call = self.dice.choice(recent)
        change = self.dice.choice(("title", "private", "hidden"))
        value = f"Renamed {self.dice.random()}" if change == "title" else not getattr(call, change)
        self.gong.world.alter_call(call.id, **{change: value})
        self.happened[change] += 1

    def _known(self, since: datetime) -> list[Call]:
        """Return the calls that were shown once, hidden ones among them: they may come back."""
        now, calls = self.gong.clock.now(), self.gong.world.calls()
        first = bisect_left(calls, since, key=lambda call: call.started)
        return [call for call in islice(calls, first, first + 60) if call.visible_at <= now]

    # The Dags

    def _is_due(self, now: datetime) -> bool:
        often = EVERY_HOUR or now.day <= DENSE_DAYS or self.dice.random() < 0.08
        return often and now >= self.paused_until

    def _run_hourly(self, now: datetime) -> None:
        dag, before = self.hourly, self.hourly.reached
        has_interval = now < NO_MORE_INTERVALS
        if has_interval and now - HOUR > before and self.dice.random() < 0.15:
            # Without catching up only the last hour has a run; the rest is left to a backfill.
            middle = before + (now - HOUR - before) / 2
            dag.owed += [backfill(*bounds) for bounds in ((before, middle), (middle, now - HOUR))]
            before = now - HOUR
        self._begin(dag, due(now, since=before) if has_interval else due(now))
        if self.dice.random() < 0.02:
            self._run_what_is_owed()
        if self.dice.random() < 0.04:
            self._clear_something(self.dice.choice((self.hourly, self.daily)))

    def _begin(self, dag: ExportDag, spec: RunSpec) -> None:
        """Run it, in spite of what goes wrong; retry it, or owe it."""
        if self._attempt(dag, spec, 1) or self._attempt(dag, spec, 2):
            dag.runs.append(spec)
        else:
            dag.owed.append(spec)
        assert spec.run_after is not None
        dag.reached = spec.run_after

    def _attempt(self, dag: ExportDag, spec: RunSpec, try_number: int) -> bool:
        if self.dice.random() > (0.06 if try_number == 1 else 0.3):
            assert dag.run(spec, try_number)
            return True
        with trouble(self.gong, dag.destination, self.dice):
            ended_well = dag.run(spec, try_number)
        self.happened["survived" if ended_well else "stopped"] += 1
        self.gong.clock.advance(timedelta(minutes=10))
        return ended_well

    def _run_what_is_owed(self) -> None:
        """Run what failed and what was left out, in any order."""
        for dag in (self.hourly, self.daily):
            self.dice.shuffle(dag.owed)
            while dag.owed:
                spec = replace(dag.owed.pop(), clear_number=1)
                assert dag.run(spec)
                dag.runs.append(spec)
                self.happened["owed"] += 1

    def _clear_something(self, dag: ExportDag) -> None:
        """Run again what succeeded, lately or long ago."""
        reach = len(dag.runs) if self.dice.random() < 0.5 else min(20, len(dag.runs))
        index = len(dag.runs) - self.dice.randrange(1, reach + 1)
        dag.runs[index] = replace(dag.runs[index], clear_number=dag.runs[index].clear_number + 1)
        assert dag.run(dag.runs[index])
        self.happened["cleared"] += 1


def due(now: datetime, since: datetime | None = None) -> RunSpec:
    """Return the scheduled run of a moment: with a data interval, or as a cron string makes it."""
    if since is None:
        return RunSpec(run_type="scheduled", logical_date=now, run_after=now, run_id=f"{now:%Y%m%dT%H}")
    return RunSpec(run_type="scheduled", data_interval=(since, now), run_after=now, run_id=f"{now:%Y%m%dT%H}")


def backfill(since: datetime, until: datetime) -> RunSpec:
    """Return the run of a backfill."""
    return RunSpec(run_type="backfill", data_interval=(since, until), run_id=f"backfill {until:%Y%m%dT%H%M}")


@contextmanager
def trouble(gong: GongSandbox, destination: str, dice: Random) -> Iterator[None]:
    """Let something go wrong: with Gong, for a moment or for longer than anybody waits, or with the worker."""
    kind, skip = dice.choice(FAULTS), dice.randrange(3)
    if kind == "kill":
        with killed_at(open_destination(destination).fs, dice.randrange(10)):
            yield
        return
    gong.faults.add(kind, path="/v2/calls/*", skip=skip, times=dice.choice((1, 9)))
    yield
    gong.faults.clear()


@contextmanager
def killed_at(fs: Any, step: int) -> Iterator[None]:
    """Let the task die before the given change of its storage."""
    left = [step]

    def dying(change: Any) -> Any:
        def change_or_die(*arguments: Any, **options: Any) -> Any:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return change(*arguments, **options)

        return change_or_die

    with pytest.MonkeyPatch.context() as patch:
        for name in ("pipe_file", "put_file", "mv", "rm"):
            patch.setattr(fs, name, dying(getattr(fs, name)))
        yield


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += HOUR


def transcripts_task(destination: str, **arguments: Any) -> BaseOperator:
    calls = "{{ ti.xcom_pull(task_ids='calls')['uri'] }}"
    return build(
        GongExportTranscriptsOperator,
        task_id="transcripts",
        destination=destination,
        calls=calls,
        **arguments,
    )


def manifests(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Return the manifests of a dataset in the order of their windows' ends, with their places in it."""
    for path in sorted((folder / "_manifests").rglob("*.json"), key=lambda path: path.name):
        yield path.relative_to(folder), json.loads(path.read_bytes())


def rows_of(folder: Path, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in manifest["parts"]:
        with gzip.open(folder / part["name"], "rt") as lines:
            yield from map(json.loads, lines)


def held(root: Path, stream: str) -> dict[str, dict[str, Any]]:
    """Return what a reader holds who merges all exports in their order and applies the deletions of calls."""
    warehouse: dict[str, dict[str, Any]] = {}
    for place, manifest in manifests(root / stream):
        rows = list(rows_of(root / stream, manifest))
        assert len(rows) == manifest["rows"] == manifest["ids"]["count"]
        warehouse |= {call_id(row): row for row in rows}
        told = root / "deletions" / place
        for row in rows_of(root / "deletions", json.loads(told.read_bytes())) if told.exists() else ():
            warehouse.pop(row["id"], None)
    return warehouse


def call_id(row: dict[str, Any]) -> str:
    return str(row["metaData"]["id"] if "metaData" in row else row["callId"])


def shown(until: datetime) -> dict[str, dict[str, Any]]:
    """Return the calls that Gong shows and that are not private, as rows."""
    asked = list_calls_extensive(
        from_datetime=START, to_datetime=until, content_selector=content_selector("default")
    )
    with GongHook() as hook:
        calls = [call for call in hook.items(asked) if not call["metaData"]["isPrivate"]]
    blocks = ("metaData", "context", "parties")
    return {call_id(call): {block: call.get(block) for block in blocks} for call in calls}


def written(until: datetime) -> dict[str, dict[str, Any]]:
    """Return the transcripts that Gong shows, of private calls too."""
    with GongHook() as hook:
        found = hook.items(list_call_transcripts(from_datetime=START, to_datetime=until))
        return {call_id(transcript): transcript for transcript in found}


@pytest.fixture
def two_years(connect: Connect, tmp_path: Path) -> Iterator[TwoYears]:
    """Return a small company and the Dags that export it: calls each hour, calls and transcripts each day."""
    destinations = [f"file://{tmp_path}/{name}" for name in ("hourly", "daily")]
    tasks: list[dict[str, BaseOperator]] = [
        {"calls": build(GongExportCallsOperator, task_id="calls", destination=destination)}
        for destination in destinations
    ]
    hourly, daily = tasks
    daily["transcripts"] = transcripts_task(destinations[1])
    days = (END - START).days
    with GongSandbox(
        seed=5,
        calls=3,
        days=days,
        users=5,
        logs=0,
        now=START,
        today=END.date(),
        per_second=None,
        per_day=None,
    ) as gong:
        connect(gong, requests_per_day=1_000_000)
        yield TwoYears(
            gong, Random(17), ExportDag(destinations[0], hourly), ExportDag(destinations[1], daily)
        )


@pytest.mark.timeout(7200 if EVERY_HOUR else 1800)
def test_two_years_of_faults_pauses_and_reruns_end_with_exactly_what_gong_shows(
    two_years: TwoYears, tmp_path: Path, no_waiting: None
) -> None:
    two_years.live()
    calls = shown(END + DAY)
    assert len(calls) > 1000
    assert held(tmp_path / "hourly", "calls") == calls
    assert held(tmp_path / "daily", "calls") == calls
    transcripts = {one: transcript for one, transcript in written(END + DAY).items() if one in calls}
    assert held(tmp_path / "daily", "transcripts") == transcripts
    # All of it has happened, and more than once or twice.
    expected = {"title", "private", "hidden", "survived", "stopped", "owed", "cleared"}
    assert {what for what, times in two_years.happened.items() if times >= 20} == expected
    for dataset in ("hourly/calls", "daily/calls", "daily/transcripts"):
        task = GongCheckExportOperator(
            task_id="check", dataset=f"file://{tmp_path}/{dataset}", on_problem="warn"
        )
        result = run_task(task).succeeded().xcom
        assert (result["gaps"], result["problems"]) == ([], [])
