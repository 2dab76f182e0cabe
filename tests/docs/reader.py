"""Somebody who follows a page from its beginning: types its commands, saves its Dags and runs them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT
from tests.support.connections import connection_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.sandbox import GongSandbox

SANDBOX_PORT = "8321"
FILES = "/tmp/gong"
SERVE = "python -m airflow_provider_gong.sandbox"
CLOSED_DOOR = "http://127.0.0.1:9"
LONGEST_COMMAND = 120


def clean_environment() -> dict[str, str]:
    """Return the environment of somebody who has not set up anything yet."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))
    }
    return environment | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        # What should leave this machine comes back at once.
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), CLOSED_DOOR),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def new_home(home: Path) -> Path:
    """Make Airflow's home with an empty database."""
    environment = clean_environment() | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    (home / "dags").mkdir(parents=True)
    airflow = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(airflow, env=environment, cwd=home, capture_output=True, check=True)
    return home


def free_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


@dataclass
class Reader:
    """A shell in a folder of its own, with an Airflow whose connections lead to a local Gong.

    :param home: Airflow's home, with a database.
    :param environment: what is set before the page begins.
    """

    home: Path
    environment: dict[str, str]
    exported: dict[str, str] = field(default_factory=dict)
    _port: str = field(default_factory=free_port)
    _servers: list[subprocess.Popen[str]] = field(default_factory=list)
    _unread: bool = False

    def close(self) -> None:
        """End what the page has started."""
        for server in self._servers:
            server.terminate()
            server.communicate()

    def here(self, text: str) -> str:
        """Return what a page says with the places of this reader."""
        return text.replace(SANDBOX_PORT, self._port).replace(FILES, str(self.home / "files"))

    def save(self, name: str, source: str) -> Path:
        """Save a Dag file as the page says."""
        path = self.home / "dags" / name
        path.write_text(self.here(source))
        self._unread = True
        return path

    def type(self, script: str) -> str:
        """Run the commands of a block in one shell, and return what they print."""
        script = self.here(script)
        if script.strip() == SERVE:
            return self._serve()
        if self._unread and re.search(r"^airflow (backfill|dags|tasks)", script, re.M):
            self._unread = False
            self._run("airflow dags reserialize")
        return self._run(script).replace(self._port, SANDBOX_PORT)

    def _run(self, script: str) -> str:
        kept = self.home / "exported"
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{script}\nenv -0 > {kept}"],
            env=clean_environment() | self.environment | self.exported | {"AIRFLOW_HOME": str(self.home)},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=LONGEST_COMMAND,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        after = dict(line.split("=", 1) for line in kept.read_text().split("\0") if "=" in line)
        self.exported |= {
            name: after[name] for name in names_exported(script) if "gong.io" not in after[name]
        }
        return done.stdout

    def _serve(self) -> str:
        server = subprocess.Popen(
            [sys.executable, *SERVE.split()[1:], "--port", self._port, "--unlimited"],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self._servers.append(server)
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if line.startswith("export AIRFLOW_CONN_GONG_DEFAULT") and "gong_oauth" in line:
                break
        return "".join(lines).replace(self._port, SANDBOX_PORT)


def names_exported(script: str) -> list[str]:
    return re.findall(r"^export (\w+)=", script, re.M)


@contextlib.contextmanager
def reader_of(home: Path, template: Path, gong: GongSandbox, s3_endpoint: str) -> Iterator[Reader]:
    """Give a page a reader with an Airflow that nobody has used before."""
    shutil.copytree(template, home)
    aws = {
        "conn_type": "aws",
        "login": "test-access-key",
        "password": "test-secret-key",
        "extra": {"endpoint_url": s3_endpoint, "region_name": "us-east-1"},
    }
    environment = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__GONG__QUOTA_DIR": str(home / "quota"),
        "AIRFLOW_CONN_GONG_DEFAULT": connection_of(gong),
        "AIRFLOW_CONN_MY_AWS": json.dumps(aws),
        "HOME": str(home),
    }
    reader = Reader(home, environment)
    try:
        yield reader
    finally:
        reader.close()
