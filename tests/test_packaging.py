"""The wheel holds the package and nothing else, and Airflow finds the provider in it."""

from __future__ import annotations

import re
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_provider_gong
from airflow_provider_gong.exports.schema import CURRENT
from tests.support.wheel import REPO, build_wheel, run, tracked_files

if TYPE_CHECKING:
    from email.message import Message

PACKAGE = "airflow_provider_gong"
DIST_INFO = f"{PACKAGE}-{airflow_provider_gong.__version__}.dist-info"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(f"{DIST_INFO}/METADATA").decode())


def test_wheel_holds_every_tracked_file_of_the_package(names: set[str]) -> None:
    ours = {name for name in tracked_files() if name.startswith(f"{PACKAGE}/")}
    assert f"{PACKAGE}/py.typed" in ours
    assert ours - names == set()


def test_wheel_holds_the_schemas_of_parquet_files(names: set[str]) -> None:
    assert CURRENT.keys() >= {"calls", "transcripts", "users", "logs"}
    assert {f"{PACKAGE}/exports/schemas/{name}.json" for name in CURRENT.values()} <= names


def test_wheel_holds_nothing_but_the_package_and_its_metadata(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {PACKAGE, DIST_INFO}
    assert f"{DIST_INFO}/licenses/LICENSE" in names


def test_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "airflow-provider-gong"
    assert metadata["Version"] == airflow_provider_gong.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert {"amazon", "google", "azure", "parquet"} <= set(metadata.get_all("Provides-Extra", []))
    assert "apache-airflow>=3.3.0" in metadata.get_all("Requires-Dist", [])


def test_entry_points_are_all_that_airflow_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read(f"{DIST_INFO}/entry_points.txt").decode()
    assert "[apache_airflow_provider]" in entry_points
    assert f"provider_info = {PACKAGE}.provider_info:get_provider_info" in entry_points
    assert "[airflow.plugins]" in entry_points
    assert f"gong = {PACKAGE}.plugins.gong:GongPlugin" in entry_points
    assert "[pytest11]" in entry_points
    assert f"gong = {PACKAGE}.testing.pytest_plugin" in entry_points


def test_airflow_finds_the_provider_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    python = environment_without_the_repository(tmp_path / "venv")
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--python",
        python,
        wheel,
        cwd=tmp_path,
    )
    where = run(python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path))
    found = run(
        python,
        "-m",
        "airflow",
        "providers",
        "get",
        "airflow-provider-gong",
        cwd=tmp_path,
        AIRFLOW_HOME=str(tmp_path),
    )
    assert airflow_provider_gong.__version__ in found


def environment_without_the_repository(where: Path) -> Path:
    """Return the Python of a new environment that has all our dependencies but not the editable package."""
    venv.create(where, symlinks=True)
    site_packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(where)}))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if PACKAGE not in entry.name:
            (site_packages / entry.name).symlink_to(entry)
    return where / "bin" / "python"


def pinned() -> dict[str, str]:
    lines = (REPO / "requirements-dev.txt").read_text().splitlines()
    return dict(re.match(r"([a-z0-9-]+)==([^ ;]+)", line).groups() for line in lines if line)  # type: ignore[union-attr,misc]


def wanted() -> set[str]:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    requirements = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


def test_every_dependency_is_pinned() -> None:
    assert wanted() - pinned().keys() == set()


def test_pinned_requirements_name_no_index() -> None:
    text = (REPO / "requirements-dev.txt").read_text()
    assert not re.search(r"://|--|@", text)
