"""Tell what a backfill will cost: `python -m airflow_provider_gong.exports.plan`, or `airflow gong plan`.

Gong is asked how many records some of the windows hold, one request each; the rest is reckoned.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongUnexpectedResponse
from airflow_provider_gong.exports.plan.arguments import ArgumentsError, arguments_of_the_command, split

# `airflow` imports this module at each start: the rest is imported where it is used.
if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.exports.plan.report import Plan
    from airflow_provider_gong.exports.window import Window
    from airflow_provider_gong.hooks.settings import Settings

DESCRIPTION = "Tell what a backfill will cost, from Gong's own count of some windows. Nothing is exported."

NOT_FOUND = (
    "There is no connection {!r} in the environment (AIRFLOW_CONN_...), the secrets backends or Airflow's database: "
    "name another one with --conn-id."
)
NOT_FOUND_OUTSIDE = (
    "There is no connection {!r} in the environment (AIRFLOW_CONN_...) or the secrets backends, and outside of "
    "Airflow's commands no other place is looked at. For one made in Airflow's UI: `airflow gong plan` with the same "
    "arguments."
)


def main(arguments: list[str] | None = None) -> int:
    """Plan as the command line says, and return the exit code."""
    parser = _parser("python -m airflow_provider_gong.exports.plan")
    return _run(parser, parser.parse_args(arguments), in_airflow=False)


def airflow_command(options: argparse.Namespace) -> None:
    """Plan as the arguments of `airflow gong plan` say."""
    # As Airflow's own commands do (`airflow connections`), so that the connections of its database are found.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    if code := _run(_parser("airflow gong plan"), options, in_airflow=True):
        raise SystemExit(code)


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace, *, in_airflow: bool) -> int:
    from airflow_provider_gong.exports.plan.report import as_json, as_text

    try:
        windows = split(options)
    except ArgumentsError as problem:
        parser.error(str(problem))
    try:
        with _log_to_stderr():
            plan = _plan(options, windows, _settings(options.conn_id, in_airflow=in_airflow))
    except GongError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    sys.stdout.write(as_json(plan) if options.json else as_text(plan))
    return 0


def _settings(conn_id: str, *, in_airflow: bool) -> Settings:
    from airflow.sdk.exceptions import AirflowNotFoundException

    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.hooks.settings import read_settings

    try:
        return read_settings(GongHook.get_connection(conn_id))
    except AirflowNotFoundException:
        problem = NOT_FOUND if in_airflow else NOT_FOUND_OUTSIDE
        raise GongConfigurationError(problem.format(conn_id)) from None


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """Keep Airflow's log out of the report, which somebody may read as JSON."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
    # Whatever Airflow sets up or says while it is imported.
    with redirect_stdout(sys.stderr):
        yield


def _plan(options: argparse.Namespace, windows: list[Window], settings: Settings) -> Plan:
    from airflow_provider_gong.exports.plan.estimate import Estimate, Quota, spread_evenly
    from airflow_provider_gong.exports.plan.report import Plan
    from airflow_provider_gong.hooks.gong import GongHook

    with GongHook(options.conn_id) as hook:
        client = hook.get_conn()
        asked = spread_evenly(len(windows), options.samples or len(windows))
        counts = {index: _count(client, _question(options, windows[index])) for index in asked}
        spent = client.requests
    return Plan(
        stream=options.stream,
        workspace_id=options.workspace_id,
        log_type=options.log_type,
        cadence=options.window,
        estimate=Estimate(windows, counts),
        quota=Quota(
            per_second=settings.requests_per_second,
            per_day=settings.requests_per_day,
            daily_share=settings.daily_share,
            backfill_share=settings.backfill_share if options.share is None else options.share,
        ),
        spent=spent,
    )


def _question(options: argparse.Namespace, window: Window) -> Request:
    """Return the request whose first page tells how many records the window holds."""
    from airflow_provider_gong.api import calls, logs

    start, end = window.start, window.end
    if options.stream == "logs":
        return logs.list_logs(log_type=options.log_type, from_datetime=start, to_datetime=end)
    return calls.list_calls_extensive(workspace_id=options.workspace_id, from_datetime=start, to_datetime=end)


def _count(client: GongClient, request: Request) -> int:
    page = next(client.pages(request))
    if page.total is not None:
        return page.total
    if page.cursor is None:
        return len(page.items)
    raise GongUnexpectedResponse(
        "The reply does not count its records (records.totalRecords), so nothing can be estimated; report it with "
        "the request id.",
        operation=request.operation,
        request_id=page.request_id,
    )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION)
    for flag, facts in arguments_of_the_command().items():
        parser.add_argument(flag, **facts)
    return parser
