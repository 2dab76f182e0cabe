"""Several threads at one pile of work: every job once, whatever comes first, and an end after a failure."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20


@pytest.fixture
def crews() -> Iterator[list[Crew[int, int]]]:
    """Stop the crews of a test at its end."""
    made: list[Crew[int, int]] = []
    yield made
    for crew in made:
        crew.stop()


def crew_of(crews: list[Crew[int, int]], work: Callable[[int], int], hands: int = 3) -> Crew[int, int]:
    crews.append(Crew(work, hands))
    return crews[-1]


def test_every_job_is_done_once(crews: list[Crew[int, int]]) -> None:
    crew = crew_of(crews, lambda job: job * job)
    crew.add(range(500))
    assert sorted(crew.results()) == [(job, job * job) for job in range(500)]
    assert list(crew.results()) == []


def test_jobs_are_done_side_by_side(crews: list[Crew[int, int]]) -> None:
    together = threading.Barrier(3, timeout=PATIENCE)
    crew = crew_of(crews, lambda job: together.wait())
    crew.add(range(3))
    assert sorted(order for _, order in crew.results()) == [0, 1, 2]


def test_jobs_that_are_added_later_come_first(crews: list[Crew[int, int]]) -> None:
    begun, go = [], threading.Semaphore(0)

    def work(job: int) -> int:
        begun.append(job)
        assert go.acquire(timeout=PATIENCE)
        return job

    crew = crew_of(crews, work, hands=1)
    crew.add([1, 2])
    with closing(crew.results()) as results:
        go.release()
        assert next(results) == (1, 1)
        # The only hand is busy with 2 by now, or will be.
        go.release()
        assert next(results) == (2, 2)
        crew.add([8, 9])
        crew.add([5, 6])
        go.release(4)
        assert {job for job, _ in results} == {5, 6, 8, 9}
    assert begun.index(6) < begun.index(9)


def test_after_a_failure_nothing_is_begun_and_what_is_under_way_is_finished(
    crews: list[Crew[int, int]],
) -> None:
    together, failed = threading.Barrier(2, timeout=PATIENCE), threading.Event()

    def work(job: int) -> int:
        if job == 0:
            together.wait()
            failed.set()
            raise LookupError("the first job")
        if job == 1:
            together.wait()
            assert failed.wait(PATIENCE)
        return job

    crew = crew_of(crews, work, hands=2)
    crew.add(range(9))
    results = crew.results()
    assert next(results) == (1, 1)
    crew.add([20])
    with pytest.raises(LookupError, match="the first job"):
        list(results)


def test_after_a_failure_no_other_job_is_taken(crews: list[Crew[int, int]]) -> None:
    crew = crew_of(crews, lambda job: job // job, hands=1)
    crew.add([0])
    with pytest.raises(ZeroDivisionError):
        next(crew.results())
    crew.add([20])
    with pytest.raises(ZeroDivisionError):
        next(crew.results())


def test_crew_that_is_stopped_ends_its_threads(crews: list[Crew[int, int]]) -> None:
    before = set(threading.enumerate())
    crew = crew_of(crews, lambda job: job)
    mine = set(threading.enumerate()) - before
    assert len(mine) == 3
    assert all(thread.daemon for thread in mine)
    crew.stop()
    for thread in mine:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert crew.is_over
