"""Workspaces of the company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.api import workspaces
from airflow_provider_gong.operators.workspaces import GongListWorkspacesOperator
from tests.operators.reading import result_of

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox


def test_all_workspaces_are_asked_for() -> None:
    assert GongListWorkspacesOperator(task_id="read").request() == workspaces.list_workspaces()


def test_workspaces_are_gongs_records(gong: GongSandbox) -> None:
    assert result_of(GongListWorkspacesOperator) == gong.world.workspaces
    assert len(gong.requests) == 1
