"""Storage that fails at any moment of an export: no manifest lies, and the retry makes it whole."""

from __future__ import annotations

import asyncio
import uuid
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiobotocore.endpoint  # type: ignore[import-untyped]
import pytest
import s3fs.core

from airflow_provider_gong.exceptions import GongConfigurationError, GongFileError
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW
from tests.operators.earlier import (
    SUBJECTS,
    Stories,
    Story,
    assert_followers_see_a_whole_export,
    compared,
    has_staging,
    run,
)
from tests.support.places import CONNECTION, LocalPlace, S3Place
from tests.support.struck_disk import struck_disk
from tests.support.struck_s3 import S3Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.operators.conftest import Connect
    from tests.support.places import Place
    from tests.support.struck_s3 import S3Request, StruckS3

RECOVERS = [fault for fault in S3Fault if fault is not S3Fault.DENIED]
CHANGES = ("PUT", "POST", "DELETE")


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Return two companies, one for the earlier exports and one for those of now."""
    facts: dict[str, Any] = {"days": 2, "now": NOW, "today": NOW.date(), "per_second": None}
    with (
        GongSandbox(seed=5, calls=4, users=4, logs=4, **facts) as before,
        GongSandbox(seed=7, calls=6, users=5, logs=5, **facts) as now,
    ):
        yield Stories(tmp_path_factory.mktemp("stories"), before, now)


@pytest.fixture(scope="module")
def bucket_place(served_s3: StruckS3) -> S3Place:
    """Return a bucket; what lies there is left from another test."""
    return S3Place(served_s3, f"gong-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def local_place(tmp_path: Path) -> LocalPlace:
    """Return an empty folder."""
    return LocalPlace(tmp_path / "exports")


@pytest.fixture
def no_s3_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send again at once: what is sent again and how often stays as it is."""

    async def at_once(*_: Any) -> None:
        return

    monkeypatch.setattr(aiobotocore.endpoint.AioEndpoint, "_sleep", at_once)
    monkeypatch.setattr(s3fs.core, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": at_once}))


class Trial:
    """Attempts of one export at a place, each of which fails at another moment."""

    def __init__(self, name: str, place: Place, story: Story, beneath: str, **changed: Any) -> None:
        self._changed = changed
        self.name, self.place, self.story, self.beneath = name, place, story, beneath
        self._retried: list[Any] = []
        self._expected = story.after(beneath)

    def begin(self) -> None:
        """Put back what lay there before."""
        self.place.fill(self.story.before(self.beneath))

    def judge(self, result: Any, where: str) -> None:
        """Look at what an attempt left, and repeat it if it failed."""
        left = self.place.files()
        try:
            assert_followers_see_a_whole_export(left, self.name, self.story, self.beneath)
        except AssertionError as error:
            raise AssertionError(f"after a failure at {where}") from error
        if result.state == "success":
            assert compared(left) == self._expected, where
            return
        assert result.state == "up_for_retry", where
        assert isinstance(result.error, GongFileError), where
        assert self.place.uri in str(result.error), where
        self._retry(left, where)

    def _retry(self, left: Any, where: str) -> None:
        # From the same files the same attempt follows.
        state = compared(left), sorted(name.rsplit("/", 1)[-1][-6:] for name in left if "_staging/" in name)
        if state not in self._retried:
            self._retried.append(state)
            run(self.name, self.place, try_number=2, **self._changed).succeeded()
            assert compared(self.place.files()) == self._expected, where


# Each access in turn


@pytest.mark.parametrize(("lasts", "beneath"), [("once", "earlier"), ("for good", "nothing")])
@pytest.mark.parametrize("name", SUBJECTS)
def test_disk_that_fails_at_any_access_leaves_a_whole_export(
    stories: Stories, connect: Connect, local_place: LocalPlace, name: str, lasts: str, beneath: str
) -> None:
    trial = Trial(name, local_place, stories.of(name, connect), beneath)
    for last in count():
        trial.begin()
        fails: Callable[[int], bool] = last.__eq__ if lasts == "once" else last.__le__
        with struck_disk(local_place.folder, fails) as disk:
            result = run(name, local_place)
        trial.judge(result, f"access {last} ({disk.seen[-1]})")
        if not disk.struck:
            break
    assert last > 30
    assert not has_staging(local_place.files())


@pytest.mark.parametrize(
    ("name", "beneath"),
    [*((name, "earlier") for name in SUBJECTS), ("calls", "nothing"), ("users", "nothing")],
)
def test_s3_that_refuses_any_change_leaves_a_whole_export(
    stories: Stories, connect: Connect, struck_s3: StruckS3, bucket_place: S3Place, name: str, beneath: str
) -> None:
    trial = Trial(name, bucket_place, stories.of(name, connect), beneath)
    refuse_in_turn(trial, struck_s3, lambda request: request.method in CHANGES, at_least=6)
    assert not has_staging(bucket_place.files())


@pytest.mark.parametrize("name", ["transcripts_of_calls", "users"])
def test_s3_that_refuses_any_look_is_not_taken_for_an_empty_one(
    stories: Stories, connect: Connect, struck_s3: StruckS3, bucket_place: S3Place, name: str
) -> None:
    trial = Trial(name, bucket_place, stories.of(name, connect), "earlier")
    refuse_in_turn(trial, struck_s3, lambda request: request.method not in CHANGES, at_least=20)


def refuse_in_turn(
    trial: Trial, struck_s3: StruckS3, which: Callable[[S3Request], bool], at_least: int
) -> None:
    """Make attempts of which each is refused another of the requests, until one is refused none."""
    for last in count():
        trial.begin()
        struck_s3.strike(S3Fault.DENIED, nth(last, which))
        result = run(trial.name, trial.place)
        struck = struck_s3.struck
        struck_s3.rest()
        trial.judge(result, f"request {last} ({struck})")
        if not struck:
            break
        assert len(struck) == 1
        if is_deletion_of_staging(struck[0]) and result.state == "success":
            # Everything is published: it is told, and a later run sweeps.
            assert any("are left for a later run to remove" in line for line in result.logs)
            continue
        assert result.state == "up_for_retry" or is_harmless(struck[0]), struck
    assert last >= at_least


def is_deletion_of_staging(request: S3Request) -> bool:
    """Tell whether a request removes what a run wrote on its way."""
    return request.method == "DELETE" and "/_staging/" in request.target


def is_harmless(request: S3Request) -> bool:
    """Tell whether a request is none that an export asks: s3fs lists the parent of a folder that is empty."""
    target = request.target
    return "list-type" in target and "_manifests%2F" not in target and "date%3D" not in target


def nth(number: int, which: Callable[[S3Request], bool]) -> Callable[[S3Request], bool]:
    """Return what chooses one request, of those that are chosen already."""
    seen = count()
    return lambda request: which(request) and next(seen) == number


# Faults that S3 has by itself


def every_first(request_of: dict[tuple[str, str], int]) -> Callable[[S3Request], bool]:
    """Return what chooses each request once: the same one passes when it comes again."""

    def choose(request: S3Request) -> bool:
        key = request.method, request.target
        request_of[key] = request_of.get(key, -1) + 1
        return request_of[key] % 2 == 0

    return choose


@pytest.mark.usefixtures("no_s3_waiting")
@pytest.mark.parametrize("fault", RECOVERS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_s3_that_fails_each_request_once_delays_an_export_only(
    stories: Stories, connect: Connect, struck_s3: StruckS3, bucket_place: S3Place, name: str, fault: S3Fault
) -> None:
    trial = Trial(name, bucket_place, stories.of(name, connect), "earlier")
    trial.begin()
    struck_s3.strike(fault, every_first({}))
    result = run(name, bucket_place).succeeded()
    assert len(struck_s3.struck) >= 20
    struck_s3.rest()
    trial.judge(result, str(fault))


#: A request that never passes, by its method and what its address has in it.
STEPS = {
    "looking for the manifest": ("HEAD", "/_manifests/"),
    "listing": ("GET", "list-type"),
    "the part": ("PUT", "/part-"),
    "the manifest": ("PUT", ".json"),
    "deleting": ("DELETE", ""),
}


@pytest.mark.usefixtures("no_s3_waiting")
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, S3Fault.SLOW_DOWN) for name in SUBJECTS),
        ("logs", S3Fault.INTERNAL_ERROR),
        ("logs", S3Fault.DROPPED),
        ("logs", S3Fault.LOST_REPLY),
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_s3_that_fails_for_good_leaves_a_whole_export(
    stories: Stories,
    connect: Connect,
    struck_s3: StruckS3,
    bucket_place: S3Place,
    name: str,
    fault: S3Fault,
    step: str,
) -> None:
    trial = Trial(name, bucket_place, stories.of(name, connect), "earlier")
    trial.begin()
    method, part = STEPS[step]
    struck_s3.strike(fault, lambda request: request.method == method and part in request.target)
    result = run(name, bucket_place)
    assert struck_s3.struck
    struck_s3.rest()
    assert result.state == "up_for_retry"
    trial.judge(result, f"{step} ({fault})")


@pytest.mark.usefixtures("no_s3_waiting")
def test_bucket_that_does_not_exist_is_no_first_export(
    stories: Stories, connect: Connect, struck_s3: StruckS3
) -> None:
    stories.of("logs", connect)
    place = SimpleNamespace(uri=f"s3://{CONNECTION}@no-such-bucket/gong")
    result = run("logs", place)
    assert result.state == "failed"
    assert "The bucket of s3://struck_s3@no-such-bucket/gong/" in str(result.error)
    assert isinstance(result.error.__cause__ if result.error else None, GongConfigurationError)
    assert len(stories.now.requests) == 0


@pytest.mark.parametrize("name", SUBJECTS)
def test_parquet_export_survives_storage_that_fails(
    stories: Stories, connect: Connect, struck_s3: StruckS3, bucket_place: S3Place, name: str
) -> None:
    story = stories.of(name, connect, file_format="parquet")
    trial = Trial(name, bucket_place, story, "earlier", file_format="parquet")
    for part in ("/part-", "_manifests/"):
        trial.begin()
        struck_s3.strike(S3Fault.DENIED, putting(part))
        result = run(name, bucket_place, file_format="parquet")
        struck_s3.rest()
        assert result.state == "up_for_retry"
        trial.judge(result, part)


def putting(part: str) -> Callable[[S3Request], bool]:
    """Return what chooses the uploads of some objects."""
    return lambda request: request.method == "PUT" and part in request.target
