"""What the newest run of a calls export does about late, changed, private and vanished calls."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exports import history, read_export, storage
from airflow_provider_gong.exports.publish import publish
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW
from tests.operators.exporting import (
    attempt,
    bounds,
    call_ids,
    cron_run,
    day,
    export,
    interval_run,
    manifest,
    rows,
)
from tests.support.task_runner import RunSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.sandbox import Call
    from tests.operators.conftest import Connect

HOUR = timedelta(hours=1)
EXTENSIVE = "/v2/calls/extensive"


@pytest.fixture
def gong(quiet: GongSandbox) -> GongSandbox:
    """Return a company whose clock stands where each test puts it, with a call on each day."""
    for number in range(1, 10):
        quiet.world.add_call(day(number) + 9 * HOUR, title=f"Call of the {number}.")
    quiet.clock.set(day(1))
    return quiet


def run_day(gong: GongSandbox, number: int, **arguments: Any) -> dict[str, Any]:
    """Export a day, some hours after it ended."""
    gong.clock.set(day(number + 1) + 6 * HOUR)
    summary: dict[str, Any] = export(
        GongExportCallsOperator, run=interval_run(number, run_id=f"day-{number}"), **arguments
    )
    return summary


def late_call(started: datetime, visible: datetime, gong: GongSandbox, **changes: Any) -> Call:
    return gong.world.add_call(started, visible_at=visible, **changes)


def deletions(destination: str) -> list[dict[str, Any]]:
    """Return all rows of the deletions, in the order of their windows."""
    folder = Path(destination.removeprefix("file://")) / "deletions" / "_manifests"
    return [row for path in sorted(folder.rglob("*.json")) for row in read_export(f"file://{path}")]


def held(destination: str) -> dict[str, dict[str, Any]]:
    """Return what a reader holds who merges all exports in their order and applies the deletions."""
    root = Path(destination.removeprefix("file://"))
    warehouse: dict[str, dict[str, Any]] = {}
    for path in sorted((root / "calls" / "_manifests").rglob("*.json")):
        warehouse |= {row["metaData"]["id"]: row["metaData"] for row in read_export(f"file://{path}")}
        told = root / "deletions" / path.relative_to(root / "calls")
        for row in read_export(f"file://{told}") if told.exists() else ():
            warehouse.pop(row["id"], None)
    return warehouse


def test_a_call_that_came_late_is_exported_by_the_next_run(gong: GongSandbox, destination: str) -> None:
    late = late_call(day(2) + HOUR, day(3) + 20 * HOUR, gong)
    before = run_day(gong, 2, destination=destination)
    assert late.id not in call_ids(rows(before))
    after = run_day(gong, 3, destination=destination)
    assert late.id in call_ids(rows(after))
    assert manifest(after)["looked_back"] | {"from": None} == {
        "from": None,
        "late": 1,
        "changed": 0,
        "deleted": 0,
        "doubted": 0,
    }
    assert late.id not in call_ids(rows(run_day(gong, 4, destination=destination)))


def test_late_calls_have_their_content(gong: GongSandbox, destination: str) -> None:
    run_day(gong, 2, destination=destination)
    late = late_call(day(2) + HOUR, day(3) + HOUR, gong)
    [row] = [
        row for row in rows(run_day(gong, 3, destination=destination)) if row["metaData"]["id"] == late.id
    ]
    assert set(row) == {"metaData", "context", "parties"}


def test_a_changed_call_is_exported_again(gong: GongSandbox, destination: str) -> None:
    call = gong.world.add_call(day(2) + HOUR, title="Before")
    run_day(gong, 2, destination=destination)
    gong.world.alter_call(call.id, title="After")
    after = run_day(gong, 3, destination=destination)
    assert {row["metaData"]["title"] for row in rows(after)} == {"After", "Call of the 3."}
    assert manifest(after)["looked_back"]["changed"] == 1
    assert len(rows(run_day(gong, 4, destination=destination))) == 1


def test_what_turned_private_or_vanished_is_told_as_deleted(gong: GongSandbox, destination: str) -> None:
    private, gone = gong.world.add_call(day(2) + HOUR), gong.world.add_call(day(2) + 2 * HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.alter_call(private.id, private=True)
    gong.world.hide_call(gone.id)
    run_day(gong, 3, destination=destination)
    expected = [
        {"id": private.id, "reason": "private", "seen_at": day(4).isoformat()},
        {"id": gone.id, "reason": "gone", "seen_at": day(4).isoformat()},
    ]
    assert sorted(deletions(destination), key=str) == sorted(expected, key=str)
    run_day(gong, 4, destination=destination)
    assert len(deletions(destination)) == 2, "each is told once"


def test_a_call_that_comes_back_is_exported_again_and_may_be_deleted_again(
    gong: GongSandbox, destination: str
) -> None:
    call = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination)
    for number, private in ((3, True), (4, False), (5, True)):
        gong.world.alter_call(call.id, private=private)
        summary = run_day(gong, number, destination=destination)
        assert (call.id in call_ids(rows(summary))) is not private
        assert (call.id in held(destination)) is not private
    assert [row["id"] for row in deletions(destination)] == [call.id, call.id]


def test_a_private_call_that_came_late_is_no_business_of_anyone(gong: GongSandbox, destination: str) -> None:
    run_day(gong, 2, destination=destination)
    late_call(day(2) + HOUR, day(3) + HOUR, gong, private=True)
    assert len(rows(run_day(gong, 3, destination=destination))) == 1
    assert deletions(destination) == []


def test_private_calls_that_are_exported_stay_so(gong: GongSandbox, destination: str) -> None:
    call = gong.world.add_call(day(2) + HOUR, private=True)
    run_day(gong, 2, destination=destination, include_private=True)
    assert len(rows(run_day(gong, 3, destination=destination, include_private=True))) == 1
    assert deletions(destination) == []
    assert call.id in held(destination)


def test_nothing_new_costs_a_page_of_the_week_and_no_rows(gong: GongSandbox, destination: str) -> None:
    for number in range(2, 8):
        run_day(gong, number, destination=destination)
    gong.requests.clear()
    summary = run_day(gong, 8, destination=destination)
    assert len(rows(summary)) == 1
    assert [request.path for request in gong.requests] == [EXTENSIVE, EXTENSIVE]
    assert summary["requests"] == 2


def test_only_time_that_manifests_cover_is_asked_for(gong: GongSandbox, destination: str) -> None:
    """What lies in a hole belongs to its own window."""
    run_day(gong, 2, destination=destination)
    in_hole = gong.world.add_call(day(3) + HOUR)
    run_day(gong, 4, destination=destination)
    assert in_hole.id not in held(destination)
    gong.clock.set(day(6))
    export(GongExportCallsOperator, destination=destination, **bounds(3))
    assert in_hole.id in held(destination)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"run": RunSpec(), **bounds(3)}, "a window that was asked for"),
        ({"run": RunSpec(run_type="backfill", data_interval=(day(3), day(4)))}, "a backfill"),
        ({"run": interval_run(3), "map_index": 2}, "a mapped task"),
        ({"run": interval_run(3), "max_active_runs": 4}, "a run beside others"),
        ({"run": interval_run(3), "lookback": "PT0S"}, "switched off"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_windows_that_own_exactly_themselves_do_not_look_back(
    gong: GongSandbox, destination: str, arguments: dict[str, Any], why: str
) -> None:
    run_day(gong, 2, destination=destination)
    late_call(day(2) + HOUR, day(3), gong)
    gong.clock.set(day(4) + HOUR)
    summary = export(GongExportCallsOperator, destination=destination, **arguments)
    assert len(rows(summary)) == 1, why
    assert manifest(summary)["looked_back"] is None
    assert manifest(summary)["complete_through"] is None


def test_a_run_that_is_not_the_newest_does_not_look_back(gong: GongSandbox, destination: str) -> None:
    run_day(gong, 2, destination=destination)
    run_day(gong, 4, destination=destination)
    late_call(day(2) + HOUR, day(3), gong)
    summary = export(GongExportCallsOperator, destination=destination, run=interval_run(3))
    assert len(rows(summary)) == 1


def test_clearing_a_run_keeps_the_late_calls_that_it_had_found(gong: GongSandbox, destination: str) -> None:
    late_call(day(2) + HOUR, day(3) + 20 * HOUR, gong)
    run_day(gong, 2, destination=destination)
    first = run_day(gong, 3, destination=destination)
    run_day(gong, 4, destination=destination)
    again = export(
        GongExportCallsOperator, destination=destination, run=interval_run(3, run_id="day-3", clear_number=1)
    )
    assert sorted(call_ids(rows(again))) == sorted(call_ids(rows(first)))
    assert len(rows(again)) == 2


def test_a_key_that_lost_sight_of_the_calls_deletes_nothing(gong: GongSandbox, destination: str) -> None:
    for number in (2, 3):
        run_day(gong, number, destination=destination)
    gong.key.sees_calls = False
    summary = run_day(gong, 4, destination=destination)
    assert deletions(destination) == []
    assert summary["complete"] is False
    assert manifest(summary)["incomplete_because"] == [
        "2 exported calls are not shown any more, too many to be believed"
    ]
    gong.key.sees_calls = True
    assert run_day(gong, 5, destination=destination)["complete"] is True


def test_a_kill_between_the_deletions_and_the_calls_is_mended_by_the_retry(
    gong: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = late_call(day(2) + HOUR, day(3) + 20 * HOUR, gong)
    gone = gong.world.add_call(day(2) + 2 * HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.hide_call(gone.id)
    gong.clock.set(day(4) + HOUR)
    with monkeypatch.context() as killed:

        def publish_and_die(*arguments: Any) -> None:
            publish(*arguments)
            raise KeyboardInterrupt

        killed.setattr(history, "publish", publish_and_die)
        attempt(GongExportCallsOperator, destination=destination, run=interval_run(3))
    assert late.id not in held(destination)
    assert len(deletions(destination)) == 1
    export(GongExportCallsOperator, destination=destination, run=interval_run(3), try_number=2)
    assert [row["id"] for row in deletions(destination)] == [gone.id]
    exported = {call.id for call in gong.world.visible_calls() if day(2) <= call.started < day(4)}
    assert held(destination).keys() == exported
    assert late.id in exported


def test_all_calls_are_complete_through_the_time_they_had_to_appear(
    gong: GongSandbox, destination: str
) -> None:
    days = [run_day(gong, number, destination=destination, lookback="P3D") for number in range(1, 8)]
    assert [summary["complete_through"] for summary in days] == [
        None,
        None,
        None,
        *(day(number).isoformat() for number in range(2, 6)),
    ]


def test_a_gap_ends_what_is_complete(gong: GongSandbox, destination: str) -> None:
    for number in (1, 2, 4, 5, 6, 7):
        summary = run_day(gong, number, destination=destination, lookback="P2D")
    assert summary["complete_through"] == day(3).isoformat()
    gong.clock.set(day(9))
    export(GongExportCallsOperator, destination=destination, **bounds(3))
    assert run_day(gong, 8, destination=destination, lookback="P2D")["complete_through"] == day(7).isoformat()


def test_hourly_runs_look_back_a_week_once_a_day_and_a_day_otherwise(
    gong: GongSandbox, destination: str
) -> None:
    for number in range(2, 5):
        run_day(gong, number, destination=destination)
    reached = []
    for hour in range(3):
        start = day(6) + (hour - 1) * HOUR
        gong.clock.set(start + 2 * HOUR)
        run = RunSpec(run_type="scheduled", data_interval=(start, start + HOUR), run_id=f"hour-{hour}")
        body = manifest(export(GongExportCallsOperator, destination=destination, run=run))
        reached.append((start + HOUR) - datetime.fromisoformat(body["looked_back"]["from"]))
    assert reached == [timedelta(days=7), timedelta(days=1), timedelta(days=1)]


@pytest.mark.parametrize("lookback", ["-P1D", "soon"])
def test_a_lookback_that_is_none_is_refused(gong: GongSandbox, destination: str, lookback: str) -> None:
    gong.clock.set(day(4))
    result = attempt(GongExportCallsOperator, destination=destination, run=interval_run(3), lookback=lookback)
    assert result.state == "failed"
    assert f"lookback={lookback!r}" in str(result.error)


@pytest.fixture
def busy(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company whose calls appear late, as they do in Gong."""
    with GongSandbox(
        seed=11,
        calls=40,
        days=12,
        users=5,
        logs=0,
        now=day(1),
        today=NOW.date(),
        per_second=None,
        per_day=None,
    ) as gong:
        connect(gong, requests_per_day=1_000_000)
        yield gong


@pytest.mark.parametrize("seed", [1, 2])
def test_weeks_of_hourly_runs_with_reruns_and_faults_hold_what_gong_shows(
    busy: GongSandbox, destination: str, seed: int, no_waiting: None
) -> None:
    """Whatever came late, changed, vanished or failed: in the end every call is held once, as Gong shows it."""
    dice = random.Random(seed)
    moment, run_ids = day(1), []
    while moment < day(9):
        length = timedelta(hours=dice.choice((1, 3, 6)))
        interval, moment = (moment, moment + length), moment + length
        busy.clock.set(moment + timedelta(minutes=dice.choice((1, 30))))
        run_ids.append(RunSpec(run_type="scheduled", data_interval=interval, run_id=f"until-{moment:%d%H}"))
        if dice.random() < 0.2:
            busy.faults.add("server_error", path="/v2/calls/*", skip=dice.randrange(3), times=9)
            attempt(GongExportCallsOperator, destination=destination, run=run_ids[-1])
            busy.faults.clear()
        export(GongExportCallsOperator, destination=destination, run=run_ids[-1])
        if dice.random() < 0.1:
            export(GongExportCallsOperator, destination=destination, run=dice.choice(run_ids))
        _disturb(busy, dice, moment)
    # Two quiet days, so that what came late within the last hours is found.
    for number in (9, 10, 11):
        run_day(busy, number, destination=destination)
    now = {call.id: call for call in busy.world.visible_calls() if not call.private}
    complete = {key for key, call in now.items() if day(1) <= call.started < day(12)}
    assert held(destination).keys() == complete
    titles = {key: basic["title"] for key, basic in held(destination).items()}
    changed = {key: call.title for key, call in now.items() if call.title is not None and key in titles}
    assert changed.items() <= titles.items()


def _disturb(gong: GongSandbox, dice: random.Random, moment: datetime) -> None:
    """Change a few of the calls of the last days."""
    recent = [call for call in gong.world.visible_calls() if call.started > moment - timedelta(days=5)]
    for call in dice.sample(recent, min(2, len(recent))):
        change = dice.choice(("title", "private", "hide"))
        if change == "title":
            gong.world.alter_call(call.id, title=f"Renamed {dice.randrange(1000)}")
        elif change == "private":
            gong.world.alter_call(call.id, private=not call.private)
        else:
            gong.world.hide_call(call.id)


@pytest.mark.parametrize("file_format", ["jsonl.gz", "parquet"])
def test_deletions_hold_nothing_but_id_reason_and_time(
    gong: GongSandbox, destination: str, file_format: str
) -> None:
    call = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination, file_format=file_format)
    gong.world.hide_call(call.id)
    run_day(gong, 3, destination=destination, file_format=file_format)
    [row] = deletions(destination)
    assert datetime.fromisoformat(row.pop("seen_at")) == day(4)
    assert row == {"id": call.id, "reason": "gone"}


def test_looking_back_works_on_object_storage(gong: GongSandbox, bucket: str) -> None:
    destination = f"s3://export_s3@{bucket}/gong"
    late = late_call(day(2) + HOUR, day(3) + 20 * HOUR, gong)
    gone = gong.world.add_call(day(2) + 2 * HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.hide_call(gone.id)
    summary = run_day(gong, 3, destination=destination)
    assert late.id in call_ids(rows(summary))
    told = str(summary["uri"]).replace("/gong/calls/", "/gong/deletions/")
    assert [row["id"] for row in read_export(told)] == [gone.id]


def plant(destination: str, template: dict[str, Any], hours: int, until: datetime) -> None:
    """Lay down manifests of so many hourly exports without rows, as an archive of years has them."""
    root = Path(destination.removeprefix("file://")) / "calls"
    empty_ids = gzip.compress(b"", mtime=0)
    digest = hashlib.sha256(empty_ids).hexdigest()
    for number in range(hours):
        end = until - number * HOUR
        start = end - HOUR
        name = f"_manifests/{end:%Y-%m}/{end:%Y%m%dT%H%M%SZ}_{start:%Y%m%dT%H%M%SZ}"
        ids = {"name": f"{name}.ids.gz", "count": 0, "sha256": digest}
        window = {"from": start.isoformat(), "to": end.isoformat()}
        body = template | {"window": window, "ids": ids, "parts": [], "rows": 0, "run": {}}
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.json").write_text(json.dumps(body | {"complete_through": day(2).isoformat()}))
        (root / f"{name}.ids.gz").write_bytes(empty_ids)


def test_an_archive_of_thirty_thousand_exports_costs_no_more_than_a_young_one(
    gong: GongSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = manifest(run_day(gong, 8, destination=f"file://{tmp_path}/template"))
    seen: Counter[str] = Counter()
    for name in ("names_in", "read_bytes", "put_bytes", "put_file", "size_of", "remove"):
        monkeypatch.setattr(storage, name, counted(getattr(storage, name), seen))
    costs = []
    for years, hours in (("young", 24 * 40), ("old", 30_000)):
        destination = f"file://{tmp_path}/{years}"
        plant(destination, template, hours, until=day(9))
        gong.clock.set(day(9) + 2 * HOUR)
        seen.clear()
        run = RunSpec(run_type="scheduled", data_interval=(day(9), day(9) + HOUR), run_id="the next hour")
        summary = export(GongExportCallsOperator, destination=destination, run=run)
        assert manifest(summary)["looked_back"] is not None
        costs.append(dict(seen))
    assert costs[0] == costs[1]


def test_a_steady_run_lists_a_month_three_times_however_many_questions_it_has(
    gong: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To choose its window, before it reads, and afresh before it publishes; for deletions the latter two."""
    listed: list[str] = []
    names_in = storage.names_in

    def listing(folder: ObjectStoragePath) -> list[str]:
        listed.append(folder.path)
        return names_in(folder)

    monkeypatch.setattr(storage, "names_in", listing)
    gone = gong.world.add_call(day(9) + HOUR)
    for number in range(2, 6):
        gong.clock.set(day(9) + (number + 1) * HOUR)
        run = RunSpec(
            run_type="scheduled", run_after=day(9) + number * HOUR, run_id=f"the {number}. hour of the day"
        )
        listed.clear()
        export(GongExportCallsOperator, destination=destination, run=run, initial_from_datetime=day(9))
        gong.world.hide_call(gone.id)
    months = Counter(path.rsplit("/", 3)[-3] for path in listed if path.endswith("/_manifests/2026-01"))
    assert months == {"calls": 3, "deletions": 2}
    assert len(listed) <= 12


def counted(function: Callable[..., Any], seen: Counter[str]) -> Callable[..., Any]:
    def count(*arguments: Any, **options: Any) -> Any:
        seen[function.__name__] += 1
        return function(*arguments, **options)

    return count


def test_after_a_long_pause_the_calls_before_it_are_looked_for(gong: GongSandbox, destination: str) -> None:
    """The window of the run is longer than `lookback`, and reaches over none of the time before the pause."""
    late = late_call(day(2) + 20 * HOUR, day(4), gong)
    for number in (3, 13):
        gong.clock.set(day(number) + HOUR)
        run = cron_run(number, run_after=day(number))
        summary = export(
            GongExportCallsOperator, destination=destination, run=run, initial_from_datetime=day(1)
        )
    assert late.id in call_ids(rows(summary))
    assert summary["complete_through"] is None, "nothing was seen before the window of the first run"


def test_after_an_outage_within_a_day_the_week_is_looked_at_by_the_first_run_of_the_day(
    gong: GongSandbox, destination: str
) -> None:
    for number in (2, 3):
        run_day(gong, number, destination=destination)
    late = late_call(day(2) + 2 * HOUR, day(4) + 12 * HOUR, gong)
    start = day(5) + 9 * HOUR
    gong.clock.set(start + 2 * HOUR)
    run = RunSpec(run_type="scheduled", data_interval=(start, start + HOUR), run_id="after the outage")
    assert late.id in call_ids(rows(export(GongExportCallsOperator, destination=destination, run=run)))


def test_a_first_export_of_a_long_time_is_not_asked_for_by_id(gong: GongSandbox, destination: str) -> None:
    """Its window reaches further back than `lookback`: most of its calls lie where nobody looks."""
    gong.clock.set(day(9) + HOUR)
    export(GongExportCallsOperator, destination=destination, from_datetime=day(1), to_datetime=day(9))
    gone = next(call for call in gong.world.calls() if call.started.date() == day(7).date())
    gong.world.hide_call(gone.id)
    gong.requests.clear()
    summary = run_day(gong, 9, destination=destination, lookback="P4D")
    asked = ["filter.callIds" in request.body_keys for request in gong.requests]
    assert asked.count(True) == 1
    assert [row["id"] for row in deletions(destination)] == [gone.id]
    assert summary["requests"] == 3


def test_a_call_whose_start_moved_into_the_window_is_exported_once(
    gong: GongSandbox, destination: str
) -> None:
    moved = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.alter_call(moved.id, started=day(3) + HOUR)
    assert call_ids(rows(run_day(gong, 3, destination=destination))).count(moved.id) == 1


def test_a_cursor_that_expires_while_looking_back_begins_the_look_anew(
    gong: GongSandbox, destination: str
) -> None:
    for minute in range(150):
        gong.world.add_call(day(2) + minute * timedelta(minutes=1))
    run_day(gong, 2, destination=destination)
    late = late_call(day(2) + HOUR, day(3) + HOUR, gong)
    gong.faults.add("expired_cursor", path=EXTENSIVE)
    assert late.id in call_ids(rows(run_day(gong, 3, destination=destination)))


def test_deletions_whose_ids_file_is_out_of_step_are_read_from_their_rows(
    gong: GongSandbox, destination: str
) -> None:
    gone = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.hide_call(gone.id)
    run_day(gong, 3, destination=destination)
    [ids] = Path(destination.removeprefix("file://"), "deletions").rglob("*.ids.gz")
    ids.write_bytes(gzip.compress(b""))
    run_day(gong, 4, destination=destination)
    assert [row["id"] for row in deletions(destination)] == [gone.id]


def test_deletions_of_a_run_that_never_finished_count(
    gong: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call comes back after it was told as deleted: who applied the deletion needs it again."""
    call = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.alter_call(call.id, private=True)
    with monkeypatch.context() as killed:

        def publish_and_die(*arguments: Any) -> None:
            publish(*arguments)
            raise KeyboardInterrupt

        killed.setattr(history, "publish", publish_and_die)
        gong.clock.set(day(4) + HOUR)
        attempt(GongExportCallsOperator, destination=destination, run=interval_run(3))
    gong.world.alter_call(call.id, private=False)
    assert call.id in call_ids(rows(run_day(gong, 4, destination=destination)))


def test_deletions_of_another_kind_are_refused_before_gong_is_asked(
    gong: GongSandbox, destination: str
) -> None:
    gone = gong.world.add_call(day(2) + HOUR)
    run_day(gong, 2, destination=destination)
    gong.world.hide_call(gone.id)
    run_day(gong, 3, destination=destination)
    shutil.rmtree(Path(destination.removeprefix("file://"), "calls"))
    gong.requests.clear()
    result = attempt(GongExportCallsOperator, destination=destination, run=interval_run(4), content="basic")
    assert result.state == "failed"
    assert "content was 'default' and is 'basic'" in str(result.error)
    assert len(gong.requests) == 0


@pytest.mark.parametrize("newest", [True, False], ids=["newest", "older"])
@pytest.mark.parametrize("change", [{"hidden": True}, {"private": True}], ids=["gone", "private"])
def test_clearing_a_run_tells_what_it_holds_no_more(
    gong: GongSandbox, destination: str, newest: bool, change: dict[str, bool]
) -> None:
    """Who merges exports would keep the call for ever: no window holds it any more that a look could compare."""
    call = gong.world.add_call(day(3) + HOUR)
    for number in (2, 3) if newest else (2, 3, 4):
        run_day(gong, number, destination=destination)
    gong.world.alter_call(call.id, **change)
    run = interval_run(3, run_id="day-3", clear_number=1)
    export(GongExportCallsOperator, destination=destination, run=run)
    expected = {"id": call.id, "reason": "gone" if "hidden" in change else "private"}
    assert [{"id": row["id"], "reason": row["reason"]} for row in deletions(destination)] == [expected]
    again = interval_run(3, run_id="day-3", clear_number=2)
    export(GongExportCallsOperator, destination=destination, run=again)
    assert [row["id"] for row in deletions(destination)] == [call.id], "clearing it again keeps them"
    gong.world.alter_call(call.id, hidden=False, private=False)
    run_day(gong, 5, destination=destination)
    assert call.id in held(destination)


def test_a_key_that_lost_sight_of_the_calls_does_not_empty_an_export_that_is_cleared(
    gong: GongSandbox, destination: str
) -> None:
    gong.world.add_call(day(3) + HOUR)
    before = run_day(gong, 3, destination=destination)
    gong.key.sees_calls = False
    run = interval_run(3, run_id="day-3", clear_number=1)
    result = attempt(GongExportCallsOperator, destination=destination, run=run)
    assert result.state == "failed"
    assert "Gong shows 2 of the 2 calls no more" in str(result.error)
    assert len(rows(before)) == 2
    assert deletions(destination) == []


def test_clearing_a_run_does_not_tell_what_a_later_window_holds(gong: GongSandbox, destination: str) -> None:
    """A look back tells it then: told for the earlier window it would be deleted before it is exported."""
    call = gong.world.add_call(day(2) + HOUR, title="Before")
    run_day(gong, 2, destination=destination)
    gong.world.alter_call(call.id, title="After")
    run_day(gong, 3, destination=destination)
    gong.world.hide_call(call.id)
    run = interval_run(2, run_id="day-2", clear_number=1)
    export(GongExportCallsOperator, destination=destination, run=run)
    assert deletions(destination) == []
    run_day(gong, 4, destination=destination)
    assert [row["id"] for row in deletions(destination)] == [call.id]
    export(GongExportCallsOperator, destination=destination, run=interval_run(3, run_id="day-3"))
    assert [row["id"] for row in deletions(destination)] == [call.id], "it is told once"
