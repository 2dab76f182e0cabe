"""Where recordings lie, and which of them are refused before Gong hears of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import calls
from airflow_provider_gong.api.calls import MOST_MEDIA_BYTES
from airflow_provider_gong.api.form import FilePart, Form
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.operators.media import BLOCK_BYTES, stored_file

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.operators.media import StoredFile

MEBIBYTE = 1 << 20


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.mp3"
    path.write_bytes(b"recording")
    return path


def content(source: StoredFile) -> bytes:
    with source.open() as opened:
        return opened.read()


# Where they lie


def test_a_plain_path_and_a_file_url_are_the_same_file(recording: Path) -> None:
    plain, url = stored_file(str(recording), None), stored_file(f"file://{recording}", None)
    assert (plain.size, content(plain), plain.path.name) == (9, b"recording", "call.mp3")
    assert plain == url


def test_each_opening_begins_at_the_start(recording: Path) -> None:
    source = stored_file(str(recording), None)
    assert content(source) == content(source) == b"recording"


@pytest.mark.parametrize("conn_id", [None, "export_s3"])
def test_an_object_is_found_by_the_connection_in_the_url_or_beside_it(
    bucket: str, conn_id: str | None
) -> None:
    url = f"s3://export_s3@{bucket}/out/call.mp3"
    open_destination(url).write_bytes(b"recording")
    source = stored_file(url if conn_id is None else url.replace("export_s3@", ""), conn_id)
    assert (source.size, content(source), source.path.name) == (9, b"recording", "call.mp3")


def test_an_object_that_came_after_a_look_at_the_bucket_is_found(bucket: str) -> None:
    folder = open_destination(f"s3://export_s3@{bucket}/out")
    (folder / "other.mp3").write_bytes(b"x")
    assert [path.name for path in folder.iterdir()] == ["other.mp3"]
    # Past the file system of this process, as another machine would.
    folder.fs.call_s3("put_object", Bucket=bucket, Key="out/call.mp3", Body=b"recording")
    assert stored_file(str(folder / "call.mp3"), None).size == 9


# In a process of its own: the storage server of the tests keeps whole objects in the memory of this one.
READ = """
import hashlib, sys, tracemalloc
from airflow_provider_gong.operators.media import stored_file

source = stored_file(sys.argv[1], None)
with source.open() as opened:
    opened.read(1)
read, length = hashlib.sha256(), 0
tracemalloc.start()
with source.open() as opened:
    for chunk in iter(lambda: opened.read(16384), b""):
        read.update(chunk)
        length += len(chunk)
print(read.hexdigest(), length, source.size, tracemalloc.get_traced_memory()[1])
"""


def test_a_large_object_is_read_in_blocks(bucket: str) -> None:
    url = f"s3://export_s3@{bucket}/call.wav"
    block = bytes(range(256)) * 4096
    digest = hashlib.sha256(block * 30)
    open_destination(url).write_bytes(block * 30)
    done = subprocess.run(
        [sys.executable, "-c", READ, url], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    read, *numbers = done.stdout.splitlines()[-1].split()
    length, size, peak = map(int, numbers)
    assert (read, length, size) == (digest.hexdigest(), 30 * MEBIBYTE, 30 * MEBIBYTE)
    assert peak < 4 * BLOCK_BYTES


# What is refused


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (None, "file is missing: give the path or the URL"),
        ("recordings/call.mp3", "file='recordings/call.mp3' is neither a URL nor an absolute path"),
        ("gopher://host/call.mp3", "no file system for gopher://"),
        ("/nowhere/call.mp3", "file='/nowhere/call.mp3' does not exist"),
        ("file:///nowhere/call.mp3", "file='file:///nowhere/call.mp3' does not exist"),
    ],
)
def test_a_file_that_cannot_be_found_is_refused(file: str | None, text: str) -> None:
    with pytest.raises(GongConfigurationError, match=text):
        stored_file(file, None)


def test_a_web_address_is_refused_with_the_way_to_go_and_not_shown() -> None:
    with pytest.raises(GongConfigurationError, match="with download_media_url of GongCreateCall") as caught:
        stored_file("HTTPS://files.example.com/call.mp3?signature=s3cret", None)
    assert "s3cret" not in str(caught.value)


def test_two_connections_are_refused_by_the_names_of_the_arguments() -> None:
    with pytest.raises(GongConfigurationError, match="file_conn_id='other'"):
        stored_file("s3://export_s3@bucket/call.mp3", "other")


def test_a_directory_is_refused(tmp_path: Path, bucket: str) -> None:
    open_destination(f"s3://export_s3@{bucket}/out/call.mp3").write_bytes(b"x")
    for place in (str(tmp_path), f"s3://export_s3@{bucket}/out"):
        with pytest.raises(GongConfigurationError, match="is a directory: name one file in it"):
            stored_file(place, None)


def test_an_object_that_is_missing_is_refused(bucket: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"call.mp3' does not exist"):
        stored_file(f"s3://export_s3@{bucket}/call.mp3", None)


class Sized:
    def __init__(self, size: int) -> None:
        self.size = size

    def open(self) -> Any:
        raise AssertionError("only the size is looked at")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.mp4", "a.mkv", "a.flac", "A.MP3", "a.b.mp3"])
def test_gongs_formats_are_accepted(name: str) -> None:
    source = Sized(1)
    request = calls.add_call_media("7", file_name=name, source=source)
    assert f"{request.method} {request.path}" == "PUT /v2/calls/7/media"
    assert request.form == Form(files=(FilePart("mediaFile", name, source),))


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3.gz", "a", "mp3", "", "a.", "a.mp3 "])
def test_other_formats_are_refused_by_their_suffix(name: str) -> None:
    with pytest.raises(
        GongConfigurationError, match=r"ends in no format that Gong takes: use one of \.wav, \.mp3"
    ):
        calls.add_call_media("7", file_name=name, source=Sized(1))


@pytest.mark.parametrize("size", [0, MOST_MEDIA_BYTES + 1])
def test_an_empty_and_a_too_large_file_are_refused(size: int) -> None:
    with pytest.raises(
        GongConfigurationError, match=rf"has {size:,} bytes, and Gong takes 1 to 1,500,000,000"
    ):
        calls.add_call_media("7", file_name="a.mp3", source=Sized(size))


def test_the_largest_file_is_accepted() -> None:
    calls.add_call_media("7", file_name="a.mp3", source=Sized(MOST_MEDIA_BYTES))


@pytest.mark.parametrize("call_id", ["", "7/8", "None of them"])
def test_a_call_id_that_is_none_is_refused(call_id: str) -> None:
    with pytest.raises(GongConfigurationError, match="is not an identifier"):
        calls.add_call_media(call_id, file_name="a.mp3", source=Sized(1))
