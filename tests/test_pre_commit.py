"""The hooks of `.pre-commit-config.yaml`, run by pre-commit itself in a repository made for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.wheel import REPO, run, tracked_files

HOOKS = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
NEEDED = (".pre-commit-config.yaml", "pyproject.toml", "setup.cfg")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository that holds the package and its rules, with this environment as its .venv."""
    repository = tmp_path / "repository"
    for name in tracked_files():
        if name in NEEDED or name.startswith("airflow_provider_gong/"):
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, repository / name)
    (repository / ".venv").symlink_to(Path(sys.prefix))
    run("git", "init", "--quiet", cwd=repository)
    run("git", "add", *NEEDED, "airflow_provider_gong", cwd=repository)
    return repository


def commit_hooks(repository: Path) -> subprocess.CompletedProcess[str]:
    # Types need a minute without a cache: `make types` checks them.
    environment = {**os.environ, "SKIP": "mypy", "PRE_COMMIT_HOME": str(repository.parent / "cache")}
    environment["PYTHONPATH"] = str(repository)
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    return subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


def test_package_passes(repository: Path) -> None:
    done = commit_hooks(repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == len(HOOKS) - 1


@pytest.mark.parametrize(
    ("hook", "file", "text"),
    [
        ("format", "users.py", "a = [1,2]\n"),
        ("style", "users.py", "import os\n"),
        (
            "layers",
            "users.py",
            '"""Break a layer."""\n\nfrom airflow_provider_gong.hooks import gong as gong\n',
        ),
    ],
)
def test_hook_stops_what_breaks_a_rule(repository: Path, hook: str, file: str, text: str) -> None:
    (repository / "airflow_provider_gong" / "api" / file).write_text(text)
    done = commit_hooks(repository)
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith(f"{hook}.")]
    assert line.endswith("Failed"), done.stdout


def test_hooks_need_no_network_and_are_what_make_runs() -> None:
    makefile = (REPO / "Makefile").read_text()
    for hook in HOOKS:
        program = hook["entry"].split()[0]
        assert hook["language"] == "system"
        assert f"$(BIN)/{program.removeprefix('.venv/bin/')}" in makefile
