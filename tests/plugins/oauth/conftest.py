"""Airflow's own web application in this process, with our plugin in it, and a Gong to connect to."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.plugins.oauth.served import PASSWORDS, ServedAirflow, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="package")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(seed=3, calls=2, days=2, users=3, per_second=None, per_day=None) as gong:
        yield gong


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAirflow]:
    passwords = tmp_path_factory.mktemp("users") / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,op:op,viewer:viewer",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "API__SECRET_KEY": "a-secret-key-for-these-tests",
            "API_AUTH__JWT_SECRET": "a-jwt-secret-for-these-tests-of-sufficient-length-0123456789abcdef",
        }.items():
            patch.setenv(f"AIRFLOW__{name}", value)
        patch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        # Warnings are errors in our tests, but Airflow's own code is not ours to mend.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with ServedAirflow() as served:
                yield served


@pytest.fixture
def airflow(
    served: ServedAirflow, gong: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedAirflow]:
    """Return an Airflow with one connection that is not connected."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_REDIRECT_URI", served.callback)
    gong.faults.clear()
    gong.oauth.revoke()
    gong.oauth.trusted_ip = True
    served.clear()
    served.add(gong, "gong_default")
    yield served
    served.clear()


@pytest.fixture
def visit(airflow: ServedAirflow) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a browser of a user, as far as cookies and redirects go."""
    opened: list[Visit] = []

    def open_one(user: str = "admin") -> Visit:
        opened.append(Visit(airflow, user))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def admin(visit: Callable[..., Visit]) -> Visit:
    return visit("admin")
