"""The pictures of the documentation: each is there, is shown, and is small."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"
SHOWN = re.compile(r"!\[[^\]]+\]\(([^)\s]+)\)")
MOST_BYTES = 150_000


def shown() -> set[Path]:
    """Return the pictures that the documents name, with words for those who cannot see them."""
    documents = [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
    return {
        (document.parent / name).resolve()
        for document in documents
        for name in SHOWN.findall(document.read_text())
        if "://" not in name
    }


def test_pictures_that_documents_show_are_those_that_there_are() -> None:
    assert shown() == {path.resolve() for path in (DOCS / "images").iterdir()}


def test_pictures_are_small() -> None:
    large = {path.name: path.stat().st_size for path in (DOCS / "images").iterdir()}
    assert {name: size for name, size in large.items() if size > MOST_BYTES} == {}
