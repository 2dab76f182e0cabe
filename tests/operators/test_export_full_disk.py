"""Disks without room for an export, its destination and the worker's own: the earlier export stays until the retry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operators.conftest import Connect

REPO = Path(__file__).parent.parent.parent
# The entries of a day; compressed they take some 150 bytes each.
FEW, MANY = 5, 1500
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def may_mount() -> bool:
    """Tell whether this machine lets everybody mount in a namespace of their own."""
    if shutil.which("unshare") is None:
        return False
    command = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def companies() -> Iterator[dict[str, GongSandbox]]:
    """Return a company with few log entries, and one with many."""
    facts: dict[str, Any] = {
        "seed": 7,
        "calls": 0,
        "days": 2,
        "now": NOW,
        "today": NOW.date(),
        "per_second": None,
    }
    with GongSandbox(logs=FEW, **facts) as before, GongSandbox(logs=MANY, **facts) as now:
        yield {"BEFORE": before, "NOW": now}


# A limit is that of the process: whatever is too large strikes the temporary folder first.
@pytest.mark.parametrize(
    ("how", "which"), [("tmpfs", "destination"), ("tmpfs", "temporary"), ("limit", "temporary")]
)
def test_full_disk_leaves_the_earlier_export_and_says_which_disk_it_is(
    companies: dict[str, GongSandbox], connect: Connect, tmp_path: Path, how: str, which: str
) -> None:
    if how == "tmpfs" and not may_mount():
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    connections = {f"GONG_{name}": json.dumps(connect(gong)) for name, gong in companies.items()}
    command = [sys.executable, "-W", "ignore", "-m", "tests.operators.full_disk", how, which, str(tmp_path)]
    child = subprocess.run(
        [*(OWN_MOUNTS if how == "tmpfs" else []), *command],
        cwd=REPO,
        env=os.environ | connections,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    facts = json.loads(child.stdout.splitlines()[-1])
    assert (facts["state"], facts["kind"]) == ("up_for_retry", "GongFileError"), facts["error"]
    if which == "destination":
        assert facts["error"].startswith(f"Could not write file://{tmp_path}/target/exports/logs/")
        assert "there is no room left" in facts["error"]
    else:
        assert f"There is no room left in the temporary folder {tmp_path}/temporary" in facts["error"]
    assert facts["is_the_earlier"]
    assert facts["unfinished"] == facts["in_temporary"] == []
    assert (facts["retry"], facts["rows"]) == ("success", MANY)
    assert len(facts["files"]) == 1
