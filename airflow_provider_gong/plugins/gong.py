"""The plugin that every Airflow process imports: only the standard library here, besides Airflow itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)


class WebhookApp:
    """Answer requests below ``/gong``: with 404 until a rule is configured, then with the receiver of webhooks."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load the receiver when it is needed for the first time, and pass the request on."""
        if not _configured():
            await _answer_not_found(scope, receive, send)
            return
        if self._app is None:
            from airflow_provider_gong.plugins.webhooks.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


class PageApp:
    """Answer requests below ``/gong/oauth``: with the page that connects to Gong, unless it is switched off."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load the page when it is needed for the first time, and pass the request on."""
        if not _has_page():
            # Where Airflow's access log finds it; a code of Gong may stand there.
            scope["query_string"] = b""
            await _answer_not_found(scope, receive, send)
            return
        if self._app is None:
            from airflow_provider_gong.plugins.oauth.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


class GongApp:
    """Answer requests below ``/gong``: the page below ``/gong/oauth``, webhooks otherwise."""

    def __init__(self) -> None:
        self.webhooks = WebhookApp()
        self.page = PageApp()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        below = scope["path"].removeprefix(scope.get("root_path", ""))
        is_page = below == "/oauth" or below.startswith("/oauth/")
        await (self.page if is_page else self.webhooks)(scope, receive, send)


def check_at_start(app: ASGIApp) -> ASGIApp:
    """Say in the API server's log, when it starts, which rules will be refused; leave the application as it is."""
    # Of all that a plugin may bring, only a middleware is made when the server starts, and only in the server.
    if _configured():
        try:
            from airflow_provider_gong.plugins.webhooks.check import check_rules

            check_rules()
        except Exception as error:  # Airflow must start, whatever is wrong with our webhooks
            log.error("Gong's webhook rules could not be checked: %s", type(error).__name__)
    return app


def _configured() -> bool:
    from airflow.configuration import conf

    return bool((conf.get("gong", "webhook_rules", fallback="") or "").strip())


def _has_page() -> bool:
    from airflow.configuration import conf

    return conf.getboolean("gong", "oauth_page", fallback=True)


async def _answer_not_found(scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.responses import JSONResponse

    await JSONResponse({"detail": "Not Found"}, status_code=404)(scope, receive, send)


# Without a url_route it opens in a tab of its own: the frame that a route gets lets nobody out to Gong's consent.
# The address is relative, so that it holds wherever Airflow is served.
PAGE_VIEW = {"name": "Gong connections", "href": "gong/oauth/", "destination": "nav", "category": "admin"}


class GongPlugin(AirflowPlugin):
    """Connect to Gong in Airflow's UI, and receive Gong's webhooks in its API server."""

    name = "gong"
    fastapi_apps: list[Any] = [{"app": GongApp(), "url_prefix": "/gong", "name": "Gong"}]  # noqa: RUF012
    fastapi_root_middlewares: list[Any] = [  # noqa: RUF012
        {"middleware": check_at_start, "args": [], "kwargs": {}, "name": "Gong webhook rules"}
    ]
    external_views: list[Any] = [PAGE_VIEW] if _has_page() else []
