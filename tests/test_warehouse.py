"""docs/warehouse.md: its SQL, run in DuckDB over a company that changes, ends with what Gong shows."""

from __future__ import annotations

import json
import re
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
from tests.support.warehouse import SQL, Warehouse, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START, END = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 11, tzinfo=UTC)
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
        """Let nine days pass."""
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
        for day in (2, 4, 6, 8):
            now = END + day * DAY
            self.gong.clock.set(now + HOUR * 1.25)
            self._export(replace(due(now), data_interval=(now - 2 * DAY, now)))
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
            if not self.runs:
                return
            loads = exports_to_load(f"{self.destination}/{address}")
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


def connect(gong: GongSandbox, folder: Path, environment: pytest.MonkeyPatch) -> None:
    quota = {"requests_per_second": 1000, "requests_per_day": 1_000_000}
    connection = {
        "conn_type": "gong",
        "host": gong.url,
        "login": gong.access_key,
        "password": gong.access_key_secret,
        "extra": {"allowed_hosts": "127.0.0.1", **quota},
    }
    environment.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
    environment.setenv("AIRFLOW__GONG__QUOTA_DIR", str(folder / "quota"))


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
        connect(gong, tmp_path, monkeypatch)
        yield Company(
            gong,
            f"file://{tmp_path}/gong",
            Random(seed),
            Warehouse(file_format),
            Warehouse(file_format),
            file_format,
        )


@pytest.mark.parametrize(
    "company",
    [(1, "jsonl.gz"), (2, "jsonl.gz"), (3, "parquet")],
    indirect=True,
    ids=lambda one: f"{one[1]}-{one[0]}",
)
@pytest.mark.timeout(900)
def test_merge_ends_with_what_gong_shows_whatever_is_loaded_when(company: Company) -> None:
    company.live()
    until = END + 9 * DAY
    assert {"title", "private", "hidden", "cleared", "overlapping"} <= company.happened.keys()
    assert_is_what_gong_shows(company.steady, until)
    assert_is_what_gong_shows(company.careless, until)


# Single cases, which the dice above throw now and then


class Days:
    """Exports of calls, run day by day; what each returns is loaded at once."""

    def __init__(self, gong: GongSandbox, destination: str) -> None:
        self.gong, self.destination = gong, destination
        self.warehouse = Warehouse()
        self.loads: list[dict[str, Any]] = []

    def export(self, number: int, clear_number: int = 0) -> None:
        now = START + number * DAY
        self.gong.clock.set(max(self.gong.clock.now(), now + HOUR))
        task = build(GongExportCallsOperator, task_id="calls", destination=self.destination)
        summary = run_task(task, run=replace(due(now), clear_number=clear_number)).succeeded().xcom
        for load in exports_to_load(summary):
            self.loads.append(load)
            self.warehouse.load(load)

    def titles(self) -> dict[str, Any]:
        return {one: row["metaData"]["title"] for one, row in self.warehouse.records("calls").items()}


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    with GongSandbox(
        seed=1, calls=0, days=0, users=3, logs=0, now=START, today=START.date(), per_second=None
    ) as gong:
        connect(gong, tmp_path, monkeypatch)
        for hour, title in enumerate(("one", "two", "three")):
            gong.world.add_call(START + hour * HOUR, id=str(1000 + hour), title=title)
        yield Days(gong, f"file://{tmp_path}/gong")


def test_call_that_is_back_when_the_run_that_missed_it_is_cleared_is_back(days: Days) -> None:
    """Its deletion and its row are of one window: the time of writing decides."""
    days.export(1)
    days.gong.world.hide_call("1001")
    days.export(2)
    assert days.titles() == {"1000": "one", "1002": "three"}
    days.gong.world.alter_call("1001", hidden=False, title="two again")
    days.export(2, clear_number=1)
    assert days.titles() == {"1000": "one", "1001": "two again", "1002": "three"}
    # Whichever is loaded last.
    days.warehouse.load(days.loads[0])
    assert days.titles()["1001"] == "two again"


def test_what_was_deleted_leaves_no_content_behind(days: Days) -> None:
    days.export(1)
    days.gong.world.alter_call("1002", private=True)
    days.export(2)
    rows = days.warehouse.db.execute("SELECT record FROM gong_calls WHERE _deleted").fetchall()
    assert rows == [(None,)]


def test_older_load_that_comes_later_changes_nothing(days: Days) -> None:
    days.export(1)
    days.gong.world.alter_call("1000", title="renamed")
    days.export(2)
    days.gong.world.hide_call("1002")
    days.export(3)
    before = days.warehouse.db.execute("SELECT * FROM gong_calls ORDER BY id").fetchall()
    for load in [*days.loads, *reversed(days.loads)]:
        days.warehouse.load(load)
    assert days.warehouse.db.execute("SELECT * FROM gong_calls ORDER BY id").fetchall() == before
    assert days.titles() == {"1000": "renamed", "1001": "two"}


def test_several_windows_may_be_staged_for_one_merge(days: Days) -> None:
    """Of several rows with one id a MERGE takes none: databases refuse it, or choose."""
    days.export(1)
    days.gong.world.alter_call("1000", title="renamed")
    days.export(2)
    other = Warehouse()
    other.db.execute(render("duckdb/tables.sql", table="gong_calls"))
    for load in days.loads:
        other.db.execute(render("duckdb/stage_jsonl.sql", table="gong_calls", load=load))
        other.db.execute("CREATE TABLE IF NOT EXISTS kept AS FROM gong_calls_staging LIMIT 0")
        other.db.execute("INSERT INTO kept FROM gong_calls_staging")
    other.db.execute("CREATE OR REPLACE TEMP TABLE gong_calls_staging AS FROM kept")
    other.db.execute(render("merge.sql", table="gong_calls"))
    other.db.execute(render("view.sql", table="gong_calls", stream="calls"))
    assert {one: row["metaData"]["title"] for one, row in other.records("calls").items()} == days.titles()


# The SQL that is not run here


LOAD: dict[str, Any] = {
    "stream": "calls",
    "window": "20260101T000000Z_20260102T000000Z",
    "version": "20260102T000000Z_20260101T000000Z_20260102T001500.000000Z",
    "files": [f"s3://my-bucket/gong/calls/date=2026-01-01/part-{number:05d}.gz" for number in range(1500)],
    "deletions": ["s3://my-bucket/gong/deletions/date=2026-01-01/part-00000.gz"],
    "deletions_version": "20260102T000000Z_20260101T000000Z_20260102T001500.000000Z",
}


def test_snowflake_is_given_names_below_its_stage_a_thousand_at_a_time() -> None:
    facts = {"table": "gong_calls", "destination": "s3://my-bucket/gong", "file_format": "gong_jsonl"}
    sql = render("snowflake/stage.sql", load=LOAD, **facts)
    copies = sql.split("COPY INTO gong_calls_staging FROM")[1:]
    assert [copy.count("'calls/date=2026-01-01/part-") for copy in copies] == [1000, 500, 0]
    assert "'deletions/date=2026-01-01/part-00000.gz'" in copies[2]
    assert "s3://" not in sql
    assert "$1:metaData.id::VARCHAR" in copies[0]
    nothing = render("snowflake/stage.sql", load=LOAD | {"files": [], "deletions": []}, **facts)
    assert "COPY" not in nothing


def test_sql_of_all_databases_stages_what_the_merge_takes() -> None:
    stages = {
        "duckdb/stage_jsonl.sql": {},
        "duckdb/stage_parquet.sql": {},
        "bigquery/stage_jsonl.sql": {},
        "bigquery/stage_parquet.sql": {},
        "snowflake/stage.sql": {"destination": "s3://my-bucket/gong", "file_format": "gong_parquet"},
    }
    for name, facts in stages.items():
        sql = render(name, load=LOAD, table="gong_calls", **facts)
        assert f"'{LOAD['window']}'" in sql
        assert sql.count(f"'{LOAD['version']}_0', FALSE") >= 1, name
        assert sql.count(f"'{LOAD['deletions_version']}_1', TRUE") == 1, name
    columns = ["id", "record", "_window", "_version", "_deleted"]
    for name in ("duckdb", "bigquery", "snowflake"):
        table = render(f"{name}/tables.sql", table="gong_calls")
        assert re.findall(r"^    (\w+) ", table, re.M) == columns


def test_page_shows_the_sql_as_it_is_run() -> None:
    page = (SQL.parent / "warehouse.md").read_text(encoding="utf-8")
    shown = re.findall(r"```sql\n-- (\S+)\n(.*?)```", page, re.S)
    assert {name for name, _ in shown} >= {
        "merge.sql",
        "view.sql",
        "snowflake/stage.sql",
        "bigquery/stage_jsonl.sql",
    }
    for name, text in shown:
        assert text == (SQL / name).read_text(encoding="utf-8"), f"docs/sql/{name} and the page differ"
    for path in SQL.rglob("*.sql"):
        assert f"sql/{path.relative_to(SQL)}" in page or path.relative_to(SQL).as_posix() in dict(shown)


def test_python_of_the_page_renders_and_runs_the_sql(tmp_path: Path, days: Days) -> None:
    """The loop of the page, with a hook that only notes what it is to run."""
    page = (SQL.parent / "warehouse.md").read_text(encoding="utf-8")
    [block] = [one for one in re.findall(r"```python\n(.*?)```", page, re.S) if "SnowflakeHook" in one]
    days.export(1)
    ran: list[str] = []

    class Hook:
        def __init__(self, conn_id: str) -> None:
            assert conn_id == "snowflake_default"

        def run(self, statements: str, *, split_statements: bool) -> None:
            assert split_statements
            ran.append(statements)

    imported = "from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook\n"
    assert imported in block
    names: dict[str, Any] = {"SnowflakeHook": Hook}
    code = block.replace(imported, "").replace("/opt/airflow/dags/sql", str(SQL)).replace("@task\n", "")
    exec(compile(code, "warehouse.md", "exec"), names)
    [*manifests] = (tmp_path / "gong" / "calls" / "_manifests").rglob("*.json")
    names["load"]({"uri": f"file://{manifests[0]}"}, destination=f"file://{tmp_path}/gong")
    [script] = ran
    assert script.count("COPY INTO gong_calls_staging") == 1
    assert render("merge.sql", table="gong_calls") in script
