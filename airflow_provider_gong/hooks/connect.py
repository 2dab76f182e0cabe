"""Connect to Gong from a terminal: `airflow gong connect`, or `python -m airflow_provider_gong.hooks.connect`.

Prints the address of Gong's consent page and takes what Gong answers there.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_gong.exceptions import GongConfigurationError, GongError

# `airflow` imports this module at each start: the rest is imported where it is used.
if TYPE_CHECKING:
    from airflow_provider_gong.hooks.oauth import OAuthStatus
    from airflow_provider_gong.hooks.settings import Settings

DESCRIPTION = (
    "Connect an OAuth connection to Gong: prints the address of Gong's consent page, and reads from standard input "
    "what Gong answers: the code, or the whole address that it sends the browser to."
)
ASK = """\
Open this address as a technical administrator of Gong, and allow the app:

{url}

Gong then sends the browser to {redirect_uri}?code=...
It does not matter if nothing answers there. Paste that address, or its code, within ten minutes:
"""


def main(arguments: list[str] | None = None) -> int:
    """Connect as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_gong.hooks.connect", description=DESCRIPTION
    )
    for flag, facts in arguments_of_the_command().items():
        parser.add_argument(flag, **facts)
    return _run(parser.parse_args(arguments))


def airflow_command(options: argparse.Namespace) -> None:
    """Connect as the arguments of `airflow gong connect` say."""
    if code := _run(options):
        raise SystemExit(code)


def arguments_of_the_command() -> dict[str, dict[str, Any]]:
    """Return what argparse and Airflow's own commands are told of each argument."""
    return {
        "conn_id": {"help": "the connection, of type gong_oauth"},
        "--redirect-uri": {
            "metavar": "URL",
            "help": "one of the redirect URIs of the app in Gong (default: Airflow's option [gong] oauth_redirect_uri)",
        },
        "--status": {"action": "store_true", "help": "only tell what state the connection is in"},
        "--disconnect": {"action": "store_true", "help": "forget the tokens of the connection"},
    }


def _run(options: argparse.Namespace) -> int:
    # As Airflow's own commands do (`airflow connections`), so that the database is at hand.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    terminal = sys.stdout
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is terminal:
            handler.setStream(sys.stderr)
    try:
        # Whatever Airflow says meanwhile belongs elsewhere.
        with redirect_stdout(sys.stderr):
            status = _act(options, _settings(options.conn_id), terminal)
    except GongError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    terminal.write(_told(status))
    return 0


def _act(options: argparse.Namespace, settings: Settings, terminal: TextIO) -> OAuthStatus:
    from airflow_provider_gong.api.oauth_app import code_of, new_state
    from airflow_provider_gong.hooks import oauth

    conn_id: str = options.conn_id
    app = oauth.app_of(conn_id, settings)
    if options.disconnect:
        oauth.disconnect(conn_id, settings)
    elif not options.status:
        redirect_uri, state = _redirect_uri(options), new_state()
        url = app.authorization_url(redirect_uri=redirect_uri, state=state)
        terminal.write(ASK.format(url=url, redirect_uri=redirect_uri))
        terminal.flush()
        code = code_of(sys.stdin.readline(), state=state)
        return oauth.connect(conn_id, settings, code=code, redirect_uri=redirect_uri)
    return oauth.status_of(conn_id, settings)


def _redirect_uri(options: argparse.Namespace) -> str:
    from airflow.sdk import conf

    given: str = options.redirect_uri or conf.get("gong", "oauth_redirect_uri", fallback="")
    if not given:
        raise GongConfigurationError(
            "There is no redirect URI: give one of those that the app has in Gong with --redirect-uri, or in Airflow's "
            "option [gong] oauth_redirect_uri."
        )
    return given


def _settings(conn_id: str) -> Settings:
    from airflow.sdk.exceptions import AirflowNotFoundException

    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.hooks.settings import read_settings

    try:
        return read_settings(GongHook.get_connection(conn_id))
    except AirflowNotFoundException:
        raise GongConfigurationError(
            f"There is no connection {conn_id!r} in the environment (AIRFLOW_CONN_...), the secrets backends or "
            f"Airflow's database: name another one."
        ) from None


def _told(status: OAuthStatus) -> str:
    lines = [f"{status.conn_id}: {'connected' if status.connected else 'not connected'}"]
    if status.problem:
        lines.append(status.problem)
    if status.host:
        lines.append(f"Host: {status.host}")
    if status.expires:
        lines.append(f"Token until: {status.expires:%Y-%m-%d %H:%M:%S} UTC; tasks replace it by themselves")
    if status.granted:
        lines.append(f"Scopes: {' '.join(status.granted)}")
    if status.connected and status.missing:
        lines.append(f"Missing scopes: {' '.join(status.missing)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
