"""Workspaces: the parts a company's Gong is divided into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.api import workspaces
from airflow_provider_gong.operators.base import GongActionOperator

if TYPE_CHECKING:
    from airflow_provider_gong.api.endpoint import Request


class GongListWorkspacesOperator(GongActionOperator):
    """List the workspaces of the company.

    Returns Gong's records: `id`, `name` and `description`. Needs the scope `api:workspaces:read`.

    See https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces

    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    def request(self) -> Request:
        """Return the request."""
        return workspaces.list_workspaces()
