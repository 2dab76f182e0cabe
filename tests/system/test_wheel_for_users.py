"""Tests of a user, in an environment that holds the wheel and pytest, and nothing of this repository."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import REQUIRED
from tests.support.wheel import REPO, build_wheel, run
from tests.testing.documented import run_pytest, write_examples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that a user would make."""
    folder = tmp_path_factory.mktemp("user")
    wheel = build_wheel(tmp_path_factory.mktemp("tree"))
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    install = [
        *uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--constraint",
        "requirements-dev.txt",
    ]
    done = subprocess.run(
        [*install, str(wheel), "pytest"], cwd=REPO, capture_output=True, text=True, check=False
    )
    if done.returncode and not os.environ.get(REQUIRED):
        pytest.skip(f"the dependencies cannot be downloaded here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return python


def test_examples_of_the_docs_pass_beside_the_wheel(python: Path, tmp_path: Path) -> None:
    write_examples(tmp_path)
    done = run_pytest(python, tmp_path, "tests")
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_finds_the_fixtures_by_itself(python: Path, tmp_path: Path) -> None:
    done = run_pytest(python, tmp_path, "--fixtures")
    assert "gong_sandbox -- " in done.stdout, done.stdout + done.stderr
    assert "run_gong_dag -- " in done.stdout
    assert "_gong_database" not in done.stdout
