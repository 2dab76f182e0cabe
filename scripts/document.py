"""Write the generated parts of docs/: tables and references in the guides, and the pages of docs/reference/.

`make docs` rewrites what stands below the marker of each page, and then builds the site; a test fails when they
differ. Examples are taken from the example Dags, each of which is run by a test.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_gong import api, exceptions, exports, operators, sensors, triggers
from airflow_provider_gong.api.endpoint import Endpoint
from airflow_provider_gong.exports.conversations import Conversations
from airflow_provider_gong.exports.streams import Calls, Logs, Transcripts, Users
from airflow_provider_gong.operators.base import GongOperator
from airflow_provider_gong.operators.export_base import GongExportOperator
from airflow_provider_gong.triggers.call_filter import CallFilter
from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    Operator = type[BaseOperator]

ROOT = Path(__file__).resolve().parent.parent
EXPORTS = ROOT / "docs" / "exports.md"
OPERATORS = ROOT / "docs" / "operators.md"
SENSORS = ROOT / "docs" / "sensors.md"
SECURITY = ROOT / "docs" / "security.md"
MESSAGES = ROOT / "docs" / "messages.md"
REFERENCE = ROOT / "docs" / "reference"
PACKAGE = ROOT / "airflow_provider_gong"
# Where errors come from, for the list of all messages.
AREAS = {
    "Requests, replies, quota, tokens": ("api",),
    "Connections": ("hooks",),
    "Exports": ("exports",),
    "Operators, sensors, triggers": ("operators", "sensors", "triggers"),
    "Webhooks and the page that connects": ("plugins",),
}
# A text with fewer letters of its own is made of others, which are listed themselves.
FEWEST_LETTERS = 9
# Where functions may be that send requests for an operator or a sensor.
OURS = (operators.__name__, sensors.__name__, triggers.__name__, exports.__name__)
# What reads for each export: its operator names it only when it runs.
STREAMS: dict[str, tuple[type, ...]] = {
    "GongExportCallsOperator": (Calls,),
    "GongExportTranscriptsOperator": (Calls, Transcripts),
    "GongExportConversationsOperator": (Conversations,),
    "GongExportUsersOperator": (Users,),
    "GongExportLogsOperator": (Logs,),
}
MARKER = "<!-- Everything below is written by `make docs`. -->\n"


def pages() -> dict[Path, str]:
    """Return the pages as they should be."""
    exporting = [cls for cls in classes(operators) if issubclass(cls, GongExportOperator)]
    others = [cls for cls in classes(operators) if cls not in exporting]
    return {
        EXPORTS: written(EXPORTS, "".join(f"\n### {cls.__name__}\n{arguments(cls)}" for cls in exporting)),
        OPERATORS: written(
            OPERATORS,
            f"\n## All operators\n\n{overview(others)}\n## Reference\n" + "".join(map(section, others)),
        ),
        SENSORS: written(
            SENSORS,
            f"\n## Overview\n\n{overview(classes(sensors))}\n## Reference\n"
            + "".join(map(section, classes(sensors))),
        ),
        SECURITY: written(SECURITY, f"\n## Scopes of each operator\n\n{permissions()}"),
        MESSAGES: written(MESSAGES, "".join(map(messages_of, AREAS))),
        **{REFERENCE / f"{name}.rst": text for name, text in reference().items()},
    }


def reference() -> dict[str, str]:
    """Return the pages of the reference, which Sphinx fills from docstrings."""
    requests = [
        module for module in modules(api) if any(hasattr(one, "endpoint") for one in vars(module).values())
    ]
    return {
        "operators": reference_page("Operators", map(described_class, classes(operators))),
        "sensors": reference_page("Sensors", map(described_class, classes(sensors))),
        "api": reference_page("Requests to Gong", (described_module(one.__name__) for one in requests)),
    }


def reference_page(title: str, parts: Iterable[str]) -> str:
    """Return a page of the reference."""
    return f"{title}\n{'=' * len(title)}\n\n.. contents::\n   :local:\n   :depth: 1\n" + "".join(parts)


def described_class(cls: Operator) -> str:
    """Return what has Sphinx describe a class; its methods are for Airflow, not for users."""
    title = f"\n{cls.__name__}\n{'-' * len(cls.__name__)}\n"
    return f"{title}\n.. autoclass:: {cls.__module__}.{cls.__name__}\n   :no-members:\n"


def described_module(name: str) -> str:
    """Return what has Sphinx describe a module."""
    return f"\n{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n"


def written(page: Path, generated: str) -> str:
    """Return a page with its part below the marker replaced."""
    return page.read_text(encoding="utf-8").split(MARKER)[0] + MARKER + generated


def classes(package: ModuleType) -> list[Operator]:
    """Return the operators of a package that users meet, in the order of their modules."""
    return [
        cls
        for module in modules(package)
        for cls in vars(module).values()
        if inspect.isclass(cls)
        and issubclass(cls, BaseOperator)
        and cls.__module__ == module.__name__
        and not inspect.isabstract(cls)
    ]


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Import the modules of a package."""
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def overview(found: list[Operator]) -> str:
    """Return a table with a line for each operator."""
    head = "| Name | Gong operation | Scope | Import from |\n|---|---|---|---|\n"
    return head + "".join(
        f"| [`{cls.__name__}`](#{cls.__name__.lower()}) | {operations(cls)} | {scopes(cls)} "
        f"| `{cls.__module__}` |\n"
        for cls in found
    )


def operations(cls: Operator) -> str:
    """Return the operations of Gong that an operator uses."""
    without = "any" if issubclass(cls, GongOperator) else "none"
    return "<br>".join(f"`{one.method} {one.path}`" for one in endpoints(cls)) or without


def scopes(cls: Operator) -> str:
    """Return the scopes that an operator needs."""
    return "<br>".join(f"`{scope}`" for scope in dict.fromkeys(one.scope for one in endpoints(cls)))


def permissions() -> str:
    """Return a table of what the access key of each operator, sensor and trigger has to be allowed."""
    head = "| Name | Scopes | Changes something in Gong |\n|---|---|---|\n"
    return head + "".join(
        f"| `{cls.__name__}` | {cell} | {writes} |\n" for cls, cell, writes in map(permission, everything())
    )


def everything() -> list[Any]:
    """Return all that sends requests, or might."""
    return [*classes(operators), *classes(sensors), GongNewCallsTrigger]


def permission(cls: Any) -> tuple[Any, str, str]:
    """Return the scopes of an operator, and whether it writes."""
    if cls.__name__ == "GongRequestOperator":
        return cls, "those of the request", "as the request does, unless the connection is *Read only*"
    found = needed(cls)
    cell = ", ".join(f"`{scope}`" for scope in dict.fromkeys(one.scope for one in found))
    return cls, cell or "none, it sends no request", "yes" if any(not one.reads for one in found) else "no"


def needed(cls: Any) -> list[Endpoint]:
    """Return the endpoints of an operator, an export or a trigger."""
    if cls is GongNewCallsTrigger:
        return endpoints(CallFilter)
    streams = STREAMS.get(cls.__name__)
    if streams is None:
        return endpoints(cls)
    return list(dict.fromkeys(one for stream in streams for one in endpoints(stream)))


def endpoints(thing: Any) -> list[Endpoint]:
    """Return the endpoints whose functions the source of an operator names, or that of the functions it uses."""
    names = vars(importlib.import_module(thing.__module__))
    found: dict[Endpoint, None] = {}
    for module, name in re.findall(r"\b(?:([a-z_]+)\.)?([a-z_]+)\(", inspect.getsource(thing)):
        used: Any = getattr(names.get(module), name, None) if module else names.get(name)
        if isinstance(getattr(used, "endpoint", None), Endpoint):
            found[used.endpoint] = None
        elif inspect.isfunction(used) and used is not thing and used.__module__.startswith(OURS):
            found |= dict.fromkeys(endpoints(used))
    for base in getattr(thing, "__bases__", ()):
        if base.__module__.startswith(sensors.__name__):
            found |= dict.fromkeys(endpoints(base))
    return list(found)


def section(cls: Operator) -> str:
    """Return the part of the page about one operator."""
    about = (inspect.getdoc(cls) or "").partition("\n:param")[0].strip()
    about = re.sub(r"(?<![<(])(https://help\.gong\.io/\S+)", r"<\1>", about)
    return f"\n### {cls.__name__}\n\n{about}\n\n```python\n{example(cls)}```\n{arguments(cls)}"


def example(cls: Operator) -> str:
    """Return the lines of the example Dags that show an operator."""
    for dag in sorted((ROOT / "example_dags").glob("*.py")):
        for shown in re.findall(
            r"# \[START .*?\]\n(.*?) *# \[END", dag.read_text(encoding="utf-8"), re.DOTALL
        ):
            if re.search(rf"\b{cls.__name__}\b", shown):
                return textwrap.dedent(shown)
    raise LookupError(f"No example Dag shows {cls.__name__} between [START ...] and [END ...].")


def arguments(cls: Operator) -> str:
    """Return the table of the arguments of one operator."""
    head = "\n| Argument | Type | Default | Meaning |\n|---|---|---|---|\n"
    return head + "".join(row(cls, name, text) for name, text in documented(cls))


def documented(cls: Operator) -> list[tuple[str, str]]:
    """Return the arguments that a class documents, each with its text."""
    parts = re.findall(r":param (\w+): (.*?)(?=\n:param|\Z)", inspect.getdoc(cls) or "", re.DOTALL)
    return [(name, " ".join(meaning.split())) for name, meaning in parts]


def row(cls: Operator, name: str, text: str) -> str:
    """Return the line of one argument."""
    kind = str(parameter(cls, name).annotation).replace(" | ", ", ")
    meaning, _, default = text.replace("(templated) ", "").partition("Default: ")
    cells = (f"`{name}`", kind, default.rstrip(".").strip(), meaning.replace("(templated)", "").strip())
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def parameter(cls: Operator, name: str) -> inspect.Parameter:
    """Find an argument among those of a class and its bases."""
    for base in cls.__mro__:
        own: Any = base.__dict__.get("__init__", object.__init__)
        # Airflow wraps constructors; the signature is that of the one inside.
        found = inspect.signature(own).parameters.get(name)
        if found is not None:
            return found
    raise LookupError(f"{cls.__name__} documents {name}, which is none of its arguments.")


def messages_of(area: str) -> str:
    """Return what the errors of some modules say, a list for each error."""
    found = {
        (kind, message)
        for folder in AREAS[area]
        for module in sorted((PACKAGE / folder).rglob("*.py"))
        for message, kind in messages(ast.parse(module.read_text(encoding="utf-8")))
    }
    kinds = sorted({kind for kind, _ in found})
    lists = (
        f"\n`{kind}`{', retried' if getattr(exceptions, kind).retryable else ''}:\n\n"
        + "".join(
            f"- {code(one)}\n" for one in sorted((text for of, text in found if of == kind), key=first_word)
        )
        for kind in kinds
    )
    return f"\n## {area}\n" + "".join(lists)


def first_word(message: str) -> str:
    """Return what a message is found by: what differs at its beginning is not known to who looks for it."""
    return re.sub(r"^\W+", "", message).lower()


def messages(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what the errors of a module say, with `...` for what differs, and their names."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(module):
        # A tuple is a line of a table of errors and what they say.
        parts = [node.func, *node.args] if isinstance(node, ast.Call) else getattr(node, "elts", [])
        if len(parts) > 1 and isinstance(parts[0], ast.Name) and hasattr(exceptions, parts[0].id):
            said = named.get(parts[1].id, []) if isinstance(parts[1], ast.Name) else parts[1:2]
            for text in map(shortened, map(spelled, said)):
                if parts[0].id.startswith("Gong") and sum(map(str.isalpha, text)) >= FEWEST_LETTERS:
                    yield text, parts[0].id


def spelled(text: ast.expr) -> str:
    """Return what is known of a text before it is made."""
    if isinstance(text, ast.Constant):
        return str(text.value)
    if isinstance(text, ast.JoinedStr):
        return "".join(map(spelled, text.values))
    if isinstance(text, ast.BinOp):
        return spelled(text.left) + spelled(text.right)
    return "..."


def shortened(text: str) -> str:
    """Return a text with one gap for several beside each other."""
    text = " ".join(re.sub(r"(\.\.\.)+", "...", text).split())
    return re.sub(r"^(?:\.\.\.:? ){1,}(?=\.\.\.:)", "", text)


def code(text: str) -> str:
    """Return a text as code."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
