"""Exports of users: snapshots, which are taken once and never of the past."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.operators.exports import GongExportUsersOperator
from tests.operators.exporting import (
    SUMMARY_KEYS,
    all_files,
    attempt,
    cron_run,
    data_files,
    day,
    digests,
    export,
    interval_run,
    manifest,
    raw_lines,
    rows,
    window_lines,
)
from tests.support.task_runner import RunSpec

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox


def export_users(**arguments: Any) -> Any:
    return export(GongExportUsersOperator, **arguments)


def users(gong: GongSandbox, **which: Any) -> list[dict[str, Any]]:
    return [user.record for user in gong.world.find_users(**which)]


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_rows_are_all_users_without_the_avatars(
    gong: GongSandbox, destination: str, folder: Path, file_format: str
) -> None:
    summary = export_users(destination=destination, file_format=file_format, run=interval_run(9))
    lines = raw_lines(folder / "users" / summary["files"][0])
    assert [json.loads(line) for line in lines] == rows(summary) == users(gong)
    assert len(lines) == 240
    assert summary["requests"] == len(gong.requests) == 3


def test_users_on_s3_are_all_users(gong: GongSandbox, bucket: str) -> None:
    summary = export_users(destination=f"s3://export_s3@{bucket}/gong", run=interval_run(9))
    assert rows(summary) == users(gong)


@pytest.mark.parametrize("include_avatars", [True, "true"])
def test_avatars_are_exported_on_request(
    gong: GongSandbox, destination: str, include_avatars: bool | str
) -> None:
    summary = export_users(destination=destination, include_avatars=include_avatars, run=interval_run(9))
    assert rows(summary) == users(gong, include_avatars=True)
    assert manifest(summary)["identity"]["include_avatars"] is True


def test_without_destination_the_users_go_to_xcom(gong: GongSandbox) -> None:
    assert export_users() == users(gong)


def test_snapshot_is_named_by_the_moment_the_run_was_due(gong: GongSandbox, destination: str) -> None:
    due = day(10) + timedelta(hours=3, microseconds=5)
    result = attempt(GongExportUsersOperator, destination=destination, run=RunSpec(run_after=due)).succeeded()
    summary = result.xcom
    assert list(summary) == SUMMARY_KEYS
    assert summary["window_from"] == summary["window_to"] == "2026-01-10T03:00:00+00:00"
    assert summary["files"][0].startswith("date=2026-01-10/snapshot=20260110T030000Z/part-00000-")
    assert summary["uri"].endswith("users/_manifests/2026-01/20260110T030000Z_20260110T030000Z.json")
    assert window_lines(result) == [
        "Exporting users of 2026-01-10T03:00:00+00:00 (a snapshot of now, named by run_after) "
        f"to {destination}/users"
    ]


def test_each_run_takes_a_snapshot_of_its_own(gong: GongSandbox, destination: str, folder: Path) -> None:
    first = export_users(destination=destination, run=cron_run(9))
    second = export_users(destination=destination, run=cron_run(10))
    assert first["uri"] != second["uri"]
    assert rows(first) == rows(second) == users(gong)
    assert data_files(folder / "users") == sorted(first["files"] + second["files"])


def test_existing_snapshot_is_returned_without_a_request(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    first = export_users(destination=destination, run=interval_run(9))
    before = {name: (folder / name).read_bytes() for name in all_files(folder)}
    gong.requests.clear()
    result = attempt(
        GongExportUsersOperator,
        destination=destination,
        run=interval_run(9, clear_number=1),
        try_number=2,
    ).succeeded()
    assert result.xcom == first | {"requests": 0}
    assert len(gong.requests) == 0
    assert {name: (folder / name).read_bytes() for name in all_files(folder)} == before
    assert "The snapshot exists: returned without a request (overwrite=True takes it again)" in result.logs


def test_existing_snapshot_of_another_selection_is_not_returned_for_this_one(
    gong: GongSandbox, destination: str
) -> None:
    export_users(destination=destination, run=interval_run(9))
    result = attempt(
        GongExportUsersOperator, destination=destination, include_avatars=True, run=interval_run(9)
    )
    assert isinstance(result.error, AirflowFailException)
    assert "include_avatars was False and is True" in str(result.error)


@pytest.mark.parametrize("overwrite", [True, "true"])
def test_overwritten_snapshot_is_taken_again(
    gong: GongSandbox, destination: str, folder: Path, overwrite: bool | str
) -> None:
    first = export_users(destination=destination, run=interval_run(9))
    new = gong.world.users.pop()
    try:
        again = export_users(destination=destination, overwrite=overwrite, run=interval_run(9))
        assert again["uri"] == first["uri"]
        assert again["requests"] == 3
        assert rows(again) == users(gong)
        assert again["rows"] < first["rows"]
        assert data_files(folder / "users") == again["files"]
    finally:
        gong.world.users.append(new)


def test_overwriting_with_the_same_users_leaves_the_same_bytes(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    export_users(destination=destination, run=interval_run(9))
    before = digests(folder)
    export_users(destination=destination, overwrite=True, run=interval_run(9))
    assert digests(folder) == before


@pytest.mark.parametrize("to_files", [True, False])
def test_backfill_run_is_skipped_and_says_why(
    gong: GongSandbox, destination: str, folder: Path, to_files: bool
) -> None:
    result = attempt(
        GongExportUsersOperator,
        destination=destination if to_files else None,
        run=RunSpec(run_type="backfill", data_interval=(day(9), day(10))),
    )
    assert result.state == "skipped"
    assert any(
        "A backfill run exports no users: Gong only tells who they are now, not who they were." in line
        for line in result.logs
    )
    assert len(gong.requests) == 0
    assert not folder.exists()


def test_bad_overwrite_is_refused_before_any_request(gong: GongSandbox, destination: str) -> None:
    result = attempt(GongExportUsersOperator, destination=destination, overwrite="maybe", run=interval_run(9))
    assert isinstance(result.error, AirflowFailException)
    assert str(result.error) == "overwrite='maybe' is neither true nor false."
    assert len(gong.requests) == 0
