from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.cli import get_cli_commands
from airflow_provider_gong.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Callable


def test_airflow_is_told_of_the_command() -> None:
    from airflow.providers_manager import ProvidersManager

    providers: Callable[[], Any] = ProvidersManager
    assert get_provider_info()["cli"] == ["airflow_provider_gong.cli.get_cli_commands"]
    assert get_cli_commands in providers().cli_command_functions


def test_both_commands_know_the_same_arguments() -> None:
    [group] = get_cli_commands()
    command, connect = group.subcommands
    assert (command.name, connect.name) == ("plan", "connect")
    assert {argument.flags[0] for argument in command.args} == {
        *("--stream", "--from", "--to", "--window", "--samples", "--share"),
        *("--conn-id", "--workspace-id", "--log-type", "--json"),
    }


WATCHED = """
import sys
import airflow.cli.cli_parser
print(sorted(name for name in sys.modules if name.startswith("airflow_provider_gong.")))
"""


def test_start_of_airflow_loads_only_the_arguments() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True)
    package = "airflow_provider_gong"
    expected = [
        f"{package}.{name}"
        for name in (
            *(
                "cli",
                "exceptions",
                "exports",
                "exports.plan",
                "exports.plan.arguments",
                "exports.plan.command",
            ),
            *("hooks", "hooks.connect"),
        )
    ]
    assert done.stdout.splitlines()[-1] == str([*expected, f"{package}.provider_info"])
