"""Personal arguments are nowhere to be read: not in rendered fields, logs, errors or XCom."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from airflow.sdk import DAG
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker

from airflow_provider_gong.operators.personal import of_number, spellings
from airflow_provider_gong.operators.privacy import (
    GongEraseEmailAddressOperator,
    GongErasePhoneNumberOperator,
    GongListEmailAddressReferencesOperator,
)
from airflow_provider_gong.sensors.privacy import GongErasureSensor
from tests.api.wire import Wire, http
from tests.support.dag_runs import run_dag
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

ADDRESS = "Ann.O'Neil+gong@Example.com"
NUMBER = "+1 (206) 555-0143"
BAD_NUMBER = "1 206 555 0143"


def known(value: str) -> set[str]:
    """Return what nobody may find, spelled out apart from the code under test."""
    bare = value.strip()
    plain = {bare, bare.lower(), bare.upper()}
    if "@" not in bare:
        plain |= {"12065550143", "206 555 0143", "(206) 555-0143", "555-0143"}
    return plain | {quote(one, safe="") for one in plain} | {quote_plus(one).lower() for one in plain}


def found(value: str, *texts: str) -> set[str]:
    return {one for one in known(value) for text in texts if one in text}


@pytest.fixture(autouse=True)
def masker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with an Airflow that masks nothing yet."""
    reset_secrets_masker()
    monkeypatch.setenv("AIRFLOW_VAR_PERSON", ADDRESS)
    monkeypatch.setenv("AIRFLOW_VAR_NUMBER", NUMBER)
    yield
    reset_secrets_masker()


def told(result: TaskResult) -> str:
    """Return all that Airflow shows of a task, and its log even before Airflow masks it."""
    shown = [json.dumps([result.xcoms, result.rendered], default=repr), *result.logs]
    if result.error is not None:
        shown += traceback.format_exception(result.error)
    return "\n".join(shown)


def operators(kind: str) -> tuple[Any, str]:
    if kind == "address":
        return GongEraseEmailAddressOperator(
            task_id="erase", email_address=" {{ var.value.person }} ", confirm=True, retries=3
        ), ADDRESS
    return GongErasePhoneNumberOperator(
        task_id="erase", phone_number=" {{ var.value.number }} ", confirm=True, retries=3
    ), NUMBER


each_kind = pytest.mark.parametrize("kind", ["address", "number"])


@each_kind
def test_a_success_tells_nobody(quiet: GongSandbox, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    caplog.set_level(logging.DEBUG)
    operator, person = operators(kind)
    result = run_task(operator).succeeded()
    argument = "email_address" if kind == "address" else "phone_number"
    assert result.rendered[argument] == "***"
    assert any("HTTP/1.1" in line for line in result.logs), "urllib3 speaks at this level"
    assert found(person, told(result)) == set()


@each_kind
def test_airflow_masks_what_others_log_in_any_spelling(quiet: GongSandbox, kind: str) -> None:
    operator, person = operators(kind)
    assert found(person, *known(person))
    run_task(operator).succeeded()
    # The spellings without the country code are nobody's.
    with_code = {f"{mark}12065550143" for mark in ("", "+", " ", "%2B")} | {quote(NUMBER), quote_plus(NUMBER)}
    whole = known(person) if kind == "address" else with_code
    assert {one for one in whole if "***" not in str(redact(f"GET /?q={one}"))} == set()


@each_kind
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.usefixtures("no_waiting")
def test_a_failure_tells_nobody(
    quiet: GongSandbox, caplog: pytest.LogCaptureFixture, kind: str, method: str
) -> None:
    caplog.set_level(logging.DEBUG)
    operator, person = operators(kind)
    quiet.faults.add("dropped_connection", method=method, times=None)
    result = run_task(operator)
    assert result.error is not None
    assert found(person, told(result)) == set()


@pytest.mark.parametrize(
    "echo",
    [
        "No such person: Ann.O'Neil+gong@Example.com",
        "No such person: ann.o'neil+gong@example.com",
        "No such person: ANN.O'NEIL+GONG@EXAMPLE.COM",
        "No such person: Ann.O%27Neil%2Bgong%40Example.com",
        "No such person: ann.o%27neil%2bgong%40example.com",
        "No such person: ann.o'neil%2bgong%40example.com",
    ],
)
def test_an_error_in_which_gong_quotes_the_address_tells_nobody(
    connect: Connect, quiet: GongSandbox, echo: str
) -> None:
    body = json.dumps({"errors": [echo]}).encode()
    with Wire(http("400 Bad Request", body, "Content-Type: application/json")) as wire:
        connect(quiet, {"host": wire.url})
        result = run_task(operators("address")[0])
    assert "No such person: ***" in str(result.error)
    assert "No such person: ***" in str(result.error.__cause__)  # type: ignore[union-attr]
    assert found(ADDRESS, told(result)) == set()


@pytest.mark.parametrize(
    "echo",
    [
        *("+12065550143", "12065550143", " 12065550143", "%2B12065550143", NUMBER),
        *("+1 206-555-0143", "+1 (206)555.0143", "1-206-555-01-43", "206 555 0143", "(206) 555-0143"),
    ],
)
def test_an_error_in_which_gong_quotes_the_number_tells_nobody(
    connect: Connect, quiet: GongSandbox, echo: str
) -> None:
    body = json.dumps({"errors": [f"No such number:{echo}"]}).encode()
    with Wire(http("400 Bad Request", body, "Content-Type: application/json")) as wire:
        connect(quiet, {"host": wire.url})
        result = run_task(operators("number")[0])
    assert "No such number:" in str(result.error)
    assert found(NUMBER, told(result)) == set()


def test_a_look_at_which_gong_quotes_the_address_tells_nobody(connect: Connect, quiet: GongSandbox) -> None:
    body = json.dumps({"errors": [f"Not now, {ADDRESS}"]}).encode()
    headers = ("Content-Type: application/json", "Retry-After: 900")
    with Wire(http("429 Too Many Requests", body, *headers)) as wire:
        connect(quiet, {"host": wire.url})
        result = run_task(GongErasureSensor(task_id="gone", email_address=ADDRESS, deferrable=True))
    assert result.state == "deferred"
    assert any("Not now, ***" in line for line in result.logs)
    assert found(ADDRESS, told(result)) == set()
    assert found(ADDRESS, repr(result.deferral)) == set()


def test_a_bad_number_is_masked_and_not_told(quiet: GongSandbox) -> None:
    result = run_task(GongErasePhoneNumberOperator(task_id="erase", phone_number=BAD_NUMBER, confirm=True))
    assert result.rendered["phone_number"] == "***"
    assert "does not begin with +" in str(result.error)
    assert found(BAD_NUMBER, told(result)) == set()


def test_a_number_that_a_template_makes_a_number_is_masked(quiet: GongSandbox) -> None:
    with DAG("native", schedule=None, render_template_as_native_obj=True):
        operator = GongErasePhoneNumberOperator(
            task_id="erase", phone_number="{{ '+12065550143' }}", confirm=True
        )
    result = run_task(operator)
    assert result.rendered["phone_number"] == "***"
    assert found(NUMBER, told(result)) == set()


def test_a_list_of_addresses_is_masked(quiet: GongSandbox) -> None:
    operator = GongListEmailAddressReferencesOperator(task_id="list", email_address=[ADDRESS, ADDRESS])  # type: ignore[arg-type]
    result = run_task(operator)
    assert result.rendered["email_address"] == "***"
    assert found(ADDRESS, told(result)) == set()


def test_a_number_is_not_seen_in_other_numbers() -> None:
    pattern = re.compile(str(of_number(NUMBER)))
    others = ("12065550144", "7782065550143", "20655501430", "206 555 014", "1 206, page 5550143")
    assert [one for one in others if pattern.search(one)] == []


def test_nothing_short_is_masked() -> None:
    # It would blot out words that have nothing to do with anybody.
    assert all(len(one) >= 5 for value in ("a@b", "+1 2 3", "a") for one in spellings(value))


def stored_fields(dag_id: str) -> dict[int, Any]:
    """Return the rendered fields that Airflow's database has, by map index."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.scalars(
            select(RenderedTaskInstanceFields).where(RenderedTaskInstanceFields.dag_id == dag_id)
        )
        return {row.map_index: row.rendered_fields for row in rows}


def test_airflow_stores_no_address(quiet: GongSandbox) -> None:
    with DAG("stores_no_address", schedule=None) as dag:
        GongEraseEmailAddressOperator(task_id="erase", email_address="{{ var.value.person }}", confirm=True)
    assert run_dag(dag).state == "success"
    assert stored_fields(dag.dag_id) == {
        -1: {"gong_conn_id": "gong_default", "email_address": "***", "confirm": True, "preview": False}
    }


def test_airflow_stores_no_address_of_mapped_tasks(quiet: GongSandbox) -> None:
    people = [ADDRESS, "bob@example.com"]
    with DAG("stores_no_mapped_address", schedule=None) as dag:
        GongListEmailAddressReferencesOperator.partial(task_id="list").expand(email_address=people)
    assert run_dag(dag).state == "success"
    stored = stored_fields(dag.dag_id)
    assert {index: fields["email_address"] for index, fields in stored.items()} == {0: "***", 1: "***"}
