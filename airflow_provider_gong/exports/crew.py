"""Several threads at one pile of work."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Crew(Generic[Job, Outcome]):
    """Do jobs in threads, in the order in which they were added, and hand out what comes of them as it comes.

    After a failure no other job is begun; those that are under way are finished, and then the failure is raised. The
    threads are daemons, so that a task that is stopped need not wait for an answer of Gong's.

    :param work: does one job.
    :param hands: how many jobs are done at a time.
    """

    def __init__(self, work: Callable[[Job], Outcome], hands: int) -> None:
        self._work = work
        self._jobs: deque[Job] = deque()
        self._done: deque[tuple[Job, Outcome]] = deque()
        self._busy = 0
        self._error: BaseException | None = None
        self._is_over = False
        self._change = threading.Condition()
        for _ in range(hands):
            threading.Thread(target=self._run, name="gong-slice", daemon=True).start()

    def add(self, jobs: Iterable[Job]) -> None:
        """Add jobs before those that wait."""
        with self._change:
            if self._error is None:
                self._jobs.extendleft(reversed(list(jobs)))
                self._change.notify_all()

    def results(self) -> Generator[tuple[Job, Outcome]]:
        """Yield each job with its outcome until there is none left; jobs may be added meanwhile."""
        while (result := self._next()) is not None:
            yield result

    def stop(self) -> None:
        """Begin no other job."""
        with self._change:
            self._is_over = True
            self._change.notify_all()

    @property
    def is_over(self) -> bool:
        """Tell whether nobody waits for outcomes any more."""
        return self._is_over

    def _next(self) -> tuple[Job, Outcome] | None:
        with self._change:
            while not self._done and (self._jobs or self._busy):
                self._change.wait()
            if self._done:
                return self._done.popleft()
            if self._error is not None:
                raise self._error
            return None

    def _run(self) -> None:
        while (job := self._begin()) is not None:
            try:
                outcome = self._work(job)
            except BaseException as error:
                self._fail(error)
            else:
                self._finish(job, outcome)

    def _begin(self) -> Job | None:
        with self._change:
            while not self._jobs and not self._is_over:
                self._change.wait()
            if self._is_over:
                return None
            self._busy += 1
            return self._jobs.popleft()

    def _finish(self, job: Job, outcome: Outcome) -> None:
        with self._change:
            self._busy -= 1
            self._done.append((job, outcome))
            self._change.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._change:
            self._busy -= 1
            self._error = self._error or error
            self._jobs.clear()
            self._change.notify_all()
