"""A privacy request in a real Airflow: the person's address is in no file of it afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from airflow_provider_gong.sandbox import GongSandbox
from tests.system.conftest import connection
from tests.system.real_airflow import DATABASE, RealAirflow
from tests.system.rest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

FIND = "/v2/data-privacy/data-for-email-address"

DAG = """
from airflow.sdk import DAG
from airflow_provider_gong.operators.privacy import (
    GongEraseEmailAddressOperator,
    GongListEmailAddressReferencesOperator,
)
from airflow_provider_gong.sensors.privacy import GongErasureSensor

PERSON = " {{ var.value.person }}"

with DAG("forget", schedule=None):
    mapped = GongListEmailAddressReferencesOperator.partial(task_id="mapped").expand(email_address=[PERSON])
    erase = GongEraseEmailAddressOperator(task_id="erase", email_address=PERSON, confirm=True)
    gone = GongErasureSensor(task_id="gone", email_address=PERSON, poke_interval=1, deferrable=True)
    mapped >> erase >> gone
    GongEraseEmailAddressOperator(task_id="unconfirmed", email_address=PERSON)
    GongEraseEmailAddressOperator(task_id="two_people", email_address=PERSON + PERSON, confirm=True)
"""


TALKATIVE_DAG = """
from urllib.parse import quote

from airflow.sdk import DAG
from airflow_provider_gong.operators.privacy import GongListEmailAddressReferencesOperator

class Talkative(GongListEmailAddressReferencesOperator):
    def outcome(self, reply):
        self.log.warning("It is about %s", self.email_address)
        print("Asked for", quote(self.email_address), self.email_address.upper())
        raise ValueError(f"Somebody tells of {self.email_address}")

with DAG("talkative", schedule=None):
    Talkative(task_id="tell", email_address="{{ var.value.other }}")
"""


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    now = datetime(2026, 1, 11, 12, tzinfo=UTC)
    with GongSandbox(calls=12, days=5, now=now, per_second=None, per_day=None) as company:
        yield company


@pytest.fixture(scope="module")
def airflow(gong: GongSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """Start an Airflow of its own, with a triggerer, that logs what urllib3 says."""
    environment = {
        "AIRFLOW_CONN_GONG_DEFAULT": connection(gong),
        "AIRFLOW_VAR_PERSON": gong.privacy.known_email_address(),
        "AIRFLOW_VAR_OTHER": "Max.Else@example.com",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    }
    airflow = RealAirflow(tmp_path_factory.mktemp("private"), environment=environment, triggerer=True)
    (airflow.dags / "forget.py").write_text(DAG)
    (airflow.dags / "talkative.py").write_text(TALKATIVE_DAG)
    with airflow:
        yield airflow


def files_with(airflow: RealAirflow, text: bytes) -> list[str]:
    """Return the files below Airflow's home that hold a text: logs, the database and its journal, outputs."""
    files = [path for path in airflow.home.rglob("*") if path.is_file()]
    return [path.name for path in files if text in path.read_bytes()]


def test_the_address_is_in_no_file_of_airflow(airflow: RealAirflow, gong: GongSandbox) -> None:
    address = gong.privacy.known_email_address()
    airflow.rest.wait_for_dags("forget")
    airflow.rest.unpause("forget")
    run_id = airflow.rest.trigger("forget")
    wait_until(lambda: len(gong.requests.to(FIND)) >= 4, seconds=120, what="a second look of the sensor")
    gong.clock.advance(gong.privacy.erasure_time)
    airflow.rest.wait_for_run("forget", run_id, "failed")
    states = {one["task_id"]: one["state"] for one in airflow.rest.task_instances("forget", run_id)}
    assert states == {
        "mapped": "success",
        "erase": "success",
        "gone": "success",
        "unconfirmed": "failed",
        "two_people": "failed",
    }
    assert airflow.rest.xcom("forget", run_id, "erase")["call_ids"]
    logs = airflow.rest.all_logs("forget", run_id)
    assert "HTTP/1.1" in logs, "urllib3 speaks at this level"
    assert "email_address has 2 @" in logs
    with closing(sqlite3.connect(airflow.home / DATABASE)) as database:
        query = "SELECT task_id, rendered_fields FROM rendered_task_instance_fields"
        stored = dict(database.execute(query).fetchall())
    assert stored.keys() == states.keys()
    assert all('"***"' in fields for fields in stored.values())
    assert files_with(airflow, b"HTTP/1.1"), "the logs are among the files"
    for spelling in (address, address.upper(), quote(address), quote_plus(address)):
        assert files_with(airflow, spelling.encode()) == []


def test_airflow_masks_in_the_log_of_a_task_what_its_own_code_tells(airflow: RealAirflow) -> None:
    # Only there: what a worker prints of the logs besides, Airflow does not mask.
    airflow.rest.wait_for_dags("talkative")
    airflow.rest.unpause("talkative")
    run_id = airflow.rest.trigger("talkative")
    airflow.rest.wait_for_run("talkative", run_id, "failed")
    log = airflow.rest.log("talkative", run_id, "tell")
    for said in ("It is about ***", "Asked for *** ***", "Somebody tells of ***"):
        assert said in log
    assert "max.else" not in log.lower()
