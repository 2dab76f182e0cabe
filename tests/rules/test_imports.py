"""Parsing a Dag file stays cheap: heavy libraries are loaded where they are used."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys

import pytest

import airflow_provider_gong

HEAVY = ("requests", "fastapi", "pyarrow", "cryptography", "jwt", "pyrate_limiter", "tenacity")
LIGHT_PACKAGES = ("operators", "sensors", "hooks", "exports", "triggers", "plugins")

# Runs in an interpreter of its own. What Airflow's SDK has loaded by itself costs us nothing (in 3.3 that is
# tenacity, among others), so only imports after it are watched.
WATCH = """
import importlib, importlib.abc, json, sys
modules, heavy = json.loads(sys.argv[1])
from airflow.sdk import DAG, BaseOperator

class Watch(importlib.abc.MetaPathFinder):
    seen = {}
    def find_spec(self, name, path, target=None):
        if name in heavy:
            frame, chain = sys._getframe(), []
            while frame:
                importer = frame.f_globals.get("__name__", "")
                if not importer.startswith(("importlib", "_frozen")) and importer not in chain:
                    chain.append(importer)
                frame = frame.f_back
            self.seen.setdefault(name, chain)

sys.meta_path.insert(0, Watch())
for module in modules:
    importlib.import_module(module)
print(json.dumps({name: " <- ".join([name, *chain]) for name, chain in Watch.seen.items()}))
"""

STANDARD_LIBRARY_ONLY = """
import json, sys
before = set(sys.modules)
import airflow_provider_gong.provider_info
names = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(names - sys.stdlib_module_names - {"airflow_provider_gong"})))
"""


def output(script: str, *arguments: str) -> str:
    """Run the script in a fresh interpreter and return its last line."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def light_modules() -> list[str]:
    modules = pkgutil.walk_packages(airflow_provider_gong.__path__, "airflow_provider_gong.")
    names = [module.name for module in modules]
    light = [name for name in names if name.split(".")[1] in (*LIGHT_PACKAGES, "provider_info")]
    assert {name.split(".")[1] for name in light} == {*LIGHT_PACKAGES, "provider_info"}
    return light


def test_modules_for_dag_files_load_no_heavy_library() -> None:
    assert json.loads(output(WATCH, json.dumps([light_modules(), HEAVY]))) == {}


@pytest.mark.parametrize("module", ["requests", "pyrate_limiter"])
def test_the_watch_sees_a_heavy_library(module: str) -> None:
    assert json.loads(output(WATCH, json.dumps([[module], HEAVY])))[module].startswith(f"{module} <- ")


def test_provider_info_needs_the_standard_library_only() -> None:
    assert json.loads(output(STANDARD_LIBRARY_ONLY)) == []
