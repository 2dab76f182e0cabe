"""Calls of a window."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import calls
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators.calls import GongListCallsOperator
from airflow_provider_gong.sandbox.world.basics import basics
from airflow_provider_gong.sandbox.world.cast import cast
from tests.operators.exporting import bounds, day
from tests.operators.reading import attempt, refusal, result_of

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

WINDOW: dict[str, Any] = bounds(9)


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


@pytest.mark.parametrize("workspace_id", [None, "", "None", "5", 5])
def test_calls_are_asked_for_by_window_and_workspace(workspace_id: Any) -> None:
    operator = GongListCallsOperator(
        task_id="read", from_datetime="2026-01-09 00:00:00", to_datetime=day(10), workspace_id=workspace_id
    )
    assert operator.request() == calls.list_calls(
        **WINDOW, workspace_id="5" if workspace_id in ("5", 5) else None
    )


def test_calls_are_gongs_records(gong: GongSandbox) -> None:
    [record, *_] = result_of(GongListCallsOperator, **WINDOW)
    call = gong.world.call(record["id"])
    assert record == basics(call, cast(call))


def test_private_calls_are_dropped_and_counted_in_the_log(gong: GongSandbox) -> None:
    public = gong.world.call_ids(day(9), day(10), by_schedule=True)
    everything = gong.world.call_ids(day(9), day(10), by_schedule=True, include_private=True)
    result = attempt(GongListCallsOperator, **WINDOW).succeeded()
    assert ids(result.xcom) == public
    dropped = len(everything) - len(public)
    assert dropped > 1
    assert f"Dropped {dropped} private calls; include_private=True returns them" in "\n".join(result.logs)


@pytest.mark.parametrize("include_private", [True, "True", "{{ 1 == 1 }}"])
def test_private_calls_are_returned_when_wanted(gong: GongSandbox, include_private: Any) -> None:
    result = attempt(GongListCallsOperator, **WINDOW, include_private=include_private).succeeded()
    assert ids(result.xcom) == gong.world.call_ids(day(9), day(10), by_schedule=True, include_private=True)
    assert not any("Dropped" in line for line in result.logs)


def test_bad_switch_is_refused_before_any_request(gong: GongSandbox) -> None:
    message = refusal(GongListCallsOperator, GongConfigurationError, **WINDOW, include_private="perhaps")
    assert message == "include_private='perhaps' is neither true nor false."
    assert len(gong.requests) == 0


def test_calls_are_those_of_the_workspace(gong: GongSandbox) -> None:
    workspace_id = gong.world.workspaces[0]["id"]
    listed = ids(
        result_of(
            GongListCallsOperator,
            **WINDOW,
            workspace_id="{{ ti.xcom_pull('workspaces')[0]['id'] }}",
            xcoms={"workspaces": gong.world.workspaces},
        )
    )
    assert listed == gong.world.call_ids(day(9), day(10), by_schedule=True, workspace_id=workspace_id)
    assert 0 < len(listed) < len(gong.world.call_ids(day(9), day(10), by_schedule=True))


@pytest.mark.parametrize("unset", [None, "", "None", "{{ none }}"])
@pytest.mark.parametrize("names", [["from_datetime"], ["to_datetime"], ["from_datetime", "to_datetime"]])
def test_an_end_that_rendered_to_nothing_is_named(gong: GongSandbox, names: list[str], unset: Any) -> None:
    message = refusal(GongListCallsOperator, GongConfigurationError, **WINDOW | dict.fromkeys(names, unset))
    assert message == f"{', '.join(names)} rendered to nothing and cannot be left out: check the template."
    assert len(gong.requests) == 0


def test_windows_side_by_side_lose_and_repeat_nothing(gong: GongSandbox) -> None:
    noon = day(9) + timedelta(hours=12)
    halves = [
        ids(result_of(GongListCallsOperator, from_datetime=start, to_datetime=end))
        for start, end in ((day(9), noon), (noon, day(10)))
    ]
    assert all(halves)
    assert halves[0] + halves[1] == ids(result_of(GongListCallsOperator, **WINDOW))
