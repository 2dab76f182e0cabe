"""Listing and erasing people: what is sent, what comes back, and what stops an erasure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api import privacy
from airflow_provider_gong.exceptions import GongConfigurationError, GongReplyError, GongRequestRefused
from airflow_provider_gong.operators.privacy import (
    GongEraseEmailAddressOperator,
    GongErasePhoneNumberOperator,
    GongListEmailAddressReferencesOperator,
    GongListPhoneNumberReferencesOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.access import SCOPES
from tests.operators.conftest import NOW
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operators.conftest import Connect

BASE = "/v2/data-privacy"
FIND_ADDRESS = ("GET", f"{BASE}/data-for-email-address")
FIND_NUMBER = ("GET", f"{BASE}/data-for-phone-number")
ERASE_ADDRESS = ("POST", f"{BASE}/erase-data-for-email-address")
ERASE_NUMBER = ("POST", f"{BASE}/erase-data-for-phone-number")
LISTS = ("call_ids", "email_ids", "customer_data_ids")


@pytest.fixture
def gong(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company that may forget people, connected."""
    with GongSandbox(seed=7, calls=20, days=3, now=NOW, today=NOW.date(), per_second=None) as company:
        connect(company)
        yield company


@pytest.fixture(params=["address", "number"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def erase(
    gong: GongSandbox,
    kind: str,
    *,
    person: str | None = None,
    try_number: int = 1,
    task_state: dict[str, Any] | None = None,
    **arguments: Any,
) -> TaskResult:
    operator: Any
    if kind == "address":
        person = person or gong.privacy.known_email_address()
        operator = GongEraseEmailAddressOperator(task_id="erase", email_address=person, **arguments)
    else:
        person = person or gong.privacy.known_phone_number()
        operator = GongErasePhoneNumberOperator(task_id="erase", phone_number=person, **arguments)
    return run_task(operator, try_number=try_number, task_state=task_state)


def find(gong: GongSandbox, kind: str) -> dict[str, Any]:
    if kind == "address":
        operator: Any = GongListEmailAddressReferencesOperator(
            task_id="list", email_address=gong.privacy.known_email_address()
        )
    else:
        operator = GongListPhoneNumberReferencesOperator(
            task_id="list", phone_number=gong.privacy.known_phone_number()
        )
    found = run_task(operator).succeeded().xcom
    assert isinstance(found, dict)
    return found


def sent(gong: GongSandbox) -> list[tuple[str, str]]:
    return [(one.method, one.path) for one in gong.requests]


def assert_failed_for_good(result: TaskResult, cause: type[Exception]) -> None:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause


def test_lists_are_the_requests_of_the_api() -> None:
    address = GongListEmailAddressReferencesOperator(task_id="list", email_address=" ann@example.com ")
    number = GongListPhoneNumberReferencesOperator(task_id="list", phone_number="+1 425 555-2671")
    assert address.request() == privacy.list_email_address_references("ann@example.com")
    assert number.request() == privacy.list_phone_number_references("+14255552671")


def test_references_come_as_ids(gong: GongSandbox, kind: str) -> None:
    found = find(gong, kind)
    assert all(found[name] for name in LISTS)
    assert all(isinstance(one, str) for name in LISTS for one in found[name])
    assert sent(gong) == [FIND_ADDRESS if kind == "address" else FIND_NUMBER]
    assert set(found) - {*LISTS, "meeting_ids", "customer_engagement_count"} == (
        set() if kind == "address" else {"email_address_count"}
    )


def test_somebody_unknown_has_no_references(gong: GongSandbox) -> None:
    operator = GongListEmailAddressReferencesOperator(task_id="list", email_address="nobody@example.com")
    assert not any(run_task(operator).succeeded().xcom.values())


@pytest.mark.parametrize("confirm", [False, "False", "", None])
def test_nothing_is_sent_without_confirmation(gong: GongSandbox, kind: str, confirm: Any) -> None:
    result = erase(gong, kind, confirm=confirm, retries=3)
    assert_failed_for_good(result, GongConfigurationError)
    assert str(result.error) == (
        "confirm is not set, so nothing was sent: an erasure cannot be undone. Set dry_run=True to see what it would "
        "take, and confirm=True to erase."
    )
    assert sent(gong) == []


@pytest.mark.parametrize("confirm", [True, "True"])
def test_an_erasure_returns_what_it_takes(gong: GongSandbox, kind: str, confirm: Any) -> None:
    before = find(gong, kind)
    gong.requests.clear()
    result = erase(gong, kind, confirm=confirm).succeeded()
    assert result.xcom == {**before, "erasure_requested": True}
    assert sent(gong) == ([FIND_ADDRESS, ERASE_ADDRESS] if kind == "address" else [FIND_NUMBER, ERASE_NUMBER])
    [erasure] = gong.privacy.erasures
    gong.clock.set(erasure.due)
    assert gong.privacy.calls_of(erasure.subject) == []


@pytest.mark.parametrize("confirm", [False, True, "{{ 1 == 1 }}"])
def test_a_dry_run_erases_nothing(gong: GongSandbox, kind: str, confirm: Any) -> None:
    before = find(gong, kind)
    gong.requests.clear()
    result = erase(gong, kind, confirm=confirm, dry_run="True").succeeded()
    assert result.xcom == {**before, "erasure_requested": False}
    assert sent(gong) == [FIND_ADDRESS if kind == "address" else FIND_NUMBER]
    assert gong.privacy.erasures == []
    said = "Nothing is erased, since dry_run is set" + (" (and wins over confirm)" if confirm else "")
    assert said in result.logs


def test_somebody_unknown_is_erased_as_well(gong: GongSandbox, kind: str) -> None:
    person = "nobody@example.com" if kind == "address" else "+1 425 555 2671"
    result = erase(gong, kind, person=person, confirm=True).succeeded().xcom
    assert result.pop("erasure_requested") is True
    assert not any(result.values())


def test_erasing_twice_is_erasing_once(gong: GongSandbox, kind: str) -> None:
    first = erase(gong, kind, confirm=True).succeeded().xcom
    assert erase(gong, kind, confirm=True).succeeded().xcom == first


def test_a_read_only_connection_refuses_before_anything_is_sent(
    gong: GongSandbox, connect: Connect, kind: str
) -> None:
    connect(gong, read_only=True)
    result = erase(gong, kind, confirm=True, retries=3)
    assert_failed_for_good(result, GongConfigurationError)
    assert "the connection is read-only" in str(result.error)
    assert sent(gong) == []


def test_a_read_only_connection_allows_a_dry_run(gong: GongSandbox, connect: Connect, kind: str) -> None:
    connect(gong, read_only=True)
    assert erase(gong, kind, dry_run=True).succeeded().xcom["call_ids"]


def test_gongs_guard_is_told_with_what_to_do(gong: GongSandbox, kind: str) -> None:
    gong.privacy.refuses_erasures = True
    result = erase(gong, kind, confirm=True, retries=3)
    assert_failed_for_good(result, GongRequestRefused)
    assert "The number of objects to delete is abnormal" in str(result.error)
    assert (
        "Gong refuses to delete an abnormal number of objects: if that is the reason, ask its support, help@gong.io."
        in str(result.error)
    )


@pytest.mark.usefixtures("no_waiting")
def test_a_lost_reply_of_an_erasure_is_left_to_the_retry(gong: GongSandbox, kind: str) -> None:
    fault = gong.faults.add("dropped_connection", method="POST")
    result = erase(gong, kind, confirm=True, retries=3)
    assert result.state == "up_for_retry"
    assert isinstance(result.error, GongReplyError)
    assert fault.struck == 1
    assert len(gong.privacy.erasures) == 1
    assert erase(gong, kind, confirm=True).succeeded().xcom["erasure_requested"]


@pytest.mark.usefixtures("no_waiting")
def test_a_retry_still_tells_what_the_first_attempt_found(gong: GongSandbox, kind: str) -> None:
    before = find(gong, kind)
    known = gong.privacy.known_email_address if kind == "address" else gong.privacy.known_phone_number
    person = known()
    gong.faults.add("dropped_connection", method="POST")
    kept: dict[str, Any] = {}
    erase(gong, kind, person=person, confirm=True, retries=3, task_state=kept)
    [erasure] = gong.privacy.erasures
    gong.clock.set(erasure.due)
    assert gong.privacy.calls_of(erasure.subject) == []
    result = erase(gong, kind, person=person, confirm=True, try_number=2, task_state=kept).succeeded()
    assert result.xcom == {**before, "erasure_requested": True}


def test_what_a_refused_erasure_found_is_forgotten(gong: GongSandbox) -> None:
    kept: dict[str, Any] = {}
    gong.privacy.refuses_erasures = True
    erase(gong, "address", confirm=True, task_state=kept)
    gong.privacy.refuses_erasures = False
    result = erase(gong, "address", person="nobody@example.com", confirm=True, task_state=kept).succeeded()
    assert result.xcom["call_ids"] == []


def test_without_the_scope_to_read_nothing_is_erased(gong: GongSandbox, connect: Connect, kind: str) -> None:
    key = gong.access.add_key(scopes=SCOPES - {"api:data-privacy:read"})
    connect(gong, {"login": key.access_key, "password": key.access_key_secret})
    result = erase(gong, kind, confirm=True)
    assert "api:data-privacy:read" in str(result.error)
    assert gong.privacy.erasures == []


@pytest.mark.parametrize(
    ("person", "problem"), [("", "is empty"), ("None", "has no @"), ("ann,@x.com", "holds one of")]
)
def test_a_bad_address_fails_before_anything_is_sent(gong: GongSandbox, person: str, problem: str) -> None:
    operator = GongEraseEmailAddressOperator(task_id="erase", email_address=person, confirm=True, retries=3)
    result = run_task(operator)
    assert_failed_for_good(result, GongConfigurationError)
    assert str(result.error).startswith(f"email_address {problem}")
    assert sent(gong) == []


@pytest.mark.parametrize("person", [["ann@example.com"], ("ann@example.com",), '["ann@example.com"]'])
def test_a_list_does_not_pass_for_an_address(gong: GongSandbox, person: Any) -> None:
    # Gong would find nobody of that name, and the erasure would look like a success.
    operator = GongEraseEmailAddressOperator(task_id="erase", email_address=person, confirm=True)
    assert_failed_for_good(run_task(operator), GongConfigurationError)
    assert sent(gong) == []


def test_erasures_take_hours(gong: GongSandbox) -> None:
    erase(gong, "address", confirm=True).succeeded()
    gong.clock.advance(timedelta(hours=1))
    assert find(gong, "address")["call_ids"]


def test_results_hold_nothing_personal(gong: GongSandbox, kind: str) -> None:
    [found] = [json.dumps(find(gong, kind))]
    assert not any(sign in found for sign in ("@", "+", "http", "Salesforce"))
