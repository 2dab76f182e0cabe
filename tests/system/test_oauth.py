"""An OAuth connection in a real Airflow: connected from a terminal, used by many tasks at once, told to nobody."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.hooks.oauth import REDIRECT, decide, fields_of
from tests.system.real_airflow import DATABASE, RealAirflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

TASKS = 6

DAG = f"""
from airflow.sdk import DAG
from airflow_provider_gong.operators.workspaces import GongListWorkspacesOperator

with DAG("many", schedule=None, max_active_tasks={TASKS}):
    for number in range({TASKS}):
        GongListWorkspacesOperator(task_id=f"list_{{number}}")
"""

WAIT = """
from airflow.sdk import DAG
from airflow_provider_gong.sensors.calls import GongCallSensor

with DAG("wait", schedule=None):
    GongCallSensor(task_id="call", call_id="{call_id}", deferrable=True, poke_interval=2, timeout=600)
"""


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None, per_day=None) as gong:
        yield gong


@pytest.fixture(scope="module")
def airflow(gong: GongSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    environment = {
        "AIRFLOW_CONN_GONG_DEFAULT": json.dumps(fields_of(gong)),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__CORE__PARALLELISM": str(TASKS),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    }
    airflow = RealAirflow(tmp_path_factory.mktemp("oauth"), environment=environment, triggerer=True)
    (airflow.dags / "many.py").write_text(DAG)
    with airflow:
        yield airflow


def connect(airflow: RealAirflow, gong: GongSandbox) -> str:
    """Connect as somebody at a terminal does, and return what the command said."""
    command = [sys.executable, "-m", "airflow_provider_gong.hooks.connect", "gong_default"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--redirect-uri", REDIRECT],
        env=airflow.environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = next(line.strip() for line in process.stdout if line.startswith(gong.url))
        out, err = process.communicate(f"{decide(url)}\n", timeout=120)
    assert process.returncode == 0, err
    return out + err


def run_all(airflow: RealAirflow, state: str) -> str:
    run_id = airflow.rest.trigger("many")
    airflow.rest.wait_for_run("many", run_id, state)
    return airflow.rest.all_logs("many", run_id)


def stored(airflow: RealAirflow) -> dict[str, int]:
    with closing(sqlite3.connect(airflow.home / DATABASE)) as database:
        return dict(database.execute("SELECT key, is_encrypted FROM variable").fetchall())


def test_tasks_whose_token_ended_refresh_it_once_and_all_succeed(
    airflow: RealAirflow, gong: GongSandbox
) -> None:
    said = connect(airflow, gong)
    airflow.rest.wait_for_dags("many")
    airflow.rest.unpause("many")
    secrets = {gong.oauth.client_secret} | tokens_of(gong)
    logs = ""
    for rotation in (1, 2):
        gong.oauth.expire_access_tokens()
        logs += run_all(airflow, "success")
        assert (gong.oauth.rotations, gong.oauth.refused, gong.oauth.chains) == (rotation, 0, 1)
        secrets |= tokens_of(gong)
    assert stored(airflow) == {
        "gong_oauth_token__gong_default": 1,
        "gong_oauth_token__gong_default__rotated": 1,
    }
    assert "POST /oauth2/generate-customer-token" in logs, "what is searched speaks of it"
    assert len(secrets) >= 1 + 3
    for secret in secrets:
        assert secret not in logs
        assert secret not in said
        assert files_with(airflow, secret.encode()) == []
    # The button gives the connection another name meanwhile.
    fields = fields_of(gong)
    body = fields | {"connection_id": "gong_default", "extra": json.dumps(fields["extra"]), "port": None}
    answer = airflow.rest.request("POST", "/connections/test", json=body)
    assert answer["status"], answer
    assert answer["message"].startswith("Reached localhost; the OAuth token is accepted.")
    wait_in_the_triggerer(airflow, gong)
    gong.oauth.revoke()
    logs = run_all(airflow, "failed")
    assert logs.count("has to be connected again. Connect it: `airflow gong connect gong_default`") >= TASKS


def wait_in_the_triggerer(airflow: RealAirflow, gong: GongSandbox) -> None:
    """Let a token end while a task is deferred: the triggerer replaces it, for the worker as well."""
    now = datetime.now(UTC)
    call = gong.world.add_call(now - timedelta(hours=1), visible_at=now + timedelta(hours=1))
    airflow.add_dag("wait", WAIT.format(call_id=call.id))
    run_id = airflow.rest.trigger("wait")
    before = gong.oauth.rotations
    wait_until(
        lambda: {one["state"] for one in airflow.rest.task_instances("wait", run_id)} == {"deferred"},
        seconds=120,
        what="a deferred task",
    )
    gong.oauth.expire_access_tokens()
    wait_until(lambda: gong.oauth.rotations > before, seconds=120, what="a refresh by the triggerer")
    gong.clock.advance(timedelta(hours=2))
    airflow.rest.wait_for_run("wait", run_id, "success")
    assert (gong.oauth.rotations, gong.oauth.refused, gong.oauth.chains) == (before + 1, 0, 1)
    for secret in tokens_of(gong):
        assert files_with(airflow, secret.encode()) == []


def tokens_of(gong: GongSandbox) -> set[str]:
    """Return the refresh tokens and access tokens that are good now."""
    grants = [*gong.oauth._by_refresh.values(), *gong.oauth._grants.values()]
    return {token for grant in grants for token in (grant.access_token, grant.refresh_token)}


def files_with(airflow: RealAirflow, text: bytes) -> list[str]:
    files = [path for path in airflow.home.rglob("*") if path.is_file()]
    return [path.name for path in files if text in path.read_bytes()]
