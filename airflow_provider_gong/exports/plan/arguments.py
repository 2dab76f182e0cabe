"""The arguments of the planner: what argparse and Airflow are told of them, and what is wrong with a text."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError

# `airflow` imports this module at each start: the rest is imported where it is used.
if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_gong.exports.plan.cadence import Cadence
    from airflow_provider_gong.exports.window import Window

STREAMS = ("calls", "transcripts", "calls+transcripts", "conversations", "logs")
DEFAULT_SAMPLES = 12
MOST_WINDOWS = 100_000


class ArgumentsError(Exception):
    """Arguments that do not fit each other."""


def arguments_of_the_command() -> dict[str, dict[str, Any]]:
    """Return what argparse and Airflow's own commands are told of each argument."""
    return {
        "--stream": {
            "required": True,
            "type": _stream,
            "metavar": "STREAM",
            "help": f"what to export: {', '.join(STREAMS)}; transcripts alone list the calls themselves",
        },
        "--from": {
            "required": True,
            "dest": "start",
            "type": _moment,
            "metavar": "DATE",
            "help": "start of the range, inclusive: ISO 8601, UTC without an offset",
        },
        "--to": {
            "required": True,
            "dest": "end",
            "type": _past_moment,
            "metavar": "DATE",
            "help": "end of the range, exclusive; must have passed",
        },
        "--window": {
            "type": _cadence,
            "default": "P1M",
            "metavar": "LENGTH",
            "help": "length of the window of each run, an ISO 8601 duration (default: P1M, a month)",
        },
        "--samples": {
            "type": _samples,
            "default": DEFAULT_SAMPLES,
            "metavar": "NUMBER",
            "help": f"windows to ask, one request each, or all (default: {DEFAULT_SAMPLES})",
        },
        "--share": {
            "type": _percent,
            "metavar": "PERCENT",
            "help": "part of the day's requests that the backfill may take (default: the connection's backfill_share)",
        },
        "--conn-id": {
            "default": "gong_default",
            "metavar": "NAME",
            "help": "Airflow connection (default: gong_default)",
        },
        "--workspace-id": {"type": _id, "metavar": "ID", "help": "calls of one workspace only"},
        "--log-type": {
            "type": _log_type,
            "metavar": "TYPE",
            "help": "which log, such as AccessLog; for the stream logs",
        },
        "--json": {"action": "store_true", "help": "write JSON, for machines"},
    }


def split(options: Namespace) -> list[Window]:
    """Split the range into windows, after a look at arguments that must fit each other."""
    if (options.stream == "logs") != (options.log_type is not None):
        raise ArgumentsError(
            "argument --log-type: the stream logs needs one, and no other stream has any "
            f"(--stream {options.stream}, --log-type {options.log_type}): give both or neither"
        )
    if options.stream == "logs" and options.workspace_id is not None:
        raise ArgumentsError("argument --workspace-id: logs have no workspace: leave it out")
    if options.start >= options.end:
        raise ArgumentsError(
            f"argument --to: {options.end} is not later than --from {options.start}: give a later one"
        )
    windows = list(islice(options.window.windows(options.start, options.end), MOST_WINDOWS + 1))
    if len(windows) > MOST_WINDOWS:
        raise ArgumentsError(
            f"argument --window: {options.window.text} splits the range into more than {MOST_WINDOWS:,} windows: "
            "give a longer one"
        )
    return windows


def _stream(text: str) -> str:
    if text == "users":
        raise ArgumentTypeError(
            "'users' have no past to backfill: each export is a snapshot of its moment, 1 request per 100 users, "
            f"and backfill runs skip it; choose from {', '.join(STREAMS)}"
        )
    if text not in STREAMS:
        raise ArgumentTypeError(f"{text!r} is unknown: choose from {', '.join(STREAMS)}")
    return text


def _log_type(text: str) -> str:
    from airflow_provider_gong.api.logs import LOG_TYPES

    if text not in LOG_TYPES:
        raise ArgumentTypeError(f"{text!r} is unknown: choose from {', '.join(LOG_TYPES)}")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        # Whole seconds, as the windows of exports have; an offset may lead beyond the first or the last year.
        moment = (
            (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
        )
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r} is not a date and time: give ISO 8601 text such as 2023-01-01 or 2023-01-01T08:00:00+00:00"
        ) from None
    if moment.year < 2000:
        raise ArgumentTypeError(
            f"{text!r} lies before the year 2000: no record of Gong's is that old: give a later one"
        )
    return moment


def _past_moment(text: str) -> datetime:
    moment = _moment(text)
    if moment > datetime.now(UTC):
        raise ArgumentTypeError(
            f"{text!r} lies in the future: give a moment that has passed; exports refuse such windows too"
        )
    return moment


def _cadence(text: str) -> Cadence:
    from airflow_provider_gong.exports.plan.cadence import Cadence

    try:
        return Cadence.read(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a length of windows: give an ISO 8601 duration, of months (P1M, P1Y) or of a fixed "
            "length (P1W, P1D, PT6H), at most a century"
        ) from None


def _samples(text: str) -> int | None:
    """Read how many windows to ask; None is all of them."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal() and int(text) > 1):
        raise ArgumentTypeError(
            f"{text!r} is not a number of windows: give 2 or more (the first and the last are among them), or all"
        )
    return int(text)


def _percent(text: str) -> float:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = math.nan
    if not 0 < percent <= 100:
        raise ArgumentTypeError(f"{text!r} is not a percentage: give a number above 0, at most 100")
    return percent


def _id(text: str) -> str:
    from airflow_provider_gong.api.encode import wire_id

    try:
        return wire_id(text, "it")
    except GongConfigurationError:
        raise ArgumentTypeError(
            f"{text!r} is not an identifier of Gong: give its digits, such as 7782342274025937895"
        ) from None
