"""Checks of real exports: whole ones pass, each damage is named with its mend, and Gong is asked nothing."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exports import storage
from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from tests.operators.exporting import ONE_DAY, all_files, day, export, interval_run
from tests.support.dag_runs import run_dag
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.sandbox import GongSandbox

DAYS = (7, 8, 9, 10)
RESULT_KEYS = [
    *("ok", "problems", "windows", "rows", "covered_from", "covered_to"),
    *("gaps", "pending", "given_up", "doubled"),
]
MEND_OF_DAY_8 = (
    "clear the task 'export' in the run 'scheduled__2026-01-08T00:00:00+00:00' of the Dag 'exports'"
)


def look(dataset: str, **arguments: Any) -> TaskResult:
    """Run a check in Airflow's task runner."""
    run = arguments.pop("run", None)
    with DAG("checks", schedule=None):
        return run_task(GongCheckExportOperator(task_id="check", dataset=dataset, **arguments), run=run)


def passed(dataset: str, **arguments: Any) -> dict[str, Any]:
    """Run a check that finds nothing, and return its result."""
    result: dict[str, Any] = look(dataset, **arguments).succeeded().xcom
    assert (result["ok"], result["problems"]) == (True, [])
    return result


def problems(dataset: str, **arguments: Any) -> list[str]:
    """Run a check that fails, and return the problems that its error names."""
    result = look(dataset, **arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    head, *named = str(result.error).split("\n- ")
    assert re.search(rf": {len(named)} problems?\.$", head)
    assert (result.xcom["ok"], result.xcom["problems"]) == (False, named)
    return named


def problem(dataset: str, **arguments: Any) -> str:
    """Run a check that fails for one reason, and return it."""
    [one] = problems(dataset, **arguments)
    return one


def root(dataset: str) -> ObjectStoragePath:
    return storage.open_destination(dataset)


def one_file(dataset: str, folder: str, name: str) -> ObjectStoragePath:
    """Return the one file below a folder whose name holds a text."""
    place = root(dataset)
    [found] = [one for one in storage.sizes_below(place / folder) if name in one]
    return place / folder / found


def rewrite_manifest(dataset: str, number: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a day's window."""
    path = one_file(
        dataset, "_manifests", f"{day(number + 1):%Y%m%d}T000000Z_{day(number):%Y%m%d}T000000Z.json"
    )
    body = json.loads(path.fs.cat_file(path.path))
    change(body)
    path.fs.pipe_file(path.path, json.dumps(body).encode())


def export_days(destination: str, *numbers: int) -> list[dict[str, Any]]:
    return [
        export(GongExportCallsOperator, destination=destination, run=interval_run(number))
        for number in numbers
    ]


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest) -> str:
    """Return a destination on each kind of storage."""
    if request.param == "local":
        local: str = request.getfixturevalue("destination")
        return local
    return f"s3://export_s3@{request.getfixturevalue('bucket')}/gong"


@pytest.fixture(scope="module")
def exported_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the first test that needs them leaves the exports: they are the same for all."""
    return tmp_path_factory.mktemp("exported") / "exports"


@pytest.fixture
def exported_days(gong: GongSandbox, exported_before: Path) -> Path:
    """Return four days of calls, one export a day; the requests of the exports are forgotten."""
    if not exported_before.exists():
        export_days(f"file://{exported_before}", *DAYS)
        gong.requests.clear()
    return exported_before


@pytest.fixture
def calls(exported_days: Path, place: str) -> str:
    """Return a dataset of the four days."""
    for name in all_files(exported_days):
        path = storage.open_destination(place) / name
        path.fs.makedirs(path.parent.path, exist_ok=True)
        path.fs.pipe_file(path.path, (exported_days / name).read_bytes())
    return f"{place}/calls"


@pytest.fixture
def local_calls(exported_days: Path, folder: Path, destination: str) -> str:
    """Return the same in local files."""
    shutil.copytree(exported_days, folder)
    return f"{destination}/calls"


# Whole exports


def test_whole_export_passes_without_a_request_to_gong(calls: str, gong: GongSandbox) -> None:
    result = passed(calls, verify="content")
    assert list(result) == RESULT_KEYS
    assert result == {
        "ok": True,
        "problems": [],
        "windows": 4,
        "rows": len(gong.world.call_ids(day(7), day(11))),
        "covered_from": "2026-01-07T00:00:00+00:00",
        "covered_to": "2026-01-11T00:00:00+00:00",
        "gaps": [],
        "pending": 0,
        "given_up": 0,
        "doubled": 0,
    }
    assert list(gong.requests) == []


def test_check_needs_no_connection_to_gong(local_calls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_GONG_DEFAULT")
    passed(local_calls)


def test_check_changes_no_file_but_its_page(local_calls: str, folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in all_files(folder)}
    passed(local_calls)
    after = {name: (folder / name).read_bytes() for name in all_files(folder)}
    assert after.keys() - before.keys() == {"calls/_coverage.html"}
    assert {name: after[name] for name in before} == before


def test_export_goes_on_beside_the_page(local_calls: str, destination: str) -> None:
    passed(local_calls)
    [again] = export_days(destination, 9)
    assert passed(local_calls)["rows"] >= again["rows"]


def test_logs_and_transcripts_pass(gong: GongSandbox, place: str) -> None:
    [exported] = export_days(place, 8)
    export(GongExportTranscriptsOperator, destination=place, calls=exported, run=interval_run(8))
    for number in (8, 9):
        export(GongExportLogsOperator, destination=place, log_type="AccessLog", run=interval_run(number))
    result = passed(f"{place}/transcripts", max_pending_share=0.1)
    assert result["rows"] + result["pending"] == exported["rows"]
    assert passed(f"{place}/logs/log_type=AccessLog")["covered_from"] == "2026-01-07T23:00:00+00:00"


def test_snapshots_have_no_gaps_and_no_doubled_rows(gong: GongSandbox, place: str) -> None:
    for number in (3, 9):
        export(GongExportUsersOperator, destination=place, run=RunSpec(run_after=day(number)))
    result = passed(f"{place}/users", from_datetime=day(3))
    assert (result["windows"], result["rows"], result["gaps"], result["doubled"]) == (2, 480, [], 0)
    age = problem(f"{place}/users", fail_if_older_than="P1D")
    assert age.startswith("The newest export ends 2026-01-09T00:00:00+00:00, ")


def test_slash_at_the_end_of_the_address_does_no_harm(local_calls: str) -> None:
    assert passed(f"{local_calls}/")["windows"] == 4


def test_connection_may_stand_beside_the_address(gong: GongSandbox, bucket: str) -> None:
    export_days(f"s3://export_s3@{bucket}/gong", 9)
    assert passed(f"s3://{bucket}/gong/calls", dataset_conn_id="export_s3")["windows"] == 1


# Damage


def test_deleted_manifest_is_a_gap_with_its_mend(calls: str) -> None:
    storage.remove(one_file(calls, "_manifests", "20260109T000000Z_20260108T000000Z.json"))
    named = problem(calls)
    assert named == (
        "Nothing covers [2026-01-08T00:00:00+00:00, 2026-01-09T00:00:00+00:00): export it with "
        "from_datetime='2026-01-08T00:00:00+00:00' and to_datetime='2026-01-09T00:00:00+00:00' or, if the runs of "
        "the Dag have data intervals, airflow backfill create --dag-id exports --from-date 2026-01-08T00:00:00+00:00 "
        "--to-date 2026-01-08T23:59:59+00:00 --reprocess-behavior completed"
    )


def test_gaps_in_xcom_are_arguments_of_the_export_that_fills_them(calls: str, place: str) -> None:
    storage.remove(one_file(calls, "_manifests", "20260109T000000Z_20260108T000000Z.json"))
    [gap] = look(calls).xcom["gaps"]
    export(GongExportCallsOperator, destination=place, **gap)
    passed(calls)


def test_mapped_export_fills_the_gaps_of_a_check_that_failed(
    local_calls: str, destination: str, gong: GongSandbox
) -> None:
    for number in (8, 9):
        storage.remove(
            one_file(
                local_calls, "_manifests", f"202601{number + 1:02}T000000Z_202601{number:02}T000000Z.json"
            )
        )
    with DAG("mend", schedule=None) as dag:

        @task(trigger_rule="all_done")
        def gaps(result: dict[str, Any]) -> list[dict[str, str]]:
            found: list[dict[str, str]] = result["gaps"]
            return found

        check = GongCheckExportOperator(task_id="check", dataset=local_calls, to_datetime=day(12))
        GongExportCallsOperator.partial(task_id="fill", destination=destination).expand_kwargs(
            gaps(check.output)  # type: ignore[arg-type]
        )
    run = run_dag(dag, run_after=day(12))
    assert run.states == {"check": "failed", "gaps": "success", "fill[0]": "success", "fill[1]": "success"}
    assert passed(local_calls, to_datetime=day(12))["rows"] == len(gong.world.call_ids(day(7), day(11)))


def test_missing_part_is_named_and_the_mend_mends(calls: str, place: str) -> None:
    part = one_file(calls, "date=2026-01-08", "part-")
    storage.remove(part)
    name = str(part).removeprefix(f"{root(calls)}/")
    assert problem(calls) == f"{name} is missing: {MEND_OF_DAY_8}"
    export_days(place, 8)
    passed(calls)


def test_truncated_part_is_named_and_the_mend_mends(calls: str, place: str) -> None:
    part = one_file(calls, "date=2026-01-08", "part-")
    content = part.fs.cat_file(part.path)
    part.fs.pipe_file(part.path, content[:-7])
    named = problem(calls)
    assert f"has {len(content) - 7:,} bytes and its manifest says {len(content):,}: {MEND_OF_DAY_8}" in named
    export_days(place, 8)
    passed(calls)


def test_changed_part_of_the_same_size_is_found_by_its_content(calls: str) -> None:
    part = one_file(calls, "date=2026-01-08", "part-")
    content = part.fs.cat_file(part.path)
    part.fs.pipe_file(part.path, content[:-1] + bytes([content[-1] ^ 1]))
    passed(calls)
    named = problem(calls, verify="content")
    assert named.endswith(f"has another content than was exported: {MEND_OF_DAY_8}")


def test_changed_ids_file_is_named(calls: str, place: str) -> None:
    ids = one_file(calls, "_manifests", "20260109T000000Z_20260108T000000Z.ids.gz")
    ids.fs.pipe_file(ids.path, gzip.compress(b"1\tabc\n"))
    assert problem(calls) == (
        "_manifests/2026-01/20260109T000000Z_20260108T000000Z.ids.gz does not belong to its manifest: "
        + MEND_OF_DAY_8
    )
    export_days(place, 8)
    passed(calls)


def test_missing_ids_file_is_named(local_calls: str) -> None:
    storage.remove(one_file(local_calls, "_manifests", "20260109T000000Z_20260108T000000Z.ids.gz"))
    assert "ids.gz is missing: clear the task" in problem(local_calls)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format_version": 1}', b'{"format_version": 1, "window": {"from": 7}}']
)
def test_damaged_manifest_is_named_and_is_no_gap(local_calls: str, content: bytes) -> None:
    path = one_file(local_calls, "_manifests", "20260109T000000Z_20260108T000000Z.json")
    path.fs.pipe_file(path.path, content)
    named = problem(local_calls)
    assert (
        named
        == (
            f"{path} is not the manifest of an export, or was damaged: delete it and clear the run that wrote it."
        )
        or named
        == f"{path} is not the manifest of an export, or was damaged: delete it and clear the run that wrote it"
    )


def test_manifest_of_a_later_package_is_named(local_calls: str) -> None:
    rewrite_manifest(local_calls, 8, lambda body: body.update(format_version=99))
    assert "was written in format 99" in problem(local_calls)


def test_counts_that_differ_are_named(local_calls: str) -> None:
    def change(body: dict[str, Any]) -> None:
        body["rows"] += 1
        body["ids"]["count"] += 2

    rewrite_manifest(local_calls, 8, change)
    named = problems(local_calls)
    assert [
        re.sub(r"[\d,]+ (rows|ids)", r"N \1", one.split("manifest of [")[1].split("says")[1]) for one in named
    ] == [
        f" N rows and its parts hold {named[0].split('hold ')[1].split(':')[0]}: {MEND_OF_DAY_8}",
        f" N rows and the manifest counts N ids: {MEND_OF_DAY_8}",
        f" N rows and the ids file holds N ids: {MEND_OF_DAY_8}",
    ]


def test_id_in_two_overlapping_windows_is_doubled(calls: str, place: str) -> None:
    """As two attempts leave it that publish overlapping windows in the same moment."""
    other = f"{place}/aside"
    noon = timedelta(hours=12)
    second = export(
        GongExportCallsOperator,
        destination=other,
        from_datetime=day(8) + noon,
        to_datetime=day(9) + noon,
        task_id="beside",
    )
    copy_export(f"{other}/calls", calls)
    named = problems(calls)
    result = look(calls).xcom
    assert result["doubled"] == second["rows"] > 0
    counts = [int(re.match(r"([\d,]+) ids are held by both", one)[1].replace(",", "")) for one in named]  # type: ignore[index]
    assert sum(counts) == second["rows"]
    assert named[0].endswith(MEND_OF_DAY_8)
    export_days(place, 8, 9)
    passed(calls)


def copy_export(source: str, target: str) -> None:
    start, end = root(source), root(target)
    for name in storage.sizes_below(start):
        if not name.startswith(("_staging", "_runs")):
            storage.put_bytes(storage.read_bytes(start / name) or b"", end / name, end / "_staging")


def test_incomplete_export_is_named_with_its_reasons(local_calls: str) -> None:
    why = {"complete": False, "incomplete_because": ["the budget was spent", "slice 3 is missing"]}
    rewrite_manifest(local_calls, 8, lambda body: body.update(why))
    assert problem(local_calls) == (
        "The export of [2026-01-08T00:00:00+00:00, 2026-01-09T00:00:00+00:00) is not complete "
        f"(the budget was spent; slice 3 is missing): {MEND_OF_DAY_8}"
    )


# Pending


@pytest.fixture
def transcripts(gong: GongSandbox, place: str) -> tuple[str, dict[str, Any]]:
    """Return the transcripts of a day, exported so early that Gong has not written all of them."""
    gong.clock.set(day(10))
    [exported] = export_days(place, 9)
    summary = export(GongExportTranscriptsOperator, destination=place, calls=exported, run=interval_run(9))
    assert summary["pending"] > 0
    return f"{place}/transcripts", summary


def test_pending_transcripts_above_the_share_are_named(transcripts: tuple[str, dict[str, Any]]) -> None:
    dataset, summary = transcripts
    waiting, rows = summary["pending"], summary["rows"]
    named = problem(dataset, max_pending_share="0.01")
    assert named.startswith(f"{waiting:,} of {rows + waiting:,} ids (")
    assert "are pending or given up, more than max_pending_share=0.01" in named
    assert f"({waiting:,} of [2026-01-09T00:00:00+00:00, 2026-01-10T00:00:00+00:00), clear the task" in named


def test_pending_transcripts_below_the_share_pass(transcripts: tuple[str, dict[str, Any]]) -> None:
    dataset, summary = transcripts
    assert passed(dataset, max_pending_share=1)["pending"] == summary["pending"]


def test_given_up_transcripts_count_too(local_calls: str) -> None:
    rewrite_manifest(local_calls, 8, lambda body: body.update(given_up=[str(one) for one in range(1, 900)]))
    assert "are pending or given up" in problem(local_calls)
    assert look(local_calls).xcom["given_up"] == 899


def test_pending_id_that_another_export_holds_is_not_outstanding(local_calls: str) -> None:
    ids = one_file(local_calls, "_manifests", "20260110T000000Z_20260109T000000Z.ids.gz")
    brought = gzip.decompress(ids.fs.cat_file(ids.path)).decode().split("\t")[0]
    rewrite_manifest(local_calls, 8, lambda body: body.update(pending=[brought], complete=False))
    assert passed(local_calls, max_pending_share=0)["pending"] == 0


# Age and range


def test_age_is_that_of_the_newest_window(local_calls: str) -> None:
    age = datetime.now(UTC) - day(11)
    passed(local_calls, fail_if_older_than=age + timedelta(minutes=5))
    named = problem(local_calls, fail_if_older_than=age - timedelta(minutes=5))
    assert named.startswith("The newest export ends 2026-01-11T00:00:00+00:00, ")
    assert "ago, more than fail_if_older_than=" in named


def test_how_far_the_exports_are_complete_has_a_limit_of_its_own(local_calls: str) -> None:
    rewrite_manifest(local_calls, 10, lambda body: body.update(complete_through="2026-01-09T08:00:00+00:00"))
    age = datetime.now(UTC) - day(11)
    passed(local_calls, fail_if_older_than=age + timedelta(hours=1))
    passed(local_calls, fail_if_incomplete_for=age + timedelta(days=2))
    named = problem(local_calls, fail_if_incomplete_for=age + timedelta(days=1))
    assert named.startswith("The exports are complete through 2026-01-09T08:00:00+00:00, ")
    assert "ago, more than fail_if_incomplete_for=" in named


def test_exports_that_do_not_say_how_far_they_are_complete_are_named(local_calls: str) -> None:
    rewrite_manifest(local_calls, 10, lambda body: body.update(complete_through=None))
    named = problem(local_calls, fail_if_incomplete_for="P9D")
    assert named.startswith("The newest export does not say how far the exports are complete")


def test_range_names_what_is_missing_at_its_ends(local_calls: str) -> None:
    named = problems(
        local_calls, from_datetime="2026-01-05", to_datetime="{{ data_interval_end }}", run=interval_run(12)
    )
    assert [one.split(":  ")[0].split(": export")[0] for one in named] == [
        "Nothing covers [2026-01-05T00:00:00+00:00, 2026-01-07T00:00:00+00:00)",
        "Nothing covers [2026-01-11T00:00:00+00:00, 2026-01-13T00:00:00+00:00)",
    ]


def test_range_leaves_out_what_lies_outside(local_calls: str) -> None:
    storage.remove(one_file(local_calls, "date=2026-01-07", "part-"))
    storage.remove(one_file(local_calls, "date=2026-01-10", "part-"))
    result = passed(local_calls, from_datetime=day(8), to_datetime=day(10))
    assert (result["windows"], result["covered_from"]) == (2, "2026-01-08T00:00:00+00:00")


def test_nothing_at_the_address_names_the_datasets_below(local_calls: str, destination: str) -> None:
    assert problem(destination) == "There is no export here: name one of the datasets below it (calls)"
    assert problem(f"{destination}/nowhere").startswith("There is no export in the range: export it first")
    assert problem(local_calls, from_datetime=day(20)).startswith("There is no export in the range")


# What happens on problems


def test_warning_lets_the_task_succeed_with_the_same_result(local_calls: str) -> None:
    storage.remove(one_file(local_calls, "_manifests", "20260109T000000Z_20260108T000000Z.json"))
    result = look(local_calls, on_problem="warn").succeeded()
    assert result.xcom["ok"] is False
    [named] = result.xcom["problems"]
    assert any(named in line for line in result.logs)


def test_error_names_twenty_problems_and_counts_the_rest(quiet: GongSandbox, destination: str) -> None:
    for number in range(1, 32, 1):
        hour = timedelta(hours=1)
        start = day(1) + hour * 2 * number
        export(
            GongExportCallsOperator,
            destination=destination,
            from_datetime=start,
            to_datetime=start + hour,
        )
    rewrite_hour = one_file(f"{destination}/calls", "_manifests", "20260101T030000Z_20260101T020000Z.ids.gz")
    storage.remove(rewrite_hour)
    result = look(f"{destination}/calls")
    head, *named = str(result.error).split("\n- ")
    assert head.endswith(": 31 problems.")
    assert (len(named), named[-1]) == (21, "and 11 more")
    assert any("ids.gz is missing" in one for one in named)
    assert len(result.xcom["gaps"]) == 30


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"dataset": ""}, "dataset"),
        ({"dataset": "gong/calls"}, "dataset='gong/calls' is neither a URL nor an absolute path"),
        ({"max_pending_share": 2}, "max_pending_share=2 is no share"),
        ({"max_pending_share": "1 %"}, "max_pending_share='1 %'"),
        ({"verify": "all"}, "verify='all' is unknown: use one of size, content"),
        ({"on_problem": "shout"}, "on_problem='shout' is unknown: use one of fail, warn"),
        ({"fail_if_older_than": "P1M"}, "fail_if_older_than='P1M' is not a length of time"),
        ({"fail_if_older_than": "PT0S"}, "must be longer than zero"),
        ({"from_datetime": day(3), "to_datetime": day(3)}, "must be earlier than to_datetime"),
        ({"to_datetime": datetime.now(UTC) + ONE_DAY}, "lies in the future"),
    ],
)
def test_argument_that_makes_no_sense_is_refused(
    tmp_path: Path, arguments: dict[str, Any], named: str
) -> None:
    result = look(**({"dataset": f"file://{tmp_path}"} | arguments))
    assert isinstance(result.error, AirflowFailException)
    assert named in str(result.error)


# Log and page


def test_log_shows_the_calendar(local_calls: str, gong: GongSandbox) -> None:
    storage.remove(one_file(local_calls, "_manifests", "20260109T000000Z_20260108T000000Z.json"))
    logs = look(local_calls).logs
    drawn = [line for line in logs if line.startswith("2026-01-")]
    rows = {number: len(gong.world.call_ids(day(number), day(number + 1))) for number in DAYS}
    assert [line.split("|")[0].strip() for line in drawn] == [
        "2026-01-07 Wed",
        "2026-01-08 Thu",
        "2026-01-09 Fri",
        "2026-01-10 Sat",
    ]
    assert drawn[1].endswith("! not exported")
    assert [int(line.split("|")[1].split()[0]) for line in drawn] == [rows[7], 0, rows[9], rows[10]]


def test_page_lies_beside_the_data(calls: str) -> None:
    logs = look(calls).succeeded().logs
    path = root(calls) / "_coverage.html"
    page = (storage.read_bytes(path) or b"").decode()
    assert "Nothing is missing, doubled or damaged." in page
    assert f"The calendar lies at {path}" in logs
    storage.remove(one_file(calls, "_manifests", "20260109T000000Z_20260108T000000Z.json"))
    problem(calls)
    assert "1 problem<" in (storage.read_bytes(path) or b"").decode()


def test_page_is_left_out_on_request(local_calls: str, folder: Path) -> None:
    passed(local_calls, write_page="false")
    assert not (folder / "calls" / "_coverage.html").exists()


def test_nothing_that_the_check_tells_holds_personal_data(
    local_calls: str, gong: GongSandbox, folder: Path
) -> None:
    storage.remove(one_file(local_calls, "date=2026-01-08", "part-"))
    result = look(local_calls)
    told = "\n".join([*result.logs, str(result.error), json.dumps(result.xcom)])
    told += (folder / "calls" / "_coverage.html").read_text()
    people = [user.record["emailAddress"] for user in gong.world.find_users()]
    assert not any(word in told for word in (*people, *gong.world.call_ids(day(7), day(11))))
