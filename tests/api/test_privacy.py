"""References and erasures as requests, what is wrong with addresses and numbers, and what is kept of replies."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gong.api import privacy
from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.retry import RetryPolicy
from airflow_provider_gong.api.throttle import NoThrottle
from airflow_provider_gong.exceptions import GongConfigurationError, GongUnexpectedResponse
from tests.api.wire import Wire, http

BASE = "/v2/data-privacy"
BY_ADDRESS: dict[str, Any] = {
    f"GET {BASE}/data-for-email-address": privacy.list_email_address_references,
    f"POST {BASE}/erase-data-for-email-address": privacy.erase_email_address,
}
BY_NUMBER: dict[str, Any] = {
    f"GET {BASE}/data-for-phone-number": privacy.list_phone_number_references,
    f"POST {BASE}/erase-data-for-phone-number": privacy.erase_phone_number,
}


@pytest.mark.parametrize("operation", BY_ADDRESS)
def test_an_address_is_sent_in_the_query_without_a_body(operation: str) -> None:
    request = BY_ADDRESS[operation]("  Ann.O'Neil+gong@example.com\n")
    assert request.operation == operation
    assert (request.path, request.body) == (operation.partition(" ")[2], None)
    assert request.query == {"emailAddress": "Ann.O'Neil+gong@example.com"}


@pytest.mark.parametrize("operation", BY_NUMBER)
@pytest.mark.parametrize(
    "spelling",
    [
        "+1 425 555 2671",
        "+1-425-555-2671",
        "+1 425 5552671",
        "+14255552671",
        "+1 425 555 26 71",
        "+1(425) 555-2671",
        " +1.425.555.2671 ",
        "+1\u00a0425\u2011555/2671",
    ],
)
def test_a_number_is_sent_as_plus_and_digits_however_it_is_spelled(operation: str, spelling: str) -> None:
    request = BY_NUMBER[operation](spelling)
    assert request.operation == operation
    assert (request.path, request.body) == (operation.partition(" ")[2], None)
    assert request.query == {"phoneNumber": "+14255552671"}


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (
            privacy.erase_phone_number("+1 425 555 2671"),
            f"POST {BASE}/erase-data-for-phone-number?phoneNumber=%2B14255552671 HTTP/1.1",
        ),
        (
            privacy.list_email_address_references("ann+gong@example.com"),
            f"GET {BASE}/data-for-email-address?emailAddress=ann%2Bgong%40example.com HTTP/1.1",
        ),
    ],
)
def test_a_plus_is_encoded_on_the_wire(request_: Any, line: str) -> None:
    # Unencoded it would mean a blank: another address, or no number at all.
    with (
        Wire(http("200 OK", b'{"requestId": "1"}', "Content-Type: application/json")) as wire,
        GongClient(
            base_url=wire.url,
            auth=ApiKeyAuth("key", "secret"),
            throttle=NoThrottle(),
            retry=RetryPolicy(attempts=1),
        ) as client,
    ):
        client.send(request_)
        head, _, body = wire.received[0].decode().partition("\r\n\r\n")
    assert head.splitlines()[0] == line
    assert body == ""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        (None, "is empty"),
        (["ann@example.com"], "is list, not text"),
        ("ann.example.com", "has no @"),
        ("ann@example.com bob@example.com", "has 2 @"),
        ("ann@", "has nothing after its @"),
        ("@example.com", "has nothing before its @"),
        ("ann o'neil@example.com", "holds a blank"),
        ("ann\u200b@example.com", "holds a character that cannot be seen"),
        ("ann,bob@example.com", 'holds one of , ; : < > ( ) [ ] "'),
        ("<ann@example.com>", 'holds one of , ; : < > ( ) [ ] "'),
        ("mailto:ann@example.com", 'holds one of , ; : < > ( ) [ ] "'),
        ("['ann@example.com']", 'holds one of , ; : < > ( ) [ ] "'),
        ('"ann@example.com"', 'holds one of , ; : < > ( ) [ ] "'),
        ("(ann@example.com)", 'holds one of , ; : < > ( ) [ ] "'),
        ("'ann@example.com'", "has no host after its @"),
        ("ann@example.com.", "has no host after its @"),
        ("ann@example..com", "has no host after its @"),
    ],
)
@pytest.mark.parametrize("function", BY_ADDRESS.values())
def test_an_error_says_what_is_wrong_with_an_address_and_not_the_address(
    function: Any, value: Any, problem: str
) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        function(value)
    assert str(caught.value) == (
        f"email_address {problem}: give one address and nothing else, such as name@example.com."
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (" ", "is empty"),
        (None, "is empty"),
        (14255552671, "is int, not text"),
        ("1 425 555 2671", "does not begin with +"),
        ("00 1 425 555 2671", "does not begin with +"),
        ("+1 425 555 2671 ext. 5", "holds letters"),
        ("+1 425 555 \u0662\u0666\u0667\u0661", "holds digits other than 0 to 9"),
        ("+1 425 555 2671, +1 425 555 2672", "holds more than one number"),
        ("+1 425 555 2671; 2672", "holds more than one number"),
        ("+44 (0)20 7946 0958", "holds (0), which is not dialled from abroad"),
        ("+1 42", "has 3 digits, not 7 to 15"),
        ("+" + "1" * 16, "has 16 digits, not 7 to 15"),
    ],
)
@pytest.mark.parametrize("function", BY_NUMBER.values())
def test_an_error_says_what_is_wrong_with_a_number_and_not_the_number(
    function: Any, value: Any, problem: str
) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        function(value)
    assert str(caught.value) == (
        f"phone_number {problem}: give one number with + and country code, such as +1 425 555 2671."
    )


def test_erasures_are_writes_and_lists_are_not() -> None:
    functions = [*BY_ADDRESS.values(), *BY_NUMBER.values()]
    assert [function.endpoint.reads for function in functions] == [True, False, True, False]


NOTHING: dict[str, Any] = {"requestId": "1", "emails": [], "calls": [], "meetings": [], "customerData": []}
SOMETHING: dict[str, Any] = {
    "requestId": "1",
    "emails": [{"id": "ab12", "from": "ann@example.com", "mailbox": "bob@acme.com", "messageHash": "ff"}],
    "calls": [{"id": "77", "status": "COMPLETED", "externalSystems": []}, {"id": 78}, {"status": "ERROR"}],
    "meetings": [{"id": "m1"}],
    "customerData": [
        {"system": "Salesforce", "objects": [{"id": "5", "fields": [{"name": "Name", "value": "Ann"}]}]},
        {"system": "HubSpot", "objects": [{"id": "6"}, {"id": "7"}]},
        {"system": "Generic", "objects": None},
    ],
    "customerEngagement": [{"eventType": "contentShared", "contentUrl": "https://example.com"}],
}


def test_only_ids_and_counts_are_kept_of_references() -> None:
    assert privacy.reference_ids(SOMETHING) == {
        "call_ids": ["77", "78"],
        "email_ids": ["ab12"],
        "meeting_ids": ["m1"],
        "customer_data_ids": ["5", "6", "7"],
        "customer_engagement_count": 1,
    }


def test_two_looks_together_found_what_either_found() -> None:
    first = privacy.reference_ids(SOMETHING)
    second = privacy.reference_ids(NOTHING | {"calls": [{"id": "78"}, {"id": "79"}]})
    assert privacy.joined_ids(first, second) == first | {"call_ids": ["77", "78", "79"]}
    assert privacy.joined_ids({}, second) == second


def test_references_without_an_id_are_counted() -> None:
    assert privacy.count_references(SOMETHING) == {
        "calls": 3,
        "emails": 1,
        "meetings": 1,
        "customer data": 3,
        "customer engagement": 1,
    }


def test_of_a_number_the_addresses_are_counted() -> None:
    reply = NOTHING | {
        "suppliedPhoneNumber": "+14255552671",
        "matchingPhoneNumbers": ["+14255552671"],
        "emailAddresses": ["ann@example.com", "ann@acme.com"],
    }
    assert privacy.reference_ids(reply) == {
        "call_ids": [],
        "email_ids": [],
        "meeting_ids": [],
        "customer_data_ids": [],
        "customer_engagement_count": 0,
        "email_address_count": 2,
    }
    # They say who is meant, and refer to nothing.
    assert not any(privacy.count_references(reply).values())


@pytest.mark.parametrize("key", ["calls", "emails", "meetings", "customerData"])
@pytest.mark.parametrize("read", [privacy.reference_ids, privacy.count_references])
def test_a_missing_list_does_not_pass_for_an_empty_one(read: Any, key: str) -> None:
    with pytest.raises(GongUnexpectedResponse, match=f"has no '{key}'"):
        read({name: value for name, value in NOTHING.items() if name != key})
    with pytest.raises(GongUnexpectedResponse, match=f"has no '{key}'"):
        read(NOTHING | {key: None})


@pytest.mark.parametrize(
    "odd", [{"calls": ["77"]}, {"customerData": [None]}, {"customerData": [{"objects": {"id": "5"}}]}]
)
@pytest.mark.parametrize("read", [privacy.reference_ids, privacy.count_references])
def test_references_of_another_shape_are_told(read: Any, odd: dict[str, Any]) -> None:
    with pytest.raises(GongUnexpectedResponse, match="report it to Gong"):
        read(NOTHING | odd)
