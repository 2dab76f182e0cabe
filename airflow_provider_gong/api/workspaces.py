"""Workspaces: the parts a company's Gong is divided into."""

from __future__ import annotations

from airflow_provider_gong.api.endpoint import Params, endpoint


@endpoint("GET", "/v2/workspaces", result="workspaces", scope="api:workspaces:read")
def list_workspaces() -> Params:
    """List all workspaces of the company.

    https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces
    """
    return Params()
