"""CONTRIBUTING.md and SECURITY.md: what they name exists, what they show works."""

from __future__ import annotations

import re
import runpy
import textwrap
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_gong.api.encode import optional_id
from airflow_provider_gong.api.endpoint import Params, endpoint
from tests.contract.facts import operation

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PACKAGE = ROOT / "airflow_provider_gong"


def test_targets_are_those_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    told = set(re.findall(r"make ([a-z-]+)", " ".join(re.findall(r"`make [^`]*`|^make .*", GUIDE, re.M))))
    assert told <= targets
    assert set(re.findall(r"^\| `make ([a-z-]+)` \|", GUIDE, re.M)) >= {"test", "compat", "release-check"}


def test_floor_plan_is_that_of_the_package() -> None:
    [plan] = re.findall(r"```\nairflow_provider_gong/\n(.*?)```", GUIDE, re.DOTALL)
    told = {line.split()[0].rstrip("/") for line in plan.splitlines()}
    there = {
        path.name for path in PACKAGE.iterdir() if path.name not in ("__init__.py", "__pycache__", "py.typed")
    }
    assert told == there


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_files_that_are_named_exist() -> None:
    named = re.findall(r"`((?:tests|scripts|sandbox|example_dags|docs)/[\w./]+)`", GUIDE)
    assert len(named) > 10
    for name in {name for name in named if "settings" not in name}:
        assert (ROOT / name).exists() or (PACKAGE / name).exists(), name


def test_endpoint_of_the_example_is_as_gong_declares_it() -> None:
    [source] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {"endpoint": endpoint, "Params": Params, "optional_id": optional_id}
    exec(textwrap.dedent(source), names)
    request = names["list_trackers"](workspace_id="5")
    facts = operation(f"{request.endpoint.method} {request.endpoint.path}")
    assert request.query.keys() == facts.query.keys()
    assert request.endpoint.scope in facts.scopes


def test_environments_are_those_of_the_script() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "compat.py"))
    rows = re.findall(r"^\| `([\w.-]+)` \| (3\.\d+) \| (.*?) \|", GUIDE, re.M)
    assert [(name, python) for name, python, _ in rows] == [
        (name, environment.python) for name, environment in script["ENVIRONMENTS"].items()
    ]
