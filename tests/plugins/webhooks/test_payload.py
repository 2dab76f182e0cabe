"""What of a delivery gets into Airflow's database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_gong.plugins.webhooks.payload import Delivery, read_delivery
from airflow_provider_gong.plugins.webhooks.refusal import Refused
from airflow_provider_gong.plugins.webhooks.rules import Rule
from airflow_provider_gong.plugins.webhooks.verify import Proof

RULE = Rule("a", "c", dag_id="d")
FULL = Rule("a", "c", dag_id="d", payload="full")


def read(meta: dict[str, Any], rule: Rule = RULE, **content: Any) -> Delivery:
    body = {"callData": {"metaData": {"id": "7", **meta}}, "isTest": False, **content}
    return read_delivery(rule, Proof(), json.dumps(body).encode())


def test_id_that_is_a_number_keeps_all_its_digits() -> None:
    assert read({"id": 7782342274025937895}).call_id == "7782342274025937895"


@pytest.mark.parametrize(("given", "is_test"), [(True, True), (False, False), (None, False)])
def test_test_deliveries_are_told_apart(given: bool | None, is_test: bool) -> None:
    assert read({}, isTest=given).is_test is is_test


def test_unknown_fields_do_no_harm() -> None:
    assert read({"new": 1}, isPrivate=True, newer={}).call_id == "7"


@pytest.mark.parametrize("value", [None, 7, ["x"], "x" * 3000])
def test_url_and_start_are_short_texts_or_none(value: Any) -> None:
    facts = read({"url": value, "started": value}).facts(RULE)
    assert (facts["url"], facts["started"]) == (None, None)


def test_equal_bodies_are_equal_deliveries_of_one_rule_only() -> None:
    body = b'{"callData": {"metaData": {"id": "7"}}}'
    other = Rule("b", "c", dag_id="d")
    ids = [read_delivery(rule, Proof(), body).delivery_id for rule in (RULE, RULE, other)]
    assert ids[0] == ids[1] != ids[2]


def test_equal_tokens_are_equal_deliveries() -> None:
    body = b'{"callData": {"metaData": {"id": "7"}}}'
    ids = [read_delivery(RULE, Proof("x", signed), body).delivery_id for signed in (b"1", b"1", b"2")]
    assert ids[0] == ids[1] != ids[2]


def test_what_postgresql_refuses_is_left_out() -> None:
    body = b'{"callData": {"metaData": {"id": "7", "title": "a\\u0000b\\ud800c", "duration": 1e999}}}'
    call = read_delivery(FULL, Proof(), body).facts(FULL)["call"]
    assert call["metaData"] == {"id": "7", "title": "ab?c", "duration": None}


def test_nesting_that_would_break_airflow_is_refused() -> None:
    deep: Any = []
    for _ in range(60):
        deep = [deep]
    assert read({"deep": deep}).facts(RULE)["call_id"] == "7"
    with pytest.raises(Refused, match="nested too deeply"):
        read({"deep": deep}, FULL).facts(FULL)


def test_delivery_shows_no_personal_data() -> None:
    assert "Somebody" not in repr(read({"title": "Somebody"}))
