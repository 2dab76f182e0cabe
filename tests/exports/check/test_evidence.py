"""Looks at exports: their order, how many run at a time, and what an error of the storage does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.check.evidence import looks
from tests.exports.doubles import batch, export, run, window

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.window import Window


def write_days(dataset: Dataset, *numbers: int) -> list[Window]:
    for number in numbers:
        export(dataset, batch(number), window=window(number, number + 1), run=run(f"run-{number}")).execute()
    return [window(number, number + 1) for number in numbers]


def test_looks_come_in_the_order_of_time_with_their_ids(dataset: Dataset) -> None:
    windows = write_days(dataset, *range(1, 13))
    found = list(looks(dataset, windows[::-1]))
    assert [look.window for look in found] == windows
    assert [list(look.compact_ids()) for look in found] == [[number] for number in range(1, 13)]
    assert [problem for look in found for problem in look.problems] == []


def test_days_are_looked_at_side_by_side_and_never_all_at_once(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = write_days(local_dataset, *range(1, 25))
    listed: list[str] = []
    together, too_many = threading.Barrier(8, timeout=30), threading.Event()
    sizes_below = storage.sizes_below

    def slow(folder: ObjectStoragePath) -> dict[str, int]:
        listed.append(folder.name)
        if len(listed) <= 8:
            # Goes on only when eight are here at the same time.
            together.wait()
        if len(listed) > 9:
            too_many.set()
        return sizes_below(folder)

    monkeypatch.setattr(storage, "sizes_below", slow)
    found = looks(local_dataset, windows)
    next(found)
    # The ninth begins when the first is taken, the tenth not before the second is.
    assert not too_many.wait(0.5)
    assert len(list(found)) == 23


def test_window_whose_manifest_vanished_is_left_out(dataset: Dataset) -> None:
    windows = write_days(dataset, 1, 2, 3)
    storage.remove(dataset.manifest_path(windows[1]))
    assert [look.window for look in looks(dataset, windows)] == [windows[0], windows[2]]


def test_error_of_the_storage_is_no_finding(local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = write_days(local_dataset, 1, 2)

    def unavailable(path: ObjectStoragePath) -> bytes:
        raise OSError("503 Slow Down")

    monkeypatch.setattr(storage, "read_bytes", unavailable)
    with pytest.raises(OSError, match="503"):
        list(looks(local_dataset, windows))
