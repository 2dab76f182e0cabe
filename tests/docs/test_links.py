"""Links lead somewhere, in the README and in all guides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT, name_of, prose_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

# Files that are linked before they are there.
AWAITED = {
    *(f"docs/{name}.md" for name in ("design", "metrics", "security", "testing", "versioning", "warehouse")),
    *(f"docs/images/{name}.png" for name in ("connection-form", "connection-test-ok")),
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a page has: its headings as GitHub and Sphinx name them."""
    headings = re.findall(r"^#+ (.*)", prose_of(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def skip_while_pages_are_awaited() -> None:
    if missing := [file for file in sorted(AWAITED) if not (ROOT / file).exists()]:
        pytest.skip(f"linked and not there yet: {', '.join(missing)}")


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
    if str(place.resolve()).removeprefix(f"{ROOT}/") in AWAITED and not place.exists():
        return True
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


def test_every_picture_is_shown_by_a_page() -> None:
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in LINK.findall(text_of(page))
        if "://" not in target
    }
    assert set((ROOT / "docs" / "images").glob("*.png")) <= shown


def test_the_map_has_every_guide() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {target.partition("#")[0] for target in LINK.findall(text_of(index))}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked
