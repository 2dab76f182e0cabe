"""Which window an export takes in each kind of run that a real Airflow makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.exported import Exported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.system.real_airflow import RealAirflow

pytestmark = pytest.mark.system

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
# The Dags start all at once, and other work may keep the machine busy.
SECONDS = 240
SCHEDULED = (
    "exports_cron",
    "exports_cron_interval",
    "exports_trigger_interval",
    "exports_partition",
    "exports_retried",
    "exports_overtaken",
)
ORDERS = {"forwards": (0, 1, 2), "backwards": (2, 1, 0), "mixed": (1, 2, 0)}

Window = tuple[datetime, datetime]


def day(number: int) -> datetime:
    """Return the beginning of a day of January 2026."""
    return FIRST + (number - 1) * DAY


def of_day(number: int) -> Window:
    return day(number), day(number + 1)


def spelled(window: Window) -> str:
    return f"[{window[0].isoformat()}, {window[1].isoformat()})"


@pytest.fixture(scope="module")
def airflow(airflow: RealAirflow, gongs: dict[str, GongSandbox]) -> RealAirflow:
    """Let the scheduled Dags run while the tests go on."""
    gongs["gong_stumbling"].faults.add("server_error", status=403)
    gongs["gong_closed"].faults.add("server_error", status=403, times=None)
    cleared = [f"exports_cleared_{order}" for order in ORDERS]
    airflow.rest.wait_for_dags(*SCHEDULED, *cleared)
    for dag_id in (*SCHEDULED, *cleared):
        airflow.rest.unpause(dag_id)
    return airflow


@pytest.fixture
def exported(exports_folder: Path) -> Callable[[str], Exported]:
    """Return what the Dag of a name has exported so far."""
    return lambda dag_id: Exported(exports_folder / dag_id / "calls")


@pytest.fixture
def expected_ids(gongs: dict[str, GongSandbox]) -> Callable[..., list[str]]:
    """Return the ids of the calls that an export of a window must have, sorted."""
    return lambda start, end: sorted(gongs["gong_past"].world.call_ids(start, end))


def trigger(airflow: RealAirflow, dag_id: str, state: str = "success", **kwargs: Any) -> dict[str, Any]:
    """Start a run by hand and return it when it has ended in a state."""
    airflow.rest.unpause(dag_id)
    run_id = airflow.rest.trigger(dag_id, **kwargs)
    return airflow.rest.wait_for_run(dag_id, run_id, state, seconds=SECONDS)


def backfill(airflow: RealAirflow, dag_id: str, first: datetime, last: datetime) -> list[dict[str, Any]]:
    """Backfill a Dag and return the runs when they have ended."""
    airflow.rest.unpause(dag_id)
    airflow.rest.create_backfill(dag_id, first, last)
    return airflow.rest.wait_for_runs(dag_id, (last - first).days + 1, seconds=SECONDS)


def clear(airflow: RealAirflow, run: dict[str, Any], state: str = "success") -> None:
    airflow.rest.clear_run(run["dag_id"], run["dag_run_id"])
    airflow.rest.wait_for_run(run["dag_id"], run["dag_run_id"], state, seconds=SECONDS)


def log(airflow: RealAirflow, run: dict[str, Any], try_number: int = 1) -> str:
    return airflow.rest.log(run["dag_id"], run["dag_run_id"], "export", try_number=try_number)


def summary(airflow: RealAirflow, run: dict[str, Any]) -> dict[str, Any]:
    return dict(airflow.rest.xcom(run["dag_id"], run["dag_run_id"], "export"))


def tries(airflow: RealAirflow, run: dict[str, Any]) -> int:
    [task] = airflow.rest.task_instances(run["dag_id"], run["dag_run_id"])
    return int(task["try_number"])


def until(run: dict[str, Any], start: datetime = FIRST) -> Window:
    """Return the window that ends where the run was due, in whole seconds."""
    return start, datetime.fromisoformat(run["run_after"]).replace(microsecond=0)


def assert_chosen(
    airflow: RealAirflow, run: dict[str, Any], window: Window, rule: str, tried: int = 1
) -> None:
    """Check that the first line of the export names the window and the rule."""
    lines = [line for line in log(airflow, run, tried).splitlines() if line.startswith("Export")]
    assert lines[0].startswith(f"Exporting calls of {spelled(window)} ({rule})")


HEAD = "from the newest exported window until this run"
BEGINNING = "the first export, from initial_from_datetime"
INTERVAL = "interval until the run was due"
DATA_INTERVAL = "the Dag run's data interval"
KEPT = "kept from an earlier attempt of this run"


def test_cron_runs_continue_where_the_last_export_ended(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    runs = airflow.rest.wait_for_runs("exports_cron", 3, seconds=SECONDS)
    dataset = exported("exports_cron")
    assert dataset.windows() == [of_day(1), of_day(2), of_day(3)]
    assert [manifest["run"]["run_id"] for manifest in dataset.manifests()] == [r["dag_run_id"] for r in runs]
    assert dataset.call_ids() == expected_ids(day(1), day(4)) != []
    assert_chosen(airflow, runs[0], of_day(1), BEGINNING)
    assert_chosen(airflow, runs[1], of_day(2), HEAD)
    assert_chosen(airflow, runs[2], of_day(3), HEAD)


def test_manifest_tells_which_run_wrote_it(airflow: RealAirflow, exported: Callable[[str], Exported]) -> None:
    run, _ = airflow.rest.wait_for_runs("exports_cron_interval", 2, seconds=SECONDS)
    manifest = exported("exports_cron_interval").manifests()[0]
    told = {key: manifest["run"][key] for key in ("dag_id", "task_id", "run_id", "map_index", "try_number")}
    assert told == {
        "dag_id": "exports_cron_interval",
        "task_id": "export",
        "run_id": run["dag_run_id"],
        "map_index": -1,
        "try_number": 1,
    }


def test_cron_interval_runs_take_their_data_interval(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    runs = airflow.rest.wait_for_runs("exports_cron_interval", 2, seconds=SECONDS)
    dataset = exported("exports_cron_interval")
    assert dataset.windows() == [of_day(1), of_day(2)]
    assert dataset.call_ids() == expected_ids(day(1), day(3))
    assert_chosen(airflow, runs[0], of_day(1), DATA_INTERVAL)


def test_trigger_timetable_with_interval_takes_its_data_interval(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    _, run = airflow.rest.wait_for_runs("exports_trigger_interval", 2, seconds=SECONDS)
    assert exported("exports_trigger_interval").windows() == [of_day(1)]
    assert_chosen(airflow, run, of_day(1), DATA_INTERVAL)


def test_partitioned_run_takes_the_interval_from_its_partition_date(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    runs = airflow.rest.wait_for_runs("exports_partition", 2, seconds=SECONDS)
    expected = [(date, date + DAY) for date in (FIRST - DAY, FIRST)]
    assert exported("exports_partition").windows() == expected
    assert_chosen(airflow, runs[1], of_day(1), "interval from the partition date")


def test_manual_runs_without_a_logical_date_continue_until_now(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    first = trigger(airflow, "exports_manual")
    second = trigger(airflow, "exports_manual")
    windows = [until(first), until(second, until(first)[1])]
    assert exported("exports_manual").windows() == windows
    assert exported("exports_manual").call_ids() == expected_ids(FIRST, windows[-1][1])
    assert_chosen(airflow, first, windows[0], BEGINNING)
    assert_chosen(airflow, second, windows[1], HEAD)


def test_manual_run_takes_the_interval_before_its_logical_date(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    run = trigger(airflow, "exports_manual_interval", logical_date=day(4))
    assert exported("exports_manual_interval").windows() == [of_day(3)]
    assert_chosen(airflow, run, of_day(3), INTERVAL)


def test_manual_run_of_a_cron_dag_continues_whatever_its_logical_date(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    run = trigger(airflow, "exports_cron_on_demand", logical_date=day(4))
    assert exported("exports_cron_on_demand").windows() == [until(run)]
    assert_chosen(airflow, run, until(run), BEGINNING)


def test_given_dates_come_before_everything_of_the_run(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    window = (day(2) + timedelta(hours=9), day(2) + timedelta(hours=15))
    conf = {"from": window[0].isoformat(), "to": window[1].isoformat()}
    run = trigger(airflow, "exports_explicit", logical_date=day(8), conf=conf)
    assert exported("exports_explicit").windows() == [window]
    assert exported("exports_explicit").call_ids() == expected_ids(*window) != []
    assert_chosen(airflow, run, window, "from_datetime and to_datetime")


def test_asset_triggered_runs_continue_until_now(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    airflow.rest.unpause("exports_asset")
    for count in (1, 2):
        airflow.rest.asset_event("exports")
        airflow.rest.wait_for_runs("exports_asset", count, seconds=SECONDS)
    first, second = airflow.rest.runs("exports_asset")
    assert second["run_type"] == "asset_triggered"
    windows = [until(first), until(second, until(first)[1])]
    assert exported("exports_asset").windows() == windows
    assert exported("exports_asset").call_ids() == expected_ids(FIRST, windows[-1][1])
    assert_chosen(airflow, second, windows[1], HEAD)


def test_backfill_of_an_interval_timetable_exports_each_day_once(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    runs = backfill(airflow, "exports_interval_backfill", day(6), day(8))
    assert {run["run_type"] for run in runs} == {"backfill"}
    dataset = exported("exports_interval_backfill")
    assert dataset.windows() == [of_day(6), of_day(7), of_day(8)]
    assert dataset.call_ids() == expected_ids(day(6), day(9)) != []
    for run, number in zip(runs, (6, 7, 8), strict=True):
        assert_chosen(airflow, run, of_day(number), DATA_INTERVAL)


def test_backfill_of_a_cron_dag_without_interval_fails_at_once_and_names_the_mends(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    runs = backfill(airflow, "exports_cron_backfill", day(6), day(7))
    assert [(run["state"], tries(airflow, run)) for run in runs] == [("failed", 1)] * 2
    for mend in ("CronDataIntervalTimetable", "CronTriggerTimetable(..., interval=...)", "interval="):
        assert mend in log(airflow, runs[0])
    assert exported("exports_cron_backfill").manifests() == []


def test_backfill_of_a_cron_dag_with_interval_exports_the_days_before(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    runs = backfill(airflow, "exports_cron_interval_backfill", day(6), day(7))
    dataset = exported("exports_cron_interval_backfill")
    assert dataset.windows() == [of_day(5), of_day(6)]
    assert dataset.call_ids() == expected_ids(day(5), day(7))
    assert_chosen(airflow, runs[0], of_day(5), INTERVAL)


def test_interval_comes_before_the_data_interval_and_ends_with_it(
    airflow: RealAirflow, exported: Callable[[str], Exported]
) -> None:
    [run] = backfill(airflow, "exports_two_days", day(6), day(6))
    assert exported("exports_two_days").windows() == [(day(5), day(7))]
    assert_chosen(airflow, run, (day(5), day(7)), INTERVAL)


def test_partitioned_dag_exports_any_day_by_key_or_backfill(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    trigger(airflow, "exports_partition_on_demand", partition_key="2026-01-03T00:00:00")
    airflow.rest.create_backfill("exports_partition_on_demand", day(7), day(8))
    runs = airflow.rest.wait_for_runs("exports_partition_on_demand", 3, seconds=SECONDS)
    assert [run["state"] for run in runs] == ["success"] * 3
    dataset = exported("exports_partition_on_demand")
    assert dataset.windows() == [of_day(3), of_day(7), of_day(8)]
    assert dataset.call_ids() == sorted(expected_ids(*of_day(3)) + expected_ids(day(7), day(9)))


def test_mapped_exports_share_a_dataset(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    run = trigger(airflow, "exports_mapped")
    clear(airflow, run)
    dataset = exported("exports_mapped")
    assert dataset.windows() == [of_day(2), of_day(3), of_day(4)]
    assert [manifest["run"]["map_index"] for manifest in dataset.manifests()] == [0, 1, 2]
    assert [manifest["run"]["try_number"] for manifest in dataset.manifests()] == [2, 2, 2]
    assert dataset.call_ids() == expected_ids(day(2), day(5))


@pytest.mark.parametrize(
    ("dag_id", "mend"),
    [
        ("exports_no_beginning", "pass initial_from_datetime="),
        ("exports_parallel", "set max_active_runs=1 on the Dag (it is 2)"),
        ("exports_xcom", "Pass from_datetime= and to_datetime=, interval=, or destination=."),
    ],
)
def test_manual_run_that_has_no_window_fails_at_once_and_names_the_mend(
    airflow: RealAirflow, exported: Callable[[str], Exported], dag_id: str, mend: str
) -> None:
    run = trigger(airflow, dag_id, "failed")
    assert tries(airflow, run) == 1
    assert mend in log(airflow, run)
    assert exported(dag_id).manifests() == []


def test_window_that_ends_in_the_future_is_refused(airflow: RealAirflow) -> None:
    conf = {"from": FIRST.isoformat(), "to": "2999-01-01"}
    run = trigger(airflow, "exports_explicit", "failed", conf=conf)
    assert "to_datetime=2999-01-01T00:00:00+00:00 lies in the future" in log(airflow, run)


def test_clearing_a_run_exports_its_own_window_again(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    first, *_ = airflow.rest.wait_for_runs("exports_cron", 3, seconds=SECONDS)
    dataset = exported("exports_cron")
    names, before = dataset.manifest_files(), dataset.manifests()
    clear(airflow, first)
    assert dataset.manifest_files() == names
    again, *others = dataset.manifests()
    assert again["window"] == before[0]["window"]
    assert (again["run"]["try_number"], again["requests"]) == (2, 1)
    assert others == before[1:]
    assert_chosen(airflow, first, of_day(1), KEPT, tried=2)
    assert dataset.call_ids() == expected_ids(day(1), day(4))
    assert len(dataset.part_files()) == 3


def test_retry_keeps_the_window(
    airflow: RealAirflow, exported: Callable[[str], Exported], gongs: dict[str, GongSandbox]
) -> None:
    # Longer than the client waits, and worth another try of the task, which comes when Gong said.
    gongs["gong_flaky"].faults.add("rate_limited", retry_after=8)
    run = trigger(airflow, "exports_retried")
    assert tries(airflow, run) == 2
    assert_chosen(airflow, run, until(run), BEGINNING)
    assert_chosen(airflow, run, until(run), KEPT, tried=2)
    assert exported("exports_retried").windows() == [until(run)]


def test_clearing_a_failed_run_that_a_later_one_has_covered_exports_nothing(
    airflow: RealAirflow, exported: Callable[[str], Exported], expected_ids: Callable[..., list[str]]
) -> None:
    failed, *later = airflow.rest.wait_for_runs("exports_overtaken", 3, seconds=SECONDS)
    assert [run["state"] for run in (failed, *later)] == ["failed", "success", "success"]
    dataset = exported("exports_overtaken")
    before = dataset.manifests()
    clear(airflow, failed)
    covered = (
        f"already covered by exports that reach {day(3).isoformat()}; this run ends {day(2).isoformat()}"
    )
    assert f"Nothing to export of calls: {covered}" in log(airflow, failed, 2)
    assert summary(airflow, failed)["uri"] is None
    assert dataset.manifests() == before
    assert dataset.windows() == [(day(1), day(3)), of_day(3)]
    assert dataset.call_ids() == expected_ids(day(1), day(4))


@pytest.fixture(scope="module")
def failed_runs(airflow: RealAirflow, gongs: dict[str, GongSandbox]) -> dict[str, list[dict[str, Any]]]:
    """Return three failed runs of each Dag to be cleared, when Gong lets us in again."""
    found = {
        order: airflow.rest.wait_for_runs(f"exports_cleared_{order}", 3, seconds=SECONDS) for order in ORDERS
    }
    gongs["gong_closed"].faults.clear()
    return found


@pytest.mark.parametrize("order", ORDERS)
def test_failed_runs_cleared_in_any_order_cover_all_time_once(
    airflow: RealAirflow,
    exported: Callable[[str], Exported],
    expected_ids: Callable[..., list[str]],
    failed_runs: dict[str, list[dict[str, Any]]],
    order: str,
) -> None:
    runs = failed_runs[order]
    assert [run["state"] for run in runs] == ["failed"] * 3
    for index in ORDERS[order]:
        clear(airflow, runs[index])
    dataset = exported(f"exports_cleared_{order}")
    windows = dataset.windows()
    assert (windows[0][0], windows[-1][1]) == (day(1), day(4))
    assert all(before[1] == after[0] for before, after in pairwise(windows))
    assert dataset.call_ids() == expected_ids(day(1), day(4)) != []
