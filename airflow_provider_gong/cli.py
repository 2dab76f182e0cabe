"""The commands that this provider adds to those of `airflow`.

`airflow` imports this module at each start: it knows their arguments, and what they do is loaded when it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.plan import command as plan
from airflow_provider_gong.hooks import connect

if TYPE_CHECKING:
    from collections.abc import Callable


def get_cli_commands() -> list[Any]:
    """Return the group of commands `airflow gong`."""
    from airflow.cli.cli_config import GroupCommand

    commands = [
        _command("plan", "Tell what a backfill will cost", plan),
        _command("connect", "Connect an OAuth connection to Gong", connect),
    ]
    return [GroupCommand(name="gong", help="Plan exports of Gong, connect to it", subcommands=commands)]


def _command(name: str, help_text: str, module: Any) -> Any:
    """Return a command of a module that has a description, arguments, and a function for it."""
    from airflow.cli.cli_config import ActionCommand, Arg, lazy_load_command

    make_argument: Callable[..., Any] = Arg
    return ActionCommand(
        name=name,
        help=help_text,
        description=module.DESCRIPTION,
        func=lazy_load_command(f"{module.__name__}.{module.airflow_command.__name__}"),
        args=[make_argument((flag,), **facts) for flag, facts in module.arguments_of_the_command().items()],
    )
