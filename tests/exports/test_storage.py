"""Single steps on storage: fresh listings, whole objects, clear refusals."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest

from airflow_provider_gong.exceptions import GongConfigurationError, GongFileError
from airflow_provider_gong.exports import storage
from tests.exports.doubles import S3_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import ObjectStoragePath


def write_elsewhere(path: ObjectStoragePath, content: bytes, connection: str | None) -> None:
    """Write an object as another machine does: through a client that shares no cache with ours."""
    if connection is None:
        Path(path.path).parent.mkdir(parents=True, exist_ok=True)
        Path(path.path).write_bytes(content)
        return
    facts = json.loads(connection)
    client = boto3.client(
        "s3",
        aws_access_key_id=facts["login"],
        aws_secret_access_key=facts["password"],
        **facts["extra"],
    )
    client.put_object(Bucket=path.bucket, Key=path.key, Body=content)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, root: ObjectStoragePath) -> Callable[..., None]:
    """Return a function that writes an object past our file system."""
    connection = request.getfixturevalue("s3_connection") if root.protocol == "s3" else None
    return lambda path, content: write_elsewhere(path, content, connection)


# Opening


def test_absolute_path_is_a_local_destination(tmp_path: Path) -> None:
    path = storage.open_destination(str(tmp_path)) / "a b" / "c"
    storage.put_bytes(b"x", path, storage.open_destination(str(tmp_path)) / "aside")
    assert (tmp_path / "a b" / "c").read_bytes() == b"x"


@pytest.mark.parametrize("destination", ["gong", "./gong", "data/gong", "~/gong", ""])
def test_relative_destination_is_refused(destination: str) -> None:
    message = (
        f"destination={destination!r} is neither a URL nor an absolute path: write for example "
        "'s3://my_aws@bucket/gong' or 'file:///data/gong'."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        storage.open_destination(destination)


@pytest.mark.parametrize(
    ("scheme", "extra"), [("gs", "google"), ("gcs", "google"), ("abfs", "azure"), ("abfss", "azure")]
)
def test_missing_file_system_names_the_pip_command(
    scheme: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unregistered(self: object, conn_id: str | None = None) -> Any:
        raise ValueError(f"No filesystem registered for scheme {scheme}")

    # Wherever these packages are installed, this test goes on without them.
    monkeypatch.setattr("airflow.sdk.io.store.ObjectStore.fs", property(unregistered))
    message = (
        f"destination='{scheme}://bucket/gong': no file system for {scheme}:// is installed; "
        f"pip install 'airflow-provider-gong[{extra}]'."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        storage.open_destination(f"{scheme}://bucket/gong")


def test_unknown_scheme_names_those_that_work() -> None:
    with pytest.raises(
        GongConfigurationError, match=r"no file system for sftpx:// .*; use file://, s3://, gs:// or"
    ):
        storage.open_destination("sftpx://host/gong")


def test_connection_may_stand_in_the_url_or_beside_it(s3_destination: str) -> None:
    first = storage.open_destination(s3_destination) / "x"
    second = storage.open_destination(s3_destination.replace(f"{S3_CONNECTION}@", ""), S3_CONNECTION) / "x"
    storage.put_bytes(b"x", first, first.parent / "aside")
    assert storage.read_bytes(second) == b"x"


# Listing and reading


def test_folder_that_does_not_exist_is_empty(root: ObjectStoragePath) -> None:
    assert storage.names_in(root / "nothing") == []


def test_names_are_sorted_and_those_of_folders_too(root: ObjectStoragePath) -> None:
    for name in ("b", "a/x", "c"):
        storage.put_bytes(b"x", root / "folder" / name, root / "aside")
    assert storage.names_in(root / "folder") == ["a", "b", "c"]


def test_listing_shows_what_another_client_wrote_meanwhile(
    root: ObjectStoragePath, elsewhere: Callable[..., None]
) -> None:
    elsewhere(root / "folder" / "a", b"x")
    assert storage.names_in(root / "folder") == ["a"]
    elsewhere(root / "folder" / "b", b"x")
    assert storage.names_in(root / "folder") == ["a", "b"]


def test_content_and_size_are_those_that_another_client_wrote_meanwhile(
    root: ObjectStoragePath, elsewhere: Callable[..., None]
) -> None:
    path = root / "folder" / "a"
    elsewhere(path, b"x")
    storage.names_in(root / "folder")
    elsewhere(path, b"longer")
    assert storage.size_of(path) == len(b"longer")
    assert storage.read_bytes(path) == b"longer"


def test_object_that_does_not_exist_has_neither_content_nor_size(root: ObjectStoragePath) -> None:
    assert storage.read_bytes(root / "nothing") is None
    assert storage.size_of(root / "nothing") is None


# Putting


def put_both(root: ObjectStoragePath, folder: Path, content: bytes) -> None:
    (folder / "local").write_bytes(content)
    storage.put_bytes(content, root / "deep" / "bytes", root / "aside")
    storage.put_file(folder / "local", root / "deep" / "file", root / "aside")


def test_put_replaces_an_object_and_leaves_nothing_aside(root: ObjectStoragePath, tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        put_both(root, tmp_path, content)
        assert storage.read_bytes(root / "deep" / "bytes") == content
        assert storage.read_bytes(root / "deep" / "file") == content
    assert storage.names_in(root / "aside") == []


TORN = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from airflow_provider_gong.exports import storage
    from fsspec.implementations.local import LocalFileSystem

    def torn(self, one, other):
        # Half of it reaches the disk.
        target = one if isinstance(other, bytes) else other
        Path(target).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    LocalFileSystem.pipe_file = LocalFileSystem.put_file = torn
    step, root = sys.argv[1], storage.open_destination(sys.argv[2])
    if step == "bytes":
        storage.put_bytes(b"new content", root / "object", root / "aside")
    else:
        storage.put_file(Path(sys.argv[3]), root / "object", root / "aside")
    """
)


@pytest.mark.parametrize("step", ["bytes", "file"])
def test_process_killed_while_it_writes_leaves_the_old_object(step: str, tmp_path: Path) -> None:
    root = storage.open_destination(str(tmp_path / "exports"))
    storage.put_bytes(b"old", root / "object", root / "aside")
    (tmp_path / "local").write_bytes(b"new content")
    command = [sys.executable, "-c", TORN, step, str(root), str(tmp_path / "local")]
    child = subprocess.run(command, check=False)
    assert child.returncode == -signal.SIGKILL
    assert storage.read_bytes(root / "object") == b"old"
    assert len(storage.names_in(root / "aside")) == 1


@pytest.mark.parametrize(
    ("size", "last_step"), [(1000, "put_object"), (101 * 2**20, "complete_multipart_upload")]
)
def test_upload_that_fails_at_its_last_step_leaves_the_old_s3_object(
    size: int, last_step: str, s3_destination: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = storage.open_destination(s3_destination)
    put_both(root, tmp_path, b"old")
    (tmp_path / "local").write_bytes(b"x" * size)
    send = type(root.fs)._call_s3

    async def failing(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == last_step:
            raise PermissionError(f"{method} failed")
        return await send(self, method, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(type(root.fs), "_call_s3", failing)
        with pytest.raises(GongFileError, match=rf"^Could not write s3://.*/file \({last_step} failed\)"):
            storage.put_file(tmp_path / "local", root / "deep" / "file", root / "aside")
        with pytest.raises(GongFileError, match=rf"^Could not write s3://.*/bytes \({last_step} failed\)"):
            storage.put_bytes(b"x" * size, root / "deep" / "bytes", root / "aside")
    assert storage.read_bytes(root / "deep" / "file") == b"old"
    assert storage.read_bytes(root / "deep" / "bytes") == b"old"


# Removing


def test_remove_takes_an_object_or_a_folder_with_all_in_it(root: ObjectStoragePath, tmp_path: Path) -> None:
    put_both(root, tmp_path, b"x")
    storage.put_bytes(b"x", root / "deep" / "deeper" / "x", root / "aside")
    storage.put_bytes(b"x", root / "deep-neighbour", root / "aside")
    storage.remove(root / "deep" / "bytes")
    assert storage.names_in(root / "deep") == ["deeper", "file"]
    storage.remove(root / "deep")
    assert storage.names_in(root / "deep") == []
    assert storage.read_bytes(root / "deep-neighbour") == b"x"


def test_remove_of_what_is_gone_is_fine(root: ObjectStoragePath) -> None:
    storage.put_bytes(b"x", root / "x", root / "aside")
    storage.remove(root / "nothing")
    storage.remove(root / "no" / "folder")
    assert storage.read_bytes(root / "x") == b"x"


def test_age_of_a_folder_is_that_of_its_youngest_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = storage.open_destination(str(folder))
    assert not storage.older_than(path, timedelta(days=2))
    for name in ("a", "b"):
        (folder / name).write_text("x")
        os.utime(folder / name, (0, 0))
    assert storage.older_than(path, timedelta(days=2))
    assert storage.older_than(path / "a", timedelta(days=2))
    (folder / "b").write_text("young")
    assert not storage.older_than(path, timedelta(days=2))


def test_new_object_is_young_on_every_storage(root: ObjectStoragePath) -> None:
    storage.put_bytes(b"x", root / "folder" / "x", root / "aside")
    assert not storage.older_than(root / "folder", timedelta(minutes=5))
    assert storage.older_than(root / "folder", timedelta(minutes=-5))
    assert storage.older_than(root / "folder" / "x", timedelta(minutes=-5))
    assert not storage.older_than(root / "nothing", timedelta(minutes=-5))


def test_file_url_with_two_slashes_is_refused() -> None:
    with pytest.raises(GongConfigurationError, match="write 'file:///data/gong', with three slashes"):
        storage.open_destination("file://data/gong")


def test_two_connections_for_one_destination_are_refused() -> None:
    with pytest.raises(GongConfigurationError, match="'aws_a' and destination_conn_id='aws_b' another one"):
        storage.open_destination("s3://aws_a@bucket/gong", "aws_b")


# Looking at files


def test_sizes_are_those_of_all_files_below_a_folder(
    root: ObjectStoragePath, elsewhere: Callable[..., None]
) -> None:
    assert storage.sizes_below(root / "a=1") == {}
    storage.put_bytes(b"12345", root / "a=1" / "b=2" / "part", root / "aside")
    assert storage.sizes_below(root / "a=1") == {"b=2/part": 5}
    elsewhere(root / "a=1" / "b=2" / "part", b"123")
    elsewhere(root / "a=1" / "c", b"")
    elsewhere(root / "a=10" / "c", b"x")
    assert storage.sizes_below(root / "a=1") == {"b=2/part": 3, "c": 0}


def test_hash_is_that_of_the_content_as_it_is_now(
    root: ObjectStoragePath, elsewhere: Callable[..., None]
) -> None:
    assert storage.sha256_of(root / "part") is None
    for content in (b"first", b"other", b"x" * (3 * 2**20 + 1)):
        elsewhere(root / "part", content)
        assert storage.sha256_of(root / "part") == hashlib.sha256(content).hexdigest()
