"""Write tests/golden/public_surface.json: every name that users of the package may rely on, as docs/versioning.md says.

    python scripts/surface.py               after something was added
    python scripts/surface.py --breaking    after something was removed or changed, which needs a deprecation before

A test fails as long as the file and the code differ, and says which of the two is to be done.
"""

from __future__ import annotations

import importlib
import inspect
import json
import runpy
import sys
import tomllib
import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SURFACE = ROOT / "tests" / "golden" / "public_surface.json"
GOLDEN = ROOT / "tests" / "golden" / "1.0.0rc1" / "jsonl"

Names = dict[str, str]


def surface() -> Names:
    """Return all public names, each with what is promised of it: a default, a type, a base."""
    found: Names = {}
    for part in (
        operators,
        triggers,
        functions,
        exceptions,
        connections,
        options,
        commands,
        metrics,
        routes,
        events,
        files,
        schemas,
        extras,
    ):
        found |= dict(part())
    return dict(sorted(found.items()))


def operators() -> Iterator[tuple[str, str]]:
    """Yield the arguments of operators and sensors, as the reference tells them."""
    from airflow_provider_gong import operators, sensors

    document = runpy.run_path(str(ROOT / "scripts" / "document.py"))
    for package in (operators, sensors):
        for cls in document["classes"](package):
            place = f"{cls.__module__.removeprefix('airflow_provider_gong.')}.{cls.__name__}"
            yield place, "class"
            for name, _ in document["documented"](cls):
                yield f"{place}({name})", default(document["parameter"](cls, name))
            for name in cls.template_fields:
                yield f"{place}({name}) templated", "yes"


def triggers() -> Iterator[tuple[str, str]]:
    """Yield the arguments of the triggers that Dags name themselves."""
    from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger

    yield from signature("triggers.new_calls.GongNewCallsTrigger", GongNewCallsTrigger)


def functions() -> Iterator[tuple[str, str]]:
    """Yield what Dags import beside operators, with their arguments."""
    from airflow_provider_gong import exports
    from airflow_provider_gong.hooks.gong import GongHook, GongOAuthHook
    from airflow_provider_gong.sandbox import GongSandbox

    for name in exports.__all__:
        yield from signature(f"exports.{name}", getattr(exports, name))
    yield from signature("sandbox.GongSandbox", GongSandbox)
    for hook in (GongHook, GongOAuthHook):
        yield from signature(f"hooks.gong.{hook.__name__}", hook)
        for name, method in vars(hook).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                yield from signature(f"hooks.gong.{hook.__name__}.{name}", method)


def exceptions() -> Iterator[tuple[str, str]]:
    """Yield the errors, each with its base."""
    from airflow_provider_gong import exceptions

    for name, cls in vars(exceptions).items():
        if inspect.isclass(cls) and cls.__module__ == exceptions.__name__ and issubclass(cls, Exception):
            yield f"exceptions.{name}", cls.__bases__[0].__name__


def connections() -> Iterator[tuple[str, str]]:
    """Yield the fields of the connections, each with its default."""
    from airflow_provider_gong.provider_info import get_provider_info

    for kind in get_provider_info()["connection-types"]:
        place = f"connection {kind['connection-type']}"
        yield place, kind["hook-class-name"]
        for name, field in kind["conn-fields"].items():
            yield f"{place}: {name}", repr(field["schema"].get("default"))


def options() -> Iterator[tuple[str, str]]:
    """Yield the options of airflow.cfg, each with its default."""
    from airflow_provider_gong.provider_info import get_provider_info

    for section, about in get_provider_info()["config"].items():
        for name, option in about["options"].items():
            yield f"option [{section}] {name}", repr(option["default"])


def commands() -> Iterator[tuple[str, str]]:
    """Yield the commands of `airflow gong`, with their options."""
    from airflow_provider_gong.provider_info import get_provider_info

    for place in get_provider_info()["cli"]:
        module, _, name = place.rpartition(".")
        for group in getattr(importlib.import_module(module), name)():
            for command in group.subcommands:
                title = f"airflow {group.name} {command.name}"
                yield title, "command"
                for argument in command.args:
                    yield f"{title} {' '.join(argument.flags)}", repr(argument.kwargs.get("default"))


def metrics() -> Iterator[tuple[str, str]]:
    """Yield the metrics, each with its kind, and their tags."""
    from airflow_provider_gong.hooks.metrics import METRICS

    for metric in METRICS.values():
        yield f"metric {metric.name}", metric.kind
        yield from ((f"metric {metric.name} [{tag}]", "tag") for tag in metric.tags)


def routes() -> Iterator[tuple[str, str]]:
    """Yield the paths that the plugin answers, each with its methods."""
    from airflow_provider_gong.plugins.oauth import app as oauth
    from airflow_provider_gong.plugins.webhooks import app as webhooks

    for place in (webhooks, oauth):
        for route in place.create_app().routes:
            yield (
                f"route /gong{getattr(route, 'path', route)}",
                " ".join(sorted(getattr(route, "methods", ()))),
            )


def events() -> Iterator[tuple[str, str]]:
    """Yield the keys of what webhooks tell: in the `extra` of an event, and the `conf` of a run."""
    from airflow_provider_gong.plugins.webhooks.payload import SUMMARY, Delivery
    from airflow_provider_gong.plugins.webhooks.rules import Rule

    delivery = Delivery("1", "1", False, {"metaData": {"id": "1"}})
    for payload in ("ids", "summary", "full"):
        rule = Rule(name="any", conn_id="any", dag_id="any", payload=payload)
        for key in delivery.facts(rule):
            yield f"webhook, payload {payload}: {key}", "key"
    yield from ((f"webhook, summary: {name}", "key") for name in SUMMARY)


def files() -> Iterator[tuple[str, str]]:
    """Yield the keys of manifests, and of what tasks and functions return about exports."""
    from airflow_provider_gong.exports import exports_to_load
    from airflow_provider_gong.exports.check.receipt import Receipt
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import FORMAT_VERSION, IdsFile, Manifest, Part
    from airflow_provider_gong.exports.storage import open_destination
    from airflow_provider_gong.exports.summary import empty_summary, summary_of

    yield "manifest format", str(FORMAT_VERSION)
    for place, kind in (("manifest", Manifest), ("manifest parts", Part), ("manifest ids", IdsFile)):
        for field in fields(kind):
            yield f"{place}: {field.name}", str(field.type)
    calls = Dataset(open_destination(f"file://{GOLDEN}/calls"))
    newest = calls.newest()
    if newest is None:
        raise LookupError(f"No manifest below {GOLDEN}.")
    results: dict[str, dict[str, Any]] = {
        "summary": summary_of(calls, newest) | empty_summary(calls),
        "load": exports_to_load(f"file://{GOLDEN}/calls")[0],
        "check": Receipt(address="calls").to_xcom(),
    }
    for place, result in results.items():
        for key in result:
            yield f"{place}: {key}", "key"


def schemas() -> Iterator[tuple[str, str]]:
    """Yield the columns of the Parquet files."""
    from airflow_provider_gong.exports.schema import FOLDER

    for path in FOLDER.glob("*.json"):
        yield from columns(f"schema {path.stem}: ", json.loads(path.read_bytes())["columns"])


def columns(place: str, kind: Any) -> Iterator[tuple[str, str]]:
    """Yield the columns of a struct, with those within."""
    if isinstance(kind, dict):
        for name, one in kind.items():
            yield from columns(f"{place}/{name}", one)
    elif isinstance(kind, list):
        yield from columns(f"{place}[]", kind[0])
    else:
        yield place, kind


def extras() -> Iterator[tuple[str, str]]:
    """Yield the extras of the distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in project["optional-dependencies"]:
        yield f"extra [{name}]", "extra"


def signature(place: str, function: Any) -> Iterator[tuple[str, str]]:
    """Yield a function and its arguments."""
    yield place, "class" if inspect.isclass(function) else "function"
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "self":
            yield f"{place}({name})", default(parameter)


def default(parameter: inspect.Parameter) -> str:
    """Return the default of an argument as text."""
    if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
        return "any"
    if parameter.default is inspect.Parameter.empty:
        return "required"
    shown = repr(parameter.default)
    # The address of a sentinel is another each time.
    return shown.partition(" at 0x")[0]


def differences(before: Names, after: Names) -> tuple[Names, Names]:
    """Return what was added, and what was removed or changed."""
    added = {name: what for name, what in after.items() if name not in before}
    lost = {
        name: f"was {what}, is {after.get(name, 'gone')}"
        for name, what in before.items()
        if after.get(name) != what
    }
    # An argument that is required now breaks those who do not give it.
    demanded = {
        name: what for name, what in added.items() if what == "required" and name.partition("(")[0] in before
    }
    return {name: what for name, what in added.items() if name not in demanded}, lost | demanded


def published() -> Names:
    """Return the names as they were written last."""
    return dict(json.loads(SURFACE.read_text(encoding="utf-8"))) if SURFACE.exists() else {}


def main() -> None:
    """Write the file, unless something that users rely on would be gone unnoticed."""
    after = surface()
    _, lost = differences(published(), after)
    if lost and "--breaking" not in sys.argv:
        for name, what in lost.items():
            print(f"{name}: {what}", file=sys.stderr)
        sys.exit("These break users. Deprecate first, as docs/versioning.md says; then give --breaking.")
    SURFACE.write_text(json.dumps(after, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
