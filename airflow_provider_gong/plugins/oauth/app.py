"""The routes below ``/gong/oauth``: the page, to Gong's consent and back, and disconnecting."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl

from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongNotConnected
from airflow_provider_gong.plugins.oauth.pages import page, problem_page, redirect
from airflow_provider_gong.plugins.oauth.place import PAGE, login_path, path_of, redirect_uri
from airflow_provider_gong.plugins.oauth.problem import NotSignedIn, Problem, connecting_failed
from airflow_provider_gong.plugins.oauth.visitor import (
    Visitor,
    check_form,
    check_way_back,
    remember,
    visitor_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio import CapacityLimiter
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request, Visitor], Awaitable[Response]]

log = logging.getLogger(__name__)

# Of the threads that Airflow's own pages share, and of its database connections, we take no more than these.
THREADS = 2
# They wait for Gong, for a minute when it is slow: whoever only looks has threads of their own.
THREADS_TO_GONG = 2
MAX_FORM = 10_000
MAX_FIELDS = 20
SIGNED_OUT = Problem(
    401,
    "You are not signed in to Airflow any more",
    "Your session ended while you were at Gong, so that nothing was stored: open the page again, sign in and start "
    "anew.",
)


def create_app() -> Starlette:
    """Make the application that answers below ``/gong``."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    desk = Desk()
    routes = [
        Route("/oauth", _to_the_page, methods=["GET"]),
        Route("/oauth/", _answered(desk.show), methods=["GET"]),
        Route("/oauth/connect", _answered(desk.connect), methods=["POST"]),
        Route("/oauth/callback", _come_back(desk.come_back), methods=["GET"]),
        Route("/oauth/disconnect", _answered(desk.disconnect), methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _answer_http_error})
    app.router.redirect_slashes = False
    return app


class Desk:
    """Answer the visitors of the page."""

    def __init__(self) -> None:
        from anyio import CapacityLimiter

        self._threads = CapacityLimiter(THREADS)
        self._threads_to_gong = CapacityLimiter(THREADS_TO_GONG)

    async def show(self, request: Request, visitor: Visitor) -> Response:
        """Show the connections, or the one that is named."""
        from airflow_provider_gong.plugins.oauth.overview import look_at, overview

        named = request.query_params.get("conn_id", "").strip()
        if named:
            shown, more = [await self._in_thread(look_at, named, visitor.user)], False
        else:
            shown, more = await self._in_thread(overview, visitor.user)
        back, not_ready = _way_back()
        return page(
            "page.html",
            leads_to=[one.sign_in for one in shown if one.sign_in],
            form_token=visitor.form_token,
            shown=shown,
            more=more,
            named=named,
            told=_told(request, shown),
            redirect_uri=back,
            not_ready=not_ready,
        )

    async def connect(self, request: Request, visitor: Visitor) -> Response:
        """Send the browser to Gong's consent."""
        conn_id = await _form(request, visitor)
        try:
            back = redirect_uri()
        except GongConfigurationError as error:
            raise Problem(409, "Connecting is not set up yet", str(error)) from None
        check_way_back(request, back)
        return redirect(await self._in_thread(_consent_url, conn_id, visitor, back))

    async def come_back(self, request: Request, visitor: Visitor, query: bytes) -> Response:
        """Take what Gong answered."""
        try:
            answer = parse_qs(query.decode("latin-1"), max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Problem(400, "This is no answer of Gong", "Nothing was stored: start again.") from None
        conn_id = await self._in_thread(_connected, answer, visitor, limiter=self._threads_to_gong)
        log.info("The Gong connection %r was connected.", conn_id)
        return redirect(path_of(PAGE, conn_id=conn_id, done="connected"))

    async def disconnect(self, request: Request, visitor: Visitor) -> Response:
        """Ask whether it is meant; then forget the tokens of a connection."""
        from airflow_provider_gong.plugins.oauth.overview import look_at

        if request.method != "POST":
            shown = await self._in_thread(look_at, request.query_params.get("conn_id", ""), visitor.user)
            return page("disconnect.html", shown=shown, form_token=visitor.form_token)
        conn_id = await _form(request, visitor)
        await self._in_thread(_disconnected, conn_id, visitor)
        log.info("The Gong connection %r was disconnected.", conn_id)
        return redirect(path_of(PAGE, conn_id=conn_id, done="disconnected"))

    async def _in_thread(
        self, work: Callable[..., Any], *arguments: Any, limiter: CapacityLimiter | None = None
    ) -> Any:
        from anyio import to_thread

        return await to_thread.run_sync(partial(work, *arguments), limiter=limiter or self._threads)


def _consent_url(conn_id: str, visitor: Visitor, back: str) -> str:
    from airflow_provider_gong.hooks import oauth
    from airflow_provider_gong.plugins.oauth.overview import check_access, settings_of

    check_access(conn_id, visitor.user)
    try:
        app = oauth.app_of(conn_id, settings_of(conn_id))
        state = oauth.begin(conn_id, session=visitor.session, redirect_uri=back)
        return app.authorization_url(redirect_uri=back, state=state)
    except Problem:
        raise
    except GongError as error:
        raise connecting_failed(error) from None


def _connected(answer: dict[str, list[str]], visitor: Visitor) -> str:
    """Exchange the code that Gong answered with, and return the connection that it is for."""
    from airflow_provider_gong.hooks import oauth
    from airflow_provider_gong.plugins.oauth.overview import check_access, record, settings_of

    state = answer.get("state", [""])[0]
    try:
        conn_id, back = oauth.take(state, session=visitor.session)
    except GongConfigurationError as error:
        raise Problem(400, "This consent cannot be used", f"{error}{_about_the_cookie(visitor)}") from None
    # Meanwhile an administrator may have changed what they may do.
    check_access(conn_id, visitor.user)
    code = _code(answer, state)
    try:
        oauth.connect(conn_id, settings_of(conn_id), code=code, redirect_uri=back)
    except Problem:
        raise
    except GongError as error:
        raise connecting_failed(error) from None
    record("gong_oauth.connect", conn_id, visitor.user)
    return conn_id


def _code(answer: dict[str, list[str]], state: str) -> str:
    from airflow_provider_gong.api.oauth_app import code_of_answer

    if not answer.get("error") and not answer.get("code"):
        raise Problem(400, "Gong's answer has no code", "Nothing was stored: start again.")
    try:
        return code_of_answer(answer, state=state)
    except GongNotConnected:
        raise Problem(
            403,
            "Consent was denied in Gong",
            "Nothing was stored, and what was connected before still is. To connect, start again and allow the app; "
            "only a technical administrator of Gong can.",
        ) from None
    except GongConfigurationError as error:
        raise Problem(400, "Gong refused the request", str(error)) from None


def _disconnected(conn_id: str, visitor: Visitor) -> None:
    from airflow_provider_gong.hooks import oauth
    from airflow_provider_gong.plugins.oauth.overview import check_access, record, settings_of

    check_access(conn_id, visitor.user)
    try:
        oauth.disconnect(conn_id, settings_of(conn_id))
    except Problem:
        raise
    except GongError as error:
        raise Problem(409, "The connection cannot be disconnected", str(error)) from None
    record("gong_oauth.disconnect", conn_id, visitor.user)


def _about_the_cookie(visitor: Visitor) -> str:
    return " Your browser has sent no session of this page: allow its cookies." if visitor.is_new else ""


def _told(request: Request, shown: list[Any]) -> str:
    """Return what was just done, if the state of the connection says so too: anybody can write an address."""
    done = request.query_params.get("done")
    connected = {"connected": True, "disconnected": False}.get(done or "")
    return done or "" if [one.status.connected for one in shown] == [connected] else ""


def _way_back() -> tuple[str, str]:
    """Return the redirect URI, or what has to be done to have one."""
    try:
        return redirect_uri(), ""
    except GongConfigurationError as error:
        return "", str(error)


async def _form(request: Request, visitor: Visitor) -> str:
    """Return the connection that a form of ours is about."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise Problem(413, "This form cannot be accepted", "It is too large. Nothing was changed.")
    given = dict(parse_qsl(body.decode("latin-1")))
    check_form(visitor, request, given.get("form_token", ""))
    return given.get("conn_id", "").strip()


def _answered(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers whatever happens."""

    async def endpoint(request: Request) -> Response:
        return await _safely(request, handler)

    return endpoint


def _come_back(handler: Any) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        from starlette.exceptions import HTTPException

        query = _hidden_query(request)
        if request.method == "HEAD":
            raise HTTPException(405, headers={"Allow": "GET"})
        return await _safely(request, partial(handler, query=query), otherwise=SIGNED_OUT)

    return endpoint


async def _safely(request: Request, handler: Handler, otherwise: Problem | None = None) -> Response:
    """Answer a request.

    :param otherwise: what somebody is told who is not signed in, instead of asking them to.
    """
    try:
        visitor = await visitor_of(request)
        response = await handler(request, visitor)
        remember(visitor, request, response)
        return response
    except NotSignedIn:
        return problem_page(otherwise) if otherwise else redirect(login_path(_wanted(request)))
    except Problem as problem:
        return problem_page(problem)
    # Its text may quote a code or a token, so nobody is to see it.
    except Exception as error:
        log.error("The page of Gong's OAuth connections failed: %s", type(error).__name__)
        return problem_page(Problem(500, "Airflow failed", f"Try again later ({type(error).__name__})."))


def _wanted(request: Request) -> str:
    named = request.query_params.get("conn_id", "")
    return path_of(PAGE, conn_id=named) if named and request.method == "GET" else path_of(PAGE)


def _hidden_query(request: Request) -> bytes:
    """Return the query, and leave nothing of it to Airflow's access log, which writes down what stands there then."""
    query: bytes = request.scope["query_string"]
    request.scope["query_string"] = b""
    return query


async def _to_the_page(request: Request) -> Response:
    return redirect(path_of(PAGE))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Answer wrong paths (404) and methods (405), which may carry a code as well."""
    _hidden_query(request)
    status = getattr(error, "status_code", 404)
    allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
    title = "There is no such page" if status == 404 else "This cannot be done here"
    headers = {"Allow": allowed} if allowed else {}
    return problem_page(Problem(status, title, "Nothing was changed: open the page."), **headers)
