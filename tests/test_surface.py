"""What docs/versioning.md promises is what the code has, and does not change unnoticed."""

from __future__ import annotations

import re
import runpy
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.operators.exporting import SUMMARY_KEYS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return runpy.run_path(str(ROOT / "scripts" / "surface.py"))


def test_public_names_are_those_that_were_written_down(script: dict[str, Any]) -> None:
    added, lost = script["differences"](script["published"](), script["surface"]())
    assert lost == {}, (
        "Users rely on these. Keep them for a minor version with a deprecation warning, as docs/versioning.md says; "
        "when their time has come, run `python scripts/surface.py --breaking` and name them in CHANGELOG.md."
    )
    assert added == {}, (
        "These are public from the next release on. When that is meant, run `python scripts/surface.py` and write "
        "a line in CHANGELOG.md; otherwise begin the name with an underscore."
    )


def test_surface_covers_what_the_docs_promise(script: dict[str, Any]) -> None:
    names = script["surface"]()
    assert [name.partition(": ")[2] for name in names if name.startswith("summary: ")] == sorted(SUMMARY_KEYS)
    for name, what in {
        "operators.exports.GongExportCallsOperator(lookback)": "datetime.timedelta(days=7)",
        "operators.exports.GongExportCallsOperator(lookback) templated": "yes",
        "operators.calls.GongGetCallOperator(call_id)": "required",
        "sensors.calls.GongCallSensor": "class",
        "triggers.new_calls.GongNewCallsTrigger": "class",
        "exports.read_export(export)": "required",
        "sandbox.GongSandbox(seed)": "0",
        "connection gong: max_wait": "60",
        "connection gong_oauth: scopes": "'api:calls:create api:calls:read:basic'",
        "option [gong] webhook_rules": "''",
        "metric gong.requests": "counter",
        "metric gong.requests [outcome]": "tag",
        "route /gong/webhooks/{rule}": "POST",
        "webhook, payload ids: call_id": "key",
        "webhook, payload summary: summary": "key",
        "manifest: complete_through": "str | None",
        "load: version": "key",
        "check: gaps": "key",
        "schema calls.v1: /metaData/id": "string",
        "exceptions.GongRateLimited": "GongUnavailable",
        "extra [parquet]": "extra",
    }.items():
        assert names.get(name) == what, name


BEFORE = {"a.B": "class", "a.B(x)": "1", "a.c": "function"}


@pytest.mark.parametrize(
    ("after", "added", "lost"),
    [
        (BEFORE, [], []),
        (BEFORE | {"a.B(y)": "None"}, ["a.B(y)"], []),
        (BEFORE | {"a.D": "class", "a.D(z)": "required"}, ["a.D", "a.D(z)"], []),
        (BEFORE | {"a.B(y)": "required"}, [], ["a.B(y)"]),
        (BEFORE | {"a.B(x)": "2"}, [], ["a.B(x)"]),
        ({"a.B": "class", "a.c": "function"}, [], ["a.B(x)"]),
    ],
    ids=["same", "argument", "class", "demanded", "default", "removed"],
)
def test_what_breaks_users_is_told_from_what_does_not(
    script: dict[str, Any], after: dict[str, str], added: list[str], lost: list[str]
) -> None:
    found = script["differences"](BEFORE, after)
    assert [list(names) for names in found] == [added, lost]


def test_versions_of_the_page_are_those_of_the_distribution() -> None:
    page = " ".join((ROOT / "docs" / "versioning.md").read_text(encoding="utf-8").split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [airflow] = re.findall(r"runs on Airflow (\S+) and newer", page)
    assert f"apache-airflow>={airflow}" in project["dependencies"]
    [(first, last)] = re.findall(r"on Python 3\.(\d+) to 3\.(\d+)\.", page)
    assert project["requires-python"] == f">=3.{first},<3.{int(last) + 1}"
    for extra in project["optional-dependencies"]:
        assert f"`[{extra}]`" in page


def test_deprecations_warn_with_the_class_of_the_page() -> None:
    from airflow.exceptions import AirflowProviderDeprecationWarning

    page = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
    assert f"`{AirflowProviderDeprecationWarning.__name__}`" in page
    assert issubclass(AirflowProviderDeprecationWarning, DeprecationWarning)


def test_public_names_of_the_page_can_be_imported() -> None:
    from airflow_provider_gong.exports import exports_to_load, read_export
    from airflow_provider_gong.hooks.gong import GongHook, GongOAuthHook
    from airflow_provider_gong.operators.retries import GongRetryPolicy
    from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger

    page = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
    for thing in (
        exports_to_load,
        read_export,
        GongHook,
        GongOAuthHook,
        GongRetryPolicy,
        GongNewCallsTrigger,
    ):
        assert f"`{thing.__name__}`" in page
