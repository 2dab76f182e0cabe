"""The command line, as somebody meets it who has no Gong account."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

COMMAND = [sys.executable, "-m", "airflow_provider_gong.sandbox"]


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def running(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Yield the lines that a started sandbox prints; it has to end cleanly after the test."""
    arguments = [*COMMAND, "--port", "0", "--seed", "4", "--calls", "3", "--days", "2", "--unlimited"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline().rstrip() for _ in range(13)]
        yield lines
        process.send_signal(request.param)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


def test_what_it_prints_is_enough_to_use_it(running: list[str]) -> None:
    export = next(line for line in running if line.startswith("export "))
    name, _, value = export.removeprefix("export ").partition("=")
    connection = json.loads(shlex.split(value)[0])
    assert name == "AIRFLOW_CONN_GONG_DEFAULT"
    assert connection["conn_type"] == "gong"
    assert connection["extra"] == {"allowed_hosts": "127.0.0.1"}
    url, key, secret = (connection[field] for field in ("host", "login", "password"))
    assert {f"URL                {url}", f"Access key         {key}"} <= set(running)
    for _ in range(6):
        assert requests.get(f"{url}/v2/workspaces", auth=(key, secret), timeout=10).status_code == 200
    curls = [shlex.split(line) for line in running if line.startswith("curl ")]
    assert [words[-1] for words in curls] == [f"{url}/v2/workspaces", f"{url}/v2/calls/transcript"]
    assert {words[2] for words in curls} == {f"{key}:{secret}"}
    assert json.loads(curls[1][6]) == {"filter": {}}


def test_what_it_prints_for_oauth_is_what_the_hook_wants() -> None:
    from airflow.sdk import Connection

    from airflow_provider_gong.hooks.settings import read_settings
    from airflow_provider_gong.sandbox import GongSandbox
    from airflow_provider_gong.sandbox.__main__ import _greeting

    with GongSandbox(days=1) as gong:
        *_, last = (line for line in _greeting(gong).splitlines() if line.startswith("export "))
        fields = json.loads(shlex.split(last.partition("=")[2])[0])
        connection = Connection(conn_id="gong_default", **fields | {"extra": json.dumps(fields["extra"])})
        app = read_settings(connection).oauth
        assert app is not None
        assert (app.client_id, app.sign_in) == (gong.oauth.client_id, gong.url)
        assert app.api_url(gong.customer_url) == gong.customer_url


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    from airflow_provider_gong.sandbox import GongSandbox

    with GongSandbox(days=1) as gong:
        done = subprocess.run(
            [*COMMAND, "--port", str(gong.port)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert re.match(r"Cannot listen on 127.0.0.1:\d+: .* Use --port 0 for a free port.\n$", done.stderr)


def test_help_explains_every_option() -> None:
    text = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("port", "seed", "calls", "days", "users", "latency", "unlimited"):
        assert re.search(rf"--{option}\b.*\n?\s+\w+", text.partition("options:")[2]), option


@pytest.mark.parametrize("arguments", [["--calls", "-1"], ["--users", "0"], ["--days", "x"]])
def test_nonsense_is_refused(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
