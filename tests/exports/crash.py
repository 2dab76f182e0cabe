"""Stop an export at a chosen step: kill its process, or let another attempt go first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.storage import open_destination
from tests.exports.doubles import Timeline, batch, evenly, export, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.context import ForkServerContext

    import pytest

# The pages of an export, such as `("new", (1, 2))`: what the rows say, and their ids.
Contents = list[tuple[str, tuple[int, ...]]]

# What changes a storage.
_CHANGES = ("pipe_file", "put_file", "mv", "rm", "rm_file")
# What publishing asks of a storage.
_STEPS = ("names_in", "read_bytes", "size_of", "put_bytes", "put_file", "remove")


def attempt(dataset: Dataset, pages: Contents | int, **facts: Any) -> Any:
    """Return an export of pages, each of which fills a part; or of so many records, which are read in slices."""
    if isinstance(pages, int):
        return export(dataset, stream=Timeline(evenly(pages)), part_bytes=20_000, run=run(**facts))
    batches = [batch(*numbers, word=word) for word, numbers in pages]
    return export(dataset, *batches, part_bytes=1, run=run(**facts))


def watch_changes(dataset: Dataset, before: Callable[[int], None]) -> Callable[[], int]:
    """Run `before` with the number of each step that changes the storage; return a function that counts them."""
    fs, seen = dataset.root.fs, 0

    def watched(change: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            nonlocal seen
            before(seen)
            seen += 1
            return change(*args, **kwargs)

        return step

    for name in _CHANGES:
        setattr(fs, name, watched(getattr(fs, name)))
    # On a local disk the last step of putting a file; this process is not used for anything else.
    os.replace = watched(os.replace)
    return lambda: seen


def count_changes(destination: str, pages: Contents | int, environment: dict[str, str], **facts: Any) -> int:
    """Return how many steps of an export change the storage; the export is made."""
    receiver, sender = _processes().Pipe(duplex=False)
    child = _processes().Process(target=_counted, args=(sender, destination, pages, environment, facts))
    child.start()
    sender.close()
    steps: int = receiver.recv()
    child.join()
    return steps


def kill_before(
    step: int, destination: str, pages: Contents | int, environment: dict[str, str], **facts: Any
) -> None:
    """Export in a process that is killed before a step; the step after the last one is its end."""
    child = _processes().Process(target=_killed, args=(step, destination, pages, environment, facts))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


def _processes() -> ForkServerContext:
    """Return what starts processes: forked from one that has imported everything and has a single thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.exports.forked"])
    return context


def _counted(
    sender: Any, destination: str, pages: Contents | int, environment: dict[str, str], facts: dict[str, Any]
) -> None:
    os.environ.update(environment)
    dataset = Dataset(open_destination(destination) / "calls")
    count = watch_changes(dataset, lambda step: None)
    attempt(dataset, pages, **facts).execute()
    sender.send(count())


def _killed(
    last: int, destination: str, pages: Contents | int, environment: dict[str, str], facts: dict[str, Any]
) -> None:
    os.environ.update(environment)
    dataset = Dataset(open_destination(destination) / "calls")

    def die(step: int) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    count = watch_changes(dataset, die)
    attempt(dataset, pages, **facts).execute()
    die(count())


class Turns:
    """Let attempts take storage steps in turns, each a thread that waits for its go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, attempts: Sequence[Callable[[], None]]) -> None:
        self.actors = [_Actor(one) for one in attempts]
        by_thread = {actor.thread: actor for actor in self.actors}
        for name in _STEPS:
            monkeypatch.setattr(storage, name, self._gated(getattr(storage, name), by_thread))

    def take(self, schedule: Sequence[tuple[int, int]]) -> None:
        """Give each actor its number of steps in the order of the schedule, then let all finish."""
        for actor in self.actors:
            actor.start()
        for number, steps in schedule:
            for _ in range(steps):
                self.actors[number].go_on()
        for actor in self.actors:
            while not actor.is_over:
                actor.go_on()
            actor.thread.join()
        errors = [actor.error for actor in self.actors if actor.error]
        if errors:
            raise errors[0]

    def _gated(
        self, step: Callable[..., Any], by_thread: dict[threading.Thread, _Actor]
    ) -> Callable[..., Any]:
        def gated(*args: Any, **kwargs: Any) -> Any:
            actor = by_thread.get(threading.current_thread())
            if actor:
                actor.wait()
            return step(*args, **kwargs)

        return gated


class _Actor:
    def __init__(self, work: Callable[[], None]) -> None:
        self.thread = threading.Thread(target=self._run)
        self.error: BaseException | None = None
        # A thread that has done its work is still alive for a moment.
        self.is_over = False
        self._work = work
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def start(self) -> None:
        """Run until the first step."""
        self.thread.start()
        self._stopped.acquire()

    def go_on(self) -> None:
        """Take one step and run until the next one, or the end."""
        if not self.is_over:
            self._go.release()
            self._stopped.acquire()

    def wait(self) -> None:
        """Stop before a step until it is this actor's turn."""
        self._stopped.release()
        self._go.acquire()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
        self.is_over = True
        self._stopped.release()
