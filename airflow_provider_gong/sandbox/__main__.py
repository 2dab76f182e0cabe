"""Start a sandbox from the command line: `python -m airflow_provider_gong.sandbox`."""

import argparse
import json
import signal
import sys
import threading

from airflow_provider_gong.sandbox import deliver
from airflow_provider_gong.sandbox.server import CUSTOMER_HOST, HOST, GongSandbox

DEFAULT_PORT = 8321
DESCRIPTION = """\
Serve a local Gong: users, workspaces, calls, transcripts and audit logs of a company that does not exist.

It answers as Gong does: pages of 100, cursors that expire, 404 for empty lists, calls that become visible
late, 3 requests a second and 10,000 a day. Equal seeds give equal data.

It takes new calls with their media, of which it keeps no more than size and digest: such a call is visible
minutes later. It takes meetings and engagement events, and erases people hours after it was asked to. It has a
library with folders of calls.
"""
EPILOG = """\
While it runs, http://127.0.0.1:PORT/_sandbox/ moves its clock, makes requests fail on demand and counts
them, without a key. Stop it with Ctrl-C.

`python -m airflow_provider_gong.sandbox deliver --help` tells how to send webhooks of automation rules.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; or, with `deliver` as first word, send webhooks."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["deliver"]:
        return deliver.main(arguments[1:])
    options = _parser().parse_args(arguments)
    sandbox = GongSandbox(
        seed=options.seed,
        calls=options.calls,
        days=options.days,
        users=options.users,
        latency=options.latency,
        per_second=None if options.unlimited else 3,
        per_day=None if options.unlimited else 10_000,
        port=options.port,
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox.start()
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {HOST}:{options.port}: {error}. Use --port 0 for a free port.\n")
        return 1
    sys.stdout.write(_greeting(sandbox))
    sys.stdout.flush()
    stopped.wait()
    sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_gong.sandbox",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_HelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=DEFAULT_PORT, help="port to listen on; 0: a free one")
    add("--seed", type=int, default=0, help="seed of the data and of the keys")
    add("--calls", type=_count, default=30, help="calls (conversations) in each day")
    add("--days", type=_count, default=30, help="days before today that hold calls")
    add("--users", type=_at_least_one, default=25, help="users of the company")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="time that each reply takes at least")
    add("--unlimited", action="store_true", help="lift the limits of 3 requests a second and 10,000 a day")
    return parser


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _greeting(sandbox: GongSandbox) -> str:
    key = f"{sandbox.access_key}:{sandbox.access_key_secret}"
    world = sandbox.world
    return f"""\
A local Gong with {len(world.visible_calls())} calls since {world.first_day}. Ctrl-C stops it.

URL                {sandbox.url}
Access key         {sandbox.access_key}
Access key secret  {sandbox.access_key_secret}
Control            {sandbox.url}/_sandbox/

Use it from Airflow:
export AIRFLOW_CONN_GONG_DEFAULT='{_connection(sandbox)}'

Ask it something:
curl -u {key} {sandbox.url}/v2/workspaces
curl -u {key} -H 'Content-Type: application/json' -d '{{"filter": {{}}}}' {sandbox.url}/v2/calls/transcript

Or use it with OAuth 2.0, and connect with `airflow gong connect gong_default --redirect-uri http://localhost/`:
export AIRFLOW_CONN_GONG_DEFAULT='{_oauth_connection(sandbox)}'
"""


def _connection(sandbox: GongSandbox) -> str:
    return json.dumps(
        {
            "conn_type": "gong",
            "host": sandbox.url,
            "login": sandbox.access_key,
            "password": sandbox.access_key_secret,
            "extra": {"allowed_hosts": HOST},
        }
    )


def _oauth_connection(sandbox: GongSandbox) -> str:
    return json.dumps(
        {
            "conn_type": "gong_oauth",
            "host": sandbox.url,
            "login": sandbox.oauth.client_id,
            "password": sandbox.oauth.client_secret,
            "extra": {
                # Those of the Test button and of all exports.
                "scopes": "api:calls:read:basic api:calls:read:extensive api:calls:read:transcript "
                "api:users:read api:logs:read",
                "allowed_hosts": f"{HOST}, {CUSTOMER_HOST}",
            },
        }
    )


if __name__ == "__main__":
    sys.exit(main())
