"""Who visits the page, what they may do, and that it is they who do it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.oauth.place import base_url, path_of, redirect_uri
from airflow_provider_gong.plugins.oauth.problem import NotSignedIn, Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# Our own cookie, since Airflow's token is renewed while somebody reads Gong's consent page.
COOKIE = "gong_oauth_session"
WORD = re.compile(r"[\w-]{43}", re.ASCII)


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in to Airflow, in one browser.

    :param cookie: tells the browser from others.
    :param is_new: the browser does not have the cookie yet.
    """

    user: Any = field(repr=False)
    cookie: str = field(repr=False)
    is_new: bool

    @property
    def session(self) -> str:
        """Return what nobody else has, on no other browser."""
        return f"{self.user.get_id()}\n{self.cookie}"

    @property
    def form_token(self) -> str:
        """Return what forms of this session carry; a page of somebody else cannot know it."""
        from airflow.api_fastapi.auth.tokens import get_signing_key

        key = get_signing_key("api", "secret_key").encode()
        return hmac.new(key, f"gong-oauth-form\n{self.session}".encode(), hashlib.sha256).hexdigest()


async def visitor_of(request: Request) -> Visitor:
    """Return who sends a request.

    :raises NotSignedIn: when Airflow does not know them.
    """
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from starlette.exceptions import HTTPException

    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        raise NotSignedIn from None
    cookie = request.cookies.get(COOKIE, "")
    known = bool(WORD.fullmatch(cookie))
    return Visitor(user, cookie if known else secrets.token_urlsafe(32), not known)


def remember(visitor: Visitor, request: Request, response: Response) -> None:
    """Give the browser its cookie."""
    from airflow.configuration import conf

    if visitor.is_new:
        encrypted = request.url.scheme == "https" or base_url().startswith("https:")
        response.set_cookie(
            COOKIE,
            visitor.cookie,
            path=path_of("/gong/oauth"),
            secure=encrypted or bool(conf.get("api", "ssl_cert", fallback="")),
            httponly=True,
            samesite="lax",
        )


def check_form(visitor: Visitor, request: Request, given: str) -> None:
    """Refuse a form that was not sent from our own page in this session."""
    of_us = secrets.compare_digest(given.encode(), visitor.form_token.encode())
    if visitor.is_new or not of_us or not _from_here(request):
        raise Problem(
            403,
            "This form cannot be accepted",
            "It was not sent from this page in your session, or the page was open for too long; cookies have to be "
            "allowed. Nothing was changed: open the page again and repeat it.",
        )


def check_way_back(request: Request, back: str) -> None:
    """Refuse to send a browser to Gong that would come back to another Airflow than the one it has a session with."""
    here, there = _origin(request), urlsplit(back)
    if here.hostname != there.hostname:
        raise Problem(
            409,
            "Open Airflow at its own address",
            f"You have opened Airflow at {here.netloc}, but Gong sends you back to {there.netloc}, where you have no "
            f"session: open {back.removesuffix('callback')} and start there, or change Airflow's option [gong] "
            f"oauth_redirect_uri and the redirect URI of the app in Gong.",
        )


def may_edit(user: Any, conn_id: str | None = None) -> bool:
    """Tell whether Airflow lets somebody edit a connection, or connections at all; asks the database."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails

    details = ConnectionDetails(conn_id=conn_id, team_name=team_of(conn_id) if conn_id else None)
    return bool(get_auth_manager().is_authorized_connection(method="PUT", details=details, user=user))


def team_of(conn_id: str) -> str | None:
    """Return the team that a connection in the database belongs to."""
    from airflow.models.connection import Connection

    team: str | None = Connection.get_team_name(conn_id)
    return team


def _from_here(request: Request) -> bool:
    # Browsers that send it cannot be made to lie about it.
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    try:
        back = redirect_uri()
    except GongConfigurationError:  # it is told elsewhere
        back = ""
    known = {urlsplit(base_url()).netloc, urlsplit(back).netloc, request.headers.get("host", "")}
    return _origin(request).netloc in known - {""}


def _origin(request: Request) -> SplitResult:
    try:
        return urlsplit(request.headers.get("origin", ""))
    except ValueError:  # nothing that a browser sends
        return urlsplit("")
