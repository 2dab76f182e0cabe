"""Write the tables of arguments in docs/exports.md from the operators themselves.

`make docs` rewrites what stands below the marker; a test fails when the two differ.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_gong.operators import exports

if TYPE_CHECKING:
    from airflow_provider_gong.operators.export_base import GongExportOperator

PAGE = Path(__file__).resolve().parent.parent / "docs" / "exports.md"
MARKER = "<!-- arguments -->\n"
OPERATORS = (
    exports.GongExportCallsOperator,
    exports.GongExportTranscriptsOperator,
    exports.GongExportUsersOperator,
    exports.GongExportLogsOperator,
)


def page() -> str:
    """Return the page as it should be."""
    before = PAGE.read_text(encoding="utf-8").split(MARKER)[0]
    return before + MARKER + "".join(section(operator) for operator in OPERATORS)


def section(operator: type[GongExportOperator]) -> str:
    """Return the heading and the table of one operator."""
    rows = [row(operator, name, text) for name, text in documented(operator)]
    head = f"\n### {operator.__name__}\n\n| Argument | Type | Default | Meaning |\n|---|---|---|---|\n"
    return head + "".join(rows)


def documented(operator: type[GongExportOperator]) -> list[tuple[str, str]]:
    """Return the arguments that the class documents, each with its text."""
    text = inspect.getdoc(operator) or ""
    parts = re.findall(r":param (\w+): (.*?)(?=\n:param|\Z)", text, re.DOTALL)
    return [(name, " ".join(meaning.split())) for name, meaning in parts]


def row(operator: type[GongExportOperator], name: str, text: str) -> str:
    """Return the line of one argument."""
    kind = str(parameter(operator, name).annotation).replace(" | ", ", ")
    meaning, _, default = text.replace("(templated) ", "").partition("Default: ")
    cells = (f"`{name}`", kind, default.rstrip(".").strip(), meaning.strip())
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def parameter(operator: type[GongExportOperator], name: str) -> inspect.Parameter:
    """Find an argument among those of the class and its bases."""
    for cls in operator.__mro__:
        found = inspect.signature(cls.__dict__.get("__init__", object.__init__)).parameters.get(name)
        if found is not None:
            return found
    raise LookupError(f"{operator.__name__} documents {name}, which is none of its arguments.")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
