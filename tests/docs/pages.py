"""The pages that people read, and the blocks of code in them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# What stands below it is written from the example Dags, each of which has a test of its own.
MARKER = "<!-- Everything below is written by `make docs`. -->\n"

_FENCE = re.compile(r"^( *)```([\w-]*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page that are written by hand, in their order."""
    text = text_of(page).split(MARKER)[0]
    return [
        Block(
            name_of(page),
            text.count("\n", 0, found.start()) + 1,
            found[2],
            textwrap.dedent(found[3]),
        )
        for found in _FENCE.finditer(text)
    ]


def prose_of(page: Path) -> str:
    """Return a page without its blocks."""
    return _FENCE.sub("", text_of(page))


def commands_of(script: str) -> list[str]:
    """Return the commands of a block for a shell, without comments."""
    joined = script.replace("\\\n", " ")
    lines = (re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
