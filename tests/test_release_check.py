"""What ``scripts/release_check.py`` refuses; `make release-check` runs all of it."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_gong
from tests.support.wheel import tracked_files

ROOT = Path(__file__).resolve().parent.parent
CHECK: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "release_check.py"))
UnfitError: type[Exception] = CHECK["UnfitError"]
OURS = [name for name in tracked_files() if name.startswith("airflow_provider_gong/")]
WHEEL = [*OURS, *(f"airflow_provider_gong-1.0.dist-info/{name}" for name in CHECK["METADATA"])]
SDIST = [f"airflow_provider_gong-1.0/{name}" for name in [*OURS, *CHECK["BESIDE_THE_PACKAGE"]]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of what tells a version."""
    for name in ("CHANGELOG.md", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    package = tmp_path / "airflow_provider_gong"
    package.mkdir()
    for name in ("__init__.py", "provider_info.py"):
        shutil.copy(ROOT / "airflow_provider_gong" / name, package / name)
    return tmp_path


def change(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count == 1
    path.write_text(changed)


def test_all_places_tell_the_same_version() -> None:
    assert CHECK["check_versions"]() == airflow_provider_gong.__version__


@pytest.mark.parametrize(
    ("file", "pattern", "text", "told"),
    [
        ("airflow_provider_gong/__init__.py", '"1.*"', '"1.0.0rc9"', "CHANGELOG.md begins with"),
        ("CHANGELOG.md", "## 1", "## Unreleased\n\n## 1", "CHANGELOG.md begins with"),
        ("pyproject.toml", "4 - Beta", "3 - Alpha", "Development Status"),
        ("airflow_provider_gong/provider_info.py", '(version_added": )".*"', r'\1"9.0.0"', "added in 9.0.0"),
        (
            "README.md",
            "Licence",
            "pip install airflow-provider-gong==0.9. Licence",
            "README.md tells to install 0.9,",
        ),
        ("docs/quota.md", "#", "`airflow-provider-gong[redis]==0.9` #", "quota.md tells to install 0.9,"),
    ],
)
def test_version_that_differs_in_one_place_is_refused(
    project: Path, file: str, pattern: str, text: str, told: str
) -> None:
    assert CHECK["check_versions"](project) == airflow_provider_gong.__version__
    change(project / file, pattern, text)
    with pytest.raises(UnfitError, match=re.escape(told)):
        CHECK["check_versions"](project)


def test_final_release_is_no_beta(project: Path) -> None:
    change(project / "airflow_provider_gong" / "__init__.py", '"1.*"', '"1.0.0"')
    change(project / "CHANGELOG.md", r"## 1\.\S+", "## 1.0.0")
    with pytest.raises(UnfitError, match="5 - Production/Stable"):
        CHECK["check_versions"](project)


def test_what_is_tracked_makes_a_wheel_and_an_sdist(capsys: pytest.CaptureFixture[str]) -> None:
    CHECK["check_wheel"](WHEEL, OURS)
    CHECK["check_sdist"](SDIST, OURS)
    assert "exports/schemas: calls.v1.json, " in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["tests/test_docs.py", "airflow_provider_gong/left_over.py", "docs/images/a.png"]
)
def test_file_too_many_is_refused(name: str) -> None:
    with pytest.raises(UnfitError, match=f"holds what it should not: {name}"):
        CHECK["check_wheel"]([*WHEEL, name], OURS)
    with pytest.raises(UnfitError, match=f"holds what it should not: {name}"):
        CHECK["check_sdist"]([*SDIST, f"airflow_provider_gong-1.0/{name}"], OURS)


@pytest.mark.parametrize(
    "name", ["airflow_provider_gong/py.typed", "airflow_provider_gong/exports/schemas/users.v1.json"]
)
def test_file_too_few_is_refused(name: str) -> None:
    with pytest.raises(UnfitError, match=f"lacks {name}"):
        CHECK["check_wheel"]([one for one in WHEEL if one != name], OURS)
    with pytest.raises(UnfitError, match=f"lacks {name}"):
        CHECK["check_sdist"]([one for one in SDIST if not one.endswith(name)], OURS)


@pytest.mark.parametrize("name", ["form.png", "test_calls.py"])
def test_file_that_is_tracked_but_of_a_strange_kind_is_refused(name: str) -> None:
    name = f"airflow_provider_gong/{name}"
    with pytest.raises(UnfitError, match=f"of a kind that it should not: {name}"):
        CHECK["check_wheel"]([*WHEEL, name], [*OURS, name])


def test_licence_is_not_forgotten() -> None:
    with pytest.raises(UnfitError, match=r"the metadata of the wheel lacks licenses/LICENSE"):
        CHECK["check_wheel"]([one for one in WHEEL if not one.endswith("LICENSE")], OURS)
