"""Which window each kind of run exports, what a sequence of runs leaves behind, and what tasks get."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise, permutations
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exceptions import GongUnavailable
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW, Connect
from tests.operators.exporting import (
    NOTHING,
    ONE_DAY,
    SUMMARY_KEYS,
    all_files,
    assert_nothing_published,
    attempt,
    bounds,
    call_ids,
    cron_run,
    data_files,
    day,
    digests,
    export,
    interval_run,
    manifest,
    manifests,
    raw_lines,
    rows,
    window_lines,
)
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.sandbox.faults import Fault

HOUR = timedelta(hours=1)
LAST_TRY = 3

Bounds = tuple[datetime, datetime]


@pytest.fixture(scope="module")
def small_company() -> Iterator[GongSandbox]:
    """Run a company of four days with a page of calls a day."""
    with GongSandbox(
        seed=11, calls=40, days=4, users=5, logs=40, now=NOW, today=NOW.date(), per_second=None
    ) as gong:
        yield gong


@pytest.fixture
def small(small_company: GongSandbox, connect: Connect) -> Iterator[GongSandbox]:
    """Return the small company, connected; its clock and faults are put back afterwards."""
    small_company.requests.clear()
    connect(small_company)
    yield small_company
    small_company.faults.clear()
    small_company.clock.set(NOW)


def export_calls(**arguments: Any) -> Any:
    return export(GongExportCallsOperator, **arguments)


def try_calls(**arguments: Any) -> TaskResult:
    return attempt(GongExportCallsOperator, **arguments)


def refusal(**arguments: Any) -> str:
    result = try_calls(**arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    return str(result.error)


def manual_run(number: int, **facts: Any) -> RunSpec:
    """Return a run that somebody started without a logical date."""
    return RunSpec(run_type="manual", run_id=f"manual__{number}", run_after=day(number), **facts)


def asset_run(number: int, **facts: Any) -> RunSpec:
    return RunSpec(run_type="asset_triggered", run_id=f"asset__{number}", run_after=day(number), **facts)


def partition_run(number: int, **facts: Any) -> RunSpec:
    """Return a run of a CronPartitionTimetable: a partition date, neither logical date nor interval."""
    return RunSpec(
        run_type="scheduled",
        partition_date=day(number),
        partition_key=f"2026-01-{number:02}",
        run_after=day(number + 1),
        **facts,
    )


def backfill_run(number: int, interval: bool, **facts: Any) -> RunSpec:
    if interval:
        return RunSpec(run_type="backfill", data_interval=(day(number), day(number + 1)), **facts)
    return RunSpec(run_type="backfill", logical_date=day(number), **facts)


def cleared(run: RunSpec, times: int = 1) -> RunSpec:
    """Return the same run after clearing it."""
    facts = {name: getattr(run, name) for name in RunSpec.__dataclass_fields__}
    return RunSpec(**(facts | {"clear_number": run.clear_number + times}))


def window_of(summary: dict[str, Any]) -> Bounds:
    return datetime.fromisoformat(summary["window_from"]), datetime.fromisoformat(summary["window_to"])


def text(window: Bounds) -> str:
    return f"[{window[0].isoformat()}, {window[1].isoformat()})"


def break_gong(gong: GongSandbox) -> Fault:
    return gong.faults.add("server_error", times=None)


# Runs with a window of their own

OF_THEIR_OWN: dict[str, tuple[RunSpec, dict[str, Any], Bounds, str]] = {
    "data interval": (interval_run(9), {}, (day(9), day(10)), "the Dag run's data interval"),
    "manual run of a timetable with intervals": (
        RunSpec(run_type="manual", data_interval=(day(9), day(10))),
        {},
        (day(9), day(10)),
        "the Dag run's data interval",
    ),
    "interval of a run with an empty data interval": (
        cron_run(10),
        {"interval": ONE_DAY},
        (day(9), day(10)),
        "interval until the run was due",
    ),
    "interval of a manual run with a logical date": (
        RunSpec(run_type="manual", logical_date=day(10)),
        {"interval": "PT36H"},
        (day(8) + 12 * HOUR, day(10)),
        "interval until the run was due",
    ),
    "interval beats the data interval": (
        interval_run(9),
        {"interval": "PT12H"},
        (day(9) + 12 * HOUR, day(10)),
        "interval until the run was due",
    ),
    "partition": (
        partition_run(9),
        {"interval": "P1D"},
        (day(9), day(10)),
        "interval from the partition date",
    ),
    "backfill with a data interval": (
        backfill_run(8, interval=True),
        {},
        (day(8), day(9)),
        "the Dag run's data interval",
    ),
    "backfill with interval=": (
        backfill_run(9, interval=False),
        {"interval": ONE_DAY},
        (day(8), day(9)),
        "interval until the run was due",
    ),
    "arguments beat the data interval": (
        interval_run(9),
        bounds(8),
        (day(8), day(9)),
        "from_datetime and to_datetime",
    ),
    "arguments beat interval=": (
        cron_run(10),
        bounds(7) | {"interval": ONE_DAY},
        (day(7), day(8)),
        "from_datetime and to_datetime",
    ),
    "arguments of a manual run without a logical date": (
        manual_run(11),
        bounds(8),
        (day(8), day(9)),
        "from_datetime and to_datetime",
    ),
    "arguments of a backfill without an interval": (
        backfill_run(9, interval=False),
        bounds(8),
        (day(8), day(9)),
        "from_datetime and to_datetime",
    ),
    "arguments count whole seconds": (
        manual_run(11),
        {
            "from_datetime": day(8) + timedelta(microseconds=900_000),
            "to_datetime": day(9) + timedelta(microseconds=1),
        },
        (day(8), day(9)),
        "from_datetime and to_datetime",
    ),
    "settle holds the data interval back": (
        interval_run(9),
        {"settle": "PT1H"},
        (day(9) - HOUR, day(10) - HOUR),
        "the Dag run's data interval, held back by settle=1:00:00",
    ),
    "settle holds interval= back": (
        cron_run(10),
        {"interval": ONE_DAY, "settle": 2 * HOUR},
        (day(9) - 2 * HOUR, day(10) - 2 * HOUR),
        "interval until the run was due, held back by settle=2:00:00",
    ),
    "settle leaves arguments alone": (
        interval_run(9),
        bounds(8) | {"settle": HOUR},
        (day(8), day(9)),
        "from_datetime and to_datetime",
    ),
}


@pytest.mark.parametrize("case", OF_THEIR_OWN)
def test_run_exports_the_window_of_its_own(small: GongSandbox, destination: str, case: str) -> None:
    run, arguments, window, rule = OF_THEIR_OWN[case]
    result = try_calls(destination=destination, run=run, **arguments).succeeded()
    assert window_of(result.xcom) == window
    assert window_lines(result) == [f"Exporting calls of {text(window)} ({rule}) to {destination}/calls"]
    assert call_ids(rows(result.xcom)) == small.world.call_ids(*window) != []


@pytest.mark.parametrize("case", OF_THEIR_OWN)
def test_window_of_its_own_needs_no_destination(small: GongSandbox, case: str) -> None:
    run, arguments, window, rule = OF_THEIR_OWN[case]
    result = try_calls(content="basic", run=run, **arguments).succeeded()
    assert window_lines(result) == [f"Exporting calls of {text(window)} ({rule}) to XCom"]
    assert call_ids(result.xcom) == small.world.call_ids(*window)


def test_several_runs_at_a_time_may_have_windows_of_their_own(small: GongSandbox, destination: str) -> None:
    summary = export_calls(destination=destination, run=interval_run(9), max_active_runs=16)
    assert window_of(summary) == (day(9), day(10))


def test_explicit_window_takes_only_what_no_other_window_has(small: GongSandbox, destination: str) -> None:
    export_calls(destination=destination, run=interval_run(8))
    wide = export_calls(
        destination=destination, from_datetime=day(7), to_datetime=day(10), run=manual_run(11)
    )
    assert window_of(wide) == (day(7), day(10))
    assert call_ids(rows(wide)) == small.world.call_ids(day(7), day(8)) + small.world.call_ids(
        day(9), day(10)
    )


# Runs that continue from what is exported

CONTINUING: dict[str, tuple[RunSpec, dict[str, Any], Bounds]] = {
    "empty data interval": (cron_run(10), {}, (day(9), day(10))),
    "manual with a logical date": (
        RunSpec(run_type="manual", logical_date=day(10)),
        {},
        (day(9), day(10)),
    ),
    "manual without a logical date": (manual_run(10), {}, (day(9), day(10))),
    "manual without a logical date, though interval= is set": (
        manual_run(10),
        {"interval": HOUR},
        (day(9), day(10)),
    ),
    "asset-triggered": (asset_run(10), {}, (day(9), day(10))),
    "partition without interval=": (partition_run(9), {}, (day(9), day(10))),
    "fractions of a second": (
        RunSpec(run_after=day(10) + timedelta(microseconds=999_999)),
        {},
        (day(9), day(10)),
    ),
    "days later": (cron_run(11), {}, (day(9), day(11))),
    "held back": (cron_run(10), {"settle": "PT3H"}, (day(9), day(10) - 3 * HOUR)),
    "initial_from_datetime is of no matter": (
        cron_run(10),
        {"initial_from_datetime": day(7)},
        (day(9), day(10)),
    ),
}


@pytest.mark.parametrize("case", CONTINUING)
def test_run_continues_where_the_newest_window_ends(small: GongSandbox, destination: str, case: str) -> None:
    run, arguments, window = CONTINUING[case]
    export_calls(destination=destination, **bounds(8))
    result = try_calls(destination=destination, run=run, **arguments).succeeded()
    assert window_of(result.xcom) == window
    assert window_lines(result) == [
        f"Exporting calls of {text(window)} (from the newest exported window until this run) "
        f"to {destination}/calls"
    ]
    assert call_ids(rows(result.xcom)) == small.world.call_ids(*window) != []


@pytest.mark.parametrize("case", CONTINUING)
def test_run_without_a_window_of_its_own_needs_a_destination(small: GongSandbox, case: str) -> None:
    run, arguments, _ = CONTINUING[case]
    assert refusal(run=run, **arguments) == (
        "Nothing says which window to export: this run has no data interval, and without destination= there "
        "are no manifests to continue from. Pass from_datetime= and to_datetime=, interval=, or destination=."
    )
    assert len(small.requests) == 0


def test_first_run_begins_at_initial_from_datetime(small: GongSandbox, destination: str) -> None:
    result = try_calls(
        destination=destination, initial_from_datetime="2026-01-08", run=cron_run(10)
    ).succeeded()
    window = (day(8), day(10))
    assert window_of(result.xcom) == window
    assert window_lines(result) == [
        f"Exporting calls of {text(window)} (the first export, from initial_from_datetime) "
        f"to {destination}/calls"
    ]


def test_first_run_before_initial_from_datetime_has_nothing_to_do(
    small: GongSandbox, destination: str, folder: Path
) -> None:
    result = try_calls(destination=destination, initial_from_datetime=day(10), run=cron_run(9)).succeeded()
    assert result.xcom | NOTHING == result.xcom
    assert window_lines(result) == [
        f"Nothing to export of calls: nothing to export yet: initial_from_datetime={day(10).isoformat()}, "
        f"this run ends {day(9).isoformat()}"
    ]
    assert_nothing_published(folder)


def test_nothing_left_to_export_is_a_success_and_says_so(small: GongSandbox, destination: str) -> None:
    export_calls(destination=destination, **bounds(9))
    result = try_calls(destination=destination, run=manual_run(10)).succeeded()
    assert result.xcom | NOTHING == result.xcom
    assert window_lines(result) == [
        f"Nothing to export of calls: already covered by exports that reach {day(10).isoformat()}; "
        f"this run ends {day(10).isoformat()}"
    ]


def test_late_run_fills_the_hole_up_to_the_window_after_it(small: GongSandbox, destination: str) -> None:
    for number in (7, 9):
        export_calls(destination=destination, **bounds(number))
    summary = export_calls(destination=destination, run=manual_run(9))
    assert window_of(summary) == (day(8), day(9))
    before = export_calls(destination=destination, run=RunSpec(run_id="again", run_after=day(9) + 12 * HOUR))
    assert before | NOTHING == before


@pytest.mark.parametrize("due", [10, 11])
def test_hole_that_no_run_comes_back_to_is_a_warning(small: GongSandbox, destination: str, due: int) -> None:
    for number in (7, 9):
        export_calls(destination=destination, **bounds(number))
    result = try_calls(destination=destination, run=cron_run(due)).succeeded()
    warning = (
        f"Nothing covers {text((day(8), day(9)))} of calls: export it with from_datetime= and to_datetime=, "
        "if it is wanted"
    )
    assert result.logs.count(warning) == 1
    export_calls(destination=destination, **bounds(8))
    assert not any(
        "Nothing covers" in line for line in try_calls(destination=destination, run=cron_run(11)).logs
    )


# Windows that are refused

REFUSED: dict[str, tuple[RunSpec, dict[str, Any], str]] = {
    "backfill without an interval": (
        backfill_run(9, interval=False),
        {},
        "A backfill run needs a window of its own, and this Dag's schedule gives it none: schedule the Dag with "
        "CronDataIntervalTimetable or CronTriggerTimetable(..., interval=...), or pass interval= "
        "(for example timedelta(days=1)) to the operator.",
    ),
    "first run without a beginning": (
        cron_run(9),
        {},
        "This is the first export of the dataset and nothing says where it begins: pass "
        "initial_from_datetime= (for example '2026-01-01').",
    ),
    "several runs at a time": (
        cron_run(9),
        {"max_active_runs": 16, "initial_from_datetime": day(8)},
        "Continuing from the newest exported window needs one run at a time: set max_active_runs=1 on the Dag "
        "(it is 16), or give each run a window of its own (CronDataIntervalTimetable, interval=, or from_datetime= "
        "and to_datetime=).",
    ),
    "only from_datetime": (
        interval_run(9),
        {"from_datetime": day(8)},
        "to_datetime is missing: give both from_datetime and to_datetime, or neither.",
    ),
    "only to_datetime": (
        interval_run(9),
        {"to_datetime": day(8)},
        "from_datetime is missing: give both from_datetime and to_datetime, or neither.",
    ),
    "empty": (
        interval_run(9),
        {"from_datetime": day(8), "to_datetime": day(8)},
        f"from_datetime={day(8).isoformat()} must be earlier than to_datetime={day(8).isoformat()} "
        "(windows are half-open and counted in whole seconds).",
    ),
    "backwards": (
        interval_run(9),
        {"from_datetime": "2026-01-09", "to_datetime": "2026-01-08"},
        f"from_datetime={day(9).isoformat()} must be earlier than to_datetime={day(8).isoformat()} "
        "(windows are half-open and counted in whole seconds).",
    ),
    "future": (
        interval_run(9),
        {"from_datetime": day(8), "to_datetime": datetime(2999, 1, 1, tzinfo=UTC)},
        "to_datetime=2999-01-01T00:00:00+00:00 lies in the future: what happens until then would never be "
        "exported. Give a to_datetime that has passed.",
    ),
    "interval of no length": (
        cron_run(9),
        {"interval": "PT0S"},
        "interval=0:00:00 must be longer than zero, for example timedelta(days=1) or 'P1D'.",
    ),
    "data interval that has not passed": (
        RunSpec(data_interval=(day(9), datetime(2999, 1, 1, tzinfo=UTC))),
        {},
        "The window [2026-01-09T00:00:00+00:00, 2999-01-01T00:00:00+00:00) (the Dag run's data interval) ends in the "
        "future: what happens until then would never be exported. Run it when the window has passed (a "
        "CronPartitionTimetable does with run_offset=-1).",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_window_is_refused_before_any_request(
    small: GongSandbox, destination: str, folder: Path, case: str
) -> None:
    run, arguments, message = REFUSED[case]
    assert refusal(destination=destination, run=run, **arguments) == message
    assert len(small.requests) == 0
    assert all_files(folder) == []


# Templates


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("{{ data_interval_start }}", "{{ data_interval_end }}"),
        ("{{ ds }}", "{{ data_interval_end | ds }}"),
        ("{{ data_interval_start.isoformat() }}", "{{ data_interval_start.add(days=1) }}"),
        ("{{ '2026-01-09 02:00:00+02:00' }}", "2026-01-10T00:00:00Z"),
        ("{{ dag_run.conf['from'] }}", "{{ dag_run.conf['to'] }}"),
        ("{{ none }}", "{{ dag_run.conf.get('nothing') }}"),
        ("{{ '' }}", ""),
    ],
)
def test_bounds_may_be_templates(
    small: GongSandbox, destination: str, start: str, end: str, native: bool
) -> None:
    with DAG("templates", schedule=None, render_template_as_native_obj=native):
        operator = GongExportCallsOperator(
            task_id="export", destination=destination, from_datetime=start, to_datetime=end
        )
    run = interval_run(9, conf={"from": "2026-01-09 00:00:00+00:00", "to": "2026-01-10"})
    assert window_of(run_task(operator, run=run).succeeded().xcom) == (day(9), day(10))


@pytest.mark.parametrize("native", [False, True])
def test_all_arguments_may_be_templates(small: GongSandbox, destination: str, native: bool) -> None:
    hosts = sorted({call.host.id for call in small.world.calls()})[:2]
    workspace = small.world.workspaces[1]["id"]
    conf = {
        "to": destination,
        "hosts": hosts,
        "workspace": workspace,
        "interval": "P2D",
        "settle": "PT1H",
        "content": {"context": "Basic"},
        "yes": True,
    }
    with DAG("templates", schedule=None, render_template_as_native_obj=native, max_active_runs=1):
        operator = GongExportCallsOperator(
            task_id="export",
            gong_conn_id="{{ 'gong_default' }}",
            destination="{{ dag_run.conf.to }}",
            destination_conn_id="{{ none }}",
            file_format="{{ 'jsonl' }}",
            interval="{{ dag_run.conf.interval }}",
            settle="{{ dag_run.conf.settle }}",
            initial_from_datetime="{{ none }}",
            workspace_id="{{ dag_run.conf.workspace }}",
            primary_user_ids="{{ dag_run.conf.hosts | tojson }}",
            content="{{ dag_run.conf.content | tojson }}",
            include_private="{{ dag_run.conf.yes }}",
            skip_if_empty="{{ dag_run.conf.yes }}",
        )
    summary = run_task(operator, run=cron_run(10, conf=conf)).succeeded().xcom
    window = (day(8) - HOUR, day(10) - HOUR)
    assert window_of(summary) == window
    expected = small.world.call_ids(*window, workspace_id=workspace, include_private=True)
    assert (
        call_ids(rows(summary)) == [one for one in expected if small.world.call(one).host.id in hosts] != []
    )
    assert manifest(summary)["identity"]["workspace_id"] == workspace
    assert summary["prefix"].endswith(f"/calls/workspace={workspace}")


def test_template_that_renders_to_nothing_useful_is_named(small: GongSandbox, destination: str) -> None:
    message = refusal(
        destination=destination, from_datetime="{{ run_id }}", to_datetime="{{ ds }}", run=interval_run(9)
    )
    assert message.startswith("from_datetime='scheduled__2026-01-09T00:00:00+00:00' is not a date and time")


# The same run again


@pytest.mark.parametrize("clear", [False, True])
def test_head_run_keeps_the_window_that_it_published(
    small: GongSandbox, destination: str, clear: bool
) -> None:
    first = export_calls(destination=destination, initial_from_datetime=day(8), run=cron_run(9))
    export_calls(destination=destination, run=cron_run(10))
    again = try_calls(
        destination=destination, run=cleared(cron_run(9)) if clear else cron_run(9), try_number=2
    ).succeeded()
    assert again.xcom == first
    assert window_lines(again) == [
        f"Exporting calls of {text((day(8), day(9)))} (kept from an earlier attempt of this run) "
        f"to {destination}/calls"
    ]


@pytest.mark.usefixtures("no_waiting")
def test_retry_keeps_the_window_that_the_failed_attempt_planned(
    small: GongSandbox, destination: str, folder: Path
) -> None:
    break_gong(small)
    failed = try_calls(destination=destination, initial_from_datetime=day(8), run=cron_run(9))
    assert (failed.state, type(failed.error)) == ("up_for_retry", GongUnavailable)
    assert_nothing_published(folder)
    small.faults.clear()
    # Somebody has changed the Dag between the attempts.
    result = try_calls(
        destination=destination, initial_from_datetime=day(7), run=cron_run(9), try_number=2
    ).succeeded()
    assert window_of(result.xcom) == (day(8), day(9))
    assert "kept from an earlier attempt of this run" in window_lines(result)[0]
    assert not any("_staging/" in name for name in all_files(folder))


@pytest.mark.usefixtures("no_waiting")
def test_cleared_run_that_published_nothing_chooses_anew(small: GongSandbox, destination: str) -> None:
    break_gong(small)
    run = cron_run(9)
    failed = try_calls(destination=destination, initial_from_datetime=day(8), run=run, try_number=LAST_TRY)
    assert failed.state == "failed"
    small.faults.clear()
    summary = export_calls(
        destination=destination, initial_from_datetime=day(7), run=cleared(run), try_number=LAST_TRY + 1
    )
    assert window_of(summary) == (day(7), day(9))


def test_tasks_of_one_run_have_windows_of_their_own(small: GongSandbox, destination: str) -> None:
    export_calls(destination=f"{destination}/a", initial_from_datetime=day(8), run=cron_run(9), map_index=0)
    other = export_calls(
        destination=f"{destination}/b", initial_from_datetime=day(7), run=cron_run(9), map_index=1
    )
    assert window_of(other) == (day(7), day(9))


def test_cleared_run_replaces_its_parts_when_more_calls_are_visible(
    small: GongSandbox, destination: str, folder: Path
) -> None:
    small.clock.set(day(9) + 16 * HOUR)
    first = export_calls(destination=destination, run=interval_run(9))
    seen = small.world.call_ids(day(9), day(10))
    assert call_ids(rows(first)) == seen
    small.clock.set(NOW)
    again = export_calls(destination=destination, run=cleared(interval_run(9)), try_number=2)
    assert again["uri"] == first["uri"]
    assert call_ids(rows(again)) == small.world.call_ids(day(9), day(10))
    assert len(call_ids(rows(again))) > len(seen) > 0
    assert data_files(folder / "calls") == again["files"] != first["files"]
    assert_only_what_manifests_name(folder / "calls")


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_cleared_run_leaves_the_same_bytes_when_nothing_changed(
    small: GongSandbox, destination: str, folder: Path, file_format: str
) -> None:
    first = export_calls(destination=destination, file_format=file_format, run=interval_run(9))
    before = digests(folder)
    ids = (folder / "calls" / manifest(first)["ids"]["name"]).read_bytes()
    again = export_calls(
        destination=destination, file_format=file_format, run=cleared(interval_run(9)), try_number=2
    )
    assert again == first
    assert digests(folder) == before
    assert (folder / "calls" / manifest(again)["ids"]["name"]).read_bytes() == ids


@pytest.mark.usefixtures("no_waiting")
def test_failed_clear_leaves_what_was_published(small: GongSandbox, destination: str, folder: Path) -> None:
    small.clock.set(day(9) + 16 * HOUR)
    first = export_calls(destination=destination, run=interval_run(9))
    before = digests(folder)
    small.clock.set(NOW)
    break_gong(small)
    assert try_calls(destination=destination, run=cleared(interval_run(9)), try_number=2).state != "success"
    assert digests(folder) == before
    assert len(rows(first)) == first["rows"]


def assert_only_what_manifests_name(dataset: Path) -> None:
    """Assert that each file belongs to a manifest, or remembers the window of a run."""
    named = set()
    for name in manifests(dataset):
        if name.endswith(".json"):
            body = json.loads((dataset / name).read_bytes())
            named |= {name, body["ids"]["name"], *(part["name"] for part in body["parts"])}
    assert {name for name in all_files(dataset) if not remembers_a_window(name)} == named


def remembers_a_window(name: str) -> bool:
    # The plan of a run that found nothing left after it was cleared stays until it is swept.
    return name.startswith("_runs/") or (name.startswith("_staging/") and name.endswith("/plan.json"))


# Sequences of head runs

DUE = (8, 9, 10, 11)
BEGINNING = day(7)


def sequences() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return which runs fail, and the order in which they are cleared."""
    few = [chosen for size in (1, 2) for chosen in combinations(DUE, size)]
    many = [*combinations(DUE, 3), DUE]
    any_order = [(chosen, order) for chosen in few for order in permutations(chosen)]
    both_ways = [(chosen, order) for chosen in many for order in (chosen, chosen[::-1])]
    return [*any_order, *both_ways, (DUE, (9, 11, 8, 10))]


def head_run(gong: GongSandbox, destination: str, run: RunSpec, fails: bool = False) -> TaskResult:
    fault = break_gong(gong) if fails else None
    result = try_calls(
        destination=destination,
        content="basic",
        initial_from_datetime=BEGINNING,
        run=run,
        try_number=LAST_TRY,
    )
    if fault is not None:
        gong.faults.clear()
    assert result.state == ("failed" if fails else "success"), result.error
    return result


def published_windows(dataset: Path) -> list[Bounds]:
    bodies = [
        json.loads((dataset / name).read_bytes()) for name in manifests(dataset) if name.endswith(".json")
    ]
    return sorted(
        (datetime.fromisoformat(body["window"]["from"]), datetime.fromisoformat(body["window"]["to"]))
        for body in bodies
    )


def published_ids(dataset: Path) -> list[str]:
    """Return the ids of the rows in all data files, as often as they are there."""
    lines = [line for name in data_files(dataset) for line in raw_lines(dataset / name)]
    return [json.loads(line)["metaData"]["id"] for line in lines]


def assert_each_moment_and_call_once(gong: GongSandbox, dataset: Path, end: datetime) -> None:
    windows = published_windows(dataset)
    assert (windows[0][0], windows[-1][1]) == (BEGINNING, end)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(windows))
    assert sorted(published_ids(dataset)) == sorted(gong.world.call_ids(BEGINNING, end))
    assert_only_what_manifests_name(dataset)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("failing", "order"), sequences())
def test_failed_head_runs_may_be_cleared_in_any_order(
    small: GongSandbox, destination: str, folder: Path, failing: tuple[int, ...], order: tuple[int, ...]
) -> None:
    for due in DUE:
        head_run(small, destination, cron_run(due), fails=due in failing)
    for due in order:
        head_run(small, destination, cleared(cron_run(due)))
    assert_each_moment_and_call_once(small, folder / "calls", day(11))


@pytest.mark.parametrize("order", list(permutations(DUE[:3])))
def test_successful_head_runs_may_be_cleared_in_any_order(
    small: GongSandbox, destination: str, folder: Path, order: tuple[int, ...]
) -> None:
    for due in DUE:
        head_run(small, destination, cron_run(due))
    before = digests(folder)
    for due in order:
        head_run(small, destination, cleared(cron_run(due)))
    assert digests(folder) == before
    assert_each_moment_and_call_once(small, folder / "calls", day(11))


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("failing", [(10,), (9, 10), (8, 9, 10)])
def test_head_runs_go_on_before_the_failed_ones_are_cleared_twice(
    small: GongSandbox, destination: str, folder: Path, failing: tuple[int, ...]
) -> None:
    for due in DUE[:3]:
        head_run(small, destination, cron_run(due), fails=due in failing)
    for due in failing:
        head_run(small, destination, cleared(cron_run(due)), fails=True)
    head_run(small, destination, cron_run(11))
    for due in failing:
        head_run(small, destination, cleared(cron_run(due), times=2))
    assert_each_moment_and_call_once(small, folder / "calls", day(11))


@pytest.mark.parametrize("order", list(permutations((7, 8, 9))))
def test_runs_with_intervals_may_come_in_any_order(
    small: GongSandbox, destination: str, folder: Path, order: tuple[int, ...]
) -> None:
    for number in order:
        export_calls(destination=destination, content="basic", run=interval_run(number), max_active_runs=16)
    assert_each_moment_and_call_once(small, folder / "calls", day(10))


# What tasks get


@pytest.mark.parametrize(
    "kind", [GongExportCallsOperator, GongExportTranscriptsOperator, GongExportLogsOperator]
)
def test_asset_events_of_all_exports_carry_the_summary(
    small: GongSandbox, destination: str, kind: Any
) -> None:
    arguments = {"log_type": "AccessLog"} if kind is GongExportLogsOperator else {}
    result = attempt(
        kind, destination=destination, outlets=[Asset("exported")], run=interval_run(9), **arguments
    ).succeeded()
    [event] = result.outlet_events
    assert list(event["extra"]) == SUMMARY_KEYS
    assert event["extra"] == result.xcom


def test_asset_event_says_that_nothing_was_left_to_export(small: GongSandbox, destination: str) -> None:
    export_calls(destination=destination, **bounds(9))
    result = try_calls(destination=destination, outlets=[Asset("exported")], run=cron_run(10)).succeeded()
    [event] = result.outlet_events
    assert event["extra"] == result.xcom == result.xcom | NOTHING


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("broken", [False, True])
def test_no_asset_event_of_a_skipped_or_failed_export(
    quiet: GongSandbox, destination: str, broken: bool
) -> None:
    if broken:
        break_gong(quiet)
    result = try_calls(
        destination=destination, outlets=[Asset("exported")], skip_if_empty=True, run=interval_run(9)
    )
    assert result.state == ("up_for_retry" if broken else "skipped")
    assert result.outlet_events == []


def test_skipped_export_is_remembered_as_exported(quiet: GongSandbox, destination: str, folder: Path) -> None:
    result = try_calls(destination=destination, skip_if_empty=True, run=interval_run(9))
    assert result.state == "skipped"
    assert published_windows(folder / "calls") == [(day(9), day(10))]
    following = export_calls(destination=destination, run=cron_run(11))
    assert window_of(following) == (day(10), day(11))


@pytest.mark.parametrize(
    "kind", [GongExportCallsOperator, GongExportTranscriptsOperator, GongExportLogsOperator]
)
def test_without_destination_nothing_found_is_an_empty_list(quiet: GongSandbox, kind: Any) -> None:
    arguments = {"log_type": "AccessLog"} if kind is GongExportLogsOperator else {}
    assert export(kind, run=interval_run(9), **arguments) == []


def test_summary_survives_the_way_through_xcom(small: GongSandbox, destination: str) -> None:
    summary = export_calls(destination=destination, run=interval_run(9))
    assert json.loads(json.dumps(summary)) == summary
    assert len(json.dumps(summary)) < 2000


# What must not happen


def test_alias_gets_an_event_of_the_dataset_with_the_summary(gong: GongSandbox, destination: str) -> None:
    result = try_calls(destination=destination, outlets=[AssetAlias("gong")], run=interval_run(9)).succeeded()
    [event] = result.outlet_events
    assert event["source_alias_name"] == "gong"
    assert event["dest_asset_key"]["uri"] == f"{destination}/calls"
    assert event["extra"] == result.xcom


@pytest.mark.parametrize("settle", ["", timedelta(hours=-5), "-PT5H"])
def test_settle_never_reaches_ahead_of_the_run(
    gong: GongSandbox, destination: str, settle: timedelta | str
) -> None:
    result = try_calls(destination=destination, settle=settle, run=interval_run(9))
    assert result.state == "failed"
    assert not gong.requests


def test_workspace_never_leads_out_of_the_destination(
    gong: GongSandbox, folder: Path, destination: str
) -> None:
    result = try_calls(destination=destination, workspace_id="../../evil", run=interval_run(9))
    assert "workspace_id='../../evil' is not an identifier" in str(result.error)
    assert not list(folder.parent.rglob("evil"))
