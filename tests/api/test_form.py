"""Files on their way to Gong: read while they are sent, anew for each attempt, and their own errors."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from email import message_from_bytes
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import pytest

from airflow_provider_gong.api import form as forms
from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.endpoint import Params, Request, endpoint
from airflow_provider_gong.api.form import FilePart, Form, encoded
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.throttle import NoThrottle
from airflow_provider_gong.exceptions import GongFileError, GongTimeout, GongUnavailable
from tests.api.drain import Drain
from tests.api.transport import KEY, SECRET, Waits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEBIBYTE = 1 << 20
RECORDING = bytes(range(256)) * 4096  # one MiB


class Counted:
    """Bytes that remember how they were read."""

    def __init__(self, content: bytes, size: int | None = None, fail: Exception | None = None) -> None:
        self.size = len(content) if size is None else size
        self.opened = self.closed = 0
        self.reads: list[int] = []
        self._content = content
        self._fail = fail

    def open(self) -> Self:
        return self

    # No generator: it would also count as closed when it is merely forgotten.
    def __enter__(self) -> BinaryIO:
        self.opened += 1
        return Reader(self, self._content, self._fail)

    def __exit__(self, *_: object) -> None:
        self.closed += 1


class Reader(BytesIO):
    """Fail, if at all, when half has been read."""

    def __init__(self, source: Counted, content: bytes, fail: Exception | None) -> None:
        super().__init__(content)
        self.source = source
        self.fail = fail

    def read(self, size: int | None = -1, /) -> bytes:
        self.source.reads.append(-1 if size is None else size)
        if self.fail is not None and self.tell() >= self.source.size // 2:
            raise self.fail
        return super().read(size)


class Unopenable:
    size = 10

    def __init__(self, error: Exception) -> None:
        self.error = error

    def open(self) -> Any:
        raise self.error


def form_of(source: Any, name: str = "call.mp3", **fields: str) -> Form:
    return Form(files=(FilePart("mediaFile", name, source),), fields=fields)


@endpoint("PUT", "/v2/calls/{id}/media", result=None, scope="api:calls:create")
def put_form(form: Form) -> Params:
    return Params(path={"id": "7"}, form=form)


def client_to(url: str, attempts: int = 5, timeout: tuple[float, float] = (5, 5)) -> GongClient:
    return GongClient(
        base_url=url,
        auth=ApiKeyAuth(KEY, SECRET),
        throttle=NoThrottle(),
        retry=RetryPolicy(attempts=attempts, sleep=Waits()),
        timeout=timeout,
    )


def bytes_of(form: Form) -> tuple[bytes, str]:
    """Return the body as it is sent, in the pieces that HTTP asks for, and its content type."""
    with encoded(form) as body:
        return b"".join(iter(lambda: body.read(16384), b"")), body.content_type


def parts_of(form: Form) -> dict[str, Any]:
    """Read a form back as any other program would."""
    body, content_type = bytes_of(form)
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert message.is_multipart()
    parts: list[Any] = list(message.walk())[1:]
    return {part.get_param("name", header="Content-Disposition"): part for part in parts}


# What is sent


def test_the_file_arrives_with_its_name_and_type() -> None:
    [part] = parts_of(form_of(Counted(RECORDING))).values()
    assert part.get_param("name", header="Content-Disposition") == "mediaFile"
    assert part.get_filename() == "call.mp3"
    assert part.get_content_type() == "audio/mpeg"
    assert hashlib.sha256(part.get_payload(decode=True)).digest() == hashlib.sha256(RECORDING).digest()


@pytest.mark.parametrize("name", ["call.unheard", "call"])
def test_a_file_of_unknown_kind_is_plain_bytes(name: str) -> None:
    [part] = parts_of(form_of(Counted(b"x"), name)).values()
    assert part.get_content_type() == "application/octet-stream"


def test_fields_go_beside_the_file() -> None:
    parts = parts_of(form_of(Counted(b"x"), title="Renewal"))
    assert list(parts) == ["title", "mediaFile"]
    assert parts["title"].get_payload() == "Renewal"


@pytest.mark.parametrize("name", ['a"b.mp3', "a\r\nX-Evil: 1.mp3", "grüße.mp3"])
def test_an_odd_name_adds_no_header(name: str) -> None:
    [part] = parts_of(form_of(Counted(b"x"), name)).values()
    assert sorted(part.keys()) == ["Content-Disposition", "Content-Type"]
    assert part.get_payload(decode=True) == b"x"


def test_the_length_is_told_before_the_body_and_is_right() -> None:
    source = Counted(RECORDING)
    with encoded(form_of(source)) as body:
        promised = body.len
        assert source.reads == []
        assert promised == len(b"".join(iter(lambda: body.read(16384), b"")))


def test_the_file_is_read_in_pieces_as_http_asks_for_them() -> None:
    source = Counted(RECORDING)
    with Drain() as server, client_to(server.url) as client:
        client.send(put_form(form_of(source)))
    assert server.bodies[0].length > len(RECORDING)
    assert len(source.reads) > 10
    assert 0 < min(source.reads) <= max(source.reads) <= MEBIBYTE // 8


# Attempts


@pytest.mark.parametrize("refusals", [1, 3])
def test_each_attempt_opens_the_file_anew_and_sends_all_of_it(refusals: int) -> None:
    source = Counted(RECORDING)
    with Drain(*[429] * refusals, 201) as server, client_to(server.url) as client:
        client.send(put_form(form_of(source)))
    assert (source.opened, source.closed) == (refusals + 1, refusals + 1)
    assert len(server.bodies) == refusals + 1
    assert len({body.length for body in server.bodies}) == 1
    assert server.bodies[0].length > len(RECORDING)


def test_an_upload_is_not_sent_twice_after_a_503() -> None:
    source = Counted(RECORDING)
    with (
        Drain(503) as server,
        client_to(server.url) as client,
        pytest.raises(GongUnavailable) as caught,
    ):
        client.send(put_form(form_of(source)))
    assert caught.value.in_doubt
    assert (len(server.bodies), source.opened, source.closed) == (1, 1, 1)


def test_the_body_has_a_length_and_is_not_chunked() -> None:
    with Drain() as server, client_to(server.url) as client:
        client.send(put_form(form_of(Counted(RECORDING))))
    [body] = server.bodies
    assert int(body.headers["Content-Length"]) == body.length
    assert "Transfer-Encoding" not in body.headers
    assert body.headers["Content-Type"].startswith("multipart/form-data; boundary=")


# Errors of the file

BROKEN = [
    OSError("disk"),
    ConnectionResetError("storage"),
    TimeoutError("storage"),
    ValueError("closed"),
    EOFError(),
]


def failed(source: Any) -> tuple[GongFileError, int]:
    """Return the error of an upload and how many bodies arrived whole."""
    with Drain() as server, client_to(server.url) as client:
        with pytest.raises(GongFileError) as caught:
            client.send(put_form(form_of(source)))
        # The broken upload must not spoil what comes after it.
        assert client.send(put_form(form_of(Counted(b"x"))))["callId"] == "7"
    return caught.value, len(server.bodies) - 1


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_a_file_that_cannot_be_read_is_not_taken_for_a_lost_connection(error: Exception) -> None:
    source = Counted(RECORDING, fail=error)
    raised, arrived = failed(source)
    assert str(raised) == f"The file for mediaFile could not be read ({type(error).__name__})."
    assert raised.retryable
    assert raised.__cause__ is error
    assert (arrived, source.opened, source.closed) == (0, 1, 1)


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_a_file_that_cannot_be_opened_is_not_taken_for_a_lost_connection(error: Exception) -> None:
    raised, arrived = failed(Unopenable(error))
    assert str(raised) == f"The file for mediaFile could not be opened ({type(error).__name__})."
    assert raised.retryable
    assert arrived == 0


def test_a_file_that_ends_early_is_told_and_does_not_hang() -> None:
    source = Counted(b"x" * 100, size=1000)
    raised, arrived = failed(source)
    assert str(raised) == "The file for mediaFile ended 900 bytes early: it changed while it was sent."
    assert (arrived, source.closed) == (0, 1)


def test_a_file_that_is_still_written_never_arrives_in_part() -> None:
    source = Counted(RECORDING, size=1000)
    raised, arrived = failed(source)
    assert str(raised) == "The file for mediaFile has grown: it changed while it was sent."
    assert raised.retryable
    assert (arrived, source.closed) == (0, 1)


def test_an_error_of_the_connection_stays_one() -> None:
    source = Counted(RECORDING)
    with Drain() as server:
        url = server.url
    with client_to(url, attempts=1) as client, pytest.raises(GongUnavailable):
        client.send(put_form(form_of(source)))
    assert (source.opened, source.closed) == (1, 1)


# Patience


class Pausing:
    """Listen, begin to read late, and answer late."""

    def __init__(self, before_reading: float = 0.0, before_answering: float = 0.0) -> None:
        self.pauses = before_reading, before_answering
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        with self.listener, self.listener.accept()[0] as connection:
            time.sleep(self.pauses[0])
            received = b""
            while not received.endswith(b"--\r\n"):
                chunk = connection.recv(MEBIBYTE)
                if not chunk:
                    return
                received = received[-10:] + chunk
            time.sleep(self.pauses[1])
            head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
            connection.sendall(head + b'{"callId":"7"}')


def sent_to(server: Pausing, timeout: tuple[float, float]) -> Any:
    server.thread.start()
    with client_to(server.url, attempts=1, timeout=timeout) as client:
        return client.send(put_form(form_of(Counted(RECORDING * 20))))


def test_a_network_that_stalls_for_longer_than_connecting_may_take_ends_no_upload() -> None:
    assert sent_to(Pausing(before_reading=1.0), timeout=(0.3, 5)) == {"callId": "7"}


def test_an_answer_may_take_longer_after_an_upload_than_otherwise() -> None:
    assert sent_to(Pausing(before_answering=1.0), timeout=(5, 0.3)) == {"callId": "7"}


def test_a_timeout_for_one_upload_counts() -> None:
    server = Pausing(before_answering=1.0)
    server.thread.start()
    with client_to(server.url, attempts=1) as client, pytest.raises(GongTimeout):
        client.send_raw(put_form(form_of(Counted(RECORDING))), read_timeout=0.3)


# Progress


def test_progress_is_logged_while_time_passes_and_at_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(10_000))
    monkeypatch.setattr(f"{forms.__name__}.time.monotonic", lambda: next(moments))
    monkeypatch.setattr(forms, "PROGRESS_SECONDS", 100)
    caplog.set_level(logging.INFO, forms.__name__)
    bytes_of(form_of(Counted(RECORDING * 4)))
    said = [record.getMessage() for record in caplog.records]
    assert said == ["Sent 1 of 4 MiB (39 %)", "Sent 3 of 4 MiB (78 %)", "Sent 4 of 4 MiB (100 %)"]


def test_a_short_upload_says_once_that_it_is_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, forms.__name__)
    bytes_of(form_of(Counted(RECORDING)))
    assert [record.getMessage() for record in caplog.records] == ["Sent 1 of 1 MiB (100 %)"]


# Memory

MEASURE = """
import resource, sys
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.throttle import NoThrottle
from tests.api.test_form import LocalFile, form_of, put_form

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

url, small, large = sys.argv[1:]
client = GongClient(base_url=url, auth=ApiKeyAuth("k", "s"), throttle=NoThrottle(), timeout=(5, 60))
client.send(put_form(form_of(LocalFile(small))))
before = peak()
client.send(put_form(form_of(LocalFile(large))))
print(peak() - before)
"""


class LocalFile:
    def __init__(self, path: str) -> None:
        self.path = path
        self.size = os.path.getsize(path)  # noqa: PTH202

    def open(self) -> Any:
        return open(self.path, "rb")  # noqa: PTH123


@pytest.fixture
def sparse(tmp_path: Path) -> Callable[[str, int], str]:
    """Return a function that makes a file of zeros, which takes no room on the disk."""

    def make(name: str, size: int) -> str:
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(size)
        return str(path)

    return make


def test_a_large_file_is_never_held_in_memory(sparse: Callable[[str, int], str]) -> None:
    paths = sparse("small.wav", MEBIBYTE), sparse("large.wav", 200 * MEBIBYTE)
    with Drain() as server:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, server.url, *paths],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert server.bodies[-1].length > 200 * MEBIBYTE
    assert int(done.stdout) < 32 * MEBIBYTE


def test_requests_with_equal_files_are_equal() -> None:
    source = Counted(b"x")

    def request() -> Request:
        return put_form(form_of(source))

    assert request() == request()
