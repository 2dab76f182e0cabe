"""Exports of calls: what is in them, how it lies, and what the following task gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_gong import __version__
from airflow_provider_gong.exports import read_export
from airflow_provider_gong.exports.content import PRESETS
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from airflow_provider_gong.sandbox.world.basics import basics
from airflow_provider_gong.sandbox.world.cast import cast
from tests.operators import exporting
from tests.operators.exporting import (
    NOTHING,
    SUMMARY_KEYS,
    attempt,
    bounds,
    call_ids,
    cron_run,
    data_files,
    day,
    export,
    interval_run,
    manifest,
    raw_lines,
    rows,
)
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

FULL_BLOCKS = ["metaData", "context", "parties", "content", "interaction", "collaboration"]


def export_calls(**arguments: Any) -> Any:
    return export(GongExportCallsOperator, **arguments)


def refusal(**arguments: Any) -> str:
    result = attempt(GongExportCallsOperator, **arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    return str(result.error)


# Rows


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_rows_are_the_visible_calls_of_the_window_that_are_not_private(
    gong: GongSandbox, destination: str, folder: Path, file_format: str
) -> None:
    summary = export_calls(destination=destination, file_format=file_format, run=interval_run(9))
    expected = gong.world.call_ids(day(9), day(10))
    private = set(gong.world.call_ids(day(9), day(10), include_private=True)) - set(expected)
    assert private
    assert len(expected) > 200
    [name] = summary["files"]
    assert name.endswith(f".{file_format}")
    lines = raw_lines(folder / "calls" / name)
    assert [json.loads(line)["metaData"]["id"] for line in lines] == expected
    assert rows(summary) == [json.loads(line) for line in lines]
    assert summary["rows"] == len(expected)


def test_rows_on_s3_are_those_of_the_window(gong: GongSandbox, bucket: str) -> None:
    summary = export_calls(destination=f"s3://export_s3@{bucket}/gong", run=interval_run(9))
    assert (summary["bucket"], summary["prefix"]) == (bucket, "gong/calls")
    assert call_ids(rows(summary)) == gong.world.call_ids(day(9), day(10))


def test_connection_of_the_storage_may_stand_beside_the_destination(gong: GongSandbox, bucket: str) -> None:
    summary = export_calls(
        destination=f"s3://{bucket}/gong", destination_conn_id="export_s3", run=interval_run(9)
    )
    records = list(read_export(summary, destination_conn_id="export_s3"))
    assert call_ids(records) == gong.world.call_ids(day(9), day(10))


def test_ids_are_text_of_all_their_digits(gong: GongSandbox, destination: str) -> None:
    records = rows(export_calls(destination=destination, run=interval_run(9)))
    assert all(
        isinstance(record["metaData"][name], str)
        for record in records
        for name in ("id", "primaryUserId", "workspaceId")
    )
    assert max(len(one) for one in call_ids(records)) > 16  # more than a float can hold


def test_lines_are_utf8_and_not_escaped(quiet: GongSandbox, destination: str, folder: Path) -> None:
    quiet.world.add_call(day(9), title="Zoë & Größe 漢字 🎉\u2028 one line")
    summary = export_calls(destination=destination, run=interval_run(9), file_format="jsonl")
    content = (folder / "calls" / summary["files"][0]).read_bytes()
    assert "Zoë & Größe 漢字 🎉\u2028 one line".encode() in content
    assert content.count(b"\n") == 1


def test_basic_record_is_exactly_what_gong_answers(quiet: GongSandbox, destination: str) -> None:
    one = quiet.world.add_call(day(9))
    [record] = rows(export_calls(destination=destination, content="basic", run=interval_run(9)))
    assert record == {"metaData": basics(one, cast(one))}


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ("basic", ["metaData"]),
        ("default", ["metaData", "context", "parties"]),
        ("full", FULL_BLOCKS),
        ({"exposedFields": {"content": {"brief": True}}}, ["metaData", "content"]),
        ('{"context": "Basic", "exposedFields": {"collaboration": {"publicComments": true}}}', None),
    ],
)
def test_each_selected_block_is_in_each_row(
    gong: GongSandbox, destination: str, content: Any, blocks: list[str] | None
) -> None:
    # The clock stands soon after the calls, so that Gong has not analysed all of them.
    gong.clock.set(day(10))
    records = rows(export_calls(destination=destination, content=content, run=interval_run(9)))
    expected = set(blocks or ["metaData", "context", "collaboration"])
    assert {frozenset(record) for record in records} == {frozenset(expected)}
    assert all(record["metaData"] for record in records)


def test_block_that_gong_omits_is_null(gong: GongSandbox, destination: str) -> None:
    gong.clock.set(day(10))
    records = rows(export_calls(destination=destination, content="full", run=interval_run(9)))
    empty = {name for record in records for name, block in record.items() if block is None}
    filled = {name for record in records for name, block in record.items() if block is not None}
    assert empty == {"context", "parties", "content", "interaction"}
    assert filled == set(FULL_BLOCKS)


@pytest.mark.parametrize("content", PRESETS)
def test_no_preset_brings_media(gong: GongSandbox, destination: str, content: str) -> None:
    records = rows(export_calls(destination=destination, content=content, run=interval_run(9)))
    assert not any("media" in record for record in records)
    assert "X-Amz-" not in json.dumps(records)
    assert "filter.exposedFields.media" not in gong.requests[0].body_keys


def test_media_is_refused_before_any_request(gong: GongSandbox, destination: str) -> None:
    content = {"exposedFields": {"media": True}}
    assert refusal(destination=destination, content=content, run=interval_run(9)) == (
        "content asks for exposedFields.media: Gong signs media URLs anew in every reply and they die after eight "
        "hours, so exports never store them. Leave it out."
    )
    assert len(gong.requests) == 0


def test_unknown_content_is_refused_before_any_request(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    message = refusal(destination=destination, content="everything", run=interval_run(9))
    assert message == (
        "content='everything' is unknown: use one of basic, default, full, or Gong's contentSelector object."
    )
    assert len(gong.requests) == 0
    exporting.assert_nothing_published(folder)


def test_field_that_we_do_not_know_is_kept(
    quiet: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_gong.sandbox.routes import calls
    from airflow_provider_gong.sandbox.world.details import details

    def with_news(*arguments: Any) -> dict[str, Any]:
        record = details(*arguments)
        record["metaData"]["mood"] = "sunny"
        return record | {"forecast": {"degrees": 21.5}}

    monkeypatch.setattr(calls, "details", with_news)
    quiet.world.add_call(day(9))
    [record] = rows(export_calls(destination=destination, run=interval_run(9)))
    assert record["metaData"]["mood"] == "sunny"
    assert record["forecast"] == {"degrees": 21.5}


# What is selected


@pytest.mark.parametrize("include_private", [True, "True", "true"])
def test_private_calls_are_exported_on_request(
    gong: GongSandbox, destination: str, include_private: bool | str
) -> None:
    summary = export_calls(destination=destination, include_private=include_private, run=interval_run(9))
    records = rows(summary)
    assert call_ids(records) == gong.world.call_ids(day(9), day(10), include_private=True)
    assert any(record["metaData"]["isPrivate"] for record in records)
    assert manifest(summary)["private_dropped"] == 0


def test_workspace_is_a_dataset_of_its_own(gong: GongSandbox, destination: str) -> None:
    workspace = gong.world.workspaces[1]["id"]
    every = export_calls(destination=destination, run=interval_run(9))
    one = export_calls(destination=destination, workspace_id=workspace, run=interval_run(9))
    assert one["prefix"] == f"{every['prefix']}/workspace={workspace}"
    assert call_ids(rows(one)) == gong.world.call_ids(day(9), day(10), workspace_id=workspace)
    assert call_ids(rows(every)) == gong.world.call_ids(day(9), day(10))


def test_hosts_select_calls(gong: GongSandbox, destination: str) -> None:
    hosts = sorted({call.host.id for call in gong.world.calls()})[:5]
    summary = export_calls(destination=destination, primary_user_ids=json.dumps(hosts), run=interval_run(9))
    expected = [one for one in gong.world.call_ids(day(9), day(10)) if gong.world.call(one).host.id in hosts]
    assert expected
    assert call_ids(rows(summary)) == expected
    assert manifest(summary)["identity"]["filters"] == {"primary_user_ids": hosts}


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"content": "basic"}, "content was 'default' and is 'basic'"),
        ({"include_private": True}, "include_private was False and is True"),
        ({"file_format": "jsonl"}, "format was 'jsonl.gz' and is 'jsonl'"),
        ({"primary_user_ids": ["7"]}, "filters was {} and is {'primary_user_ids': ['7']}"),
    ],
)
def test_dataset_holds_one_kind_of_export(
    gong: GongSandbox, destination: str, folder: Path, changed: dict[str, Any], difference: str
) -> None:
    export_calls(destination=destination, run=interval_run(8))
    before, spent = exporting.digests(folder), len(gong.requests)
    message = refusal(destination=destination, run=interval_run(9), **changed)
    assert message == (
        f"The dataset {destination}/calls holds another kind of export ({difference}). "
        "Write this one to another destination=, or restore the former setting."
    )
    assert len(gong.requests) == spent
    assert exporting.digests(folder) == before


# The summary and the manifest


def test_summary_has_the_promised_keys(gong: GongSandbox, destination: str, folder: Path) -> None:
    summary = export_calls(destination=destination, run=interval_run(9))
    assert list(summary) == SUMMARY_KEYS
    files = summary.pop("files")
    assert summary == {
        "uri": f"{destination}/calls/_manifests/2026-01/20260110T000000Z_20260109T000000Z.json",
        "bucket": "",
        "prefix": f"{folder}/calls",
        "rows": len(gong.world.call_ids(day(9), day(10))),
        "window_from": "2026-01-09T00:00:00+00:00",
        "window_to": "2026-01-10T00:00:00+00:00",
        "complete": True,
        "complete_through": None,
        "pending": 0,
        "requests": 3,
    }
    assert [str(Path(name).parent) for name in files] == [
        "date=2026-01-09/window=20260109T000000Z_20260110T000000Z"
    ]
    assert data_files(folder / "calls") == files


def test_manifest_tells_all_about_the_export(gong: GongSandbox, destination: str, folder: Path) -> None:
    summary = export_calls(destination=destination, run=interval_run(9), try_number=2)
    body = manifest(summary)
    shown = gong.world.call_ids(day(9), day(10), include_private=True)
    kept = gong.world.call_ids(day(9), day(10))
    [part], ids, run = body.pop("parts"), body.pop("ids"), body.pop("run")
    content = (folder / "calls" / part["name"]).read_bytes()
    starts = [gong.world.call(one).started for one in kept]
    assert part == {
        "name": summary["files"][0],
        "rows": len(kept),
        "bytes": len(content),
        "sha256": exporting.digests(folder / "calls")[part["name"]],
    }
    assert part["sha256"][:12] in part["name"]
    assert ids["name"] == "_manifests/2026-01/20260110T000000Z_20260109T000000Z.ids.gz"
    lines = [line.split(b"\t")[0].decode() for line in raw_lines(folder / "calls" / ids["name"])]
    assert lines == kept
    assert datetime.fromisoformat(body.pop("first_start")) == min(starts)
    assert datetime.fromisoformat(body.pop("last_start")) == max(starts)
    assert body.pop("seconds") > 0
    assert datetime.fromisoformat(run.pop("written_at")) > datetime.now(UTC) - timedelta(minutes=5)
    assert len(run.pop("key")) == 24
    assert run == {
        "dag_id": "exports",
        "task_id": "export",
        "run_id": "scheduled__2026-01-09T00:00:00+00:00",
        "map_index": -1,
        "try_number": 2,
    }
    assert body == {
        "identity": {
            "host": "127.0.0.1",
            "stream": "calls",
            "workspace_id": None,
            "filters": {},
            "content": "default",
            "include_private": False,
            "format": "jsonl.gz",
        },
        "window": {"from": "2026-01-09T00:00:00+00:00", "to": "2026-01-10T00:00:00+00:00"},
        "rows": len(kept),
        "announced": len(gong.world.call_ids(day(9), day(10), include_private=True, now=day(30))),
        "received": len(shown),
        "private_dropped": len(shown) - len(kept),
        "duplicates_dropped": 0,
        "pending": [],
        "given_up": [],
        "complete": True,
        "incomplete_because": [],
        "complete_through": None,
        "looked_back": {
            "from": "2026-01-03T00:00:00+00:00",
            "late": 0,
            "changed": 0,
            "deleted": 0,
            "doubted": 0,
        },
        "pending_since": None,
        "revisited": False,
        "requests": 3,
        "package_version": __version__,
        "format_version": 1,
    }


def test_following_task_reads_the_rows_from_the_summary(gong: GongSandbox, destination: str) -> None:
    summary = export_calls(destination=destination, run=interval_run(9))

    @task
    def count(calls: dict[str, Any]) -> int:
        return sum(1 for _ in read_export(calls))

    with DAG("reader", schedule=None) as dag:
        count(summary)
    [reader] = dag.tasks
    assert isinstance(reader, BaseOperator)
    assert run_task(reader, run=interval_run(9)).succeeded().xcom == summary["rows"]


def test_outlet_event_carries_the_summary(gong: GongSandbox, destination: str) -> None:
    result = attempt(
        GongExportCallsOperator,
        destination=destination,
        outlets=[Asset("gong_calls"), Asset("more_calls")],
        run=interval_run(9),
    ).succeeded()
    assert len(result.outlet_events) == 2
    assert all(event["extra"] == result.xcom for event in result.outlet_events)


# Requests


def test_hundred_calls_cost_one_request(gong: GongSandbox, destination: str) -> None:
    summary = export_calls(
        destination=destination, run=interval_run(9), from_datetime=day(8), to_datetime=day(10)
    )
    shown = len(gong.world.call_ids(day(8), day(10), include_private=True))
    assert shown > 450
    assert summary["requests"] == len(gong.requests) == -(-shown // 100)


def test_empty_window_is_an_export_of_no_rows(quiet: GongSandbox, destination: str, folder: Path) -> None:
    summary = export_calls(destination=destination, run=interval_run(9))
    assert (summary["rows"], summary["files"], summary["requests"], summary["complete"]) == (0, [], 1, True)
    assert summary["uri"] is not None
    assert rows(summary) == []
    assert data_files(folder) == []


def test_log_hints_at_a_key_that_sees_no_calls(quiet: GongSandbox, destination: str) -> None:
    result = attempt(GongExportCallsOperator, destination=destination, run=interval_run(9)).succeeded()
    hints = [line for line in result.logs if "may not see the data" in line]
    assert hints == [
        "POST /v2/calls/extensive: nothing found. A key that may not see the data gets the same answer; "
        "if there should be some, check what its user may see in Gong."
    ]


def test_nothing_left_to_export_costs_no_request(gong: GongSandbox, destination: str) -> None:
    export_calls(destination=destination, **bounds(9), run=cron_run(10))
    gong.requests.clear()
    summary = export_calls(destination=destination, run=cron_run(10), task_id="other")
    assert list(summary) == SUMMARY_KEYS
    assert summary | NOTHING == summary
    assert len(gong.requests) == 0


# XCom


def test_without_destination_the_records_go_to_xcom(gong: GongSandbox) -> None:
    records = export_calls(content="basic", run=interval_run(9))
    assert call_ids(records) == gong.world.call_ids(day(9), day(10))


def test_no_destination_means_xcom(quiet: GongSandbox) -> None:
    one = quiet.world.add_call(day(9))
    assert call_ids(export_calls(destination=None, run=interval_run(9))) == [one.id]


@pytest.mark.parametrize("destination", ["", "None"])
def test_destination_that_was_rendered_empty_does_not_mean_xcom(quiet: GongSandbox, destination: str) -> None:
    assert "destination= is empty" in refusal(destination=destination, run=interval_run(9))


def test_empty_window_gives_an_empty_list(quiet: GongSandbox) -> None:
    assert export_calls(run=interval_run(9)) == []


def test_too_much_for_xcom_fails_at_once_and_stops_asking(gong: GongSandbox) -> None:
    message = refusal(content="full", from_datetime=day(7), to_datetime=day(10), run=interval_run(9))
    assert message == (
        "The export of calls exceeds 1,000,000 bytes, more than fits into XCom: pass destination= (for example "
        "'s3://my_aws@bucket/gong') and let the next task use read_export() on the summary."
    )
    pages = -(-len(gong.world.call_ids(day(7), day(10), include_private=True)) // 100)
    assert len(gong.requests) < pages - 1


# skip_if_empty


@pytest.mark.parametrize("to_files", [True, False])
@pytest.mark.parametrize("skip_if_empty", [True, "true"])
def test_empty_export_is_skipped_on_request(
    quiet: GongSandbox, destination: str, to_files: bool, skip_if_empty: bool | str
) -> None:
    result = attempt(
        GongExportCallsOperator,
        destination=destination if to_files else None,
        skip_if_empty=skip_if_empty,
        run=interval_run(9),
    )
    assert result.state == "skipped"
    assert result.xcom is None
    assert isinstance(result.error, AirflowSkipException | None)
    assert any("Nothing was exported, and skip_if_empty is set." in line for line in result.logs)


@pytest.mark.parametrize("to_files", [True, False])
def test_export_with_rows_is_not_skipped(quiet: GongSandbox, destination: str, to_files: bool) -> None:
    quiet.world.add_call(day(9))
    result = export_calls(
        destination=destination if to_files else None, skip_if_empty=True, run=interval_run(9)
    )
    assert (result["rows"] if to_files else len(result)) == 1


def test_nothing_left_to_export_is_skipped_on_request(quiet: GongSandbox, destination: str) -> None:
    quiet.world.add_call(day(9))
    export_calls(destination=destination, **bounds(9), run=cron_run(10))
    result = attempt(
        GongExportCallsOperator,
        destination=destination,
        skip_if_empty=True,
        run=cron_run(10),
        task_id="other",
    )
    assert result.state == "skipped"


# Arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"destination": "exports/gong"},
            "destination='exports/gong' is neither a URL nor an absolute path: write for example "
            "'s3://my_aws@bucket/gong' or 'file:///data/gong'.",
        ),
        ({"file_format": "csv"}, "file_format='csv' is unknown: use one of jsonl.gz, jsonl, parquet."),
        ({"include_private": "maybe"}, "include_private='maybe' is neither true nor false."),
        (
            {"primary_user_ids": "7"},
            "primary_user_ids='7' is not a list of ids: give for example ['7782342274025937895'].",
        ),
    ],
)
def test_bad_argument_fails_at_once_and_names_itself(
    gong: GongSandbox, destination: str, arguments: dict[str, Any], message: str
) -> None:
    assert refusal(**({"destination": destination, "run": interval_run(9)} | arguments)) == message
    assert len(gong.requests) == 0


def test_bad_skip_if_empty_is_refused_before_any_request(gong: GongSandbox, destination: str) -> None:
    message = refusal(destination=destination, skip_if_empty="maybe", run=interval_run(9))
    assert message == "skip_if_empty='maybe' is neither true nor false."
    assert len(gong.requests) == 0
