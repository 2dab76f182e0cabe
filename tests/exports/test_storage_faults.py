"""Single steps on storage that fails: an error is an error, never an absent object."""

from __future__ import annotations

import errno
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_gong.exceptions import GongConfigurationError, GongFileError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.storage import open_destination
from tests.support.places import CONNECTION, S3Place
from tests.support.struck_disk import struck_disk
from tests.support.struck_s3 import S3Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.sdk import ObjectStoragePath

    from tests.support.struck_s3 import StruckS3

# Each of them looks at a file or, by its name, at the folder around it.
LOOKS: dict[str, Callable[[ObjectStoragePath], Any]] = {
    "names_in": lambda path: storage.names_in(path.parent),
    "read_bytes": storage.read_bytes,
    "size_of": storage.size_of,
    "sizes_below": lambda path: storage.sizes_below(path.parent),
    "sha256_of": storage.sha256_of,
}
CHANGES: dict[str, Callable[[ObjectStoragePath], Any]] = {
    "put_bytes": lambda path: storage.put_bytes(b"new", path, path.parent / "aside"),
    "remove": storage.remove,
}
STEPS = LOOKS | CHANGES


@pytest.fixture
def object_path(struck_s3: StruckS3, request: pytest.FixtureRequest) -> ObjectStoragePath:
    """Return an object in a bucket of its own."""
    bucket = "gong-" + re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]
    S3Place(struck_s3, bucket)
    path = open_destination(f"s3://{CONNECTION}@{bucket}") / "folder" / "object"
    storage.put_bytes(b"old", path, path.parent / "aside")
    return path


@pytest.fixture
def file_path(tmp_path: Path) -> ObjectStoragePath:
    """Return a file."""
    path = open_destination(f"file://{tmp_path}/place") / "folder" / "object"
    storage.put_bytes(b"old", path, path.parent.parent / "aside")
    return path


@pytest.mark.parametrize("step", STEPS)
def test_refusal_of_s3_names_the_object_and_the_permissions(
    struck_s3: StruckS3, object_path: ObjectStoragePath, step: str
) -> None:
    struck_s3.strike(S3Fault.DENIED, lambda request: True)
    expected = (
        rf"^Could not \w[\w ]* {re.escape(str(object_path.parent))}.* whether they may list, read, write"
    )
    with pytest.raises(GongFileError, match=expected):
        STEPS[step](object_path)
    assert len(struck_s3.struck) == 1
    struck_s3.rest()
    assert storage.read_bytes(object_path) == b"old"


@pytest.mark.parametrize("step", STEPS)
def test_bucket_that_does_not_exist_is_a_mistake_and_no_empty_place(struck_s3: StruckS3, step: str) -> None:
    path = open_destination(f"s3://{CONNECTION}@no-such-bucket") / "folder" / "object"
    with pytest.raises(GongConfigurationError, match=r"^The bucket of s3://.* does not exist: create it"):
        STEPS[step](path)


@pytest.mark.parametrize("step", [*LOOKS, "remove"])
def test_object_that_does_not_exist_is_no_error(object_path: ObjectStoragePath, step: str) -> None:
    assert not STEPS[step](object_path.parent.parent / "no" / "object")


@pytest.mark.parametrize("step", ["names_in", "read_bytes", "sizes_below", "sha256_of", *CHANGES])
def test_disk_that_fails_names_the_file(file_path: ObjectStoragePath, tmp_path: Path, step: str) -> None:
    expected = (
        rf"^Could not \w[\w ]* {re.escape(str(file_path.parent))}.*Input/output error.*: the storage failed"
    )
    with struck_disk(tmp_path, lambda number: True), pytest.raises(GongFileError, match=expected):
        STEPS[step](file_path)
    assert storage.read_bytes(file_path) == b"old"
    assert storage.names_in(file_path.parent.parent / "aside") == []


def test_folder_that_cannot_be_listed_is_not_left_out_of_the_sizes(
    file_path: ObjectStoragePath, tmp_path: Path
) -> None:
    root = file_path.parent.parent
    assert storage.sizes_below(root) == {"folder/object": 3}
    with struck_disk(tmp_path / "place" / "folder", lambda number: True), pytest.raises(GongFileError):
        storage.sizes_below(root)


def test_age_of_what_cannot_be_listed_is_young(file_path: ObjectStoragePath, tmp_path: Path) -> None:
    root = file_path.parent.parent
    os.utime(file_path.path, (0, 0))
    assert storage.older_than(root, timedelta(days=2))
    with struck_disk(tmp_path / "place" / "folder", lambda number: True):
        assert not storage.older_than(root, timedelta(days=2))


def test_file_that_cannot_be_moved_is_not_copied_over_the_old_one(
    file_path: ObjectStoragePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_move(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    # The copy would be seen half written.
    monkeypatch.setattr(os, "rename", no_move)
    monkeypatch.setattr(os, "replace", no_move)
    aside = file_path.parent / "aside"
    with pytest.raises(GongFileError, match="cross-device"):
        storage.put_bytes(b"new", file_path, aside)
    assert storage.read_bytes(file_path) == b"old"
    assert storage.names_in(aside) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_copy_that_does_not_fit_is_taken_away_again(
    file_path: ObjectStoragePath, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(self: LocalFileSystem, path: str, content: bytes, *_: object) -> None:
        with open(path, "wb") as file:  # noqa: PTH123 - as the file system does
            file.write(content[:1])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(LocalFileSystem, "pipe_file", full)
    aside = file_path.parent / "aside"
    with pytest.raises(GongFileError, match=r"there is no room left\. Free some"):
        storage.put_bytes(b"new", file_path, aside)
    assert storage.names_in(aside) == []


def test_remove_takes_a_name_for_a_name_and_no_pattern(object_path: ObjectStoragePath) -> None:
    root = object_path.parent.parent
    for name in ("a*", "abc", "a[b]c"):
        storage.put_bytes(b"x", root / name / "x", root / "aside")
    storage.remove(root / "a*" / "x")
    storage.remove(root / "a[b]c")
    assert storage.names_in(root) == ["abc", "folder"]


def test_refused_deletion_of_one_object_of_a_folder_is_told(
    struck_s3: StruckS3, object_path: ObjectStoragePath
) -> None:
    struck_s3.strike(S3Fault.DENIED, lambda request: request.method in ("DELETE", "POST"))
    with pytest.raises(GongFileError, match=r"^Could not delete .*Access Denied"):
        storage.remove(object_path.parent)


def test_download_that_the_workers_disk_has_no_room_for_names_its_folder(
    file_path: ObjectStoragePath, tmp_path: Path
) -> None:
    with (
        pytest.raises(GongFileError, match="There is no room left in the temporary folder"),
        storage.local_disk(),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match="other"), storage.local_disk():
        raise OSError("other")
    assert storage.fetch(file_path, tmp_path / "local")
    assert (tmp_path / "local").read_bytes() == b"old"
    assert not storage.fetch(file_path.parent / "nothing", tmp_path / "local")
