from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.limits import Limits
from tests.sandbox.client import Client, errors

NOON = datetime(2026, 1, 11, 12, tzinfo=UTC)


@pytest.fixture
def limited() -> Iterator[Client]:
    """Return a client of a sandbox with Gong's own limits, whose clock stands still."""
    with GongSandbox(days=1, now=NOON) as gong:
        client = Client(gong)
        with client.session:
            yield client


def test_the_fourth_request_of_a_second_is_a_429(limited: Client) -> None:
    replies = [limited.get("/v2/workspaces") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert replies[3].headers["Retry-After"] == "1"
    assert errors(replies[3]) == ["API request limit exceeded"]


def test_waiting_as_told_helps(limited: Client) -> None:
    for _ in range(4):
        reply = limited.get("/v2/workspaces")
    limited.gong.clock.advance(timedelta(seconds=int(reply.headers["Retry-After"])))
    assert limited.get("/v2/workspaces").status_code == 200


def test_all_keys_of_a_company_share_its_limits(limited: Client) -> None:
    for _ in range(3):
        limited.get("/v2/workspaces")
    other = Client(limited.gong, limited.gong.access.add_key())
    with other.session:
        assert other.get("/v2/workspaces").status_code == 429


def test_requests_of_strangers_do_not_count(limited: Client) -> None:
    stranger = Client(limited.gong)
    stranger.session.auth = ("nobody", "secret")
    with stranger.session:
        for _ in range(5):
            assert stranger.get("/v2/workspaces").status_code == 401
    assert limited.get("/v2/workspaces").status_code == 200


def test_a_spent_day_is_a_429_until_midnight(client: Client) -> None:
    client.gong.limits.per_day = 2
    client.gong.clock.advance(timedelta(hours=12))
    assert [client.get("/v2/workspaces").status_code for _ in range(2)] == [200, 200]
    reply = client.get("/v2/workspaces")
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == str(12 * 3600)
    client.gong.clock.advance(timedelta(hours=12))
    assert client.get("/v2/workspaces").status_code == 200


def test_gongs_limits_are_the_default() -> None:
    limits = GongSandbox(days=1).limits
    assert (limits.per_second, limits.per_day) == (3, 10_000)


def test_a_refused_request_does_not_count() -> None:
    clock = Clock(NOON)
    limits = Limits(clock, per_second=3, per_day=None)
    assert [limits.admit() for _ in range(3)] == [None] * 3
    for _ in range(20):
        assert limits.admit() == 1
    assert limits.used_today == 3


def test_three_requests_each_second_are_never_refused() -> None:
    clock = Clock(NOON)
    limits = Limits(clock, per_second=3, per_day=None)
    for _ in range(20):
        assert [limits.admit() for _ in range(3)] == [None] * 3
        clock.advance(timedelta(seconds=1))


def test_no_limit_lets_everything_through() -> None:
    limits = Limits(Clock(NOON), per_second=None, per_day=None)
    assert {limits.admit() for _ in range(1000)} == {None}
