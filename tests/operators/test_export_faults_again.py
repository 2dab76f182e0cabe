"""Each fault of Gong meets each export over an earlier one, on a disk and in S3: one of the two lies there."""

from __future__ import annotations

import uuid
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.faults import OF_SEQUENCES, FaultKind
from tests.operators.conftest import NOW
from tests.operators.earlier import (
    Stories,
    assert_followers_see_a_whole_export,
    compared,
    run,
)
from tests.operators.test_export_faults import PAGES, PER_DAY, RECOVERS, TROUBLES, Trouble
from tests.operators.test_export_faults import SUBJECTS as STRUCK
from tests.support.places import LocalPlace, S3Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.operators.conftest import Connect
    from tests.support.places import Place
    from tests.support.struck_s3 import StruckS3
    from tests.support.task_runner import TaskResult

pytestmark = pytest.mark.usefixtures("no_waiting")

# The requests that a fault strikes, and the export whose they are.
EXPORTS = {
    "calls": "calls",
    "transcripts_of_calls": "transcripts_of_calls",
    "transcripts_listing": "transcripts_listing",
    "transcripts_listed": "transcripts_listing",
    "conversations_listing": "conversations",
    "conversations_told": "conversations",
    "users": "users",
    "logs": "logs",
}


def encounters() -> Iterator[Any]:
    """Yield each fault at each export: those that it survives on all pages of one run, the others on one of them."""
    for place, name, what in product(("local_place", "bucket_place"), STRUCK, TROUBLES):
        trouble = TROUBLES[what]
        pages = list(PAGES.values())
        if trouble.kind in OF_SEQUENCES:
            pages = pages[:1] if STRUCK[name].has_cursors else []
        elif trouble.once != RECOVERS:
            # The files do not depend on which: a local disk shows the first, S3 the last before it publishes.
            pages = pages[:1] if place == "local_place" else pages[-1:]
        if runs := strikes(trouble, pages):
            yield pytest.param(place, name, trouble, runs, id=f"{place}-{name}-{what}")


def strikes(trouble: Trouble, pages: list[int]) -> list[list[int]]:
    """Return the requests that a fault strikes in one run, for each of the runs."""
    if trouble.once != RECOVERS or trouble.kind in OF_SEQUENCES:
        return [[page] for page in pages]
    # What is sent again is the next request; what is late but right is not sent again.
    return [pages if trouble.always == RECOVERS else [2 * page for page in pages]]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Return two companies: three pages of everything now, and a few records before."""
    facts: dict[str, Any] = {"days": 2, "now": NOW, "today": NOW.date(), "per_second": None}
    with (
        GongSandbox(seed=5, calls=4, users=4, logs=4, **facts) as before,
        GongSandbox(seed=7, calls=PER_DAY, users=PER_DAY, logs=PER_DAY, **facts) as now,
    ):
        yield Stories(tmp_path_factory.mktemp("stories"), before, now)


@pytest.fixture
def local_place(tmp_path: Path) -> LocalPlace:
    """Return an empty folder."""
    return LocalPlace(tmp_path / "exports")


@pytest.fixture(scope="module")
def a_bucket(served_s3: StruckS3) -> S3Place:
    """Return a bucket of this module."""
    return S3Place(served_s3, f"gong-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def bucket_place(struck_s3: StruckS3, a_bucket: S3Place) -> S3Place:
    """Return the bucket behind a connection; what lies there is left from another test."""
    return a_bucket


def test_every_kind_of_fault_and_every_export_is_met() -> None:
    met = [one.values for one in encounters()]
    assert {trouble.kind for _, _, trouble, _ in met} == set(FaultKind)
    assert {(place, name) for place, name, _, _ in met} == set(
        product(("local_place", "bucket_place"), EXPORTS)
    )


@pytest.mark.parametrize(("place", "name", "trouble", "runs"), list(encounters()))
def test_fault_leaves_the_earlier_export_or_the_new_one(
    stories: Stories,
    connect: Connect,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    retried: set[tuple[str, str]],
    place: str,
    name: str,
    trouble: Trouble,
    runs: list[list[int]],
) -> None:
    export = EXPORTS[name]
    story = stories.of(export, connect)
    at: Place = request.getfixturevalue(place)
    connect(stories.now, **trouble.extra)
    for number, skips in enumerate(runs):
        at.fill(story.earlier)
        # A pause that Gong asked for in one of the runs is none of the business of the next.
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / f"quota-{number}"))
        result = struck_run(stories.now, name, at, trouble, skips)
        assert result.state == trouble.once, trouble.why
        left = at.files()
        if trouble.once == RECOVERS:
            assert compared(left) == story.again
        else:
            assert_followers_see_a_whole_export(left, export, story, "earlier")
            assert compared(left) == compared(story.earlier)
    # The same files are left whatever the fault was: from them one retry stands for all.
    if trouble.once != RECOVERS and (place, export) not in retried:
        retried.add((place, export))
        connect(stories.now)
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota-of-the-retry"))
        run(export, at, try_number=2).succeeded()
        assert compared(at.files()) == story.again


def struck_run(gong: GongSandbox, name: str, at: Place, trouble: Trouble, skips: list[int]) -> TaskResult:
    """Make an attempt that meets the fault at each of the requests, each of them once."""
    settings = {"retry_after": 0} | trouble.settings
    faults = [
        gong.faults.add(trouble.kind, path=STRUCK[name].path, skip=skip, times=1, **settings)
        for skip in skips
    ]
    try:
        result = run(EXPORTS[name], at)
    finally:
        gong.faults.clear()
    assert [fault.struck for fault in faults] == [1 for _ in skips]
    return result


@pytest.fixture(scope="module")
def retried() -> set[tuple[str, str]]:
    """Return the places and exports of which a retry was made."""
    return set()
