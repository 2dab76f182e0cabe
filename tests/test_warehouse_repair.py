"""docs/warehouse.md, "What is too old to be noticed": windows come in any order, calls of any age change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api.calls import list_calls_extensive
from airflow_provider_gong.exports import exports_to_load
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import build
from tests.support.task_runner import RunSpec, run_task
from tests.support.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 1, 2, tzinfo=UTC)
DAYS = 10
# Short, so that most changes are of calls that no run looks at any more.
LOOKBACK = timedelta(days=2)
Titles = dict[str, str | None]


class Archive:
    """Exports of calls, the runs that made them, and a warehouse that loads each of them at once."""

    def __init__(self, gong: GongSandbox, destination: str, dice: Random) -> None:
        self.gong, self.destination, self.dice = gong, destination, dice
        self.warehouse = Warehouse()
        self.runs: dict[str, tuple[RunSpec, dict[str, Any]]] = {}
        # What Gong showed when a window was exported last.
        self.seen: dict[str, Titles] = {}
        self.missed: list[datetime] = []

    # The runs

    def export(self, spec: RunSpec, **arguments: Any) -> None:
        task = build(
            GongExportCallsOperator,
            task_id="calls",
            destination=self.destination,
            lookback=LOOKBACK,
            **arguments,
        )
        for load in exports_to_load(run_task(task, run=spec).succeeded().xcom):
            self.warehouse.load(load)
            self.runs[load["window"]] = (spec, arguments)
            self.seen[load["window"]] = self.shown()

    def export_day(self, due: datetime) -> None:
        self.export(
            RunSpec(run_type="scheduled", data_interval=(due - DAY, due), run_after=due, run_id=f"{due:%d}")
        )

    def export_stretch(self, since: datetime, until: datetime) -> None:
        spec = RunSpec(run_type="manual", run_id=f"stretch {since} {until}")
        self.export(spec, from_datetime=since, to_datetime=until)

    def clear(self, window: str) -> None:
        spec, arguments = self.runs[window]
        self.export(replace(spec, clear_number=spec.clear_number + 1), **arguments)

    def live(self) -> None:
        """Let ten days pass: runs that are missed and made up for, cleared, and laid across others."""
        for number in range(1, DAYS + 1):
            now = START + number * DAY
            self.gong.clock.set(now + HOUR)
            self.disturb(now)
            if self.dice.random() < 0.2:
                self.missed.append(now)
            else:
                self.export_day(now)
            for window in self.dice.sample(list(self.runs), min(len(self.runs), self.dice.randrange(3))):
                self.disturb(now)
                self.clear(window)
            if self.missed and self.dice.random() < 0.5:
                self.export_day(self.missed.pop(0))
            if self.dice.random() < 0.3:
                middle = now - self.dice.randrange(1, 72) * HOUR
                since = max(START, middle - self.dice.randrange(20, 40) * HOUR)
                if since < middle:
                    self.export_stretch(since, middle)
        for due in self.missed:
            self.export_day(due)

    def disturb(self, now: datetime) -> None:
        """Change calls of any age. One a day stays as it is: exports refuse a Gong that shows none any more."""
        calls = [call for call in self.gong.world.calls() if call.started < now and call.started.hour > 1]
        for call in self.dice.sample(calls, min(3, len(calls))):
            change = self.dice.choice(("title", "private", "hidden"))
            value = f"Renamed {self.dice.random()}" if change == "title" else not getattr(call, change)
            self.gong.world.alter_call(call.id, **{change: value})

    # What is there

    def shown(self) -> Titles:
        request = list_calls_extensive(from_datetime=START, to_datetime=START + DAYS * DAY)
        with GongHook() as hook:
            calls = [call["metaData"] for call in hook.items(request)]
        return {call["id"]: call["title"] for call in calls if not call["isPrivate"]}

    def window_at(self, call_id: str) -> str:
        """Return the newest window of the time at which a call started."""
        [started] = [call.started for call in self.gong.world.calls() if call.id == call_id]
        at = f"{started:%Y%m%dT%H%M%SZ}"
        bounds = [name.split("_") for name in self.runs]
        around = [(end, start) for start, end in bounds if start <= at < end]
        end, start = max(around)
        return f"{start}_{end}"

    def loaded_anew(self) -> Warehouse:
        warehouse = Warehouse()
        loads = exports_to_load(f"{self.destination}/calls")
        for load in self.dice.sample(loads, len(loads)):
            warehouse.load(load)
        return warehouse


def titles(warehouse: Warehouse) -> Titles:
    return {one: row["metaData"]["title"] for one, row in warehouse.records("calls").items()}


def windows(warehouse: Warehouse) -> dict[str, str]:
    """Return the window that each row is of, those of deleted calls too."""
    return dict(warehouse.db.execute("SELECT id, _window FROM gong_calls").fetchall())


def connect(gong: GongSandbox, folder: Path, environment: pytest.MonkeyPatch) -> None:
    connection = {
        "conn_type": "gong",
        "host": gong.url,
        "login": gong.access_key,
        "password": gong.access_key_secret,
        "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000, "requests_per_day": 1_000_000},
    }
    environment.setenv("AIRFLOW_CONN_GONG_DEFAULT", json.dumps(connection))
    environment.setenv("AIRFLOW__GONG__QUOTA_DIR", str(folder / "quota"))


@pytest.fixture
def gong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GongSandbox]:
    with GongSandbox(
        seed=1, calls=0, days=0, users=3, logs=0, now=START, today=START.date(), per_second=None, per_day=None
    ) as sandbox:
        connect(sandbox, tmp_path, monkeypatch)
        for number in range(DAYS):
            for hour in (1, 9, 17):
                sandbox.world.add_call(START + number * DAY + hour * HOUR, id=str(1000 + 24 * number + hour))
        yield sandbox


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.timeout(300)
def test_row_is_as_gong_showed_it_when_its_window_was_exported_last(
    gong: GongSandbox, tmp_path: Path, seed: int
) -> None:
    archive = Archive(gong, f"file://{tmp_path}/gong", Random(seed))
    archive.live()
    before, held = titles(archive.warehouse), windows(archive.warehouse)
    assert before == titles(archive.loaded_anew())
    for call_id, window in held.items():
        assert before.get(call_id) == archive.seen[window].get(call_id), (call_id, window)
    # What is too old to be noticed is put right by the run that the row names, without a row by that of its time.
    shown = archive.shown()
    differing = {one for one in held.keys() | shown.keys() if before.get(one) != shown.get(one)}
    assert differing
    for window in sorted({held.get(one) or archive.window_at(one) for one in differing}):
        archive.clear(window)
    assert titles(archive.warehouse) == titles(archive.loaded_anew()) == shown


def test_deletion_is_taken_back_by_the_run_that_told_it(gong: GongSandbox, tmp_path: Path) -> None:
    archive = Archive(gong, f"file://{tmp_path}/gong", Random(1))
    gong.clock.set(START + DAYS * DAY + HOUR)
    archive.export_day(START + DAY)
    gong.world.hide_call("1009")
    archive.export_day(START + 2 * DAY)
    gong.world.alter_call("1009", hidden=False, title="Here again")
    # Beyond the lookback: neither a newer run nor its own old window can know.
    archive.export_day(START + 8 * DAY)
    archive.clear(windows(archive.warehouse)["1001"])
    assert "1009" not in titles(archive.warehouse)
    archive.clear(windows(archive.warehouse)["1009"])
    assert titles(archive.warehouse)["1009"] == "Here again"
    assert titles(archive.loaded_anew())["1009"] == "Here again"
