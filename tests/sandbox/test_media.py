"""Media of new calls: what Gong takes, and that the sandbox keeps nothing of it."""

import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from airflow_provider_gong.sandbox.world.posted import Media
from tests.sandbox.client import Client, errors
from tests.sandbox.posting import created, upload

BOUNDARY = "a-line-that-divides"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
MEBIBYTE = 1 << 20


def form(size: int, *, chunk: int = MEBIBYTE, end: bool = True) -> Iterator[bytes]:
    """Yield a form with a file of zeros."""
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="mediaFile"; filename="a.wav"\r\n\r\n'.encode()
    for start in range(0, size, chunk):
        yield bytes(min(chunk, size - start))
    if end:
        yield f"\r\n--{BOUNDARY}--\r\n".encode()


def send(client: Client, call_id: str, body: Iterator[bytes]) -> requests.Response:
    return client.ask("PUT", f"/v2/calls/{call_id}/media", data=body, headers=FORM)


def test_media_is_taken_with_a_201_and_the_url_of_the_call(client: Client) -> None:
    call_id = created(client)
    reply = upload(client, call_id)
    assert reply.status_code == 201
    assert set(reply.json()) == {"requestId", "callId", "url"}
    assert reply.json()["callId"] == call_id
    client.gong.clock.advance(timedelta(minutes=4))
    assert reply.json()["url"] == client.get(f"/v2/calls/{call_id}").json()["call"]["url"]


def test_of_media_size_digest_and_name_are_known(client: Client) -> None:
    call_id = created(client)
    content = bytes(range(256)) * 5000 + b"\r\n--" + b"\r\n" * 9
    assert client.gong.uploads.media(call_id) is None
    assert upload(client, call_id, content, 'Grüße "1".FLAC').status_code == 201
    media = client.gong.uploads.media(call_id)
    assert media is not None
    assert (media.size, media.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert media.file_name.startswith("Grüße ")


def test_the_journal_knows_the_names_of_the_parts(client: Client) -> None:
    call_id = created(client)
    files = {"mediaFile": ("a.mp3", b"sound"), "note": (None, "hello")}
    assert client.ask("PUT", f"/v2/calls/{call_id}/media", files=files).status_code == 201
    received = client.gong.requests[-1]
    assert (received.method, received.status) == ("PUT", 201)
    assert received.body_keys == {"mediaFile", "note"}


def test_a_call_of_any_unknown_id_is_a_404(client: Client) -> None:
    reply = upload(client, "1234567890123456789")
    assert (reply.status_code, errors(reply)) == (404, ["Call ID 1234567890123456789 was not found"])
    assert errors(upload(client, "seven")) == ["Bad request"]


def test_media_is_taken_once_for_a_call_and_once_in_the_company(client: Client) -> None:
    first, second = created(client), created(client, clientUniqueId="pbx-2")
    assert upload(client, first, b"one").status_code == 201
    for call_id, content in ((first, b"two"), (second, b"one")):
        reply = upload(client, call_id, content)
        assert (reply.status_code, errors(reply)) == (400, ["Bad request"])
    assert client.gong.uploads.media(second) is None
    assert upload(client, second, b"two").status_code == 201


def test_a_call_that_has_its_media_from_elsewhere_takes_none(client: Client) -> None:
    downloaded = created(client, downloadMediaUrl="https://media.example.com/1.mp3")
    recorded = client.gong.world.visible_calls()[0].id
    for call_id in (downloaded, recorded):
        assert errors(upload(client, call_id)) == ["Bad request"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"mediaFile": ("a.mp3", b"")}, "mediaFile: must not be empty"),
        ({"media": ("a.mp3", b"sound")}, "mediaFile: must not be null"),
        ({"mediaFile": (None, b"sound")}, "mediaFile: must not be null"),
        ({"mediaFile": ("a.txt", b"sound")}, "mediaFile: must be one of flac, mkv, mp3, mp4, wav"),
        ({"mediaFile": ("mp3", b"sound")}, "mediaFile: must be one of flac, mkv, mp3, mp4, wav"),
    ],
)
def test_a_form_without_one_good_file_is_refused(
    client: Client, files: dict[str, tuple[str | None, bytes]], message: str
) -> None:
    call_id = created(client)
    reply = client.ask("PUT", f"/v2/calls/{call_id}/media", files=files)
    assert (reply.status_code, errors(reply)) == (400, [message])
    assert upload(client, call_id).status_code == 201


def test_two_files_are_refused(client: Client) -> None:
    files = [("mediaFile", ("a.mp3", b"1")), ("mediaFile", ("b.mp3", b"2"))]
    reply = client.ask("PUT", f"/v2/calls/{created(client)}/media", files=files)
    assert errors(reply) == ["mediaFile: must be one file"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "audio/mpeg", "multipart/mixed; boundary=x", None]
)
def test_what_is_not_said_to_be_a_form_is_a_415(client: Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = client.ask("PUT", f"/v2/calls/{created(client)}/media", data=b"sound", headers=headers)
    assert (reply.status_code, errors(reply)) == (415, ["Unsupported Media Type"])


@pytest.mark.parametrize("body", [b"", b"nothing", b"--x\r\nContent-Disposition: form-data\r\n\r\nabc"])
@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_that_is_broken_is_a_400(client: Client, content_type: str, body: bytes) -> None:
    call_id = created(client)
    headers = {"Content-Type": content_type}
    reply = client.ask("PUT", f"/v2/calls/{call_id}/media", data=body, headers=headers)
    assert (reply.status_code, errors(reply)) == (400, ["Malformed request"])


def test_a_form_without_its_end_registers_nothing(client: Client) -> None:
    call_id = created(client)
    assert errors(send(client, call_id, form(1000, end=False))) == ["Malformed request"]
    assert client.gong.uploads.media(call_id) is None


def test_media_up_to_the_limit_is_taken(client: Client) -> None:
    assert client.gong.uploads.largest_media == 1_500_000_000
    client.gong.uploads.largest_media = 3 * MEBIBYTE
    call_id = created(client)
    refused = send(client, call_id, form(3 * MEBIBYTE + 1))
    assert (refused.status_code, list(refused.json())) == (400, ["requestId", "errors"])
    assert send(client, call_id, form(3 * MEBIBYTE)).status_code == 201


def test_a_key_without_the_scope_and_one_that_asks_too_often_give_nothing(client: Client) -> None:
    call_id = created(client)
    poor = Client(client.gong, client.gong.access.add_key(scopes={"api:calls:read:basic"}))
    with poor.session:
        assert "'api:calls:create'" in errors(upload(poor, call_id))[0]
    client.gong.limits.per_day = client.gong.limits.used_today
    assert upload(client, call_id).status_code == 429
    assert client.gong.uploads.media(call_id) is None
    assert client.gong.requests[-1].body_keys == frozenset()


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("server_error", 503)])
def test_a_fault_in_front_of_gong_registers_nothing(client: Client, kind: str, status: int) -> None:
    call_id = created(client)
    client.gong.faults.add(kind, path="*/media")
    assert send(client, call_id, form(20 * MEBIBYTE)).status_code == status
    assert client.gong.uploads.media(call_id) is None
    assert send(client, call_id, form(20 * MEBIBYTE)).status_code == 201


@pytest.mark.parametrize("kind", ["lost_reply", "dropped_connection"])
def test_an_upload_whose_reply_is_lost_was_carried_out(client: Client, kind: str) -> None:
    call_id = created(client)
    client.gong.faults.add(kind, path="*/media")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        upload(client, call_id)
    assert client.gong.uploads.media(call_id) == Media("call.mp3", 5, hashlib.sha256(b"sound").hexdigest())
    assert errors(upload(client, call_id)) == ["Bad request"]


def test_an_upload_can_be_cut_in_the_middle(client: Client) -> None:
    call_id = created(client)
    client.gong.faults.add("cut_request", path="*/media", after_bytes=5 * MEBIBYTE)
    sent = []

    def body() -> Iterator[bytes]:
        for chunk in form(200 * MEBIBYTE):
            sent.append(len(chunk))
            yield chunk

    with pytest.raises(requests.ConnectionError):
        send(client, call_id, body())
    assert 5 * MEBIBYTE <= sum(sent) < 100 * MEBIBYTE
    assert client.gong.uploads.media(call_id) is None
    assert client.gong.requests[-1].status is None
    assert upload(client, call_id).status_code == 201


def test_a_client_that_goes_away_in_the_middle_registers_nothing(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    call_id = created(client)

    def body() -> Iterator[bytes]:
        yield from form(MEBIBYTE, end=False)
        raise InterruptedError

    with pytest.raises((InterruptedError, requests.ConnectionError)):
        send(client, call_id, body())
    client.session.close()
    while client.gong.requests[-1].status is None:
        time.sleep(0.01)
    assert "The sandbox itself failed" not in caplog.text
    assert upload(client, call_id).status_code == 201


class Process:
    """A sandbox with a memory of its own."""

    def __init__(self, process: subprocess.Popen[str], printed: str) -> None:
        self.status = Path(f"/proc/{process.pid}/status")
        self.url = re.search(r"URL +(\S+)", printed)[1]  # type: ignore[index]
        key, secret = (re.search(rf"{name} +(\w+)\n", printed) for name in ("key", "secret"))
        assert key
        assert secret
        self.auth = (key[1], secret[1])

    def most_memory(self) -> int:
        """Return the bytes that it has ever held at once."""
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", self.status.read_text())[1])  # type: ignore[index]


@pytest.fixture
def process() -> Iterator[Process]:
    command = [sys.executable, "-m", "airflow_provider_gong.sandbox", "--port", "0", "--unlimited"]
    with subprocess.Popen([*command, "--days", "1"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield Process(running, "".join(running.stdout.readline() for _ in range(13)))
        running.terminate()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the memory of a process")
def test_a_large_upload_costs_little_memory(process: Process) -> None:
    def ask(method: str, path: str, **options: object) -> requests.Response:
        return requests.request(method, process.url + path, auth=process.auth, timeout=60, **options)  # type: ignore[arg-type]

    users = ask("GET", "/v2/users").json()["users"]
    host = next(one["id"] for one in users if one["settings"]["telephonyCallsImported"])
    ids = []
    for client_id in ("small", "large"):
        facts = {"actualStart": "2026-01-10T12:00:00Z", "direction": "Inbound", "clientUniqueId": client_id}
        body = {**facts, "parties": [{"userId": host}], "primaryUser": host}
        ids.append(ask("POST", "/v2/calls", json=body).json()["callId"])
    sizes = (MEBIBYTE, 300 * MEBIBYTE)
    memory = []
    for call_id, size in zip(ids, sizes, strict=True):
        reply = ask("PUT", f"/v2/calls/{call_id}/media", data=form(size), headers=FORM)
        assert reply.status_code == 201, reply.text
        memory.append(process.most_memory())
    assert memory[1] - memory[0] < 8 * MEBIBYTE


def test_an_upload_needs_no_temporary_file(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert send(client, created(client), form(5 * MEBIBYTE)).status_code == 201
