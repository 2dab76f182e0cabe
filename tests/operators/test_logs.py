"""Entries of the audit logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.api import logs
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators.logs import GongListLogsOperator
from airflow_provider_gong.sandbox.world import LOG_TYPES
from airflow_provider_gong.sandbox.world.logs import log_record
from tests.operators.exporting import day
from tests.operators.reading import refusal, result_of

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox


@pytest.mark.parametrize("end", [None, "", "2026-01-10T00:00:00Z"])
def test_log_is_asked_for_by_type_and_window(end: str | None) -> None:
    operator = GongListLogsOperator(
        task_id="read", log_type="UserCallPlay", from_datetime="2026-01-09", to_datetime=end
    )
    assert operator.request() == logs.list_logs(
        log_type="UserCallPlay", from_datetime=day(9), to_datetime=day(10) if end else None
    )


@pytest.mark.parametrize("log_type", LOG_TYPES)
def test_entries_are_gongs_records(gong: GongSandbox, log_type: str) -> None:
    listed = result_of(
        GongListLogsOperator, log_type="{{ params.type }}", params={"type": log_type}, from_datetime=day(10)
    )
    assert listed == [log_record(entry) for entry in gong.world.find_logs(log_type, day(10))]
    assert listed


@pytest.mark.parametrize("unset", [None, "", "{{ none }}"])
def test_what_cannot_be_left_out_is_named(gong: GongSandbox, unset: Any) -> None:
    message = refusal(GongListLogsOperator, GongConfigurationError, log_type=unset, from_datetime=unset)
    assert message.startswith("log_type, from_datetime rendered to nothing")
    assert len(gong.requests) == 0


def test_unknown_log_is_refused_and_the_known_ones_are_named(gong: GongSandbox) -> None:
    message = refusal(GongListLogsOperator, GongConfigurationError, log_type="Access", from_datetime=day(9))
    assert "log_type='Access'" in message
    assert "AccessLog" in message
    assert len(gong.requests) == 0
