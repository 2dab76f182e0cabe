"""Reading a window and publishing it: what is counted, dropped, tried again and refused."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never

import pytest

from airflow_provider_gong import __version__
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongCursorExpired,
    GongUnavailable,
)
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.tally import Tally, compact
from tests.exports.doubles import (
    Client,
    Pages,
    assert_sound,
    batch,
    data_files,
    day,
    export,
    exported,
    files,
    record,
    row,
    run,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.exports.dataset import Dataset


def expired() -> Never:
    raise GongCursorExpired("The cursor expired.")


def records(*numbers: int | str, word: str = "old") -> list[dict[str, Any]]:
    return [record(number, word) for number in numbers]


# What is read is what lies there


def test_export_reads_back_as_it_was_read(dataset: Dataset) -> None:
    manifest = export(dataset, batch(3, 1), batch(), batch(2)).execute()
    assert exported(dataset) == records(3, 1, 2)
    assert_sound(dataset, manifest)
    assert dataset.manifest(window()) == manifest


def test_rerun_with_the_same_answers_gives_the_same_files(local_dataset: Dataset) -> None:
    first = export(local_dataset, batch(1, 2), batch(3), part_bytes=1).execute()
    second = export(local_dataset, batch(1, 2), batch(3), part_bytes=1, run=run(clear_number=1)).execute()
    assert first.parts == second.parts
    assert first.ids == second.ids


def test_export_without_rows_is_an_export(dataset: Dataset) -> None:
    manifest = export(dataset, Batch([], 0, announced=0)).execute()
    assert (manifest.rows, manifest.parts, manifest.complete) == (0, (), True)
    assert dataset.newest_end(day(9)) == day(2)
    assert exported(dataset) == []


def test_manifest_counts_what_was_read(local_dataset: Dataset) -> None:
    pages = [
        Batch([row(1, start="2026-01-01T09:30:00+01:00"), row(2)], 3, announced=6, private=1),
        Batch([row(2), row(3, start="2026-01-01T09:00:00Z")], 3, announced=6, private=1),
    ]
    client = Client(requests=40)
    manifest = export(local_dataset, *pages, client=client, run=run(map_index=2, try_number=3)).execute()
    assert manifest.rows == 3
    assert manifest.received == 6
    assert manifest.announced == 6
    assert manifest.private_dropped == 2
    assert manifest.duplicates_dropped == 1
    assert manifest.first_start == "2026-01-01T09:30:00+01:00"
    assert manifest.last_start == "2026-01-01T09:00:00+00:00"
    assert manifest.requests == 2
    assert manifest.seconds >= 0
    assert manifest.run["run_id"] == "run-1"
    assert (manifest.run["map_index"], manifest.run["try_number"]) == (2, 3)
    assert manifest.package_version == __version__
    assert manifest.window == window()


@pytest.mark.parametrize("start", ["2026-01-01T09:00:00", "yesterday", ""])
def test_start_that_is_no_moment_does_not_fail_an_export(start: str, local_dataset: Dataset) -> None:
    good = row(2, start="2026-01-01T10:00:00Z")
    manifest = export(local_dataset, Batch([row(1, start=start), good], 2)).execute()
    assert manifest.rows == 2
    assert manifest.last_start == "2026-01-01T10:00:00+00:00"


def test_row_that_two_pages_show_is_exported_once(local_dataset: Dataset) -> None:
    export(local_dataset, batch(1, 2), batch(2, 3)).execute()
    assert exported(local_dataset) == records(1, 2, 3)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("7782342274025937895", 7782342274025937895),
        ("007", "007"),
        ("0", "0"),
        ("", ""),
        ("-7", "-7"),
        ("7a", "7a"),
        ("\u0667", "\u0667"),
        ("3f2a-0", "3f2a-0"),
    ],
)
def test_different_ids_stay_different_in_their_compact_form(text: str, key: int | str) -> None:
    assert compact(text) == key


def test_announced_number_stays_when_a_later_page_has_none() -> None:
    tally = Tally()
    tally.add(Batch([], 0, announced=7))
    tally.add(Batch([], 0))
    assert tally.announced == 7


# Incomplete


def test_pending_transcripts_make_an_export_incomplete(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, batch(1, pending=["7"]), batch(2, pending=["8", "9"])).execute()
    assert manifest.pending == ("7", "8", "9")
    assert manifest.complete is False
    assert manifest.incomplete_because == ("3 transcripts are not ready yet",)
    assert local_dataset.manifest(window()) == manifest


def test_export_without_anything_pending_is_complete(local_dataset: Dataset) -> None:
    manifest = export(local_dataset, batch(1)).execute()
    assert (manifest.complete, manifest.incomplete_because, manifest.pending) == (True, (), ())


# Failures leave what was there


def test_failure_while_reading_leaves_the_export_before(dataset: Dataset) -> None:
    export(dataset, batch(1)).execute()
    before = files(dataset)

    def unavailable() -> Never:
        raise GongUnavailable("Gong is away.")

    with pytest.raises(GongUnavailable):
        export(dataset, batch(1, 2, word="new"), unavailable, run=run(clear_number=1)).execute()
    assert exported(dataset) == records(1)
    assert {name for name in files(dataset) if not name.startswith("_staging/")} == before


def test_failed_first_export_leaves_its_plan_only(local_dataset: Dataset) -> None:
    with pytest.raises(GongCursorExpired):
        next(Pages([expired]).read(Client(), window()))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        export(local_dataset, batch(1), lambda: 1 // 0).execute()  # type: ignore[arg-type,return-value]
    assert files(local_dataset) == {f"_staging/{run().key}/plan.json"}
    assert local_dataset.kept_window(run(try_number=2)) == window()


# Cursors that expire


def failing(times: int) -> Callable[[], Batch]:
    left = iter(range(times))

    def page() -> Batch:
        if next(left, None) is not None:
            raise GongCursorExpired("The cursor expired.")
        return batch(2, pending=["9"])

    return page


@pytest.mark.parametrize("times", [1, 2])
def test_expired_cursor_begins_the_window_again(
    times: int, local_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        manifest = export(local_dataset, batch(1, private=1), failing(times)).execute()
    assert exported(local_dataset) == records(1, 2)
    assert (manifest.received, manifest.private_dropped, manifest.duplicates_dropped) == (2, 1, 0)
    assert manifest.pending == ("9",)
    assert manifest.requests == 2 * (times + 1)
    assert caplog.text.count("again from its beginning") == times


def test_cursor_that_expires_three_times_is_refused_and_nothing_is_published(local_dataset: Dataset) -> None:
    client = Client()
    message = (
        f"Paging through {window()} took longer than Gong's cursors live (about an hour), "
        "3 times: export shorter windows."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        export(local_dataset, batch(1), expired, client=client).execute()
    assert client.requests == 6
    assert local_dataset.manifest(window()) is None
    assert data_files(local_dataset) == set()


# Ids of other windows


def test_id_that_another_window_holds_is_dropped(dataset: Dataset) -> None:
    export(dataset, batch(1, 2), window=window(1, 3), run=run("first")).execute()
    manifest = export(dataset, batch(2, 3), window=window(2, 5)).execute()
    assert exported(dataset, window(2, 5)) == records(3)
    assert manifest.duplicates_dropped == 1


def test_id_that_another_window_took_meanwhile_is_dropped(dataset: Dataset) -> None:
    def meanwhile() -> Batch:
        export(dataset, batch(2, 7), window=window(1, 3), run=run("other")).execute()
        return batch(3)

    mine = window(2, 5)
    manifest = export(dataset, batch(1, 2), meanwhile, window=mine, part_bytes=1).execute()
    assert exported(dataset, mine) == records(1, 3)
    assert [row_id for row_id, _ in dataset.ids(manifest)] == ["1", "3"]
    assert (manifest.rows, manifest.received, manifest.duplicates_dropped) == (2, 3, 1)
    assert data_files(dataset) >= {part.name for part in manifest.parts}
    assert_sound(dataset, manifest)


def test_id_that_a_known_window_took_meanwhile_is_dropped(local_dataset: Dataset) -> None:
    other = export(local_dataset, batch(7), window=window(1, 3), run=run("other"))
    other.execute()

    def meanwhile() -> Batch:
        replace(other, stream=Pages([batch(2, 7)])).execute()
        return batch(3, 7)

    mine = window(2, 5)
    manifest = export(local_dataset, batch(1, 2), meanwhile, window=mine).execute()
    assert exported(local_dataset, mine) == records(1, 3)
    assert manifest.duplicates_dropped == 2


def test_ids_of_the_replaced_export_are_read_again(dataset: Dataset) -> None:
    export(dataset, batch(1, 2)).execute()
    export(dataset, batch(1, 2, 3, word="new"), run=run(clear_number=1)).execute()
    assert exported(dataset) == records(1, 2, 3, word="new")


def test_ids_of_windows_that_do_not_overlap_do_not_matter(local_dataset: Dataset) -> None:
    export(local_dataset, batch(1), window=window(1, 2)).execute()
    export(local_dataset, batch(1), window=window(2, 3), run=run("next")).execute()
    assert exported(local_dataset, window(2, 3)) == records(1)


def test_ids_that_are_out_of_step_with_another_manifest_are_read_from_its_rows(
    local_dataset: Dataset,
) -> None:
    export(local_dataset, batch(1, 2), window=window(1, 3), run=run("first")).execute()
    path = local_dataset.ids_path(window(1, 3))
    path.fs.pipe_file(path.path, b"cut")
    export(local_dataset, batch(2, 3), window=window(2, 5)).execute()
    assert exported(local_dataset, window(2, 5)) == records(3)


# Identity


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"host": "other.api.gong.io"}, "host was 'company.api.gong.io' and is 'other.api.gong.io'"),
        ({"file_format": "jsonl"}, "format was 'jsonl.gz' and is 'jsonl'"),
        (
            {"stream": Pages([], selection={"workspace_id": "7"})},
            "workspace_id was None and is '7'",
        ),
    ],
)
def test_export_of_another_kind_is_refused_before_any_request(
    dataset: Dataset, change: dict[str, Any], difference: str
) -> None:
    export(dataset, batch(1)).execute()
    before, client = files(dataset), Client()
    with pytest.raises(GongConfigurationError, match=re.escape(f"another kind of export ({difference}). ")):
        export(dataset, batch(1), client=client, window=window(2, 3), **change).execute()
    assert client.requests == 0
    assert files(dataset) == before


def test_identity_is_that_of_the_newest_manifest_whatever_its_age(local_dataset: Dataset) -> None:
    export(local_dataset, batch(1), window=window(5, 6)).execute()
    with pytest.raises(GongConfigurationError, match="another kind of export"):
        export(local_dataset, batch(1), window=window(1, 2), host="other.api.gong.io").execute()


# Progress


def test_progress_is_told_at_most_every_few_seconds(
    local_dataset: Dataset, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr("airflow_provider_gong.exports.engine.time.monotonic", lambda: float(next(clock)))
    with caplog.at_level(logging.INFO):
        export(local_dataset, *(batch(number, announced=9) for number in range(1, 7))).execute()
    told = [record.message for record in caplog.records if "page" in record.message]
    assert told == [
        "calls: page 3, 3 rows of 9 announced, 3 requests",
        "calls: page 6, 6 rows of 9 announced, 6 requests",
    ]


def test_two_kinds_of_export_that_start_together_do_not_replace_each_other(local_dataset: Dataset) -> None:
    other = export(local_dataset, batch(9), run=run("other"), host="other.gong.io")

    def meanwhile() -> Batch:
        other.execute()
        return batch(1)

    with pytest.raises(GongConfigurationError, match="holds another kind of export"):
        export(local_dataset, meanwhile).execute()
    assert [one["id"] for one in exported(local_dataset)] == ["9"]
