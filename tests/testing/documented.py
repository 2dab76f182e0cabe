"""The files that docs/testing.md tells its readers to write, written, and pytest run over them."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.wheel import REPO

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPO / "docs" / "testing.md").read_text(encoding="utf-8")
COMMAND = "PYTHONPATH=dags python -m pytest tests"


def write_examples(folder: Path) -> None:
    """Write the Dag and its tests under the names of the page, and the test of one operator beside them."""
    operator, *named = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = re.findall(r"`((?:dags|tests)/\w+\.py)` is", PAGE)
    for name, source in zip(["tests/test_operator.py", *names], [operator, *named], strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)


def run_pytest(
    python: Path | str, folder: Path, *arguments: str, pythonpath: str = "dags"
) -> subprocess.CompletedProcess[str]:
    """Run pytest as the page says, in an environment that knows nothing of ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PY", "COV"))}
    return subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "AIRFLOW_HOME": str(folder / "airflow"), "PYTHONPATH": pythonpath},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
