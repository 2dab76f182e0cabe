"""Publishing: whatever step is the last of a killed attempt, readers see the export before or the one after."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.publish import publish
from airflow_provider_gong.exports.reader import exported_ids
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.exports.tally import Tally
from airflow_provider_gong.exports.writer import Writer
from tests.exports.crash import Contents, Turns, attempt, count_changes, kill_before
from tests.exports.doubles import (
    S3_CONNECTION,
    Pages,
    assert_sound,
    data_files,
    exported,
    record,
    row,
    run,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.exports.manifest import Manifest

# The first part is the same in all of them.
OLD: Contents = [("same", (1, 2)), ("old", (3,)), ("old", (4,))]
NEW: Contents = [("same", (1, 2)), ("new", (3, 5))]
NEWER: Contents = [("same", (1, 2)), ("newer", (3, 5)), ("newer", (6,))]


def rows_of(pages: Contents) -> list[dict[str, Any]]:
    return [record(number, word) for word, numbers in pages for number in numbers]


def manifest_of(dataset: Dataset) -> Manifest:
    manifest = dataset.manifest(window())
    assert manifest is not None
    return manifest


def assert_nothing_left_over(dataset: Dataset) -> None:
    assert data_files(dataset) == {part.name for part in manifest_of(dataset).parts}
    # What a killed process was writing aside stays until it is swept; nobody reads it.
    assert [name for name in storage.names_in(dataset.staging) if not name.endswith(".upload")] == []


# The order of the steps


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which each object that is put or removed is added."""
    seen: list[str] = []

    def told(name: str, position: int) -> Callable[..., Any]:
        step = getattr(storage, name)

        def telling(*args: Any) -> Any:
            seen.append(f"{name} {str(args[position]).split('/calls/')[1]}")
            return step(*args)

        return telling

    for name, position in {"put_bytes": 1, "put_file": 1, "remove": 0}.items():
        monkeypatch.setattr(storage, name, told(name, position))
    return seen


def kinds(changes: list[str]) -> list[str]:
    named = {
        "put_bytes _staging/": "plan",
        "put_file date=": "part",
        "put_file _manifests/": "ids",
        "put_bytes _runs/": "run",
        "put_bytes _manifests/": "manifest",
        "remove date=": "old part",
        "remove _staging/": "staging",
    }
    return [kind for one in changes for begin, kind in named.items() if one.startswith(begin)]


def test_manifest_comes_after_all_that_it_names(local_dataset: Dataset, changes: list[str]) -> None:
    attempt(local_dataset, OLD).execute()
    assert kinds(changes) == ["plan", "part", "part", "part", "ids", "run", "manifest", "staging"]


def test_replaced_parts_go_after_the_manifest_and_shared_ones_stay(
    local_dataset: Dataset, changes: list[str]
) -> None:
    attempt(local_dataset, OLD).execute()
    changes.clear()
    attempt(local_dataset, NEW, clear_number=1).execute()
    assert kinds(changes) == [
        "plan",
        "part",
        "part",
        "ids",
        "run",
        "manifest",
        "old part",
        "old part",
        "staging",
    ]
    assert_nothing_left_over(local_dataset)


def test_rerun_with_the_same_rows_leaves_the_same_files(local_dataset: Dataset, changes: list[str]) -> None:
    attempt(local_dataset, OLD).execute()
    before = data_files(local_dataset)
    changes.clear()
    attempt(local_dataset, OLD, clear_number=1).execute()
    assert kinds(changes) == ["plan", "part", "part", "part", "ids", "run", "manifest", "staging"]
    assert data_files(local_dataset) == before


def test_damaged_part_is_mended_by_a_rerun(local_dataset: Dataset) -> None:
    manifest = attempt(local_dataset, OLD).execute()
    part = Path((local_dataset.root / manifest.parts[0].name).path)
    damaged = bytearray(part.read_bytes())
    damaged[-1] ^= 1
    part.write_bytes(damaged)
    attempt(local_dataset, OLD, clear_number=1).execute()
    assert exported(local_dataset) == rows_of(OLD)


def test_part_that_was_cut_short_is_uploaded_again(local_dataset: Dataset) -> None:
    manifest = attempt(local_dataset, OLD).execute()
    Path((local_dataset.root / manifest.parts[0].name).path).write_bytes(b"cut")
    attempt(local_dataset, OLD, clear_number=1).execute()
    assert exported(local_dataset) == rows_of(OLD)


def test_export_that_became_empty_removes_all_parts(dataset: Dataset) -> None:
    attempt(dataset, OLD).execute()
    attempt(dataset, [], clear_number=1).execute()
    assert exported(dataset) == []
    assert_nothing_left_over(dataset)


def test_files_that_are_no_parts_are_left_alone(local_dataset: Dataset) -> None:
    manifest = attempt(local_dataset, OLD).execute()
    foreign = Path((local_dataset.root / manifest.parts[0].name).path).parent / "_SUCCESS"
    foreign.write_text("")
    attempt(local_dataset, NEW, clear_number=1).execute()
    assert foreign.exists()


# Killed


def assert_killed_export_is_mended(
    step: int, destination: str, before: Contents | None, retry: Contents, environment: dict[str, str]
) -> None:
    dataset = Dataset(open_destination(destination) / "calls")
    if before is not None:
        attempt(dataset, before).execute()
    kill_before(step, destination, NEW, environment, clear_number=1)

    manifest = dataset.manifest(window())
    if before is not None:
        assert manifest is not None
    if manifest is not None:
        assert_sound(dataset, manifest)
        rows = exported(dataset)
        assert rows in (rows_of(before or NEW), rows_of(NEW))
        assert list(exported_ids(dataset, manifest, Pages([]))) == [one["id"] for one in rows]
    # The first steps put the plan in place, a local one is written aside and moved.
    planned = before is not None or step >= 2
    assert dataset.kept_window(run(clear_number=1, try_number=2)) == (window() if planned else None)

    attempt(dataset, retry, clear_number=1, try_number=2).execute()
    assert_sound(dataset, manifest_of(dataset))
    assert exported(dataset) == rows_of(retry)
    assert_nothing_left_over(dataset)


@pytest.mark.parametrize("before", [None, OLD], ids=["first export", "rerun"])
@pytest.mark.parametrize("retry", [NEW, NEWER], ids=["same answers", "other answers"])
def test_export_killed_at_any_step_is_whole_and_its_retry_mends_it(
    before: Contents | None, retry: Contents, tmp_path: Path
) -> None:
    counted = f"file://{tmp_path}/counted"
    if before is not None:
        attempt(Dataset(open_destination(counted) / "calls"), before).execute()
    steps = count_changes(counted, NEW, {}, clear_number=1)
    assert steps >= 12
    for step in range(steps + 1):
        assert_killed_export_is_mended(step, f"file://{tmp_path}/killed-{step}", before, retry, {})


@pytest.mark.parametrize("step", [4, 5, 6])
def test_export_to_s3_killed_around_its_manifest_is_whole_and_its_retry_mends_it(
    step: int, s3_destination: str, s3_connection: str
) -> None:
    # Plan, one part, ids, run, manifest, two old parts, staging.
    environment = {f"AIRFLOW_CONN_{S3_CONNECTION.upper()}": s3_connection}
    assert_killed_export_is_mended(step, s3_destination, OLD, NEWER, environment)


def test_export_killed_while_it_deletes_leaves_no_old_part_for_good(tmp_path: Path) -> None:
    destination = f"file://{tmp_path}/exports"
    dataset = Dataset(open_destination(destination) / "calls")
    attempt(dataset, OLD).execute()
    steps = count_changes(destination, NEW, {}, clear_number=1)
    attempt(dataset, OLD, clear_number=2).execute()
    # The last step removes the staging, the two before it old parts.
    kill_before(steps - 3, destination, NEW, {}, clear_number=3)
    assert exported(dataset) == rows_of(NEW)
    assert len(data_files(dataset)) == 4
    attempt(dataset, NEW, clear_number=3, try_number=2).execute()
    assert_nothing_left_over(dataset)


# Side by side


class Drafts:
    """Finished drafts, published as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publishing(self, dataset: Dataset, pages: Contents, name: str, **facts: Any) -> Callable[[], None]:
        """Return a function that publishes the pages."""
        folder = self._folder / name
        folder.mkdir(parents=True)
        draft = Writer(folder, part_bytes=1)
        for word, numbers in pages:
            draft.write([row(number, word) for number in numbers])
        draft.close()
        manifest = attempt(dataset, pages, **facts)._describe(draft, Tally())
        return lambda: publish(dataset, run(**facts), manifest, draft)


def steps_of(dataset: Dataset, publishing: Callable[[], None]) -> int:
    """Return a number of steps that is enough for a publishing to finish."""
    with pytest.MonkeyPatch.context() as patch:
        turns, steps = Turns(patch, [publishing]), 0
        turns.actors[0].start()
        while turns.actors[0].thread.is_alive():
            turns.actors[0].go_on()
            turns.actors[0].thread.join(0.001)
            steps += 1
    return steps


def assert_sound_side_by_side(
    dataset: Dataset, one: Callable[[], None], other: Callable[[], None], schedule: list[tuple[int, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Turns(patch, [one, other]).take(schedule)
    assert_sound(dataset, manifest_of(dataset))


@pytest.mark.parametrize(
    ("before", "first", "second", "other_run"),
    [
        pytest.param(OLD, NEW, NEWER, "run-1", id="different content"),
        pytest.param(OLD, NEW, OLD, "run-1", id="the second brings the old content back"),
        pytest.param(OLD, OLD, NEW, "run-1", id="the first brings the old content back"),
        pytest.param(None, NEW, NEWER, "run-1", id="first export"),
        pytest.param(OLD, NEW, OLD, "run-2", id="two runs of the same window"),
    ],
)
def test_manifest_is_sound_however_two_attempts_interleave(
    before: Contents | None, first: Contents, second: Contents, other_run: str, tmp_path: Path
) -> None:
    dataset = Dataset(open_destination(f"file://{tmp_path}/exports") / "calls")
    folder, template = Path(dataset.root.path), tmp_path / "template"
    template.mkdir()
    if before is not None:
        attempt(dataset, before).execute()
        shutil.copytree(folder, template, dirs_exist_ok=True)
    drafts = Drafts(tmp_path / "drafts")
    one = drafts.publishing(dataset, first, "one")
    other = drafts.publishing(dataset, second, "other", run_id=other_run)

    def reset() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)

    reset()
    steps = steps_of(dataset, one)
    for number, (of_one, of_other) in enumerate(product(range(steps + 1), repeat=2)):
        reset()
        assert_sound_side_by_side(dataset, one, other, [(0, of_one), (1, of_other), (0, steps)])
        assert exported(dataset) in (rows_of(first), rows_of(second)), (of_one, of_other)
        if number % 7 == 0:
            attempt(dataset, NEWER, clear_number=1).execute()
            assert_nothing_left_over(dataset)


@pytest.mark.parametrize("of_one", [4, 8, 10, 12])
def test_manifest_on_s3_is_sound_when_two_attempts_interleave(
    of_one: int, s3_destination: str, tmp_path: Path
) -> None:
    dataset = Dataset(open_destination(s3_destination) / "calls")
    attempt(dataset, OLD).execute()
    drafts = Drafts(tmp_path)
    one, other = drafts.publishing(dataset, NEW, "one"), drafts.publishing(dataset, OLD, "other")
    assert_sound_side_by_side(dataset, one, other, [(0, of_one), (1, 9), (0, 99)])
    assert exported(dataset) in (rows_of(NEW), rows_of(OLD))
