"""Exports of the audit log: entries without ids, equal ones among them, and late ones."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.operators.exports import GongExportLogsOperator
from airflow_provider_gong.sandbox.world.logs import LOG_TYPES, log_record
from tests.operators.exporting import (
    ONE_DAY,
    SUMMARY_KEYS,
    attempt,
    cron_run,
    day,
    digests,
    export,
    interval_run,
    manifest,
    raw_lines,
    rows,
    window_lines,
)

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox

HOUR = timedelta(hours=1)


def export_logs(**arguments: Any) -> Any:
    return export(GongExportLogsOperator, **({"log_type": "AccessLog", "settle": "PT0S"} | arguments))


def entries(gong: GongSandbox, log_type: str = "AccessLog", first: int = 9) -> list[dict[str, Any]]:
    return [log_record(entry) for entry in gong.world.find_logs(log_type, day(first), day(first + 1))]


def without_id(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "_id"}


def text(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


@pytest.mark.parametrize("log_type", LOG_TYPES)
@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_rows_are_the_entries_of_the_window(
    gong: GongSandbox, destination: str, folder: Path, log_type: str, file_format: str
) -> None:
    summary = export_logs(
        destination=destination, log_type=log_type, file_format=file_format, run=interval_run(9)
    )
    assert list(summary) == SUMMARY_KEYS
    assert summary["prefix"] == f"{folder}/logs/log_type={log_type}"
    lines = raw_lines(folder / "logs" / f"log_type={log_type}" / summary["files"][0])
    assert [without_id(json.loads(line)) for line in lines] == entries(gong, log_type)
    assert summary["requests"] == len(gong.requests) == 3
    assert manifest(summary)["identity"]["log_type"] == log_type


def test_logs_on_s3_are_those_of_the_window(gong: GongSandbox, bucket: str) -> None:
    summary = export_logs(destination=f"s3://export_s3@{bucket}/gong", run=interval_run(9))
    assert [without_id(record) for record in rows(summary)] == entries(gong)


def test_equal_entries_are_kept_and_have_ids_of_their_own(gong: GongSandbox, destination: str) -> None:
    records = rows(export_logs(destination=destination, run=interval_run(9)))
    twins = [one for one, times in Counter(text(without_id(r)) for r in records).items() if times > 1]
    assert twins
    ids = [record["_id"] for record in records]
    assert len(set(ids)) == len(ids)
    for twin in twins:
        same = [record["_id"] for record in records if text(without_id(record)) == twin]
        assert [one.rsplit("-", 1)[1] for one in same] == [str(number) for number in range(len(same))]
        assert len({one.rsplit("-", 1)[0] for one in same}) == 1


def test_reading_again_gives_the_same_ids_and_bytes(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    export_logs(destination=destination, run=interval_run(9))
    before = digests(folder)
    export_logs(destination=destination, run=interval_run(9, clear_number=1), try_number=2)
    assert digests(folder) == before
    other = rows(export_logs(destination=f"{destination}/other", run=interval_run(9)))
    assert [r["_id"] for r in other] == [
        r["_id"] for r in rows(export_logs(destination=destination, run=interval_run(9)))
    ]


def test_late_entry_does_not_change_the_ids_of_the_others(gong: GongSandbox, destination: str) -> None:
    gong.clock.set(day(9) + 20 * HOUR)
    early = rows(export_logs(destination=destination, run=interval_run(9)))
    gong.clock.set(day(11))
    late = rows(export_logs(destination=destination, run=interval_run(9, clear_number=1)))
    assert len(late) > len(early)
    kept = {record["_id"]: without_id(record) for record in late}
    assert all(kept[record["_id"]] == without_id(record) for record in early)


def test_log_types_are_datasets_of_their_own(gong: GongSandbox, destination: str) -> None:
    access = export_logs(destination=destination, run=interval_run(9))
    plays = export_logs(destination=destination, log_type="UserCallPlay", run=interval_run(9))
    assert access["prefix"] != plays["prefix"]
    assert [without_id(record) for record in rows(plays)] == entries(gong, "UserCallPlay")


def test_without_destination_the_entries_go_to_xcom(gong: GongSandbox) -> None:
    assert [without_id(record) for record in export_logs(run=interval_run(9))] == entries(gong)


def test_window_is_held_back_by_an_hour_unless_told_otherwise(gong: GongSandbox, destination: str) -> None:
    result = attempt(
        GongExportLogsOperator, log_type="AccessLog", destination=destination, run=interval_run(9)
    ).succeeded()
    assert result.xcom["window_from"] == (day(9) - HOUR).isoformat()
    assert result.xcom["window_to"] == (day(10) - HOUR).isoformat()
    assert window_lines(result) == [
        "Exporting logs of [2026-01-08T23:00:00+00:00, 2026-01-09T23:00:00+00:00) (the Dag run's data interval, "
        f"held back by settle=1:00:00) to {destination}/logs/log_type=AccessLog"
    ]


def test_hour_is_enough_for_entries_that_gong_records_late(gong: GongSandbox, destination: str) -> None:
    found = []
    for number in (8, 9):
        gong.clock.set(day(number + 1))
        found += rows(
            export(
                GongExportLogsOperator,
                log_type="AccessLog",
                destination=destination,
                run=interval_run(number),
            )
        )
    expected = gong.world.find_logs("AccessLog", day(8) - HOUR, day(10) - HOUR, now=day(11))
    assert [without_id(record) for record in found] == [log_record(entry) for entry in expected]


def test_explicit_window_is_not_held_back(gong: GongSandbox, destination: str) -> None:
    result = export(
        GongExportLogsOperator,
        log_type="AccessLog",
        destination=destination,
        from_datetime=day(9),
        to_datetime=day(10),
    )
    assert (result["window_from"], result["window_to"]) == (day(9).isoformat(), day(10).isoformat())


def test_head_runs_are_held_back(gong: GongSandbox, destination: str) -> None:
    summary = export(
        GongExportLogsOperator,
        log_type="AccessLog",
        destination=destination,
        initial_from_datetime=day(8),
        run=cron_run(10),
    )
    assert summary["window_to"] == (day(10) - HOUR).isoformat()
    following = export(
        GongExportLogsOperator, log_type="AccessLog", destination=destination, run=cron_run(11)
    )
    assert following["window_from"] == summary["window_to"]
    assert following["window_to"] == (day(10) - HOUR + ONE_DAY).isoformat()


@pytest.mark.parametrize("log_type", ["accesslog", "", "None", "Everything"])
def test_unknown_log_type_is_refused(gong: GongSandbox, destination: str, log_type: str) -> None:
    result = attempt(GongExportLogsOperator, destination=destination, log_type=log_type, run=interval_run(9))
    assert isinstance(result.error, AirflowFailException)
    assert str(result.error) == (
        f"log_type={log_type!r} is unknown: use one of AccessLog, UserActivityLog, UserCallPlay, "
        "ExternallySharedCallAccess, ExternallySharedCallPlay."
    )
    assert len(gong.requests) == 0
