"""Reading in slices: what comes of it does not depend on threads, failures or attempts before."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import tempfile
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Never

import pytest

from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongCursorExpired,
    GongRateLimited,
    GongUnavailable,
)
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.intake import HANDS
from airflow_provider_gong.exports.slices import IDS, MOST, PAGE
from tests.exports.doubles import (
    Client,
    Timeline,
    assert_sound,
    batch,
    day,
    evenly,
    export,
    exported,
    files,
    run,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from airflow_provider_gong.exports.batches import Batch
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.engine import Export
    from airflow_provider_gong.exports.window import Window

PATIENCE = 20
COUNT = 40 * PAGE
EVENLY = evenly(COUNT)
ALL = [str(number) for number in range(COUNT)]
SLICES = 5
#: The first page, which tells the count; then eight of each slice.
REQUESTS = 1 + 40


def quiet(window: Window, page: int) -> None:
    """Let every page through."""


def large(dataset: Dataset, before: Callable[[Window, int], None] = quiet, **settings: Any) -> Export:
    """Return an export of 4000 records; `before` is told each page."""
    stream = settings.pop("stream", None) or Timeline(EVENLY, before)
    return export(dataset, stream=stream, **settings)


def pages_of(job: Export) -> list[tuple[Window, int]]:
    assert isinstance(job.stream, Timeline)
    return job.stream.asked


def ids(dataset: Dataset) -> list[str]:
    return [one["id"] for one in exported(dataset)]


def stored(dataset: Dataset) -> list[str]:
    return sorted(name for name in files(dataset) if "/slices-" in name)


def hour(bounds: Window) -> int:
    return bounds.start.hour


def failing(error: Exception, at: Callable[[Window, int], bool]) -> Callable[[Window, int], None]:
    """Return what raises an error at a page of a slice, once all hands have begun."""
    begun = threading.Barrier(SLICES, timeout=PATIENCE)

    def before(bounds: Window, page: int) -> None:
        if bounds != window() and page == 0:
            begun.wait()
        if bounds != window() and at(bounds, page):
            raise error

    return before


# The same rows


def test_large_window_comes_in_slices_with_all_its_rows_in_their_order(dataset: Dataset) -> None:
    job = large(dataset)
    manifest = job.execute()
    assert ids(dataset) == ALL
    assert_sound(dataset, manifest)
    assert (manifest.rows, manifest.received, manifest.announced) == (COUNT, COUNT, COUNT)
    assert (manifest.duplicates_dropped, manifest.complete) == (0, True)
    assert len({bounds for bounds, _ in pages_of(job)}) == 1 + SLICES
    assert stored(dataset) == []


def test_small_window_comes_in_one_go(local_dataset: Dataset) -> None:
    job = large(local_dataset, stream=Timeline(EVENLY[:MOST]))
    job.execute()
    assert pages_of(job) == [(window(), page) for page in range(20)]


def test_slices_cost_few_requests(local_dataset: Dataset) -> None:
    job = large(local_dataset)
    assert job.execute().requests == len(pages_of(job)) == REQUESTS


def test_slices_are_read_side_by_side(local_dataset: Dataset) -> None:
    together = threading.Barrier(SLICES, timeout=PATIENCE)

    def before(bounds: Window, page: int) -> None:
        if bounds != window() and page == 0:
            together.wait()

    assert HANDS >= SLICES
    large(local_dataset, before).execute()
    assert ids(local_dataset) == ALL


@pytest.mark.parametrize("last", [0, 9, 19])
def test_files_do_not_depend_on_which_slice_comes_last(last: int, local_dataset: Dataset) -> None:
    undisturbed = large(local_dataset, part_bytes=50_000).execute()
    others = threading.Semaphore(0)

    def before(bounds: Window, page: int) -> None:
        if bounds == window() or page != 7:
            return
        if hour(bounds) == last:
            for _ in range(SLICES - 1):
                assert others.acquire(timeout=PATIENCE)
        else:
            others.release()

    again = large(local_dataset, before, part_bytes=50_000, run=run(clear_number=1)).execute()
    assert len(again.parts) > 1
    assert again.parts == undisturbed.parts
    assert again.ids == undisturbed.ids


def test_slice_that_holds_too_much_is_divided(dataset: Dataset) -> None:
    # Half of the records within one of the slices.
    crowd = [day(1) + timedelta(hours=6, seconds=number) for number in range(COUNT // 2)]
    moments = sorted([*EVENLY[: COUNT // 2 : 2], *crowd, *EVENLY[COUNT // 2 :: 2]])
    job = large(dataset, stream=Timeline(sorted(moments * 2)))
    manifest = job.execute()
    assert ids(dataset) == [str(number) for number in range(2 * len(moments))]
    assert max(page for _, page in pages_of(job)) < 20
    assert manifest.requests <= 2 * len(moments) / PAGE + 20


# Attempts after a failure


def test_slices_under_way_are_finished_and_stored_when_one_fails(dataset: Dataset) -> None:
    error = GongRateLimited("The day is spent.", retry_after=7200)
    job = large(dataset, failing(error, lambda bounds, page: (hour(bounds), page) == (9, 3)))
    with pytest.raises(GongRateLimited) as told:
        job.execute()
    assert told.value is error
    assert len(stored(dataset)) == SLICES - 1
    assert dataset.manifest(window()) is None


def test_retry_reads_only_what_is_missing(dataset: Dataset) -> None:
    first = large(dataset, failing(GongUnavailable("x"), lambda bounds, page: (hour(bounds), page) == (9, 3)))
    with pytest.raises(GongUnavailable):
        first.execute()
    second = large(dataset, run=run(try_number=2))
    manifest = second.execute()
    assert ids(dataset) == ALL
    assert {hour(bounds) for bounds, _ in pages_of(second)} == {9}
    assert len(pages_of(second)) == 8
    assert manifest.announced == COUNT
    # What the export has cost over both attempts.
    assert manifest.requests == len(pages_of(first)) + len(pages_of(second)) == REQUESTS + 4
    assert stored(dataset) == []


def test_retry_knows_which_slices_held_too_much(local_dataset: Dataset) -> None:
    crowd = [day(1) + timedelta(hours=6, seconds=second) for second in range(3600)]

    def before(bounds: Window, page: int) -> None:
        if bounds != window() and bounds.end == window().end and page == 1:
            raise GongUnavailable("x")

    moments = sorted([*EVENLY, *crowd])
    first = large(local_dataset, stream=Timeline(moments, before))
    with pytest.raises(GongUnavailable):
        first.execute()
    second = large(local_dataset, stream=Timeline(moments), run=run(try_number=2))
    second.execute()
    assert ids(local_dataset) == [str(number) for number in range(len(moments))]
    divided = {bounds for bounds, page in pages_of(first) if (bounds, 1) not in pages_of(first)} - {window()}
    assert {bounds for bounds, _ in pages_of(second)} & divided == set()


def test_clear_reads_everything_anew(local_dataset: Dataset) -> None:
    first = large(local_dataset, failing(GongUnavailable("x"), lambda bounds, page: hour(bounds) == 9))
    with pytest.raises(GongUnavailable):
        first.execute()
    again = large(local_dataset, run=run(clear_number=1, try_number=2))
    assert again.execute().requests == REQUESTS
    assert ids(local_dataset) == ALL


def test_slices_of_other_arguments_are_not_used(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_slices(**changes: Any) -> int:
        stream = Timeline(EVENLY, selection={"workspace_id": None, "include_private": True} | changes)
        job = large(local_dataset, stream=stream, run=run(try_number=2))
        monkeypatch.setattr(job.dataset, "record_run", stop)
        with pytest.raises(GongUnavailable):
            job.execute()
        return len({bounds for bounds, _ in pages_of(job)} - {window()})

    def stop(*args: Any) -> Never:
        raise GongUnavailable("stopped before the manifest")

    assert read_slices() == SLICES
    assert read_slices() == 0
    # What the Dag says now: private calls shall not come through what an earlier attempt has stored.
    assert read_slices(include_private=False) == SLICES
    assert read_slices(include_private=False) == 0
    assert local_dataset.kept_window(run()) == window()
    monkeypatch.setattr("airflow_provider_gong.exports.staging.__version__", "99.0.0")
    assert read_slices(include_private=False) == SLICES


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_stored_slice_that_is_damaged_is_read_again(damage: str, dataset: Dataset) -> None:
    first = large(dataset, failing(GongUnavailable("x"), lambda bounds, page: hour(bounds) == 9))
    with pytest.raises(GongUnavailable):
        first.execute()
    path = dataset.root / stored(dataset)[0]
    content = storage.read_bytes(path) or b""
    if damage == "gone":
        storage.remove(path)
    else:
        path.fs.pipe_file(path.path, content[:-5] if damage == "cut" else b"not a slice")
    second = large(dataset, run=run(try_number=2))
    second.execute()
    assert ids(dataset) == ALL
    assert len(pages_of(second)) == 2 * 8


def test_slice_that_vanishes_after_it_was_listed_is_read_again(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = large(local_dataset, failing(GongUnavailable("x"), lambda bounds, page: hour(bounds) == 9))
    with pytest.raises(GongUnavailable):
        first.execute()
    fetch = storage.fetch

    def swept(*args: Any) -> bool:
        # As an attempt does that publishes beside this one.
        local_dataset.clean_up(run())
        return fetch(*args)

    monkeypatch.setattr(storage, "fetch", swept)
    large(local_dataset, run=run(try_number=2)).execute()
    assert ids(local_dataset) == ALL


# Cursors


def test_cursor_that_expires_begins_its_slice_again_and_no_other(
    local_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    left = [9, 9, 14]

    def before(bounds: Window, page: int) -> None:
        if page == 3 and hour(bounds) in left:
            left.remove(hour(bounds))
            raise GongCursorExpired("The cursor expired.")

    job = large(local_dataset, before)
    with caplog.at_level(logging.WARNING):
        manifest = job.execute()
    assert ids(local_dataset) == ALL
    assert (manifest.received, manifest.duplicates_dropped) == (COUNT, 0)
    assert manifest.requests == REQUESTS + 3 * 4
    assert caplog.text.count("again from its beginning") == 3


def test_cursor_that_expires_again_and_again_ends_the_export(local_dataset: Dataset) -> None:
    def before(bounds: Window, page: int) -> None:
        if (hour(bounds), page) == (9, 3):
            raise GongCursorExpired("The cursor expired.")

    slice_9 = "20260101T093600Z_20260101T142400Z"
    message = f"Paging through slice {slice_9} took longer than Gong's cursors live (about an hour), 3 times"
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}"):
        large(local_dataset, before).execute()


# What goes wrong beside Gong


def test_nothing_more_is_asked_for_when_writing_fails(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = threading.Event()

    def full(*args: Any) -> Never:
        raise OSError(28, "No space left on device")

    def before(bounds: Window, page: int) -> None:
        # The first slice gets through; the others have their first page, and wait.
        if bounds != window() and hour(bounds) and page:
            assert given_up.wait(PATIENCE)

    monkeypatch.setattr("airflow_provider_gong.exports.writer.Writer.write", full)
    job = large(local_dataset, before)
    with pytest.raises(OSError, match="No space left"):
        job.execute()
    hands = [thread for thread in threading.enumerate() if thread.name == "gong-slice"]
    given_up.set()
    for hand in hands:
        hand.join(PATIENCE)
    # The pages that were on their way came, and none after them.
    assert len(pages_of(job)) <= 1 + 8 + 2 * (SLICES - 1)


def test_export_that_is_stopped_waits_for_no_slice(local_dataset: Dataset) -> None:
    begun, given_up = threading.Barrier(SLICES, timeout=PATIENCE), threading.Event()

    def before(bounds: Window, page: int) -> None:
        if bounds != window():
            if begun.wait() == 0:
                # As Airflow stops a task: through a signal to the main thread.
                os.kill(os.getpid(), signal.SIGINT)
            given_up.wait(PATIENCE)

    threads = set(threading.enumerate())
    job = large(local_dataset, before)
    # What a shell starts in the background ignores this signal, unless it asks for it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        job.execute()
    assert not given_up.is_set()
    hands = [one for one in threading.enumerate() if one.name == "gong-slice" and one not in threads]
    assert len(hands) >= SLICES
    given_up.set()
    for hand in hands:
        hand.join(PATIENCE)
        assert not hand.is_alive()
    assert len(pages_of(job)) == 1 + SLICES
    assert stored(local_dataset) == []


def test_what_a_thread_leaves_behind_does_not_hide_why_the_export_ended(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rmdir = os.rmdir

    def filled_again(path: Any, **options: Any) -> None:
        # As when a thread begins its file while the folder is being removed.
        if str(path).startswith(str(tmp_path / "gong-export-")):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", filled_again)

    def before(bounds: Window, page: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        large(local_dataset, before).execute()


def test_slice_that_cannot_be_stored_fails_the_export(
    local_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = storage.put_file

    def broken(*args: Any) -> None:
        if "/slices-" in str(args[1]):
            raise PermissionError("staging")
        put_file(*args)

    monkeypatch.setattr(storage, "put_file", broken)
    with pytest.raises(PermissionError, match="staging"):
        large(local_dataset).execute()
    assert local_dataset.manifest(window()) is None


# What looking back found


def test_retry_does_not_look_back_again(local_dataset: Dataset) -> None:
    looks: list[str] = []
    client = Client()
    history: Any = History(client, looks, ["7"])
    job = large(
        local_dataset,
        failing(GongUnavailable("x"), lambda bounds, page: hour(bounds) == 9),
        client=client,
        history=history,
    )
    with pytest.raises(GongUnavailable):
        job.execute()
    manifest = replace(job, stream=Timeline(EVENLY), run=run(try_number=2)).execute()
    assert looks == ["look", "tell ['7']"]
    assert manifest.rows == COUNT


@dataclass
class Revisited(Timeline):
    """A stream whose records of other times may be asked for by id, a page at a time."""

    reaches_beyond: bool = False
    asked_for: list[list[str]] = field(default_factory=list)
    refuse: str | None = None

    def read(
        self, client: Any, window: Window, others: Iterable[str] = (), *, most: int | None = None
    ) -> Iterator[Batch]:
        """Yield the pages of a window, then others."""
        yield from super().read(client, window, most=most)
        yield from self.revisit(client, others)

    def revisit(self, client: Any, ids: Iterable[str]) -> Iterator[Batch]:
        """Yield records by their ids."""
        left = iter(ids)
        while wanted := list(islice(left, PAGE)):
            client.requests += 1
            if self.refuse in wanted:
                raise GongUnavailable("x")
            self.asked_for.append(wanted)
            yield batch(*wanted, private_ids=wanted[:1])


@pytest.mark.parametrize(("own", "again"), [(COUNT, 0), (50, MOST)])
def test_many_late_records_come_in_slices(own: int, again: int, local_dataset: Dataset) -> None:
    """A retry reads again what came in one go, and slices that were under way."""
    late = [str(COUNT + number) for number in range(MOST + 5 * IDS * HANDS)]
    client = Client()

    def attempt(stream: Revisited, number: int) -> Export:
        history: Any = History(client, [], late)
        return large(local_dataset, stream=stream, client=client, history=history, run=run(try_number=number))

    # Of the slice before the last the second page.
    failed = Revisited(EVENLY[:own], refuse=late[-2 * IDS + PAGE])
    with pytest.raises(GongUnavailable):
        attempt(failed, 1).execute()
    second = Revisited(EVENLY[:own])
    manifest = attempt(second, 2).execute()
    assert ids(local_dataset) == ALL[:own] + late
    assert manifest.rows == manifest.received == own + len(late)
    assert len(second.asked) == (again > 0)
    assert sum(map(len, second.asked_for)) <= again + HANDS * IDS


@pytest.mark.parametrize("own", [50, COUNT])
def test_some_late_records_come_in_one_go(own: int, local_dataset: Dataset) -> None:
    late = [str(COUNT + number) for number in range(MOST)]
    client, stream = Client(), Revisited(EVENLY[:own])
    history: Any = History(client, [], late)
    large(local_dataset, stream=stream, client=client, history=history).execute()
    assert ids(local_dataset) == ALL[:own] + late
    assert list(chain.from_iterable(stream.asked_for)) == late
    assert client.requests == 2 + len(stream.asked) + MOST / PAGE


class History:
    """Looks back for two requests, and finds late calls."""

    beside: tuple[Dataset, ...] = ()

    def __init__(self, client: Client, told: list[str], late: list[str]) -> None:
        self._client = client
        self._told = told
        self._late = late

    def look(self) -> Any:
        """Look."""
        from airflow_provider_gong.exports.lookback import Findings

        self._client.requests += 2
        self._told.append("look")
        return Findings(window(1, 1), late=self._late, deleted={"8": "gone"})

    def check_identity(self, identity: dict[str, Any]) -> None:
        """Accept any."""

    def tell(self, findings: Any, tally: Any, manifest: Any, run: Any, folder: Path) -> Any:
        """Tell what is known."""
        assert findings.deleted == {"8": "gone"}
        assert findings.within == window(1, 1)
        assert list(folder.rglob("*.slice")) == [], "what is in the parts takes up no room beside them"
        self._told.append(f"tell {findings.late}")
        return manifest
