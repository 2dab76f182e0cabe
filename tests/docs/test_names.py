"""What prose and commands name exists: options, fields, commands and their flags."""

from __future__ import annotations

import argparse
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.pages import PAGES, ROOT, blocks_of, commands_of, name_of, prose_of, text_of

if TYPE_CHECKING:
    from pathlib import Path


def options_of_the_package() -> set[str]:
    from airflow_provider_gong.provider_info import get_provider_info

    return set(get_provider_info()["config"]["gong"]["options"])


def is_option(section: str, option: str) -> bool:
    if section == "gong":
        return option in options_of_the_package()
    return option in options_of_airflow().get(section, {}).get("options", {})


@cache
def options_of_airflow() -> dict[str, dict[str, Any]]:
    from airflow.configuration import retrieve_configuration_description

    return retrieve_configuration_description()


@cache
def airflow_parser() -> argparse.ArgumentParser:
    from airflow.cli.cli_parser import get_parser

    return get_parser()


def unknown_in(command: str) -> list[str]:
    """Return the words of an `airflow` command that Airflow does not know."""
    parser, words = airflow_parser(), command.split()[1:]
    while words and (
        groups := [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    ):
        name = words.pop(0)
        if name not in groups[0].choices:
            return [name]
        parser = groups[0].choices[name]
    flags = {flag for action in parser._actions for flag in action.option_strings}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in flags]


def code_in(page: Path) -> list[str]:
    return [code.strip() for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose_of(page))]


def commands_in(page: Path) -> list[str]:
    typed = [
        line for block in blocks_of(page) if block.language == "bash" for line in commands_of(block.text)
    ]
    named = [code for code in code_in(page) if code.startswith(("airflow ", "AIRFLOW__"))]
    return [re.sub(r"^(?:\w+=\S+ )+", "", command) for command in [*typed, *named]]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_of_airflow_exist(page: Path) -> None:
    text = text_of(page)
    named = re.findall(r"\[(\w+)\] (\w+)`", text)
    named += [
        (section.lower(), option.lower())
        for section, option in re.findall(r"AIRFLOW__([A-Z]+)__([A-Z_]+)", text)
    ]
    assert [one for one in named if not is_option(*one)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_airflow_and_their_flags_exist(page: Path) -> None:
    # Airflow's processes have names of two words: `airflow triggerer` is whole.
    commands = [command for command in commands_in(page) if re.match(r"airflow [a-z]", command)]
    assert {command: unknown for command in commands if (unknown := unknown_in(command))} == {}


def test_a_flag_that_does_not_exist_is_seen() -> None:
    assert unknown_in("airflow backfill create --dag-id x --run-sideways") == ["--run-sideways"]
    assert unknown_in("airflow bakcfill create") == ["bakcfill"]
    assert unknown_in("airflow gong plan --stream calls --samples all") == []


def test_every_option_of_the_package_is_told_of() -> None:
    text = "".join(map(text_of, PAGES)).lower()
    missing = {one for one in options_of_the_package() if one not in text}
    assert missing == set()


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    typed = [command for page in PAGES for command in commands_in(page)]
    named = [code for page in PAGES for code in code_in(page)]
    used = {
        words[1] for command in [*typed, *named] if (words := command.split())[:1] == ["make"] and words[1:]
    }
    assert {one for one in used if "=" not in one} <= targets


def test_modules_that_are_named_exist() -> None:
    named = {
        name for page in PAGES for name in re.findall(r"\bairflow_provider_gong(?:\.[a-z_]+)+", text_of(page))
    }
    assert len(named) > 10
    assert [name for name in sorted(named) if not module_of(name)] == []


def module_of(name: str) -> bool:
    import importlib

    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        package, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(package), attribute)
    return True
