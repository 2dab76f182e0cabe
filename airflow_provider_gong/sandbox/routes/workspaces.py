"""Workspaces of the company."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from airflow_provider_gong.sandbox.replies import reply
from airflow_provider_gong.sandbox.routes.visit import Visit, needs

router = APIRouter()


@router.get("/v2/workspaces")
async def list_workspaces(visit: Annotated[Visit, Depends(needs("api:workspaces:read"))]) -> Response:
    """List all workspaces.

    https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces
    """
    return reply({"workspaces": visit.gong.world.workspaces})
