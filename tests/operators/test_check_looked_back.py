"""What the newest runs write again on purpose is no fault to a check."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator
from tests.operators.exporting import call_ids, day, export, interval_run, rows
from tests.support.task_runner import run_task

if TYPE_CHECKING:
    from airflow_provider_gong.operators.export_base import GongExportOperator
    from airflow_provider_gong.sandbox import GongSandbox

HOUR = timedelta(hours=1)


@pytest.fixture
def gong(quiet: GongSandbox) -> GongSandbox:
    """Return a company with a call on each of a few days."""
    for number in range(1, 6):
        quiet.world.add_call(day(number) + 9 * HOUR)
    return quiet


def run_day(kind: type[GongExportOperator], gong: GongSandbox, number: int, destination: str) -> Any:
    gong.clock.set(day(number + 1) + 6 * HOUR)
    return export(kind, destination=destination, run=interval_run(number, run_id=f"day-{number}"))


def check(dataset: str) -> dict[str, Any]:
    task = GongCheckExportOperator(task_id="check", dataset=dataset, max_pending_share=0)
    result: dict[str, Any] = run_task(task).succeeded().xcom
    return result


def test_a_call_that_changed_is_not_doubled(gong: GongSandbox, destination: str) -> None:
    call = gong.world.add_call(day(2) + HOUR, title="Before")
    run_day(GongExportCallsOperator, gong, 2, destination)
    gong.world.alter_call(call.id, title="After")
    assert call.id in call_ids(rows(run_day(GongExportCallsOperator, gong, 3, destination)))
    assert (check(f"{destination}/calls")["doubled"], check(f"{destination}/calls")["ok"]) == (0, True)


def test_a_conversation_whose_transcript_has_come_is_not_pending(gong: GongSandbox, destination: str) -> None:
    slow = gong.world.add_call(day(2) + HOUR, transcript_at=day(3) + 20 * HOUR)
    summaries = [run_day(GongExportConversationsOperator, gong, number, destination) for number in (2, 3)]
    assert [slow.id in call_ids(rows(summary)) for summary in summaries] == [True, True]
    result = check(f"{destination}/conversations")
    assert (result["pending"], result["doubled"], result["ok"]) == (0, 0, True)
