"""Connecting from a terminal, against the sandbox, with Airflow's own database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.hooks.oauth import REDIRECT, decide, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AIRFLOW = (sys.executable, "-m", "airflow")
MODULE = (sys.executable, "-m", "airflow_provider_gong.hooks.connect")
KEY = "gong_oauth_token__gong_default"


class Terminal:
    """An Airflow with a database, and somebody at its command line."""

    def __init__(self, gong: GongSandbox, home: Path) -> None:
        self.gong = gong
        self.home = home
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = inherited | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__GONG__QUOTA_DIR": str(home / "quota"),
            "AIRFLOW__GONG__OAUTH_REDIRECT_URI": REDIRECT,
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        }
        self.told = ""

    def run(self, *command: str, paste: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, input=paste
        )
        self.told += done.stdout + done.stderr
        return done

    def connect(
        self, paste: Callable[[str], str], command: tuple[str, ...] = (*AIRFLOW, "gong", "connect")
    ) -> Any:
        """Start the command, go to the page it names, and paste what `paste` makes of the address."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, "gong_default"], env=self.environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        ) as process:
            assert process.stdout is not None
            url = ""
            while not url.startswith(self.gong.url):
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                url = line.strip()
            out, err = process.communicate(f"{paste(url)}\n", timeout=120)
        self.told += out + err
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def variables(self) -> dict[str, tuple[str, int]]:
        """Return what the database has: values as they lie there, and whether they are encrypted."""
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            rows = database.execute("SELECT key, val, is_encrypted FROM variable").fetchall()
        return {key: (value, encrypted) for key, value, encrypted in rows}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None) as gong:
        yield gong


@pytest.fixture(scope="module")
def terminal(gong: GongSandbox, home: Path) -> Terminal:
    terminal = Terminal(gong, home)
    terminal.run(*AIRFLOW, "db", "migrate")
    connection = json.dumps(fields_of(gong))
    added = terminal.run(*AIRFLOW, "connections", "add", "gong_default", "--conn-json", connection)
    assert added.returncode == 0, added.stderr
    return terminal


# In the order of a connection's life: each command of Airflow takes seconds.


def test_before_it_is_connected_the_button_says_how_to(terminal: Terminal) -> None:
    done = terminal.run(*AIRFLOW, "connections", "test", "gong_default")
    assert "is not connected: it has no tokens yet" in " ".join(done.stdout.split() + done.stderr.split())


@pytest.mark.parametrize(
    ("paste", "said"),
    [
        (lambda url: decide(url, "deny"), "Consent was denied in Gong, so that nothing was stored."),
        (lambda url: f"{decide(url)}x".replace("state=", "state=x"), "its state differs"),
        (lambda url: "no-such-code", "Gong does not accept the code"),
        (lambda url: "", "There is no code"),
    ],
    ids=["denied", "another state", "wrong code", "nothing"],
)
def test_what_goes_wrong_is_said_and_nothing_is_stored(
    terminal: Terminal, paste: Callable[[str], str], said: str
) -> None:
    done = terminal.connect(paste, MODULE)
    assert done.returncode == 1
    assert said in done.stderr
    assert terminal.variables() == {}


def test_a_pasted_address_connects(terminal: Terminal, gong: GongSandbox) -> None:
    pasted: list[str] = []

    def paste(url: str) -> str:
        pasted.append(decide(url))
        return pasted[0]

    done = terminal.connect(paste)
    assert done.returncode == 0, done.stderr
    assert f"gong_default: connected\nHost: {urlsplit(gong.customer_url).hostname}\n" in done.stdout
    assert "Missing" not in done.stdout
    [(key, (value, encrypted))] = terminal.variables().items()
    assert (key, encrypted) == (KEY, 1)
    assert "refresh_token" not in value
    replayed = terminal.connect(lambda url: pasted[0].partition("code=")[2].partition("&")[0])
    assert "it is good once" in replayed.stderr
    assert terminal.variables()[KEY] == (value, 1)


def test_airflow_can_test_it_then(terminal: Terminal) -> None:
    done = terminal.run(*AIRFLOW, "connections", "test", "gong_default")
    assert "Connection success!" in done.stdout


BUTTON = """
import json, os
os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
from airflow.models import Connection
conn = Connection.get_connection_from_secrets("gong_default")
# As the API server does: under another name, for as long as the test takes.
os.environ["AIRFLOW_CONN_ABCDEF"] = conn.get_uri()
conn = Connection(conn_id="abcdef", uri=conn.get_uri())
print(json.dumps(conn.test_connection()))
"""


def test_the_button_of_the_ui_finds_the_tokens_under_the_name_it_gives(
    terminal: Terminal, gong: GongSandbox
) -> None:
    for rotations in (0, 1):
        done = terminal.run(sys.executable, "-c", BUTTON)
        ok, message = json.loads(done.stdout.splitlines()[-1])
        assert ok, message
        assert message.startswith(
            "Reached localhost; the OAuth token is accepted. Answering: calls, transcripts,"
        )
        assert gong.oauth.rotations == rotations
        gong.oauth.expire_access_tokens()


def test_the_state_is_told_and_a_disconnected_one_stays_so(terminal: Terminal, gong: GongSandbox) -> None:
    connected = terminal.run(*MODULE, "gong_default", "--status").stdout
    assert "gong_default: connected" in connected
    assert "Token until: " in connected
    gone = terminal.run(*MODULE, "gong_default", "--disconnect")
    assert gone.stdout.startswith("gong_default: not connected\n")
    assert terminal.variables() == {}
    assert "not connected" in terminal.run(*MODULE, "gong_default", "--status").stdout


STATES = """
import json, os, time
from concurrent.futures import ThreadPoolExecutor
os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.hooks import oauth

def take(state, session="hers"):
    try:
        return oauth.take(state, session=session)
    except GongConfigurationError as error:
        return "refused" if "start again" in str(error) else str(error)

def begin():
    return oauth.begin("gong_default", session="hers", redirect_uri="https://a.example.com")

state = begin()
told = [take("another"), take(state, "his"), take(state), take(state)]
old = begin()
real = time.time
time.time = lambda: real() + 601
told.append(take(old))
time.time = real
many = begin()
with ThreadPoolExecutor(4) as pool:
    told.append(sum(answer != "refused" for answer in pool.map(take, [many] * 4)))
print(json.dumps(told))
"""


def test_a_state_is_good_once_for_one_session_and_for_ten_minutes(terminal: Terminal) -> None:
    done = terminal.run(sys.executable, "-c", STATES)
    found = ["gong_default", "https://a.example.com"]
    assert done.stdout, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["refused", "refused", found, "refused", "refused", 1]
    assert terminal.variables() == {}


def test_a_connection_of_the_other_kind_and_a_missing_one_are_told(terminal: Terminal) -> None:
    terminal.environment["AIRFLOW_CONN_WITH_KEY"] = "gong://KEY:SECRET@us-1.api.gong.io"
    assert "needs no connecting" in terminal.run(*MODULE, "with_key").stderr
    assert "There is no connection 'absent'" in terminal.run(*MODULE, "absent").stderr


def test_nothing_that_was_told_holds_a_secret(terminal: Terminal, gong: GongSandbox) -> None:
    assert gong.oauth.client_secret not in terminal.told
    assert "Bearer" not in terminal.told
    for files in terminal.home.rglob("*"):
        if files.is_file():
            assert gong.oauth.client_secret.encode() not in files.read_bytes()
