"""The control of a sandbox from outside its process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import FaultKind
from tests.sandbox.client import Client


def control(client: Client, method: str, path: str, body: Any = None) -> requests.Response:
    """Ask without a key."""
    return requests.request(method, f"{client.gong.url}/_sandbox/{path}", json=body, timeout=10)


def test_it_explains_itself(borrowed: Client) -> None:
    about = control(borrowed, "GET", "").json()
    assert requests.get(f"{borrowed.gong.url}/_sandbox", timeout=10).json() == about
    assert about["fault_kinds"] == [kind.value for kind in FaultKind]


def test_the_clock_can_be_set_moved_and_let_go(borrowed: Client) -> None:
    clock = borrowed.gong.clock
    reply = control(borrowed, "POST", "clock", {"now": "2026-02-01T02:00:00+02:00"})
    assert reply.json() == {"now": "2026-02-01T00:00:00+00:00"}
    assert clock.now() == datetime(2026, 2, 1, tzinfo=UTC)
    control(borrowed, "POST", "clock", {"advance_seconds": 90})
    assert control(borrowed, "GET", "clock").json() == {"now": "2026-02-01T00:01:30+00:00"}
    control(borrowed, "DELETE", "clock")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_faults_can_be_added_listed_and_cleared(borrowed: Client) -> None:
    wanted = {"kind": "server_error", "path": "/v2/users", "times": 5, "status": 500}
    assert control(borrowed, "POST", "faults", wanted).status_code == 201
    assert borrowed.get("/v2/users").status_code == 500
    listed = control(borrowed, "GET", "faults").json()["faults"]
    assert [(one["kind"], one["struck"]) for one in listed] == [("server_error", 1)]
    control(borrowed, "DELETE", "faults")
    assert borrowed.get("/v2/users").status_code == 200


def test_requests_are_counted_and_can_be_forgotten(borrowed: Client) -> None:
    for _ in range(3):
        borrowed.get("/v2/users")
    counted = control(borrowed, "GET", "requests").json()
    assert counted["count"] == 3
    assert counted["newest"][0]["path"] == "/v2/users"
    control(borrowed, "DELETE", "requests")
    assert control(borrowed, "GET", "requests").json()["count"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(
            ("clock", {"now": "soon"}),
            ("clock", {"now": "2026-01-01T00:00:00"}),
            ("clock", {}),
            ("clock", []),
        ),
        *(("faults", {"kind": "bang"}), ("faults", {}), ("faults", {"kind": "slow", "often": 1})),
        *(("clock", None), ("faults", {"kind": "slow", "struck": 3})),
    ],
)
def test_nonsense_is_a_400_that_says_why(borrowed: Client, path: str, body: Any) -> None:
    reply = control(borrowed, "POST", path, body)
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert borrowed.gong.faults.all() == []
