"""Run the tests in several environments, each with other versions of Python, Airflow and our dependencies.

    python scripts/compat.py [ENVIRONMENT ...] [-- ARGUMENTS OF PYTEST]

Without a name it runs all environments, without arguments the whole suite. Each has its own folder below .compat/,
with its versions (versions.txt) and what pytest said (tests.log, tests.xml). No Python is downloaded: an environment
whose Python this machine lacks is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".compat"
UV = [sys.executable, "-m", "uv"]
# Both kinds of file system that the tests reach; the others differ in a package only.
EXTRAS = ("amazon", "parquet", "redis")


@dataclass(frozen=True)
class Environment:
    """What one environment holds.

    :param python: Its Python, such as 3.11.
    :param pinned: Install requirements-dev.txt as it stands, and let warnings be errors: newer libraries may warn.
    :param lowest: Our own dependencies in the lowest versions that pyproject.toml allows.
    :param requirements: What is asked for besides.
    :param may_fail: A failure is listed, and no reason to stop a release.
    """

    python: str
    pinned: bool = False
    lowest: bool = False
    requirements: tuple[str, ...] = ()
    may_fail: bool = False


ENVIRONMENTS = {
    "pinned": Environment("3.11", pinned=True),
    "airflow-3.3.0": Environment("3.11", lowest=True, requirements=("apache-airflow==3.3.0",)),
    "newest": Environment("3.11"),
    "python-3.13": Environment("3.13"),
    # A pre-release is taken only of what is named with one.
    "airflow-3.4": Environment(
        "3.11",
        requirements=(
            *("apache-airflow>=3.4.0b1", "apache-airflow-core>=3.4.0b1"),
            "apache-airflow-task-sdk>=1.4.0b1",
        ),
        may_fail=True,
    ),
}


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    name: str
    verdict: str
    python: str = ""
    airflow: str = ""
    tests: str = ""
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Tell whether this must be mended before a release."""
        return self.verdict == "failed" and not ENVIRONMENTS[self.name].may_fail


def main(arguments: list[str]) -> int:
    """Run the environments one after the other and print a table."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, tests = arguments[:split] or list(ENVIRONMENTS), arguments[split + 1 :]
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        print(f"No environment is called {', '.join(unknown)}. There are: {', '.join(ENVIRONMENTS)}.")
        return 2
    outcomes = [run(name, tests) for name in names]
    print("\n" + table(outcomes))
    return int(any(outcome.is_bad for outcome in outcomes))


def run(name: str, tests: list[str]) -> Outcome:
    """Make one environment and run the tests in it."""
    print(f"\n=== {name} ===", flush=True)
    environment, began = ENVIRONMENTS[name], time.monotonic()
    interpreter = find_python(environment.python)
    if interpreter is None:
        return Outcome(name, f"skipped: no Python {environment.python} here")
    python = HOME / name / "venv" / "bin" / "python"
    try:
        install(name, environment, interpreter, python)
    except subprocess.CalledProcessError:
        return Outcome(name, "failed", tests="not installed, see above", seconds=time.monotonic() - began)
    passed = run_tests(name, environment, python, tests)
    return Outcome(
        name,
        "passed" if passed else "failed",
        ask(python, "import platform; print(platform.python_version())"),
        ask(python, "from importlib.metadata import version; print(version('apache-airflow'))"),
        counts(HOME / name / "tests.xml"),
        time.monotonic() - began,
    )


def find_python(version: str) -> Path | None:
    """Return a Python of this machine, also one of pyenv that is not on the path."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    # A shim of pyenv is on the path even when its Python is not chosen.
    return next((path for path in candidates if ask(path, "print('works')") == "works"), None)


def install(name: str, environment: Environment, interpreter: Path, python: Path) -> None:
    """Make the environment anew; the cache of uv makes that quick."""
    shutil.rmtree(HOME / name, ignore_errors=True)
    (HOME / name).mkdir(parents=True)
    uv("venv", "--quiet", "--python", interpreter, python.parent.parent)
    into = ("pip", "install", "--quiet", "--python", python)
    if environment.pinned:
        uv(*into, "--requirement", "requirements-dev.txt")
        uv(*into, "--no-deps", "--editable", ".")
    else:
        low = lowest(name, environment, python) if environment.lowest else ()
        package = f".[{','.join(EXTRAS)}]"
        uv(*into, "--editable", package, "--group", "dev", *low, *environment.requirements)
    frozen = uv("pip", "freeze", "--python", python)
    (HOME / name / "versions.txt").write_text(frozen)


def lowest(name: str, environment: Environment, python: Path) -> tuple[str, ...]:
    """Return the requirements that hold our own dependencies at their lowest."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    ours = [
        *project["dependencies"],
        *(one for extra in EXTRAS for one in project["optional-dependencies"][extra]),
    ]
    wanted = HOME / name / "wanted.txt"
    # What the environment asks for besides takes the place of our own bound.
    named = {name_of(one) for one in environment.requirements}
    wanted.write_text(
        "\n".join([*environment.requirements, *(one for one in ours if name_of(one) not in named)])
    )
    resolved = HOME / name / "lowest.txt"
    uv(
        "pip",
        "compile",
        "--quiet",
        wanted,
        "--python",
        python,
        "--resolution",
        "lowest-direct",
        "-o",
        resolved,
    )
    direct = {name_of(one) for one in ours} - {"apache-airflow"}
    pins = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", resolved.read_text(), re.M)
    return tuple(f"{package}=={version}" for package, version in pins if package in direct)


def name_of(requirement: str) -> str:
    """Return the name of the package that is required."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()


def run_tests(name: str, environment: Environment, python: Path, tests: list[str]) -> bool:
    """Run pytest, show what it says and keep it."""
    command = [str(python), "-m", "pytest", "-q", f"--junitxml={HOME / name / 'tests.xml'}", *tests]
    if not environment.pinned:
        command += ["-W", "default"]
    home = {"AIRFLOW_HOME": str(HOME / name / "airflow"), "PYTHONPATH": ""}
    with (
        (HOME / name / "tests.log").open("w") as log,
        subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, **home}, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
    return process.returncode == 0


def counts(report: Path) -> str:
    """Return how many tests passed, failed and were skipped."""
    if not report.exists():
        return "pytest did not start, see above"
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    tests, failed, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    return f"{tests - failed - errors - skipped} passed, {failed + errors} failed, {skipped} skipped"


def table(outcomes: list[Outcome]) -> str:
    """Draw the table."""
    rows = [("environment", "Python", "Airflow", "tests", "seconds", "")]
    for one in outcomes:
        verdict = one.verdict + (" (allowed to)" if one.verdict == "failed" and not one.is_bad else "")
        rows.append((one.name, one.python, one.airflow, one.tests, f"{one.seconds:.0f}", verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def uv(*arguments: str | Path) -> str:
    """Run uv and return its output; what it complains of is shown."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    command = [*UV, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def ask(python: Path, code: str) -> str:
    """Return what a line of Python prints, nothing if it cannot be run."""
    done = subprocess.run(
        [python, "-c", code], cwd=HOME.parent.parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
