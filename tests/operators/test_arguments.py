"""Templated arguments: what texts mean, and what refusals say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read

UNSET = [None, "", "None"]


def refusal(message: str) -> Any:
    return pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$")


# Moments


@pytest.mark.parametrize("value", UNSET)
def test_moment_may_be_left_out(value: str | None) -> None:
    assert read.as_datetime("to_datetime", value) is None


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 1, 31),  # noqa: DTZ001 - without an offset on purpose
        pendulum.datetime(2026, 1, 31),
        "2026-01-31",
        " 2026-01-31T00:00:00Z ",
        "2026-01-31 00:00:00+00:00",
        "2026-01-31 02:00:00+02:00",
    ],
)
def test_moment_is_read_from_all_that_templates_give(value: datetime | str) -> None:
    assert read.as_datetime("to_datetime", value) == datetime(2026, 1, 31, tzinfo=UTC)


def test_moment_keeps_its_offset() -> None:
    zone = timezone(timedelta(hours=2))
    moment = read.as_datetime("to_datetime", "2026-01-31T00:00:00+02:00")
    assert moment == datetime(2026, 1, 31, tzinfo=zone)


@pytest.mark.parametrize("value", ["yesterday", "31.01.2026", "2026-02-30", "{{ ds }}"])
def test_what_is_no_moment_is_refused(value: str) -> None:
    with refusal(
        f"to_datetime={value!r} is not a date and time: give a datetime or ISO 8601 text such as "
        "'2026-01-31T08:00:00+00:00'."
    ):
        read.as_datetime("to_datetime", value)


# Lengths of time


@pytest.mark.parametrize("value", UNSET)
def test_length_may_be_left_out(value: str | None) -> None:
    assert read.as_duration("interval", value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(hours=3), timedelta(hours=3)),
        ("P1D", timedelta(days=1)),
        (" PT90M ", timedelta(minutes=90)),
        ("P1W", timedelta(days=7)),
    ],
)
def test_length_is_a_timedelta_or_an_iso_duration(value: timedelta | str, expected: timedelta) -> None:
    assert read.as_duration("interval", value) == expected


@pytest.mark.parametrize(
    "value",
    ["a day", "1", "2026-01-01", "1 day, 0:00:00", 3600, 1.5, "P1M", "P1Y2D", "P1D/P2D", timedelta.max],
)
def test_what_is_no_length_is_refused(value: Any) -> None:
    with refusal(
        f"interval={value!r} is not a length of time: give a timedelta or an ISO 8601 duration "
        "such as 'P1D' or 'PT1H' (months and years have no fixed length)."
    ):
        read.as_duration("interval", value)


# Switches


@pytest.mark.parametrize("value", [True, "true", "True", " TRUE "])
def test_switch_is_on(value: bool | str) -> None:
    assert read.as_bool("overwrite", value) is True


@pytest.mark.parametrize("value", [False, "false", "False", None, "", "None"])
def test_switch_is_off(value: bool | str | None) -> None:
    assert read.as_bool("overwrite", value) is False


@pytest.mark.parametrize("value", ["yes", "1", "on", 1])
def test_switch_that_is_neither_is_refused(value: Any) -> None:
    with refusal(f"overwrite={value!r} is neither true nor false."):
        read.as_bool("overwrite", value)


# Ids


@pytest.mark.parametrize("value", [[], (), "[]"])
def test_an_empty_list_of_ids_does_not_mean_everybody(value: Any) -> None:
    with pytest.raises(
        GongConfigurationError, match=r"^primary_user_ids=.* names nobody: leave it out to mean all"
    ):
        read.as_ids("primary_user_ids", value)


@pytest.mark.parametrize("value", UNSET)
def test_ids_may_be_left_out(value: Any) -> None:
    assert read.as_ids("primary_user_ids", value) is None


@pytest.mark.parametrize(
    "value",
    [
        ["7782342274025937895", "7"],
        ("7782342274025937895", "7"),
        [7782342274025937895, 7],
        '["7782342274025937895", "7"]',
        " [7782342274025937895, 7]",
    ],
)
def test_ids_are_a_list_or_its_json_and_become_text(value: Any) -> None:
    assert read.as_ids("primary_user_ids", value) == ("7782342274025937895", "7")


@pytest.mark.parametrize(
    "value", ["7782342274025937895", {"id": "7"}, [7.5], [None], [True], 7, '[{"id": 7}]']
)
def test_what_is_no_list_of_ids_is_refused(value: Any) -> None:
    with pytest.raises(
        GongConfigurationError,
        match=r"^primary_user_ids=.* is not a list of ids: give for example \['7782342274025937895'\]\.$",
    ):
        read.as_ids("primary_user_ids", value)


def test_list_rendered_as_python_names_the_filter_that_renders_json() -> None:
    with refusal(
        "primary_user_ids is not valid JSON: render it with the tojson filter, as in {{ value | tojson }}."
    ):
        read.as_ids("primary_user_ids", "['7782342274025937895']")


# Words and objects


@pytest.mark.parametrize("value", UNSET)
def test_text_may_be_left_out(value: str | None) -> None:
    assert read.as_text(value) is None


def test_text_is_text() -> None:
    assert read.as_text("7") == "7"
    assert read.as_text(7) == "7"


def test_choice_is_one_of_the_words() -> None:
    assert read.as_choice("file_format", "jsonl", ("jsonl.gz", "jsonl")) == "jsonl"
    with refusal("file_format='csv' is unknown: use one of jsonl.gz, jsonl."):
        read.as_choice("file_format", "csv", ("jsonl.gz", "jsonl"))


def test_object_is_read_from_its_json() -> None:
    assert read.as_object("content", ' {"context": "Extended"}') == {"context": "Extended"}
    assert read.as_object("content", {"context": "None"}) == {"context": "None"}
    assert read.as_object("content", "default") == "default"


def test_object_rendered_as_python_is_refused_without_showing_it() -> None:
    with refusal("content is not valid JSON: render it with the tojson filter, as in {{ value | tojson }}."):
        read.as_object("content", "{'context': 'Extended'}")


def test_month_as_a_timedelta_of_pendulum_is_refused_too() -> None:
    with pytest.raises(GongConfigurationError, match="months and years have no fixed length"):
        read.as_duration("interval", pendulum.duration(months=1))


@pytest.mark.parametrize("value", ["0001-01-01", "0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z"])
def test_moment_before_all_records_is_refused(value: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"^from_datetime='.*' lies before the year 2000"):
        read.as_datetime("from_datetime", value)


# Calls, pages, and what may not be left out


@pytest.mark.parametrize(
    "value",
    [
        ["7", 8],
        ("7", "8"),
        '["7", 8]',
        [{"id": "7", "title": "in short"}, {"metaData": {"id": "8"}, "parties": []}],
        '[{"id": 7}, {"metaData": {"id": 8}}]',
    ],
)
def test_calls_are_ids_or_records_or_their_json(value: Any) -> None:
    assert read.as_call_ids("call_ids", value) == ("7", "8")


@pytest.mark.parametrize("value", UNSET)
def test_calls_may_be_left_out(value: Any) -> None:
    assert read.as_call_ids("call_ids", value) is None


@pytest.mark.parametrize("value", [[], "[]", ()])
def test_calls_may_be_none_at_all(value: Any) -> None:
    assert read.as_call_ids("call_ids", value) == ()


def test_what_is_no_list_of_calls_is_refused() -> None:
    with refusal(
        "call_ids is dict, not a list: give ids, or the records that a list or an export of calls returned; "
        "text must be JSON, as the tojson filter writes it."
    ):
        read.as_call_ids("call_ids", {"id": "7"})


@pytest.mark.parametrize("call", [{}, {"metaData": {}}, {"id": ["7"]}, {"id": {}}, None, "", "None"])
def test_call_without_an_id_is_refused_without_showing_it(call: Any) -> None:
    with refusal(
        "calls= holds a record without metaData.id or id, or an empty id: pass what a list or an export of calls "
        "returned, or a list of ids."
    ):
        read.as_call_id("calls", call)


@pytest.mark.parametrize(
    ("value", "pages"), [(1, 1), ("3", 3), (2.0, 2), (None, None), ("", None), ("None", None)]
)
def test_pages_are_a_number_or_left_out(value: Any, pages: int | None) -> None:
    assert read.as_pages("max_pages", value) == pages


@pytest.mark.parametrize("value", [0, "0"])
def test_no_pages_at_all_are_refused(value: Any) -> None:
    with refusal(f"max_pages={value!r} would read nothing: give 1 or more, or leave it out."):
        read.as_pages("max_pages", value)


def test_arguments_that_rendered_to_nothing_are_named_together() -> None:
    operator = SimpleNamespace(a="", b="given", c=None, d="None", e=0)
    with refusal("a, c, d rendered to nothing and cannot be left out: check the template."):
        read.require(operator, "a", "b", "c", "d", "e")
    read.require(operator, "b", "e")


def test_texts_are_read_together() -> None:
    operator = SimpleNamespace(a=7, b="x", c="None", d=datetime(2026, 1, 31, tzinfo=UTC))
    assert read.texts(operator, "a", "b", "c", "d") == {
        "a": "7",
        "b": "x",
        "c": None,
        "d": "2026-01-31 00:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("value", "kind"), [({"title": "x"}, "dict"), (["x"], "list"), (("x",), "tuple"), ({"x"}, "set")]
)
def test_what_another_task_returned_whole_is_no_text(value: Any, kind: str) -> None:
    with refusal(
        f"title is {kind}, not a text: pick what is meant, as in {{{{ ti.xcom_pull('task')['key'] }}}}."
    ):
        read.texts(SimpleNamespace(title=value), "title")


def test_moments_are_read_together() -> None:
    operator = SimpleNamespace(start="2026-01-31", end="")
    assert read.datetimes(operator, "start", "end") == {
        "start": datetime(2026, 1, 31, tzinfo=UTC),
        "end": None,
    }
