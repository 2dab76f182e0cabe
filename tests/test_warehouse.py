"""docs/warehouse.md: its SQL, run in DuckDB over a company that changes, ends with what Gong shows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api.calls import list_calls_extensive
from airflow_provider_gong.api.logs import list_logs
from airflow_provider_gong.api.transcripts import list_call_transcripts
from airflow_provider_gong.api.users import list_users
from airflow_provider_gong.exports import exports_to_load
from airflow_provider_gong.exports.content import content_selector
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import build
from tests.support.task_runner import RunSpec, run_task
from tests.support.warehouse import Warehouse, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START, END = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC)
LOG_TYPE = "UserActivityLog"
KINDS: dict[str, Any] = {
    "calls": GongExportCallsOperator,
    "transcripts": GongExportTranscriptsOperator,
    "conversations": GongExportConversationsOperator,
    "users": GongExportUsersOperator,
    "logs": GongExportLogsOperator,
}
ADDRESSES = {name: name for name in KINDS} | {"logs": f"logs/log_type={LOG_TYPE}"}
# Beside the day and a quarter that Gong may take by itself: looks of seven days come daily.
LATEST = timedelta(days=4)


@dataclass
class Company:
    """A company that changes, the Dags that export it, and two warehouses: one loads in order, the other does not."""

    gong: GongSandbox
    destination: str
    dice: Random
    steady: Warehouse
    careless: Warehouse
    file_format: str
    runs: list[RunSpec] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def live(self) -> None:
        """Let two weeks pass."""
        self._let_some_come_late()
        now = START + DAY
        while now <= END:
            self.gong.clock.set(now + HOUR * 1.25)
            self._disturb(now)
            if self.dice.random() < 0.15 and now < END:
                self.happened["missed"] += 1
            else:
                self._export(due(now))
            self._do_more(now)
            self._load_carelessly(self.dice.random())
            now += DAY
        # What was changed last is seen, and what was missed is exported.
        for day in range(1, 9):
            self.gong.clock.set(END + day * DAY + HOUR * 1.25)
            self._export(due(END + day * DAY))
        self._export_stretch(START, END)
        self._export(due(END + 9 * DAY))
        self._load_carelessly(1)

    # The company

    def _let_some_come_late(self) -> None:
        for call in self.gong.world.calls(END):
            if self.dice.random() < 0.3:
                late = self.dice.random() * (LATEST - 1.5 * DAY)
                call.visible_at += late
                if call.transcript_at:
                    call.transcript_at += late * (1 + self.dice.random())

    def _disturb(self, now: datetime) -> None:
        """Change calls of the last days, and a user."""
        recent = [call for call in self.gong.world.calls() if now - LATEST <= call.started < now]
        for call in self.dice.sample(recent, min(len(recent), 4)):
            change = self.dice.choice(("title", "private", "hidden"))
            value = f"Renamed {self.dice.random()}" if change == "title" else not getattr(call, change)
            self.gong.world.alter_call(call.id, **{change: value})
            self.happened[change] += 1
        self.dice.choice(self.gong.world.users).record["title"] = f"Promoted {self.dice.random()}"
        if self.dice.random() < 0.2:
            gone = self.dice.choice([user for user in self.gong.world.users if not user.avatar])
            self.gong.world.users = [user for user in self.gong.world.users if user is not gone]
            self.happened["left"] += 1

    # The exports

    def _export(self, spec: RunSpec, **arguments: Any) -> None:
        self.runs.append(spec)
        self._run(spec, **arguments)

    def _run(self, spec: RunSpec, streams: tuple[str, ...] = tuple(KINDS), **arguments: Any) -> None:
        calls: dict[str, Any] = {}
        for stream in streams:
            given: dict[str, Any] = {"overwrite": True} if stream == "users" else dict(arguments)
            if stream == "transcripts":
                given = {"calls": calls}
            if stream == "logs":
                given["log_type"] = LOG_TYPE
            task = build(
                KINDS[stream],
                task_id=stream,
                destination=self.destination,
                file_format=self.file_format,
                **given,
            )
            summary = run_task(task, run=spec).succeeded().xcom
            calls = summary if stream == "calls" else calls
            for load in exports_to_load(summary):
                self.steady.load(load)

    def _do_more(self, now: datetime) -> None:
        """Clear a run, or export a stretch that lies across others."""
        if self.runs and self.dice.random() < 0.5:
            number = self.dice.randrange(len(self.runs))
            self.runs[number] = replace(self.runs[number], clear_number=self.runs[number].clear_number + 1)
            self._run(self.runs[number])
            self.happened["cleared"] += 1
        if self.runs and self.dice.random() < 0.3:
            [_, newest] = max(spec.data_interval for spec in self.runs if spec.data_interval)
            hours = self.dice.randrange(30, 60)
            middle = newest - self.dice.randrange(1, 72) * HOUR
            self._export_stretch(max(START, middle - hours * HOUR), middle)
            self.happened["overlapping"] += 1

    def _export_stretch(self, since: datetime, until: datetime) -> None:
        if since < until:
            spec = RunSpec(run_type="manual", run_id=f"stretch {since} {until}")
            streams = ("calls", "transcripts", "conversations", "logs")
            self._run(spec, streams, from_datetime=since, to_datetime=until)

    # The warehouse that takes it easy

    def _load_carelessly(self, share: float) -> None:
        """Load some windows of each stream, or all of them, in any order and some of them twice."""
        for address in ADDRESSES.values():
            try:
                loads = exports_to_load(f"{self.destination}/{address}")
            except Exception:
                assert not self.runs
                return
            some = self.dice.sample(loads, round(len(loads) * share))
            for load in self.dice.sample([*some, *some[:3]], len(some) + len(some[:3])):
                self.careless.load(load)


def due(now: datetime) -> RunSpec:
    return RunSpec(run_type="scheduled", data_interval=(now - DAY, now), run_after=now, run_id=f"{now:%m%d}")


# What Gong shows


def asked(request: Any) -> list[dict[str, Any]]:
    with GongHook() as hook:
        return list(hook.items(request))


def shown_calls(until: datetime) -> dict[str, dict[str, Any]]:
    request = list_calls_extensive(
        from_datetime=START, to_datetime=until, content_selector=content_selector("default")
    )
    blocks = ("metaData", "context", "parties")
    return {
        call["metaData"]["id"]: {block: call.get(block) for block in blocks}
        for call in asked(request)
        if not call["metaData"]["isPrivate"]
    }


def shown_transcripts(until: datetime) -> dict[str, dict[str, Any]]:
    found = asked(list_call_transcripts(from_datetime=START, to_datetime=until))
    return {transcript["callId"]: transcript for transcript in found}


def as_loaded(record: Any) -> Any:
    """Return what is alike in a record of both formats: JSON lines hold it as it came, Parquet with all columns."""
    if isinstance(record, dict):
        return {name: as_loaded(value) for name, value in record.items() if value is not None}
    if isinstance(record, list):
        return [as_loaded(value) for value in record]
    return record


def assert_same_calls(found: dict[str, Any], shown: dict[str, Any]) -> None:
    assert found.keys() == shown.keys()
    for call_id, call in shown.items():
        times = ("started", "scheduled")
        loaded = as_loaded(found[call_id])
        for one in (loaded["metaData"], basics := dict(call["metaData"])):
            one |= {name: moment(one[name]) for name in times if one.get(name)}
        assert loaded["metaData"] == as_loaded(basics)
        assert parties(loaded) == parties(call)


def parties(call: dict[str, Any]) -> list[str]:
    return [party["id"] for party in call.get("parties") or ()]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def assert_is_what_gong_shows(warehouse: Warehouse, until: datetime) -> None:
    calls, transcripts = shown_calls(until), shown_transcripts(until)
    transcripts = {one: transcript for one, transcript in transcripts.items() if one in calls}
    assert len(calls) > 30
    assert_same_calls(warehouse.records("calls"), calls)
    assert warehouse.records("calls", "_dbt") == warehouse.records("calls")
    assert as_loaded(warehouse.records("transcripts")) == as_loaded(transcripts)
    conversations = warehouse.records("conversations")
    assert_same_calls(conversations, calls)
    assert {one for one, row in conversations.items() if row["transcript"] is not None} == transcripts.keys()
    users = {user["id"]: user for user in asked(list_users())}
    loaded = warehouse.records("users")
    assert loaded.keys() == users.keys()
    assert {one: row["title"] for one, row in loaded.items()} == {
        one: user["title"] for one, user in users.items()
    }
    entries = asked(list_logs(log_type=LOG_TYPE, from_datetime=START, to_datetime=until - HOUR))
    logs = warehouse.records("logs").values()
    assert len(logs) == len(entries) > 50
    assert Counter(moment(row["eventTime"]) for row in logs) == Counter(
        moment(row["eventTime"]) for row in entries
    )


@pytest.fixture
def company(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Company]:
    seed, file_format = request.param
    with GongSandbox(
        seed=seed,
        calls=5,
        days=(END - START).days,
        users=12,
        logs=8,
        now=START,
        today=END.date(),
        per_second=None,
        per_day=None,
    ) as gong:
        connection = {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {
                "allowed_hosts": "127.0.0.1",
                "requests_per_second": 1000,
                "requests_per_day": 1_000_000,
            },
        }
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
        yield Company(
            gong,
            f"file://{tmp_path}/gong",
            Random(seed),
            Warehouse(file_format),
            Warehouse(file_format),
            file_format,
        )


@pytest.mark.parametrize(
    "company", [(1, "jsonl.gz"), (2, "jsonl.gz"), (3, "parquet")], indirect=True, ids=lambda one: f"{one[1]}-{one[0]}"
)
@pytest.mark.timeout(900)
def test_merge_ends_with_what_gong_shows_whatever_is_loaded_when(company: Company) -> None:
    company.live()
    until = END + 9 * DAY
    assert {"title", "private", "hidden", "cleared", "overlapping"} <= company.happened.keys()
    assert_is_what_gong_shows(company.steady, until)
    assert_is_what_gong_shows(company.careless, until)
