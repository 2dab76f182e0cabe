"""Exports of transcripts: of a calls export in each form that it takes, and of a window."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exports import read_export
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
)
from airflow_provider_gong.sandbox.world.transcript import transcript
from tests.operators.exporting import (
    NOTHING,
    SUMMARY_KEYS,
    attempt,
    bounds,
    cron_run,
    data_files,
    day,
    export,
    interval_run,
    manifest,
    raw_lines,
    rows,
    window_lines,
)

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

CALLS = "/v2/calls/extensive"
TRANSCRIPTS = "/v2/calls/transcript"


def export_transcripts(**arguments: Any) -> Any:
    return export(GongExportTranscriptsOperator, **arguments)


def refusal(**arguments: Any) -> str:
    result = attempt(GongExportTranscriptsOperator, **arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    return str(result.error)


def ids_of(records: list[dict[str, Any]]) -> list[str]:
    return [record["callId"] for record in records]


def ready(gong: GongSandbox, **which: Any) -> list[str]:
    """Return the calls of the ninth whose transcript an export has to have."""
    return gong.world.call_ids(day(9), day(10), transcribed=True, **which)


@pytest.fixture
def calls(gong: GongSandbox, destination: str) -> Any:
    """Return the summary of the calls of the ninth; its requests are forgotten."""
    summary = export(GongExportCallsOperator, destination=destination, run=interval_run(9))
    gong.requests.clear()
    return summary


# Of exported calls


@pytest.mark.parametrize("form", ["summary", "uri", "json"])
def test_transcripts_are_those_of_the_exported_calls(
    gong: GongSandbox, destination: str, calls: Any, form: str
) -> None:
    given = {"summary": calls, "uri": calls["uri"], "json": json.dumps(calls)}[form]
    # Nothing in this run says the window: it is that of the calls.
    result = attempt(GongExportTranscriptsOperator, destination=destination, calls=given).succeeded()
    assert ids_of(rows(result.xcom)) == ready(gong)
    assert window_lines(result) == [
        "Exporting transcripts of [2026-01-09T00:00:00+00:00, 2026-01-10T00:00:00+00:00) (the window of the exported "
        f"calls) to {destination}/transcripts"
    ]


def test_summary_of_the_calls_arrives_as_an_xcom_of_another_task(
    gong: GongSandbox, destination: str, calls: Any
) -> None:
    result = attempt(
        GongExportTranscriptsOperator,
        destination=destination,
        calls="{{ ti.xcom_pull('export_calls') | tojson }}",
        xcoms={"export_calls": calls},
    ).succeeded()
    assert ids_of(rows(result.xcom)) == ready(gong)


def test_transcripts_of_calls_are_asked_by_id_alone_a_hundred_at_a_time(
    gong: GongSandbox, destination: str, calls: Any
) -> None:
    summary = export_transcripts(destination=destination, calls=calls)
    assert {one.path for one in gong.requests} == {TRANSCRIPTS}
    assert summary["requests"] == len(gong.requests) == -(-calls["rows"] // 100)
    assert all(one.body_keys == {"filter", "filter.callIds"} for one in gong.requests)


def test_row_is_exactly_what_gong_answers(quiet: GongSandbox, destination: str) -> None:
    one = quiet.world.add_call(day(9))
    [record] = rows(export_transcripts(destination=destination, run=interval_run(9)))
    assert record == {"callId": one.id, "transcript": transcript(one)}


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_transcripts_lie_in_both_formats(
    gong: GongSandbox, destination: str, folder: Path, calls: Any, file_format: str
) -> None:
    summary = export_transcripts(destination=destination, calls=calls, file_format=file_format)
    [name] = summary["files"]
    assert name.endswith(f".{file_format}")
    lines = raw_lines(folder / "transcripts" / name)
    assert [json.loads(line)["callId"] for line in lines] == ready(gong)


def test_transcripts_on_s3_take_their_calls_from_there(gong: GongSandbox, bucket: str) -> None:
    where = f"s3://export_s3@{bucket}/gong"
    calls = export(GongExportCallsOperator, destination=where, run=interval_run(9))
    summary = export_transcripts(destination=where, calls=calls)
    assert (summary["bucket"], summary["prefix"]) == (bucket, "gong/transcripts")
    assert ids_of(rows(summary)) == ready(gong)


def test_storage_connection_beside_the_destination_is_that_of_the_calls_too(
    gong: GongSandbox, bucket: str
) -> None:
    where = {"destination": f"s3://{bucket}/gong", "destination_conn_id": "export_s3"}
    calls = export(GongExportCallsOperator, **where, run=interval_run(9))
    summary = export_transcripts(**where, calls=calls)
    assert ids_of(list(read_export(summary, "export_s3"))) == ready(gong)


def test_transcripts_of_no_calls_cost_no_request(quiet: GongSandbox, destination: str, folder: Path) -> None:
    calls = export(GongExportCallsOperator, destination=destination, run=interval_run(9))
    quiet.requests.clear()
    summary = export_transcripts(destination=destination, calls=calls)
    assert len(quiet.requests) == 0
    assert (summary["rows"], summary["requests"], summary["complete"]) == (0, 0, True)
    assert summary["window_to"] == calls["window_to"]
    assert data_files(folder) == []


def test_transcripts_of_a_calls_export_with_nothing_to_do_are_nothing_to_do(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    export(GongExportCallsOperator, destination=destination, **bounds(9))
    calls = export(GongExportCallsOperator, destination=destination, run=cron_run(10), task_id="again")
    assert calls["uri"] is None
    gong.requests.clear()
    result = attempt(GongExportTranscriptsOperator, destination=destination, calls=calls).succeeded()
    assert list(result.xcom) == SUMMARY_KEYS
    assert result.xcom | NOTHING == result.xcom
    assert window_lines(result) == [
        "Nothing to export of transcripts: the calls export had nothing to export"
    ]
    assert len(gong.requests) == 0
    assert not (folder / "transcripts").exists()


def test_workspace_and_privacy_follow_from_the_calls(gong: GongSandbox, destination: str) -> None:
    workspace = gong.world.workspaces[0]["id"]
    calls = export(
        GongExportCallsOperator,
        destination=destination,
        workspace_id=workspace,
        include_private=True,
        run=interval_run(9),
    )
    summary = export_transcripts(destination=destination, calls=calls)
    assert summary["prefix"].endswith(f"/transcripts/workspace={workspace}")
    assert ids_of(rows(summary)) == ready(gong, workspace_id=workspace, include_private=True)
    assert manifest(summary)["identity"]["include_private"] is True


def test_transcripts_of_some_hosts_are_kept_apart_from_those_of_all(
    gong: GongSandbox, destination: str
) -> None:
    host = gong.world.find_users()[0].id
    some = export(
        GongExportCallsOperator,
        destination=f"{destination}/some",
        primary_user_ids=[host],
        run=interval_run(9),
    )
    every = export(GongExportCallsOperator, destination=f"{destination}/all", run=interval_run(8))
    export_transcripts(destination=destination, calls=some)
    message = refusal(destination=destination, calls=every)
    assert f"filters was {{'primary_user_ids': ['{host}']}} and is {{}}" in message


def test_export_of_another_stream_is_refused(gong: GongSandbox, destination: str) -> None:
    logs = export(GongExportLogsOperator, destination=destination, log_type="AccessLog", run=interval_run(9))
    gong.requests.clear()
    assert refusal(destination=destination, calls=logs) == "calls= names an export of logs, not of calls."
    assert len(gong.requests) == 0


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (
            "file:///nowhere/calls/_manifests/2026-01/20260110T000000Z_20260109T000000Z.json",
            "There is no manifest at "
            "file:///nowhere/calls/_manifests/2026-01/20260110T000000Z_20260109T000000Z.json: "
            "was the export deleted, or its URI mistyped?",
        ),
        (
            "yesterday",
            "'yesterday' is neither the summary of an export task nor the URI of a manifest: pass the task's output, "
            "or the `uri` in it (…/_manifests/<month>/<to>_<from>.json).",
        ),
        (
            "{'uri': None}",
            "calls is not valid JSON: render it with the tojson filter, as in {{ value | tojson }}.",
        ),
    ],
)
def test_what_is_no_calls_export_is_refused(
    gong: GongSandbox, destination: str, calls: str, message: str
) -> None:
    assert refusal(destination=destination, calls=calls) == message
    assert len(gong.requests) == 0


@pytest.mark.parametrize("template", ["{{ ti.xcom_pull('calls') }}", "{{ ti.xcom_pull('calls') | string }}"])
def test_records_rendered_as_text_are_not_shown_by_the_refusal(
    quiet: GongSandbox, destination: str, template: str
) -> None:
    quiet.world.add_call(day(9), title="Takeover of Example Corp")
    records = export(GongExportCallsOperator, content="basic", run=interval_run(9))
    result = attempt(
        GongExportTranscriptsOperator, destination=destination, calls=template, xcoms={"calls": records}
    )
    assert str(result.error) == (
        "calls is not valid JSON: render it with the tojson filter, as in {{ value | tojson }}."
    )
    assert not any("Takeover" in line for line in result.logs)


# Without a destination


@pytest.mark.parametrize("as_text", [False, True])
def test_records_of_calls_give_records_of_transcripts(gong: GongSandbox, as_text: bool) -> None:
    window = {"from_datetime": day(9) + timedelta(hours=12), "to_datetime": day(9) + timedelta(hours=15)}
    gong.clock.set(window["to_datetime"] + timedelta(hours=1))
    calls = export(GongExportCallsOperator, content="basic", **window)
    expected = [one for one in ready(gong) if one in {call["metaData"]["id"] for call in calls}]
    assert expected
    records = export_transcripts(calls=json.dumps(calls) if as_text else calls)
    assert ids_of(records) == expected
    assert len(calls) > len(expected)


def test_no_records_of_calls_cost_no_request(gong: GongSandbox) -> None:
    assert export_transcripts(calls=[]) == []
    assert len(gong.requests) == 0


def test_no_records_of_calls_are_an_export_of_nothing(gong: GongSandbox, destination: str) -> None:
    summary = export_transcripts(calls=[], destination=destination)
    assert summary | NOTHING == summary
    assert len(gong.requests) == 0


def test_records_have_no_window_for_a_destination(quiet: GongSandbox, destination: str) -> None:
    quiet.world.add_call(day(9))
    calls = export(GongExportCallsOperator, content="basic", run=interval_run(9))
    assert refusal(calls=calls, destination=destination) == (
        "calls= is a list of records, which has no window: with destination= pass the summary of a calls export that "
        "has a destination too."
    )


def test_pending_transcripts_of_xcom_are_named_in_the_log(quiet: GongSandbox) -> None:
    late = quiet.world.add_call(day(9), transcript_at=day(20))
    done = quiet.world.add_call(day(9))
    result = attempt(GongExportTranscriptsOperator, run=interval_run(9)).succeeded()
    assert ids_of(result.xcom) == [done.id]
    assert f"1 transcripts are not ready yet: {late.id}" in result.logs


# Of a window


def test_without_calls_the_window_is_listed_first(gong: GongSandbox, destination: str) -> None:
    summary = export_transcripts(destination=destination, run=interval_run(9))
    listed = len(gong.requests.to(CALLS))
    assert ids_of(rows(summary)) == ready(gong)
    assert listed == -(-len(gong.world.call_ids(day(9), day(10), include_private=True)) // 100)
    assert len(gong.requests.to(TRANSCRIPTS)) == -(-len(gong.world.call_ids(day(9), day(10))) // 100)
    assert summary["requests"] == len(gong.requests)
    assert manifest(summary)["private_dropped"] > 0


@pytest.mark.parametrize("which", ["include_private", "workspace_id"])
def test_window_may_be_narrowed(gong: GongSandbox, destination: str, which: str) -> None:
    selection: dict[str, Any] = {
        which: True if which == "include_private" else gong.world.workspaces[1]["id"]
    }
    summary = export_transcripts(destination=destination, run=interval_run(9), **selection)
    assert ids_of(rows(summary)) == ready(gong, **selection)


def test_window_without_calls_is_an_export_of_no_rows(quiet: GongSandbox, destination: str) -> None:
    quiet.world.add_call(day(9), private=True)
    summary = export_transcripts(destination=destination, run=interval_run(9))
    assert (summary["rows"], summary["requests"]) == (0, 1)
    assert manifest(summary)["private_dropped"] == 1
    assert not quiet.requests.to(TRANSCRIPTS)


# Pending


@pytest.mark.parametrize("listing", [True, False])
def test_transcripts_that_are_not_ready_make_the_export_incomplete(
    gong: GongSandbox, destination: str, listing: bool
) -> None:
    gong.clock.set(day(10))
    calls = export(GongExportCallsOperator, destination=destination, run=interval_run(9))
    summary = export_transcripts(
        destination=destination, calls=None if listing else calls, run=interval_run(9)
    )
    listed, done = gong.world.call_ids(day(9), day(10)), ready(gong)
    pending = [one for one in listed if one not in done]
    body = manifest(summary)
    assert pending
    assert body["pending"] == pending
    assert (summary["pending"], summary["complete"]) == (len(pending), False)
    assert body["incomplete_because"] == [f"{len(pending)} transcripts are not ready yet"]
    assert ids_of(rows(summary)) == done


def test_cleared_export_brings_what_was_pending(gong: GongSandbox, destination: str) -> None:
    gong.clock.set(day(10))
    first = export_transcripts(destination=destination, run=interval_run(9))
    gong.clock.set(day(11))
    again = export_transcripts(destination=destination, run=interval_run(9, clear_number=1), try_number=2)
    assert again["uri"] == first["uri"]
    assert again["rows"] > first["rows"]
    assert ids_of(rows(again)) == ready(gong)


# Requests


def test_calls_with_transcripts_cost_two_requests_a_hundred(gong: GongSandbox, destination: str) -> None:
    window = {"from_datetime": day(8), "to_datetime": day(10)}
    calls = export(GongExportCallsOperator, destination=destination, include_private=True, **window)
    transcripts = export_transcripts(destination=destination, calls=calls)
    hundreds = -(-calls["rows"] // 100)
    assert hundreds >= 5
    assert calls["requests"] + transcripts["requests"] == len(gong.requests) == 2 * hundreds


# Calls that are not what they seem


@pytest.mark.parametrize("rendered", ["None", "", "{{ none }}"])
def test_calls_of_a_skipped_task_are_no_calls_rather_than_all(
    gong: GongSandbox, destination: str, rendered: str
) -> None:
    summary = export_transcripts(calls=rendered, destination=destination, run=interval_run(9))
    assert (summary["rows"], summary["uri"], len(gong.requests)) == (0, None, 0)


def test_calls_of_another_company_are_refused(calls: Any, destination: str) -> None:
    manifest_path = Path(calls["uri"].removeprefix("file://"))
    manifest_path.write_text(
        manifest_path.read_text().replace('"host": "127.0.0.1"', '"host": "other.gong.io"')
    )
    message = refusal(calls=calls, destination=destination, run=interval_run(9))
    assert message.startswith("calls= names an export from other.gong.io, and gong_default reaches 127.0.0.1")


@pytest.mark.parametrize("name", ["from_datetime", "to_datetime", "interval", "workspace_id"])
def test_arguments_that_follow_from_the_calls_are_refused_beside_them(
    calls: Any, destination: str, name: str
) -> None:
    message = refusal(calls=calls, destination=destination, run=interval_run(9), **{name: "7"})
    assert message == f"{name} cannot stand beside calls=: window and workspace are those of the calls."


def test_calls_may_be_ids(gong: GongSandbox) -> None:
    ids = ready(gong)[:2]
    assert ids_of(export_transcripts(calls=ids, run=interval_run(9))) == ids


@pytest.mark.parametrize("call", [{}, {"metaData": {}}, {"metaData": None, "id": "7"}, {"id": ""}, None])
def test_record_that_is_no_call_is_refused(call: Any) -> None:
    assert "a record without metaData.id" in refusal(calls=[call], run=interval_run(9))
