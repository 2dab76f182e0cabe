"""One site of all guides and the reference can be built, without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    [recipe] = re.findall(r"-m (sphinx .*)", (ROOT / "Makefile").read_text())
    arguments = recipe.replace("build/docs", str(folder)).split()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *arguments, "-d", str(folder / ".doctrees")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_holds_readme_guides_and_reference(site: Path) -> None:
    pages = {str(page.relative_to(site)) for page in site.rglob("*.html")}
    assert {"index.html", "README.html", "docs/index.html", "docs/exports.html"} <= pages
    assert {f"docs/reference/{page.stem}.html" for page in (ROOT / "docs/reference").glob("*.rst")} <= pages


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("operators", "GongExportCallsOperator"),
        ("sensors", "GongTranscriptSensor"),
        ("triggers", "GongNewCallsTrigger"),
        ("hooks", "gong_conn_id"),
        ("exports", "read_export"),
        ("api", "list_calls_extensive"),
        ("exceptions", "GongQuotaUnavailable"),
        ("sandbox", "GongSandbox"),
    ],
)
def test_the_reference_has_what_users_meet(site: Path, page: str, said: str) -> None:
    assert said in (site / "docs" / "reference" / f"{page}.html").read_text()


def test_signatures_and_tables_are_laid_out_for_readers(site: Path) -> None:
    text = (site / "docs" / "reference" / "operators.html").read_text()
    assert '<dd><em class="sig-param"><span class="n"><span class="pre">client_unique_id' in text, (
        "one line each"
    )
    assert 'href="#gongcreatecalloperator"' in text, "a list of what is on the page"
    assert "_static/site.css" in text, "wide tables scroll by themselves"


def test_functions_of_the_api_return_requests(site: Path) -> None:
    text = (site / "docs" / "reference" / "api.html").read_text()
    signature = text.partition('id="airflow_provider_gong.api.calls.list_calls"')[2].partition("</dt>")[0]
    assert "endpoint.Request" in signature
    assert "Params" not in signature


def test_it_asks_nobody_else_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page.read_text()), page
