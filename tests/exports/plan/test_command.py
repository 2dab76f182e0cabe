"""Plans of backfills: what they ask, what they say, and whether the exports then cost what was said."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_gong.exports.plan import command
from airflow_provider_gong.exports.plan.arguments import STREAMS
from airflow_provider_gong.exports.plan.estimate import OPERATIONS
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import export

if TYPE_CHECKING:
    from collections.abc import Iterator


class Connect(Protocol):
    """Point the connection `gong_default` at a sandbox; extras are keywords."""

    def __call__(self, gong: GongSandbox, **extra: Any) -> None:
        """Set it."""


class Planned(Protocol):
    """Plan, and return the JSON."""

    def __call__(self, *arguments: str) -> dict[str, Any]:
        """Run the planner."""


NOW = datetime(2026, 1, 11, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# Calls of each day from the first of January on: empty days, exact hundreds, and their neighbours.
SIZES = (0, 1, 99, 100, 101, 200, 250, 0)
END = BEGIN + len(SIZES) * ONE_DAY
RANGE = ("--from", f"{BEGIN:%Y-%m-%d}", "--to", f"{END:%Y-%m-%d}")
CALLS = ("--stream", "calls", *RANGE)
MODULE = (sys.executable, "-m", "airflow_provider_gong.exports.plan")
AIRFLOW = (str(Path(sys.executable).with_name("airflow")),)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "backfill.md"


def company(**facts: Any) -> GongSandbox:
    defaults = {"seed": 3, "users": 3, "now": NOW, "today": NOW.date(), "per_second": None}
    arguments: dict[str, Any] = defaults | facts
    return GongSandbox(**arguments)


@pytest.fixture(scope="module")
def eight_days() -> Iterator[GongSandbox]:
    """Run a company with the calls of `SIZES`, and 100 log entries on each of the last four days."""
    with company(calls=0, days=4, logs=100) as gong:
        for number, size in enumerate(SIZES):
            midnight = BEGIN + number * ONE_DAY
            for index in range(size):
                gong.world.add_call(midnight + index * ONE_DAY / max(SIZES))
        yield gong


@pytest.fixture
def gong(eight_days: GongSandbox, connect: Connect) -> GongSandbox:
    """Return the company, connected."""
    eight_days.requests.clear()
    eight_days.faults.clear()
    connect(eight_days)
    return eight_days


def connection(gong: GongSandbox, **extra: Any) -> str:
    return json.dumps(
        {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1", "requests_per_second": 1000} | extra,
        }
    )


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connect:
    """Return a function that points the connection at a sandbox."""
    monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))

    def set_connection(gong: GongSandbox, **extra: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", connection(gong, **extra))

    return set_connection


@pytest.fixture
def planned(capsys: pytest.CaptureFixture[str]) -> Planned:
    """Return a function that plans and reads the JSON."""

    def run(*arguments: str) -> dict[str, Any]:
        assert command.main([*arguments, "--json"]) == 0
        body: dict[str, Any] = json.loads(capsys.readouterr().out)
        return body

    return run


def windows(days: int, start: datetime, end: datetime) -> Iterator[dict[str, datetime]]:
    while start < end:
        yield {"from_datetime": start, "to_datetime": min(start + days * ONE_DAY, end)}
        start += days * ONE_DAY


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what argparse says of wrong arguments, without the usage."""
    with pytest.raises(SystemExit) as stopped:
        command.main(list(arguments))
    assert stopped.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.partition("error: ")[2].strip()


# The requests of the exports


@pytest.mark.parametrize("days", [1, 3])
def test_exports_of_calls_and_transcripts_cost_what_the_plan_says(
    gong: GongSandbox, planned: Planned, tmp_path: Path, days: int
) -> None:
    shape = (*RANGE, "--window", f"P{days}D", "--samples", "all")
    said = {
        stream: planned("--stream", stream, *shape)["requests"]["total"]
        for stream in ("calls", "transcripts", "calls+transcripts", "conversations")
    }
    spent = dict.fromkeys(said, 0)
    for bounds in windows(days, BEGIN, END):
        place, alone = f"file://{tmp_path}/both", f"file://{tmp_path}/alone"
        calls = export(GongExportCallsOperator, destination=place, **bounds)
        transcripts = export(GongExportTranscriptsOperator, destination=place, calls=calls)
        together = export(GongExportConversationsOperator, destination=alone, **bounds)
        spent["conversations"] += together["requests"]
        spent["calls"] += calls["requests"]
        spent["calls+transcripts"] += calls["requests"] + transcripts["requests"]
        spent["transcripts"] += export(GongExportTranscriptsOperator, destination=alone, **bounds)["requests"]
    assert said == spent


@pytest.mark.parametrize(("days", "counts"), [(1, {0, 100}), (2, {0, 100, 200}), (3, {0, 300})])
def test_exports_of_logs_cost_what_the_plan_says(
    gong: GongSandbox, planned: Planned, tmp_path: Path, days: int, counts: set[int]
) -> None:
    start, end = BEGIN + 3 * ONE_DAY, BEGIN + 9 * ONE_DAY
    said = planned(
        *("--stream", "logs", "--log-type", "AccessLog", "--samples", "all", "--window", f"P{days}D"),
        *("--from", start.isoformat(), "--to", end.isoformat()),
    )
    assert {window["records"] for window in said["asked"]["windows"]} == counts
    spent = [
        export(GongExportLogsOperator, log_type="AccessLog", destination=f"file://{tmp_path}", **bounds)
        for bounds in windows(days, start, end)
    ]
    assert said["requests"]["total"] == sum(summary["requests"] for summary in spent)
    assert said["records"]["likely"] == sum(summary["rows"] for summary in spent)


def test_private_calls_make_transcripts_no_dearer_than_said(
    connect: Connect, planned: Planned, tmp_path: Path
) -> None:
    with company(calls=205, days=2, users=40) as gong:
        connect(gong)
        bounds = {"from_datetime": BEGIN + 8 * ONE_DAY, "to_datetime": BEGIN + 9 * ONE_DAY}
        said = planned("--stream", "transcripts", "--from", "2026-01-09", "--to", "2026-01-10")
        spent = export(GongExportTranscriptsOperator, destination=f"file://{tmp_path}", **bounds)
    assert said["records"]["likely"] > 200 > spent["rows"]
    assert spent["requests"] <= said["requests"]["total"]


def test_arithmetic_knows_every_stream() -> None:
    assert tuple(OPERATIONS) == STREAMS


# What is asked


@pytest.mark.parametrize(
    ("samples", "asked"), [("2", [0, 7]), ("3", [0, 4, 7]), ("12", range(8)), ("all", range(8))]
)
def test_each_asked_window_takes_one_request(
    gong: GongSandbox, planned: Planned, samples: str, asked: Any
) -> None:
    said = planned(*CALLS, "--window", "P1D", "--samples", samples)
    assert [window["records"] for window in said["asked"]["windows"]] == [SIZES[index] for index in asked]
    assert said["asked"]["requests"] == len(gong.requests) == len(asked)


def test_twelve_windows_are_asked_unless_told_otherwise(gong: GongSandbox, planned: Planned) -> None:
    said = planned(*CALLS, "--window", "PT6H")
    assert (said["windows"], len(gong.requests)) == (32, 12)


def test_no_content_of_calls_is_asked_for(gong: GongSandbox, planned: Planned) -> None:
    planned(*CALLS)
    [asked] = gong.requests
    assert (asked.method, asked.path) == ("POST", "/v2/calls/extensive")


def test_workspace_narrows_the_count(connect: Connect, planned: Planned) -> None:
    with company(calls=60, days=5, users=20) as gong:
        connect(gong)
        shape = ("--stream", "calls", "--from", "2026-01-06", "--to", "2026-01-10", "--window", "P1D")
        everywhere = planned(*shape)["records"]["likely"]
        each = [
            planned(*shape, "--workspace-id", workspace["id"])["records"]["likely"]
            for workspace in gong.world.workspaces
        ]
    assert everywhere == sum(each)
    assert max(each) < everywhere


def test_windows_that_were_not_asked_lie_on_a_line(gong: GongSandbox, planned: Planned) -> None:
    # Of days with 0, 1, 99, 100 calls the first and the last are asked: 0, 33.3, 66.7, 100.
    shape = ("--stream", "calls", "--from", "2026-01-01", "--to", "2026-01-05", "--window", "P1D")
    said = planned(*shape, "--samples", "2")
    assert said["records"] == {"likely": 0 + 33 + 67 + 100, "lowest": 100, "highest": 300}


def test_requests_wait_for_the_quota_and_stop_at_the_budget_of_the_day(
    eight_days: GongSandbox, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(eight_days, requests_per_day=6, daily_share=50)
    eight_days.requests.clear()
    assert command.main([*CALLS, "--window", "P1D"]) == 1
    assert len(eight_days.requests) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "Our share of the day, 3 requests, is spent" in told.err


# What is said


def test_figures_follow_from_the_connection(
    eight_days: GongSandbox, connect: Connect, planned: Planned
) -> None:
    connect(eight_days, requests_per_second=2, requests_per_day=30, daily_share=40)
    said = planned(*CALLS, "--window", "P1D", "--share", "25")
    assert said["requests"] == {"total": 12, "by_operation": {"POST /v2/calls/extensive": 12}}
    assert (said["requests_per_second"], said["minutes"]) == (2, 0.1)
    assert (said["daily_budget"], said["percent_of_daily_budget"]) == (12, 100)
    # A quarter of 30 are 7 whole requests.
    assert (said["share"], said["days"]) == (25, 2)


def test_share_is_that_of_the_connection_unless_named(
    eight_days: GongSandbox, connect: Connect, planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(eight_days, requests_per_day=100, daily_share=40, backfill_share=4)
    said = planned(*CALLS, "--window", "P1D")
    assert (said["share"], said["days"]) == (4, 3)
    assert command.main([*CALLS, "--window", "P1D"]) == 0
    assert "3, spending 4 requests a day at most (the backfill's 4 %)" in capsys.readouterr().out


def test_range_that_no_cron_expression_fits_has_no_command(
    gong: GongSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*CALLS, "--window", "P2D"]) == 0
    told = capsys.readouterr().out
    assert "airflow backfill" not in told
    assert "No cron expression has windows of P2D from 2026-01-01T00:00:00Z on" in told


def test_cut_off_window_is_named_and_not_in_the_command(
    gong: GongSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*CALLS, "--window", "P1W"]) == 0
    told = capsys.readouterr().out
    assert "--from-date 2026-01-01T00:00:00Z --to-date 2026-01-01T00:00:00Z" in told
    assert "export 2026-01-08 to 2026-01-09 with from_datetime= and to_datetime=" in told


def test_range_shorter_than_a_window_has_no_backfill(
    gong: GongSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*CALLS]) == 0
    told = capsys.readouterr().out
    assert "airflow backfill" not in told
    assert "cron" not in told
    assert "export 2026-01-01 to 2026-01-09 with from_datetime=" in told


@pytest.mark.parametrize(
    ("length", "start", "end"),
    [
        ("P1M", "2023-01-01", "2026-01-01"),
        ("P3M", "2024-02-15T06:30", "2025-11-15T06:30"),
        ("P1Y", "2020-07-01", "2025-07-01"),
        ("P1W", "2025-01-01", "2025-02-19"),
        ("P1D", "2025-10-20T02:00", "2025-11-02T02:00"),
        ("PT6H", "2025-12-30T03:15", "2026-01-02T03:15"),
        ("P1M", "2025-01-01", "2025-07-12"),
    ],
)
def test_backfill_with_the_command_has_the_windows_of_the_plan(
    gong: GongSandbox, planned: Planned, length: str, start: str, end: str
) -> None:
    from airflow.cli.cli_parser import get_parser

    said = planned("--stream", "calls", "--from", start, "--to", end, "--window", length, "--samples", "all")
    expected = [(window["from"], window["to"]) for window in said["asked"]["windows"]]
    if said["cut_off"]:
        assert expected.pop() == tuple(said["cut_off"])
    options = get_parser().parse_args(shlex.split(said["command"])[1:])
    timetable = eval(said["timetable"], {"CronDataIntervalTimetable": CronDataIntervalTimetable})
    dag = DagSerialization.deserialize_dag(
        DagSerialization.serialize_dag(DAG("backfilled", schedule=timetable))
    )
    # What `airflow backfill create` makes runs of.
    infos = dag.iter_dagrun_infos_between(options.from_date, options.to_date)
    found = [info.data_interval for info in infos if info.data_interval]
    assert [(f"{one.start:%Y-%m-%dT%H:%M:%SZ}", f"{one.end:%Y-%m-%dT%H:%M:%SZ}") for one in found] == expected


# What is refused


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--stream", "users"], "argument --stream: 'users' have no past to backfill"),
        (["--stream", "emails"], "argument --stream: 'emails' is unknown: choose from calls, transcripts"),
        (["--stream", "logs"], "argument --log-type: the stream logs needs one"),
        (["--log-type", "AccessLog"], "argument --log-type: the stream logs needs one, and no other stream"),
        (["--log-type", "Access"], "argument --log-type: 'Access' is unknown: choose from AccessLog"),
        (
            ["--stream", "logs", "--log-type", "AccessLog", "--workspace-id", "1"],
            "argument --workspace-id: logs have no workspace: leave it out",
        ),
        (["--workspace-id", "abc/1"], "argument --workspace-id: 'abc/1' is not an identifier of Gong: give"),
        (["--from", "2026-13-01"], "argument --from: '2026-13-01' is not a date and time: give ISO 8601"),
        (
            ["--from", "0001-01-01T00:00:00+14:00"],
            "argument --from: '0001-01-01T00:00:00+14:00' is not a date",
        ),
        (["--from", "1999-12-31"], "argument --from: '1999-12-31' lies before the year 2000"),
        (
            ["--to", "2900-01-01"],
            "argument --to: '2900-01-01' lies in the future: give a moment that has passed",
        ),
        (["--to", "2026-01-01"], "argument --to: 2026-01-01 00:00:00+00:00 is not later than --from 2026"),
        (["--window", "1M"], "argument --window: '1M' is not a length of windows: give an ISO 8601 duration"),
        (
            ["--window", "PT1S"],
            "argument --window: PT1S splits the range into more than 100,000 windows: give",
        ),
        (["--samples", "1"], "argument --samples: '1' is not a number of windows: give 2 or more"),
        (["--samples", "few"], "argument --samples: 'few' is not a number of windows: give 2 or more"),
        (["--share", "0"], "argument --share: '0' is not a percentage: give a number above 0, at most 100"),
        (["--share", "nan"], "argument --share: 'nan' is not a percentage"),
        (["--share", "101%"], "argument --share: '101%' is not a percentage"),
    ],
)
def test_wrong_argument_is_named_with_its_value_and_the_mend(
    gong: GongSandbox, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert refusal(capsys, *CALLS, *arguments).startswith(named)
    assert len(gong.requests) == 0


def test_reply_without_a_count_cannot_be_planned_with() -> None:
    from airflow_provider_gong.api.calls import list_calls_extensive
    from airflow_provider_gong.api.client import Page
    from airflow_provider_gong.exceptions import GongUnexpectedResponse

    class Answering:
        def __init__(self, page: Page) -> None:
            self.page = page

        def pages(self, request: object) -> Iterator[Page]:
            yield self.page

    def count(page: Page) -> int:
        return command._count(Answering(page), list_calls_extensive())  # type: ignore[arg-type]

    assert count(Page([{}] * 3)) == 3
    with pytest.raises(GongUnexpectedResponse, match=r"totalRecords.* abc"):
        count(Page([{}] * 100, cursor="next", request_id="abc"))


# The commands


def test_module_reports_on_stdout_and_logs_on_stderr(gong: GongSandbox) -> None:
    done = subprocess.run(
        [*MODULE, *CALLS, "--window", "P1D", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"]["likely"] == sum(SIZES)
    assert "nothing found" in done.stderr


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"password": "not-the-secret"}, "POST /v2/calls/extensive: 401"),
        ({"host": ""}, "Base URL"),
        ({"extra": {"requests_per_day": "many"}}, "Requests per day (extra requests_per_day) is 'many'"),
    ],
)
def test_error_is_one_line_without_the_secret(
    gong: GongSandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fields: dict[str, Any],
    problem: str,
) -> None:
    body = json.dumps(json.loads(connection(gong)) | fields)
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", body)
    assert command.main([*CALLS]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    [line] = [line for line in told.err.splitlines() if "[airflow_provider_gong" not in line]
    assert problem in line
    assert gong.access_key_secret not in told.err
    assert "not-the-secret" not in told.err


def test_airflow_command_finds_connections_in_the_database_and_the_module_says_so(
    eight_days: GongSandbox, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__GONG__QUOTA_DIR": str(tmp_path)}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    run(*AIRFLOW, "db", "migrate")
    run(*AIRFLOW, "connections", "add", "gong_stored", "--conn-json", connection(eight_days))
    arguments = (*CALLS, "--window", "P1D", "--conn-id", "gong_stored")
    found = run(*AIRFLOW, "gong", "plan", *arguments, "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["records"]["likely"] == sum(SIZES)
    outside = run(*MODULE, *arguments)
    assert (outside.returncode, outside.stdout) == (1, "")
    assert "For one made in Airflow's UI: `airflow gong plan` with the same arguments." in outside.stderr
    absent = run(*AIRFLOW, "gong", "plan", *CALLS)
    assert absent.returncode == 1
    assert "'gong_default'" in absent.stderr
    assert "--conn-id" in absent.stderr
    wrong = run(*AIRFLOW, "gong", "plan", *arguments, "--to", "2026-01-01")
    assert wrong.returncode == 2
    assert "argument --to: 2026-01-01 00:00:00+00:00 is not later than --from" in wrong.stderr


# The documentation


def test_output_in_the_documentation_is_real(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    section = DOCS.read_text(encoding="utf-8").partition("\n## What it costs\n")[2]
    [line] = re.findall(r"```bash\n(airflow gong plan .*?)```", section, re.DOTALL)
    [output] = re.findall(r"```text\n(Backfill of .*?)```", section, re.DOTALL)
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    with company(seed=7, calls=90, days=700, users=20, logs=0, now=new_year, today=new_year.date()) as gong:
        connect(gong, requests_per_second=3)
        arguments = shlex.split(line.replace("\\\n", " "))
        assert command.main(arguments[3:]) == 0
        assert len(gong.requests) == 12
        truth = 90 * 700
    assert capsys.readouterr().out == output
    low, high = re.findall(r"between ([\d,]+) and ([\d,]+)", output)[0]
    assert int(low.replace(",", "")) <= truth <= int(high.replace(",", ""))
