"""Build the wheel, and make environments that hold it and not the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parent.parent.parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return its output; fail with what it has written."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tracked_files() -> list[str]:
    """Return the names of the files that git knows."""
    return [name for name in run("git", "ls-files", cwd=REPO).splitlines() if (REPO / name).is_file()]


def build_wheel(tree: Path) -> Path:
    """Build the wheel from the tracked files alone: what is not committed cannot be shipped."""
    for name in tracked_files():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, tree / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=tree)
    [built] = (tree / "dist").glob("*.whl")
    return built
