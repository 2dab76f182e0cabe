"""``scripts/compat.py``: which environments there are, and what it tells of them."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def compat() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "compat.py"))


def test_oldest_airflow_and_newest_python_that_are_promised_are_tried(compat: dict[str, Any]) -> None:
    [oldest] = [
        re.split(">=", one)[1] for one in PROJECT["dependencies"] if one.startswith("apache-airflow>=")
    ]
    assert compat["ENVIRONMENTS"][f"airflow-{oldest}"].requirements == (f"apache-airflow=={oldest}",)
    promised = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    tried = {environment.python for environment in compat["ENVIRONMENTS"].values()}
    assert {promised[0], promised[-1]} <= tried


def test_only_what_is_not_released_may_fail(compat: dict[str, Any]) -> None:
    may_fail = [one for one in compat["ENVIRONMENTS"].values() if one.may_fail]
    assert all(
        re.search(r"\d(a|b|rc)\d", requirement) for one in may_fail for requirement in one.requirements
    )


def test_python_that_is_missing_is_told(compat: dict[str, Any]) -> None:
    assert compat["find_python"]("3.1") is None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert compat["find_python"](version).exists()


def test_name_that_is_unknown_is_told_with_those_that_exist(
    compat: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compat["main"](["newest", "airflow-2"]) == 2
    assert "No environment is called airflow-2. There are: pinned, airflow-3.3.0, " in capsys.readouterr().out


def test_table_tells_what_may_fail_from_what_may_not(compat: dict[str, Any]) -> None:
    outcome = compat["Outcome"]
    bad = outcome("newest", "failed", "3.11.7", "3.3.2", "9 passed, 1 failed, 0 skipped", 61.2)
    may = outcome("airflow-3.4", "failed", "3.11.7", "3.4.0b2", "9 passed, 1 failed, 0 skipped", 5)
    skipped = outcome("python-3.13", "skipped: no Python 3.13 here")
    assert [one.is_bad for one in (bad, may, skipped)] == [True, False, False]
    lines = compat["table"]([bad, may, skipped]).splitlines()
    assert lines[1].split("  ")[0] == "newest"
    assert lines[1].endswith("61       failed")
    assert lines[2].endswith("failed (allowed to)")
    assert lines[3].endswith("skipped: no Python 3.13 here")


def test_counts_are_those_of_pytest(compat: dict[str, Any], tmp_path: Path) -> None:
    report = tmp_path / "tests.xml"
    assert compat["counts"](report) == "pytest did not start, see above"
    report.write_text('<testsuites><testsuite tests="10" failures="1" errors="2" skipped="3"/></testsuites>')
    assert compat["counts"](report) == "4 passed, 3 failed, 3 skipped"
