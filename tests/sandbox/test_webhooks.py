"""Automation rules that fire: what the receiver gets, checked without the package's own receiver."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.signing import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "airflow_provider_gong.sandbox", "deliver"]


@dataclass
class Receiver:
    """Take everything, and keep it."""

    url: str = ""
    status: int = 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.path, dict(self.headers), body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/gong/webhooks/a?b=c"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=2, days=3) as gong:
        yield gong


def decoded(token: str, key: SigningKey, **options: Any) -> dict[str, Any]:
    public = load_pem_public_key(key.public_key_pem.encode())
    return jwt.decode(token, public, algorithms=["RS256"], **options)  # type: ignore[arg-type]


def test_signed_delivery_is_what_gong_documents(gong: GongSandbox, receiver: Receiver) -> None:
    call = gong.world.visible_calls()[0]
    assert gong.webhooks.fire(receiver.url, call).status == 200
    [(path, headers, body)] = receiver.got
    assert path == "/gong/webhooks/a?b=c"
    claims = decoded(headers["Authorization"], gong.webhooks.key)
    assert claims["webhook_url"] == receiver.url
    assert claims["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert time.time() < claims["exp"] < time.time() + 3600
    content = json.loads(body)
    assert content.keys() == {"callData", "isTest"}
    assert content["isTest"] is False
    assert content["callData"]["metaData"]["id"] == call.id
    assert {"metaData", "content", "interaction", "collaboration"} <= content["callData"].keys()


def test_newest_call_is_told_of_by_itself_and_any_by_its_id(gong: GongSandbox) -> None:
    calls = gong.world.visible_calls()
    bodies = [gong.webhooks.body(), gong.webhooks.body(calls[3].id, is_test=True)]
    contents = [json.loads(body) for body in bodies]
    assert [one["callData"]["metaData"]["id"] for one in contents] == [calls[-1].id, calls[3].id]
    assert [one["isTest"] for one in contents] == [False, True]


def test_unsigned_delivery_has_no_header(gong: GongSandbox, receiver: Receiver) -> None:
    gong.webhooks.fire(receiver.url, kind="unsigned")
    assert "Authorization" not in receiver.got[0][1]


def test_tampered_body_says_the_same_and_is_not_the_signed_one(gong: GongSandbox, receiver: Receiver) -> None:
    delivery = gong.webhooks.delivery(receiver.url, kind="tampered")
    claims = decoded(delivery.headers["Authorization"], gong.webhooks.key)
    assert claims["body_sha256"] != hashlib.sha256(delivery.body).hexdigest()
    assert json.loads(delivery.body).keys() == {"callData", "isTest"}


def test_expired_token_has_expired(gong: GongSandbox, receiver: Receiver) -> None:
    delivery = gong.webhooks.delivery(receiver.url, kind="expired")
    with pytest.raises(jwt.ExpiredSignatureError):
        decoded(delivery.headers["Authorization"], gong.webhooks.key)


def test_delivery_can_be_replayed_and_sent_elsewhere(gong: GongSandbox, receiver: Receiver) -> None:
    delivery = gong.webhooks.delivery("https://airflow.example.com/x", sent_to=receiver.url)
    assert [delivery.send().status for _ in range(2)] == [200, 200]
    assert receiver.got[0] == receiver.got[1]
    claims = decoded(receiver.got[0][1]["Authorization"], gong.webhooks.key)
    assert claims["webhook_url"] == "https://airflow.example.com/x"


def test_unknown_kind_is_said(gong: GongSandbox, receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="kind is 'forged': give one of signed, unsigned, tampered, expired"):
        gong.webhooks.fire(receiver.url, kind="forged")


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--key-file", str(tmp_path / "key.pem"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)


def test_command_fires_with_a_key_that_it_keeps(receiver: Receiver, tmp_path: Path) -> None:
    shown = run(tmp_path, "--show-key").stdout.strip()
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    done = run(tmp_path, "--url", receiver.url, "--count", "2", "--repeat", "2", "--test")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.got) == len(done.stdout.splitlines()) == 4
    key = SigningKey.kept_in(tmp_path / "key.pem")
    assert key.public_key == shown
    for _, headers, body in receiver.got:
        assert decoded(headers["Authorization"], key)["body_sha256"] == hashlib.sha256(body).hexdigest()
        assert json.loads(body)["isTest"] is True
    assert len({json.loads(body)["callData"]["metaData"]["id"] for _, _, body in receiver.got}) == 2


def test_command_says_what_was_answered(receiver: Receiver, tmp_path: Path) -> None:
    receiver.status = 401
    done = run(tmp_path, "--url", "https://airflow.example.com/x", "--sent-to", receiver.url)
    assert done.returncode == 1
    assert done.stdout.endswith(": 401 {}\n")


def test_command_names_what_is_wrong(tmp_path: Path) -> None:
    nobody = run(tmp_path, "--url", "http://127.0.0.1:9/x")
    assert (nobody.returncode, nobody.stderr[:45]) == (1, "Nothing is received at http://127.0.0.1:9/x: ")
    assert "give the URL of the rule with --url" in run(tmp_path).stderr
    (tmp_path / "key.pem").write_text("nonsense")
    assert "Name another file with --key-file." in run(tmp_path, "--show-key").stderr
