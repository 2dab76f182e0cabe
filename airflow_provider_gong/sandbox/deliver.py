"""`python -m airflow_provider_gong.sandbox deliver`: fire a rule by hand, without a Gong account."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.signing import SigningKey
from airflow_provider_gong.sandbox.webhooks import KINDS, Webhooks
from airflow_provider_gong.sandbox.world import World

DESCRIPTION = """\
Send the webhook of an automation rule, as Gong would, for made-up calls. The key that signs it is made on the spot
and kept in a file; --show-key prints its public half, for the connection in Airflow.
"""
DAYS = 30


def main(arguments: list[str]) -> int:
    """Send the deliveries; say what was answered. Return 1 when one of them was not accepted."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        key = SigningKey.kept_in(options.key_file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The key cannot be used: {error}. Name another file with --key-file.\n")
        return 1
    if options.show_key:
        sys.stdout.write(f"{key.public_key}\n")
        return 0
    if not options.url:
        parser.error("give the URL of the rule with --url, or --show-key")
    return _send(options, key)


def _send(options: argparse.Namespace, key: SigningKey) -> int:
    clock = Clock()
    world = World(clock, seed=options.seed, calls_per_day=30, days=DAYS, users=25)
    calls = world.visible_calls(clock.now() - timedelta(days=1))[-options.count :]
    webhooks, refused = Webhooks(clock, world, key), 0
    for call in calls:
        delivery = webhooks.delivery(
            options.url, call, kind=options.kind, is_test=options.test, sent_to=options.sent_to
        )
        for _ in range(options.repeat):
            try:
                answer = delivery.send()
            except OSError as error:
                sys.stderr.write(f"Nothing is received at {delivery.url}: {error}\n")
                return 1
            refused += answer.status != 200
            sys.stdout.write(f"call {call.id}: {answer.status} {answer.text}\n")
    return int(refused > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_gong.sandbox deliver",
        description=DESCRIPTION,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--url", help="the rule's URL, as the connection in Airflow names it")
    add("--sent-to", help="where to send it instead, when a proxy lies between")
    add(
        "--key-file",
        type=Path,
        default=Path("gong-webhook-key.pem"),
        help="the private key; made when missing",
    )
    add("--show-key", action="store_true", help="print the public key and send nothing")
    add("--kind", choices=KINDS, default="signed", help="how to send it; all but signed are to be refused")
    add("--test", action="store_true", help='as with the button "Test now"')
    add("--count", type=int, default=1, help="deliver this many calls, one after the other")
    add("--repeat", type=int, default=1, help="send each delivery this many times")
    add("--seed", type=int, default=0, help="seed of the data")
    return parser
