"""The fixtures for users: in tests of ours, and in runs of pytest of their own."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.users import GongListUsersOperator
from airflow_provider_gong.testing.pytest_plugin import SMALL
from tests.support.wheel import REPO
from tests.testing.documented import COMMAND, PAGE, run_pytest, write_examples

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox

PLUGIN = "airflow_provider_gong.testing.pytest_plugin"


def run_tests(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a test of a user against the package of this repository, installed or not."""
    (folder / "test_user.py").write_text(source)
    return run_with_plugin(folder, *arguments)


def run_with_plugin(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    arguments = ("-p", "no:gong", "-p", PLUGIN, *arguments)
    return run_pytest(sys.executable, folder, *arguments, pythonpath=f"dags:{REPO}")


def test_an_operator_needs_no_database_and_no_run(gong_sandbox: GongSandbox) -> None:
    users = GongListUsersOperator(task_id="users").execute({})
    assert len(users) == 10
    assert [one.path for one in gong_sandbox.requests] == ["/v2/users"]


def test_each_test_has_its_own_gong(gong_sandbox: GongSandbox) -> None:
    assert len(gong_sandbox.requests) == 0


@pytest.mark.gong(users=31, seed=8)
def test_marker_makes_the_world(gong_sandbox: GongSandbox) -> None:
    assert len(gong_sandbox.world.users) >= 31
    assert gong_sandbox.url in os.environ["AIRFLOW_CONN_GONG_DEFAULT"]


def test_quota_is_that_of_the_test_alone_and_holds_nothing_back(gong_sandbox: GongSandbox) -> None:
    assert "gong-quota" in os.environ["AIRFLOW__GONG__QUOTA_DIR"]
    with GongHook().get_conn() as client:
        from airflow_provider_gong.api.workspaces import list_workspaces

        for _ in range(12):  # at Gong's own pace that takes 4 seconds, and the sandbox would refuse more
            client.send(list_workspaces())
    times = [one.time for one in gong_sandbox.requests]
    assert len(times) == 12
    assert (times[-1] - times[0]).total_seconds() < 3
    assert {one.status for one in gong_sandbox.requests} == {200}


def test_a_proxy_is_not_asked_for_the_local_gong(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example.com")
    request.getfixturevalue("gong_sandbox")
    assert os.environ["NO_PROXY"] == "intranet.example.com,127.0.0.1"


def test_nothing_of_it_stays_in_the_environment(tmp_path: Path) -> None:
    done = run_tests(
        tmp_path,
        "import os\n\n\n"
        "def test_one(gong_sandbox):\n    assert gong_sandbox.url\n\n\n"
        "def test_two():\n"
        "    assert not [name for name in os.environ if name.startswith(('AIRFLOW_CONN', 'AIRFLOW__'))]\n",
    )
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("arguments", ["call=3", "3"])
def test_marker_that_is_wrong_fails_the_test_and_says_why(tmp_path: Path, arguments: str) -> None:
    source = f"import pytest\n\n\n@pytest.mark.gong({arguments})\ndef test_it(gong_sandbox): ...\n"
    done = run_tests(tmp_path, source, "--strict-markers")
    assert "@pytest.mark.gong takes the arguments of GongSandbox, by name: " in done.stdout
    assert "Traceback" not in done.stdout


def test_a_run_of_pytest_that_has_nothing_to_do_with_gong_loads_nothing(tmp_path: Path) -> None:
    done = run_tests(
        tmp_path,
        "import sys\n\n\n"
        "def test_it():\n"
        "    assert 'airflow_provider_gong.testing.pytest_plugin' in sys.modules\n"
        "    roots = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not roots & {'airflow', 'fastapi', 'uvicorn', 'requests', 'pydantic'}\n"
        "    assert not [name for name in sys.modules if name.startswith('airflow_provider_gong.sandbox')]\n",
        *("-W", "error", "--strict-markers", "-p", "no:pytest_cov"),
        *("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:xdist"),
    )
    assert "1 passed" in done.stdout, done.stdout


def test_examples_of_the_docs_pass_where_warnings_are_errors(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert COMMAND in PAGE
    write_examples(tmp_path)
    # Other versions than the pinned ones warn when they are imported: then our own tests are told to be lenient.
    warnings = request.config.getoption("pythonwarnings") or ["error"]
    done = run_with_plugin(tmp_path, "-W", warnings[-1], "--strict-markers", "tests")
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_defaults_of_the_docs_are_those_of_the_fixture() -> None:
    rows = dict(re.findall(r"^\| (`.+?`(?:, `\w+`)*) \| (.+?) \|", PAGE.split("| Argument |")[1], re.M))
    told: dict[str, int | None] = {}
    for names, defaults in rows.items():
        values = re.findall(r"\d+", defaults) or [None]
        for place, name in enumerate(re.findall(r"`(\w+)`", names)):
            told[name] = int(values[place]) if values[0] else None
    assert {name: told[name] for name in SMALL} == SMALL
