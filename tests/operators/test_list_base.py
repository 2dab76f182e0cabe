"""Lists that come in pages: all of them, parts of them, and more than XCom takes."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongCursorExpired,
    GongUnavailable,
    GongUnexpectedResponse,
)
from airflow_provider_gong.exports import records as limits
from airflow_provider_gong.operators.calls import GongListCallsOperator
from airflow_provider_gong.operators.list_base import Found
from airflow_provider_gong.operators.logs import GongListLogsOperator
from airflow_provider_gong.operators.transcripts import GongGetCallTranscriptsOperator
from airflow_provider_gong.operators.users import GongListUsersOperator
from airflow_provider_gong.sandbox.world import CallFilter
from airflow_provider_gong.sandbox.world.logs import log_record
from tests.operators.exporting import bounds, day
from tests.operators.reading import attempt, refusal, result_of

if TYPE_CHECKING:
    from airflow_provider_gong.operators.list_base import GongListOperator
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.support.task_runner import TaskResult

Kind: TypeAlias = "type[GongListOperator]"

WINDOW = bounds(9)
LISTS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "calls": (GongListCallsOperator, WINDOW | {"include_private": True}),
    "transcripts": (GongGetCallTranscriptsOperator, WINDOW | {"include_private": True}),
    "users": (GongListUsersOperator, {}),
    "logs": (GongListLogsOperator, WINDOW | {"log_type": "AccessLog"}),
}
EXPORTS = {
    "calls": "GongExportCallsOperator",
    "transcripts": "GongExportTranscriptsOperator",
    "users": "GongExportUsersOperator",
    "logs": "GongExportLogsOperator",
}
each_list = pytest.mark.parametrize("name", LISTS)


def read(name: str, **arguments: Any) -> TaskResult:
    kind, own = LISTS[name]
    return attempt(kind, **(own | arguments))


def refused(name: str, cause: Any = GongConfigurationError, **arguments: Any) -> str:
    kind, own = LISTS[name]
    return refusal(kind, cause, **(own | arguments))


def pushed_by(result: TaskResult) -> set[str]:
    """Return what a task has pushed, besides the address behind its link, which Airflow pushes for all."""
    return {key for key in result.xcoms if not key.startswith("_link_")}


def keys(name: str, records: list[dict[str, Any]]) -> list[Any]:
    """Return what tells the records apart; log entries have no ids."""
    if name == "logs":
        return [json.dumps(record, sort_keys=True) for record in records]
    return [record["callId" if name == "transcripts" else "id"] for record in records]


def expected(gong: GongSandbox, name: str) -> list[Any]:
    world = gong.world
    if name == "users":
        return [user.id for user in world.find_users()]
    if name == "logs":
        entries = world.find_logs("AccessLog", day(9), day(10))
        return keys("logs", [log_record(entry) for entry in entries])
    which: dict[str, Any] = {"transcribed": True} if name == "transcripts" else {"by_schedule": True}
    return world.call_ids(day(9), day(10), include_private=True, **which)


def total(gong: GongSandbox, name: str) -> int:
    """Return what Gong counts, which may be more than it shows."""
    which = CallFilter(day(9), day(10), by_schedule=name == "calls", transcribed=name == "transcripts")
    return gong.world.total(which) if name in ("calls", "transcripts") else len(expected(gong, name))


@each_list
def test_all_pages_are_read(gong: GongSandbox, name: str) -> None:
    result = read(name).succeeded()
    assert keys(name, result.xcom) == expected(gong, name)
    assert len(result.xcom) > 200
    assert [request.has_cursor for request in gong.requests] == [False, True, True]
    assert pushed_by(result) == {"return_value"}
    assert f"Read {len(result.xcom)} records from 3 pages with 3 requests" in "\n".join(result.logs)


@each_list
def test_parts_go_on_where_the_last_one_stopped(gong: GongSandbox, name: str) -> None:
    parts: list[Any] = []
    cursor = None
    while len(parts) < 5:
        part = read(name, cursor=cursor, max_pages=1).succeeded()
        parts.append(part.xcom)
        cursor = part.xcoms.get("next_cursor")
        if cursor is None:
            break
    assert [len(part) for part in parts[:2]] == [100, 100]
    assert len(parts) == len(gong.requests) == 3
    assert [key for part in parts for key in keys(name, part)] == expected(gong, name)


@each_list
def test_rest_of_a_list_is_read_from_the_cursor_on(gong: GongSandbox, name: str) -> None:
    first = read(name, max_pages=1).succeeded()
    rest = read(
        name,
        cursor="{{ ti.xcom_pull('first', key='next_cursor') }}",
        xcoms={("first", "next_cursor"): first.xcoms["next_cursor"]},
    ).succeeded()
    assert keys(name, first.xcom + rest.xcom) == expected(gong, name)


@each_list
def test_a_list_cut_short_tells_gongs_total_and_never_the_cursor(gong: GongSandbox, name: str) -> None:
    result = read(name, max_pages=2).succeeded()
    told = "\n".join(result.logs)
    assert "max_pages cut the list short: 200 records from 2 pages are returned" in told
    assert f"Gong counts {total(gong, name)} in all" in told
    assert result.xcoms["next_cursor"] not in told


@each_list
def test_a_list_that_ends_with_the_last_page_allowed_is_whole(gong: GongSandbox, name: str) -> None:
    result = read(name, max_pages=3).succeeded()
    assert keys(name, result.xcom) == expected(gong, name)
    assert "next_cursor" not in result.xcoms
    assert not any("cut the list short" in line for line in result.logs)


@pytest.mark.parametrize("pages", ["2", 2.0, "{{ 1 + 1 }}"])
def test_number_of_pages_may_be_text(gong: GongSandbox, pages: Any) -> None:
    assert len(read("users", max_pages=pages).succeeded().xcom) == 200


@pytest.mark.parametrize("unset", [None, "", "None", "{{ none }}"])
def test_limits_that_render_to_nothing_are_left_out(gong: GongSandbox, unset: Any) -> None:
    whole = read("users", cursor=unset, max_pages=unset).succeeded()
    assert keys("users", whole.xcom) == expected(gong, "users")


@each_list
@pytest.mark.parametrize("pages", [0, "0", -1, "1.5", "all", True])
def test_number_of_pages_that_is_none_is_refused_before_any_request(
    gong: GongSandbox, name: str, pages: Any
) -> None:
    assert "max_pages=" in refused(name, max_pages=pages)
    assert len(gong.requests) == 0


@pytest.mark.parametrize("name", ["calls", "transcripts", "logs"])
def test_an_empty_window_is_an_empty_list(gong: GongSandbox, name: str) -> None:
    result = read(name, from_datetime="2025-01-01", to_datetime="2025-01-02").succeeded()
    assert result.xcom == []
    assert len(gong.requests) == 1
    assert pushed_by(result) == {"return_value"}


@each_list
def test_a_cursor_that_has_expired_fails_at_once(gong: GongSandbox, name: str) -> None:
    cursor = read(name, max_pages=1).succeeded().xcoms["next_cursor"]
    gong.clock.advance(timedelta(minutes=61))
    assert "cursor has expired" in refused(name, GongCursorExpired, cursor=cursor)
    assert len(gong.requests) == 2


@each_list
def test_a_cursor_that_is_none_is_refused(gong: GongSandbox, name: str) -> None:
    assert "Failed to verify cursor" in refused(name, GongCursorExpired, cursor="no-cursor")


@each_list
def test_a_list_that_xcom_cannot_take_fails_before_more_is_asked(
    gong: GongSandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = read(name, max_pages=1).succeeded().xcom
    monkeypatch.setattr(limits, "XCOM_LIMIT", len(json.dumps(page)))
    gong.requests.clear()
    message = refused(name)
    assert f"exceeds {limits.XCOM_LIMIT:,} bytes" in message
    assert f"use {EXPORTS[name]} with destination=" in message
    assert "max_pages=" in message
    assert len(gong.requests) == 2


@each_list
def test_a_part_that_xcom_can_take_is_returned(
    gong: GongSandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = read(name, max_pages=1).succeeded().xcom
    monkeypatch.setattr(limits, "XCOM_LIMIT", len(json.dumps(page)))
    assert read(name, max_pages=1).succeeded().xcom == page


def test_limit_is_that_of_the_exports(gong: GongSandbox) -> None:
    message = refused("transcripts", from_datetime=day(7), to_datetime=day(11))
    assert "exceeds 1,000,000 bytes" in message
    assert len(gong.requests) < 10


@pytest.mark.usefixtures("no_waiting")
@each_list
def test_an_outage_between_pages_is_left_for_retry(gong: GongSandbox, name: str) -> None:
    gong.faults.add("server_error", skip=1, times=None)
    result = read(name)
    assert result.state == "up_for_retry"
    assert isinstance(result.error, GongUnavailable)
    assert pushed_by(result) == set()
    gong.faults.clear()
    again = read(name, try_number=2).succeeded()
    assert keys(name, again.xcom) == expected(gong, name)


@pytest.mark.parametrize("name", ["calls", "transcripts", "logs"])
def test_window_that_ends_before_it_begins_costs_no_request(gong: GongSandbox, name: str) -> None:
    said = refused(name, GongConfigurationError, from_datetime=day(9), to_datetime=day(8))
    assert said.startswith(
        f"from_datetime={day(9).isoformat()} must be before to_datetime={day(8).isoformat()}"
    )
    assert len(gong.requests) == 0


@pytest.mark.parametrize("name", ["calls", "transcripts", "logs"])
def test_dates_are_read_as_text(gong: GongSandbox, name: str) -> None:
    result = read(
        name, from_datetime="{{ macros.datetime(2026, 1, 9) }}", to_datetime="2026-01-10T01:00:00+01:00"
    )
    assert keys(name, result.succeeded().xcom) == expected(gong, name)


@each_list
def test_records_are_in_no_log(gong: GongSandbox, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result = read(name).succeeded()
    told = "\n".join(result.logs)
    words = {
        "calls": lambda record: record["title"],
        "transcripts": lambda record: record["transcript"][0]["sentences"][0]["text"],
        "users": lambda record: record["emailAddress"],
        "logs": lambda record: record["userEmailAddress"],
    }[name]
    assert any(map(words, result.xcom))
    assert [word for word in map(words, result.xcom) if word and word in told] == []


@pytest.mark.parametrize("name", ["calls", "transcripts"])
def test_a_record_that_two_pages_have_is_returned_once(quiet: GongSandbox, name: str) -> None:
    for minute in range(150):
        quiet.world.add_call(day(9) + timedelta(minutes=minute))
    first = quiet.world.call_ids()[0]
    kind, own = LISTS[name]

    class Moving(kind):  # type: ignore[valid-type,misc]
        """Move the first call to the end of the window once its page is read."""

        def selection(self) -> Any:
            def select(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
                quiet.world.alter_call(first, started=day(9) + timedelta(hours=5))
                return records

            return select

    records = result_of(Moving, **own)
    assert len(quiet.requests) == 2
    assert quiet.world.call_ids()[-1] == first
    assert keys(name, records)[0] == first
    assert len(set(keys(name, records))) == len(records) == 150


def test_equal_records_without_an_id_are_all_kept() -> None:
    found = Found(GongListLogsOperator.id_name, 1000, "mend")
    found.add([{"eventTime": "now"}, {"eventTime": "now"}], list)
    found.add([{"eventTime": "now"}], list)
    assert found.records == [{"eventTime": "now"}] * 3


def test_a_record_without_its_id_is_none_of_gongs() -> None:
    with pytest.raises(GongUnexpectedResponse, match="no id"):
        Found("id", 1000, "mend").add([{"title": "a call"}], list)
