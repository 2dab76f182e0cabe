import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest

from airflow_provider_gong.api.encode import wire_bounds, wire_datetime, wire_id, wire_ids, without_none
from airflow_provider_gong.exceptions import GongConfigurationError


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-01-01 00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T08:30:00+02:00", "2026-01-01T08:30:00+02:00"),
        ("2026-01-01T08:30:00Z", "2026-01-01T08:30:00+00:00"),
        ("2026-01-01T08:30:00", "2026-01-01T08:30:00+00:00"),
        (" 2026-01-01 ", "2026-01-01T00:00:00+00:00"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (datetime(2026, 1, 1), "2026-01-01T00:00:00+00:00"),  # noqa: DTZ001
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-7))), "2026-01-01T00:00:00-07:00"),
        (pendulum.datetime(2026, 7, 1, tz="Europe/Berlin"), "2026-07-01T00:00:00+02:00"),
        ("1890-01-01T00:53:28+00:53:28", "1890-01-01T00:00:00+00:00"),
        (pendulum.datetime(1890, 1, 1, tz="Europe/Berlin"), "1889-12-31T23:06:32+00:00"),
        (datetime(2026, 1, 1, 1, 2, 3, 456000, tzinfo=UTC), "2026-01-01T01:02:03.456000+00:00"),
    ],
)
def test_datetime_is_sent_with_an_offset(given: datetime | str, sent: str) -> None:
    assert wire_datetime(given) == sent


@pytest.mark.parametrize("given", ["", "yesterday", "None", "2026-13-01", None, 20260101])
def test_what_is_no_datetime_is_refused_by_name(given: Any) -> None:
    with pytest.raises(GongConfigurationError, match=r"from_datetime=.*ISO 8601"):
        wire_datetime(given, "from_datetime")


def test_ids_are_texts_in_order_and_once() -> None:
    assert wire_ids(["7782342274025937895", 12, "7782342274025937895", " 5 "]) == [
        "7782342274025937895",
        "12",
        "5",
    ]


def test_ids_may_have_letters() -> None:
    assert wire_ids(["a_b-C7", "2d0f3b1e-0c0a-4f6e-9b1a-6a5f4c3b2a10"]) == [
        "a_b-C7",
        "2d0f3b1e-0c0a-4f6e-9b1a-6a5f4c3b2a10",
    ]


def test_ids_may_come_from_any_iterable() -> None:
    assert wire_ids(str(number) for number in range(3)) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "given",
    [
        *(7.7e18, True, None, "", "  ", ".", "..", ["7"], b"7"),
        *("7.78e18", "abc def", "\uff17\uff18", "./x", "a/b", "-5", -5, "['1','2']", "{{ id }}", "7\n8"),
    ],
)
def test_what_is_no_id_is_refused_by_name(given: Any) -> None:
    with pytest.raises(GongConfigurationError, match="call_id="):
        wire_id(given, "call_id")
    with pytest.raises(GongConfigurationError, match="call_ids="):
        wire_ids([given], "call_ids")


@pytest.mark.parametrize("given", ["7782342274025937895", 7, b"77", bytearray(b"77"), {"7": 1}])
def test_one_id_is_not_a_list_of_ids(given: Any) -> None:
    with pytest.raises(GongConfigurationError, match=r"call_ids=.*give a list"):
        wire_ids(given, "call_ids")


def test_empty_list_of_ids_is_refused() -> None:
    with pytest.raises(GongConfigurationError, match="leave call_ids out"):
        wire_ids([], "call_ids")


def test_only_none_is_left_out() -> None:
    assert without_none({"a": None, "b": False, "c": 0, "d": ""}) == {"b": False, "c": 0, "d": ""}


@pytest.mark.parametrize("end", ["2026-01-02", "2026-01-01", "2026-01-02T01:00:00+02:00"])
def test_bounds_without_any_time_between_them_are_refused(end: str) -> None:
    start = "2026-01-02T00:00:00+00:00"
    with pytest.raises(
        GongConfigurationError, match=f"^from_datetime={re.escape(start)} must be before to_datetime="
    ):
        wire_bounds("2026-01-02", end)


def test_bounds_may_be_left_out() -> None:
    assert wire_bounds(None, "2026-01-01") == {
        "fromDateTime": None,
        "toDateTime": "2026-01-01T00:00:00+00:00",
    }
