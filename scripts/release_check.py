"""Check that what would be released is fit: built, complete, of one version, and running where nothing else is.

It builds from the tracked files alone, below .release/, and stops at the first thing that has to be mended.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".release"
DIST = "airflow-provider-gong"
PACKAGE = "airflow_provider_gong"
# Kinds of files that the package may hold; a picture, a database or a note is there by mistake.
KINDS = {".py", ".json", ".html", ".css", ".typed"}
NEEDED = {f"{PACKAGE}/py.typed", f"{PACKAGE}/exports/schemas/calls.v1.json", f"{PACKAGE}/provider_info.py"}
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}
BESIDE_THE_PACKAGE = {
    *("CHANGELOG.md", "LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "SECURITY.md"),
    *("pyproject.toml", "setup.cfg"),
}
# How each environment is installed: as a user would today, and as the tests were run.
VARIANTS = {"newest": (), "pinned": ("--constraint", "requirements-dev.txt")}
ENTRY_POINTS = """
from importlib.metadata import distribution
import airflow_provider_gong
for entry in distribution("airflow-provider-gong").entry_points:
    if entry.group != "pytest11":  # pytest is no dependency of ours
        entry.load()
    print(f"{entry.group} {entry.name}")
print(airflow_provider_gong.__file__)
"""
EXPECTED_ENTRY_POINTS = ["airflow.plugins gong", "apache_airflow_provider provider_info", "pytest11 gong"]


class UnfitError(Exception):
    """What would be released has to be mended first."""


def main() -> int:
    """Run all checks."""
    began = time.monotonic()
    try:
        version = check_versions()
        wheel, sdist = build(version)
        check_wheel(zipfile.ZipFile(wheel).namelist(), tracked())
        with tarfile.open(sdist) as archive:
            check_sdist([member.name for member in archive if member.isfile()], tracked())
        for variant, constraints in VARIANTS.items():
            check_installed(variant, wheel, version, constraints)
        run_demo("newest")
    except UnfitError as error:
        print(f"\nNot fit for a release: {error}")
        return 1
    print(f"\n{wheel.relative_to(PROJECT)} and {sdist.name} are fit, {time.monotonic() - began:.0f} seconds.")
    return 0


def check_versions(project: Path = PROJECT) -> str:
    """Return the version, when all places tell the same one."""
    version: str = re.findall(
        r'^__version__ = "(.+)"$', (project / PACKAGE / "__init__.py").read_text(), re.M
    )[0]
    base = re.split(r"(?:a|b|rc|\.dev)\d+$", version)[0]
    sections = re.findall(r"^## \[?([^\]\s]+)", (project / "CHANGELOG.md").read_text(), re.M)
    if sections[:1] != [version]:
        raise UnfitError(f"CHANGELOG.md begins with {sections[:1]}, the package is {version}")
    pyproject = (project / "pyproject.toml").read_text()
    status = "5 - Production/Stable" if version == base else "4 - Beta"
    if f'"Development Status :: {status}"' not in pyproject:
        raise UnfitError(f'{version} wants "Development Status :: {status}" in pyproject.toml')
    info = (project / PACKAGE / "provider_info.py").read_text()
    for added in re.findall(r'"version_added": "(.+)"', info):
        if _numbers(added) > _numbers(base):
            raise UnfitError(f"provider_info.py has an option that was added in {added}, after {version}")
    for page in [project / "README.md", *sorted((project / "docs").glob("*.md"))]:
        for told in re.findall(rf"{DIST}(?:\[[\w,]+\])?==([\w.]+\w)", page.read_text()):
            if told != version:
                raise UnfitError(f"{page.name} tells to install {told}, the package is {version}")
    said(f"version {version} in the package, CHANGELOG.md, pyproject.toml, provider_info.py and docs")
    return version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def build(version: str) -> tuple[Path, Path]:
    """Build both files out of the tracked files and return them."""
    shutil.rmtree(HOME, ignore_errors=True)
    tree = HOME / "tree"
    for name in tracked():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tree / name)
    run(sys.executable, "-m", "build", "--outdir", HOME / "dist", tree, quiet=True)
    wheel = HOME / "dist" / f"{PACKAGE}-{version}-py3-none-any.whl"
    sdist = HOME / "dist" / f"{PACKAGE}-{version}.tar.gz"
    built = sorted((HOME / "dist").iterdir())
    if built != sorted([wheel, sdist]):
        raise UnfitError(f"built were {[path.name for path in built]}")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist, quiet=True)
    said(
        f"built {wheel.name} ({wheel.stat().st_size:,} bytes) and {sdist.name} ({sdist.stat().st_size:,} bytes)"
    )
    said("twine finds nothing in the metadata")
    return wheel, sdist


def tracked() -> list[str]:
    """Return the files that git knows."""
    names = run("git", "ls-files", quiet=True).splitlines()
    return [name for name in names if (PROJECT / name).is_file()]


def check_wheel(names: list[str], tracked: list[str]) -> None:
    """Compare the wheel with the files of the package; list what it holds."""
    ours = {name for name in tracked if name.startswith(f"{PACKAGE}/")}
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    _compare("the wheel", set(names) - metadata, ours)
    _compare("the metadata of the wheel", {name.split("/", 1)[1] for name in metadata}, METADATA)
    _check_kinds(ours)
    said(f"the wheel holds the package and its metadata, {len(names)} files:")
    for folder in sorted({str(PurePosixPath(name).parent) for name in names}):
        inside = [PurePosixPath(name).name for name in names if str(PurePosixPath(name).parent) == folder]
        print(f"     {len(inside):>3} {folder}: {', '.join(sorted(inside))}")


def check_sdist(names: list[str], tracked: list[str]) -> None:
    """Compare the source distribution with the files of the package and those that say what it is."""
    inside = {name.split("/", 1)[1] for name in names}
    inside = {name for name in inside if not name.startswith(f"{PACKAGE}.egg-info/")}
    _compare("the sdist", inside, {n for n in tracked if n.startswith(f"{PACKAGE}/")} | BESIDE_THE_PACKAGE)
    said(f"the sdist holds the package and {', '.join(sorted(BESIDE_THE_PACKAGE))}")


def _compare(what: str, found: set[str], expected: set[str]) -> None:
    if found - expected:
        raise UnfitError(f"{what} holds what it should not: {', '.join(sorted(found - expected))}")
    if expected - found:
        raise UnfitError(f"{what} lacks {', '.join(sorted(expected - found))}")


def _check_kinds(ours: set[str]) -> None:
    strange = {
        n for n in ours if PurePosixPath(n).suffix not in KINDS or PurePosixPath(n).name.startswith("test_")
    }
    if strange:
        raise UnfitError(
            f"the package holds files of a kind that it should not: {', '.join(sorted(strange))}"
        )
    if NEEDED - ours:
        raise UnfitError(f"the package lacks {', '.join(sorted(NEEDED - ours))}")


def check_installed(variant: str, wheel: Path, version: str, constraints: tuple[str, ...]) -> None:
    """Install the wheel where nothing else is, and see that Airflow finds the provider."""
    folder = HOME / variant
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder / "venv")
    pip = [sys.executable, "-m", "uv", "pip"]
    run(*pip, "install", "--quiet", "--python", python, *constraints, wheel)
    run(*pip, "check", "--quiet", "--python", python)
    airflow = run(
        python, "-c", "from importlib.metadata import version as v; print(v('apache-airflow'))", quiet=True
    )
    found = run(python, "-m", "airflow", "providers", "get", DIST, folder=folder, quiet=True)
    if version not in found:
        raise UnfitError(f"{variant}: Airflow {airflow.strip()} does not tell of {DIST} {version}:\n{found}")
    *entries, where = run(python, "-W", "ignore", "-c", ENTRY_POINTS, folder=folder, quiet=True).splitlines()
    if sorted(entries) != EXPECTED_ENTRY_POINTS:
        raise UnfitError(f"{variant}: the entry points are {sorted(entries)}")
    if not Path(where).is_relative_to(folder / "venv"):
        raise UnfitError(f"{variant}: the package was imported from {where}")
    said(f"{variant}: installed beside Airflow {airflow.strip()}, no conflicts, Airflow finds the provider")


def run_demo(variant: str) -> None:
    """Run the demo with the installed package: only the script and the example Dags are copied."""
    project = HOME / variant / "project"
    for folder in ("scripts", "example_dags"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    told = run(HOME / variant / "venv" / "bin" / "python", "scripts/demo.py", folder=project, quiet=True)
    rows = re.findall(r"^(\w+): ([\d,]+) rows$", told, re.M)
    if [stream for stream, _ in rows] != ["calls", "transcripts", "users", "logs"]:
        raise UnfitError(f"the demo did not show its rows:\n{told}")
    said(f"the demo ran: {', '.join(f'{count} {stream}' for stream, count in rows)}")


def run(*command: str | Path, folder: Path = PROJECT, quiet: bool = False) -> str:
    """Run a command, away from Airflow and Python of the caller, and return what it prints."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, "AIRFLOW_HOME": str(HOME / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnfitError(f"{' '.join(str(part) for part in command)} failed:\n{done.stdout}{done.stderr}")
    if not quiet and done.stdout:
        print(done.stdout, end="")
    return done.stdout


def said(line: str) -> None:
    """Tell what was found good."""
    print(f"ok   {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
