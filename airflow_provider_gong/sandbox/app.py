"""The sandbox as an ASGI application: Gong's routes, behind a front that counts and disturbs."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from airflow_provider_gong.sandbox.front import Drop, Front
from airflow_provider_gong.sandbox.replies import Refusal, error_reply
from airflow_provider_gong.sandbox.routes import (
    calls,
    control,
    engagement,
    library,
    logs,
    meetings,
    oauth,
    privacy,
    uploads,
    users,
    workspaces,
)
from airflow_provider_gong.sandbox.state import Gong


def create_app(gong: Gong, drop: Drop) -> Front:
    """Make the application that serves one company; `drop` closes the connection of a client."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.gong = gong
    for module in (calls, users, logs, workspaces, meetings, engagement, privacy, uploads, library, control):
        app.include_router(module.router)
    app.include_router(oauth.router)
    app.add_exception_handler(Refusal, _refuse)
    app.add_exception_handler(HTTPException, _answer_http_error)
    return Front(app, gong, drop)


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101 - Starlette types handlers for any exception
    return error_reply(refusal.status, *refusal.messages, headers=refusal.headers)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Give wrong paths (404) and methods (405) the shape of Gong's errors."""
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette types handlers for any exception
    return error_reply(error.status_code, HTTPStatus(error.status_code).phrase)
