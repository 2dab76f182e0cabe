"""Links lead somewhere, in the README and in all guides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PAGES, name_of, prose_of

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a page has: its headings as GitHub and Sphinx name them."""
    headings = re.findall(r"^#+ (.*)", prose_of(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


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
    return place.exists() and (not anchor or anchor in anchors_of(place))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_addresses_in_prose_are_whole(page: Path) -> None:
    for url in re.findall(r"<(https?://[^>\s]+)>", prose_of(page)):
        assert leads_somewhere(page, url), url


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Some heading\n")
    for target in ("no.md", "page.md#no", "#no", "http://gong.io", "https://no dots"):
        assert not leads_somewhere(page, target), target
    for target in ("page.md", "page.md#some-heading", "#some-heading", "https://gong.io/x#y"):
        assert leads_somewhere(page, target), target
