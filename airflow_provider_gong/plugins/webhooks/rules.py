"""The rules that an administrator configures: option ``webhook_rules`` in section ``[gong]``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_gong.exceptions import GongConfigurationError

# A name becomes part of a path, of an asset's URI and, between double underscores, of run ids.
NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:[_-][a-z0-9]+)*")
KEPT = ("ids", "summary", "full")
TESTS = ("mark", "ignore")
EXAMPLE = '{"new_calls": {"dag_id": "my_dag"}}'


@dataclass(frozen=True)
class Rule:
    """What to do with the deliveries of one automation rule of Gong."""

    name: str
    conn_id: str
    dag_id: str | None = None
    asset: bool = False
    payload: str = "ids"
    tests: str = "mark"
    replay_window: int = 86_400

    @property
    def asset_uri(self) -> str:
        """Return the URI of the asset that gets the events."""
        return f"gong://rules/{self.name}"


def configured_rules() -> dict[str, Rule]:
    """Return the rules of Airflow's configuration by their names.

    :raises GongConfigurationError: naming what must be mended.
    """
    from airflow.configuration import conf

    return read_rules(conf.get("gong", "webhook_rules", fallback="") or "")


def read_rules(text: str) -> dict[str, Rule]:
    """Return the rules in a text of JSON by their names.

    :raises GongConfigurationError: naming what must be mended.
    """
    try:
        rules = json.loads(text.strip() or "{}", object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise GongConfigurationError(
            f"[gong] webhook_rules cannot be read ({error}): give one JSON object, such as {EXAMPLE}."
        ) from None
    if not isinstance(rules, dict):
        raise GongConfigurationError(
            f"[gong] webhook_rules is not an object: give the options of each rule by its name, such as {EXAMPLE}."
        )
    return {name: _rule(name, options) for name, options in rules.items()}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is given twice")
    return dict(pairs)


def _rule(name: str, options: Any) -> Rule:
    where = f"Rule {name!r} in [gong] webhook_rules"
    if not NAME.fullmatch(name):
        raise GongConfigurationError(
            f"{where} has a name that cannot be used: take at most 64 lower-case letters and digits, with single "
            "_ or - between."
        )
    if not isinstance(options, dict):
        raise GongConfigurationError(f"{where} is {options!r}: give an object, such as {EXAMPLE}.")
    for option, value in options.items():
        if option not in OPTIONS:
            raise GongConfigurationError(f"{where} has no option {option!r}: use {', '.join(OPTIONS)}.")
        fits, wanted = OPTIONS[option]
        if not fits(value):
            raise GongConfigurationError(f"{where} has {option} {value!r}: give {wanted}.")
    asset = options.get("asset", "dag_id" not in options)
    if not asset and "dag_id" not in options:
        raise GongConfigurationError(f'{where} starts nothing: give a dag_id, or "asset": true, or both.')
    return Rule(**{"name": name, "conn_id": f"gong_webhook_{name}", **options, "asset": asset})


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _seconds(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= 2_592_000


OPTIONS: dict[str, tuple[Any, str]] = {
    "dag_id": (_text, "the id of a Dag"),
    "asset": (lambda value: isinstance(value, bool), "true or false"),
    "conn_id": (_text, "the id of an Airflow connection"),
    "payload": (lambda value: value in KEPT, f"one of {', '.join(KEPT)}"),
    "tests": (lambda value: value in TESTS, f"one of {', '.join(TESTS)}"),
    "replay_window": (_seconds, "a number of seconds from 60 to 2592000 (30 days)"),
}
