"""Rules about the files of the repository."""

from __future__ import annotations

import ast
import shutil
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent.parent
PACKAGE = REPO / "airflow_provider_gong"
MIRRORED = (
    "api",
    "hooks",
    "exports",
    "exports/check",
    "exports/plan",
    "operators",
    "sensors",
    "triggers",
    "plugins",
    "plugins/webhooks",
    "testing",
    "plugins/oauth",
)
# Test modules that speak of several modules at once, each with the reason.
TOPICS = {
    "resources": "one table compares the requests of all resource modules",
    "bad_input": "one table has what each operator says to bad input",
    "rendering": "one table renders the arguments of each operator",
    "oauth": "operators with an OAuth connection",
    "at_once": "the page of OAuth connections when something else happens meanwhile",
    "list_calls": "the list among the operators for calls",
    # operators/exports.py, from several sides; each would be a long module.
    "export_calls": "what the export of calls writes and returns",
    "export_transcripts": "what the export of transcripts writes and returns",
    "export_users": "what the export of users writes and returns",
    "export_logs": "what the export of logs writes and returns",
    "export_conversations": "what the export of conversations writes and returns",
    "export_parquet": "each export in the format with columns",
    "check_looked_back": "what looking back writes again is no fault to a check",
    "export_conversations_again": "what the newest export of conversations does about the windows before",
    "export_lookback": "what the newest export of calls does about the windows before",
    "export_waiting": "what the newest export of transcripts does about those that were not ready",
    "export_faults": "each fault of Gong meets each export",
    "export_two_years": "two years of exports, of changes and of everything that goes wrong",
    "export_faults_again": "each fault of Gong meets each export over an earlier one, on a disk and in S3",
    "storage_faults": "storage that fails at single steps",
    "export_storage": "storage that fails at each moment of each export",
    "resumed": "exports in slices that go on where another attempt was killed",
    "export_crash": "exports whose process is killed, or wakes up beside its retry",
    "export_slice_faults": "each fault of Gong meets exports in slices",
    "export_full_disk": "disks without room for an export",
    "export_metrics": "what exports count",
    "export_lineage": "what exports tell OpenLineage",
    "export_property": "any distribution of calls over the windows",
}
MAX_MODULE_LINES = 350

# Spelled in pieces, so that this file keeps the rule itself.
UNWANTED = (
    "/" + "work/",
    "/" + "tmp/plan",
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.",
    "deb" + "ian.org",
)


@cache
def tracked() -> tuple[Path, ...]:
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run([git, "ls-files"], cwd=REPO, capture_output=True, text=True, check=True)
    return tuple(path for name in listed.stdout.splitlines() if (path := REPO / name).is_file())


def modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert found
    return found


def function_lengths() -> dict[str, int]:
    """Return the lines of each function of the package, its docstring left out."""
    return {
        f"{path.relative_to(REPO)}:{node.lineno} {node.name}": _code_lines(node)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return end - node.lineno + 1 - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)


def test_imports_keep_the_layers() -> None:
    lint_imports = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [lint_imports, "--no-cache"], cwd=REPO, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_are_short() -> None:
    lengths = {str(path.relative_to(REPO)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines >= MAX_MODULE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = function_lengths()
    longest = sorted(lengths.items(), key=lambda item: -item[1])[:10]
    assert statistics.median(lengths.values()) < 15, longest
    assert statistics.quantiles(lengths.values(), n=10)[-1] < 40, longest


@pytest.mark.parametrize("layer", MIRRORED)
def test_test_modules_mirror_the_package(layer: str) -> None:
    tests = {path.stem.removeprefix("test_") for path in (REPO / "tests" / layer).glob("test_*.py")}
    known = {path.stem for path in (PACKAGE / layer).glob("*.py")}
    assert tests - known - TOPICS.keys() == set()


def test_no_file_names_a_place_outside_the_repository() -> None:
    found = [
        f"{path.relative_to(REPO)}:{number}: {word}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        for word in UNWANTED
        if word in line
    ]
    assert found == []
