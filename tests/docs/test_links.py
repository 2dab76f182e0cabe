"""Links lead somewhere, in the README and in all guides."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT, name_of, prose_of

INDEX = ROOT / "docs" / "index.md"
GUIDES = {page.stem for page in PAGES if page.parent == INDEX.parent}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def headings_of(page: Path) -> list[str]:
    """Return the headings of a page as GitHub and Sphinx name them in links."""
    headings = re.findall(r"^#+ (.*)", prose_of(page), re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [target for target in LINK.findall(prose_of(page)) if not leads_somewhere(page, target)]
    assert broken == [], f"{name_of(page)} links to what is not there"


def leads_somewhere(page: Path, target: str) -> bool:
    if "://" in target:
        url = urlsplit(target)
        return url.scheme == "https" and "." in url.netloc and " " not in target
    file, _, anchor = target.partition("#")
    place = page.parent / file if file else page
    return place.exists() and (not anchor or anchor in headings_of(place))


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "CHANGELOG"], ids=name_of)
def test_headings_of_a_page_differ(page: Path) -> None:
    # A link to the second of two that are equal leads to the first.
    assert {one: count for one, count in Counter(headings_of(page)).items() if count > 1} == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_addresses_in_prose_are_whole(page: Path) -> None:
    for url in re.findall(r"<(https?://[^>\s]+)>", prose_of(page)):
        assert leads_somewhere(page, url), url


def guides_in(page: Path) -> list[str]:
    """Return the guides that a page links to, each where it comes first."""
    targets = (Path(target.partition("#")[0]) for target in LINK.findall(prose_of(page)))
    linked = [target.stem for target in targets if target.suffix == ".md"]
    return list(dict.fromkeys(one for one in linked if one in GUIDES and one != page.stem))


def test_readme_links_to_all_guides() -> None:
    assert GUIDES - set(guides_in(ROOT / "README.md")) == set()


def test_index_and_site_have_all_guides_in_one_order() -> None:
    in_site = re.findall(r"^   \.\./(\w+)$", (ROOT / "docs" / "reference" / "site.rst").read_text(), re.M)
    assert in_site == guides_in(INDEX)
    assert set(in_site) == GUIDES - {"index"}


def test_index_has_all_example_dags() -> None:
    listed = re.findall(r"\(\.\./example_dags/(\w+)\.py\)", prose_of(INDEX))
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Some heading\n")
    for target in ("no.md", "page.md#no", "#no", "http://gong.io", "https://no dots"):
        assert not leads_somewhere(page, target), target
    for target in ("page.md", "page.md#some-heading", "#some-heading", "https://gong.io/x#y"):
        assert leads_somewhere(page, target), target
