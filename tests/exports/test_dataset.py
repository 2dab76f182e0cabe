"""What a dataset remembers, on local files and on S3."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset, IdsOutOfStep
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import batch, day, export, files, run, window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import ObjectStoragePath

SECOND = timedelta(seconds=1)


def publish(dataset: Dataset, *windows: Window) -> None:
    for number, one in enumerate(windows):
        export(dataset, batch(number), window=one, run=run(f"run-{number}")).execute()


def names(dataset: Dataset, suffixes: Iterable[str]) -> list[str]:
    return sorted(name for name in files(dataset) if name.endswith(tuple(suffixes)))


# Layout


def test_files_lie_where_loaders_look_for_them(dataset: Dataset) -> None:
    manifest = export(dataset, batch(1)).execute()
    digest = manifest.parts[0].sha256[:12]
    assert files(dataset) == {
        f"date=2026-01-01/window=20260101T000000Z_20260102T000000Z/part-00000-{digest}.jsonl.gz",
        "_manifests/2026-01/20260102T000000Z_20260101T000000Z.json",
        "_manifests/2026-01/20260102T000000Z_20260101T000000Z.ids.gz",
        f"_runs/{run().key}.json",
    }


def test_manifest_lies_in_the_month_of_its_end(local_dataset: Dataset) -> None:
    over = Window(day(31), day(1, month=2))
    publish(local_dataset, over)
    assert names(local_dataset, [".json", ".ids.gz"])[:2] == [
        "_manifests/2026-02/20260201T000000Z_20260131T000000Z.ids.gz",
        "_manifests/2026-02/20260201T000000Z_20260131T000000Z.json",
    ]
    assert local_dataset.partition(over).startswith("date=2026-01-31/window=")


def test_snapshot_has_a_partition_of_its_own(local_dataset: Dataset) -> None:
    assert local_dataset.partition(Window.snapshot(day(3))) == "date=2026-01-03/snapshot=20260103T000000Z"


def test_names_are_relative_to_the_dataset(dataset: Dataset) -> None:
    assert dataset.relative(dataset.ids_path(window())) == (
        "_manifests/2026-01/20260102T000000Z_20260101T000000Z.ids.gz"
    )


# Coverage


def test_empty_dataset_covers_nothing(dataset: Dataset) -> None:
    assert dataset.newest() is None
    assert dataset.newest_end(day(9)) is None
    assert dataset.overlapping(window(1, 9)) == []


def test_coverage_is_found_over_several_months(dataset: Dataset) -> None:
    december = Window(day(1).replace(year=2025, month=12), day(1).replace(year=2025, month=12, day=5))
    over_new_year = Window(december.end, day(2))
    march = window(3, 4, month=3)
    publish(dataset, march, december, over_new_year)

    newest = dataset.newest()
    assert newest is not None
    assert newest.window == march
    assert dataset.newest_end(day(9, month=3)) == march.end
    assert dataset.newest_end(march.end) == march.end
    assert dataset.newest_end(march.end - SECOND) == over_new_year.end
    assert dataset.newest_end(day(1)) == december.end
    assert dataset.newest_end(december.start) is None

    assert dataset.overlapping(Window(december.start, march.end)) == [december, over_new_year, march]
    assert dataset.overlapping(Window(december.end, december.end + SECOND)) == [over_new_year]
    assert dataset.overlapping(window(2, 9)) == []
    assert dataset.overlapping(Window(day(2), march.start)) == []


def test_newest_is_the_one_that_ends_last_and_begins_last(local_dataset: Dataset) -> None:
    publish(local_dataset, window(2, 5), window(1, 5), window(3, 4))
    newest = local_dataset.newest()
    assert newest is not None
    assert newest.window == window(2, 5)


def test_manifest_that_another_worker_published_is_seen_at_once(dataset: Dataset) -> None:
    assert dataset.newest_end(day(9)) is None
    # A store of its own, whose listings this process has not cached.
    publish(Dataset(dataset.root), window(1, 2))
    assert dataset.newest_end(day(9)) == day(2)


def test_a_phase_sees_one_listing_and_the_next_a_fresh_one(dataset: Dataset) -> None:
    publish(dataset, window(1, 2))
    with dataset.listed_once():
        assert dataset.newest_end(day(9)) == day(2)
        publish(Dataset(dataset.root), window(2, 3))
        assert dataset.newest_end(day(9)) == day(2)
        assert dataset.overlapping(window(1, 9)) == [window(1, 2)]
        assert dataset.oldest_start() == day(1)
        with dataset.listed_once():
            assert dataset.newest_end(day(9)) == day(3)
        assert dataset.newest_end(day(9)) == day(2)
    assert dataset.newest_end(day(9)) == day(3)


def test_a_phase_lists_each_folder_once(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(dataset, window(1, 2), window(2, 3))
    listed: list[str] = []
    names_in = storage.names_in

    def listing(folder: ObjectStoragePath) -> list[str]:
        listed.append(folder.name)
        return names_in(folder)

    monkeypatch.setattr(storage, "names_in", listing)
    with dataset.listed_once():
        assert listed == []
        newest = dataset.newest()
        assert newest is not None
        assert dataset.newest_end(day(9)) == dataset.newest_end(day(4)) == newest.window.end
        assert dataset.overlapping(window(1, 9)) == [window(1, 2), window(2, 3)]
        assert (dataset.gap_before(day(9)), dataset.oldest_start()) == (None, day(1))
        assert listed == ["_manifests", "2026-01"]


def test_ids_that_do_not_belong_to_their_manifest_are_out_of_step(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, batch(1)).execute()
    assert [row_id for row_id, _ in local_dataset.ids(manifest)] == ["1"]
    with pytest.raises(IdsOutOfStep):
        local_dataset.ids(replace(manifest, ids=replace(manifest.ids, sha256="0" * 64)))


# The window of a run


def test_run_that_planned_nothing_keeps_no_window(dataset: Dataset) -> None:
    assert dataset.kept_window(run()) is None


def test_retry_keeps_the_planned_window(dataset: Dataset) -> None:
    dataset.staging_of(run()).begin(window(3, 4), {})
    assert dataset.kept_window(run(try_number=2)) == window(3, 4)
    assert dataset.kept_window(run("another")) is None
    assert dataset.kept_window(run(map_index=1)) is None


def test_clear_forgets_a_plan_that_was_not_published(dataset: Dataset) -> None:
    dataset.staging_of(run()).begin(window(3, 4), {})
    assert dataset.kept_window(run(clear_number=1)) is None
    dataset.staging_of(run(clear_number=1)).begin(window(5, 6), {})
    assert dataset.kept_window(run(clear_number=1)) == window(5, 6)


def test_clear_keeps_the_published_window(dataset: Dataset) -> None:
    export(dataset, batch(1), window=window(3, 4)).execute()
    assert dataset.kept_window(run(clear_number=4, try_number=9)) == window(3, 4)


def test_window_that_another_run_published_since_is_not_kept(dataset: Dataset) -> None:
    export(dataset, batch(1), window=window(3, 4)).execute()
    export(dataset, batch(1), window=window(3, 4), run=run("another")).execute()
    assert dataset.kept_window(run()) is None
    assert dataset.kept_window(run("another")) == window(3, 4)


def test_window_whose_manifest_was_deleted_is_not_kept(dataset: Dataset) -> None:
    export(dataset, batch(1), window=window(3, 4)).execute()
    storage.remove(dataset.manifest_path(window(3, 4)))
    assert dataset.kept_window(run()) is None


def test_run_recorded_without_its_manifest_falls_back_to_the_plan(dataset: Dataset) -> None:
    dataset.staging_of(run()).begin(window(3, 4), {})
    dataset.record_run(run(), window(3, 4))
    assert dataset.kept_window(run()) == window(3, 4)
    assert dataset.kept_window(run(clear_number=1)) is None


# Staging


def test_finished_run_removes_its_own_staging_only(dataset: Dataset) -> None:
    dataset.staging_of(run()).begin(window(), {})
    dataset.staging_of(run("another")).begin(window(), {})
    dataset.clean_up(run())
    assert storage.names_in(dataset.staging) == [run("another").key]


def test_staging_older_than_two_days_is_swept(tmp_path: Path) -> None:
    dataset = Dataset(open_destination(str(tmp_path)) / "calls")
    for name in ("old", "young"):
        dataset.staging_of(run(name)).begin(window(), {})
    (Path(dataset.staging.path) / "crashed.upload").write_bytes(b"half")
    for name in ("crashed.upload", f"{run('old').key}/plan.json"):
        os.utime(Path(dataset.staging.path) / name, (0, 0))
    dataset.clean_up(run())
    assert storage.names_in(dataset.staging) == [run("young").key]


def test_sweep_leaves_staging_that_is_a_little_younger_than_two_days(tmp_path: Path) -> None:
    dataset = Dataset(open_destination(str(tmp_path)) / "calls")
    dataset.staging_of(run("old")).begin(window(), {})
    plan = Path(dataset.staging.path) / run("old").key / "plan.json"
    written = plan.stat().st_mtime - timedelta(days=2).total_seconds() + 600
    os.utime(plan, (written, written))
    dataset.clean_up(run())
    assert dataset.kept_window(run("old")) == window()


# Gaps


def test_gap_between_exports_of_the_two_newest_months_is_found(local_dataset: Dataset) -> None:
    publish(local_dataset, window(1, 3), window(20, 22), Window(day(25), day(2, month=2)))
    assert local_dataset.gap_before(day(2, month=2)) == window(22, 25)
    assert local_dataset.gap_before(day(22)) == window(3, 20)
    assert local_dataset.gap_before(day(3)) is None


def test_foreign_file_among_the_manifests_is_no_window(local_dataset: Dataset) -> None:
    publish(local_dataset, window(1, 3))
    (local_dataset.manifest_path(window(1, 3)).parent / "notes.json").write_text("{}")
    assert local_dataset.newest_end(day(9)) == day(3)


# Damage


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"from": 5}'])
def test_window_of_a_run_is_chosen_again_when_its_record_is_damaged(
    local_dataset: Dataset, content: bytes
) -> None:
    local_dataset.staging_of(run()).begin(window(), {})
    local_dataset.record_run(run(), window())
    for name in (f"_runs/{run().key}.json", f"_staging/{run().key}/plan.json"):
        (local_dataset.root / name).write_bytes(content)
    assert local_dataset.kept_window(run()) is None


def test_damaged_manifest_is_named_with_the_mend(local_dataset: Dataset) -> None:
    publish(local_dataset, window())
    local_dataset.manifest_path(window()).write_bytes(b'{"format_version": 1, ')
    with pytest.raises(GongConfigurationError, match=r"T000000Z\.json .* was damaged: delete it"):
        local_dataset.newest()
