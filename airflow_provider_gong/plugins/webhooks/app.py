"""The routes: ``POST /gong/webhooks/{rule}``, for Gong alone."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.body import read_body
from airflow_provider_gong.plugins.webhooks.check import CredentialsCache
from airflow_provider_gong.plugins.webhooks.deliver import Outcome, deliver
from airflow_provider_gong.plugins.webhooks.payload import Delivery, read_delivery
from airflow_provider_gong.plugins.webhooks.refusal import Refused, unavailable
from airflow_provider_gong.plugins.webhooks.report import report_outcome, report_refusal
from airflow_provider_gong.plugins.webhooks.rules import Rule, configured_rules
from airflow_provider_gong.plugins.webhooks.verify import Proof, verify_body, verify_sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    T = TypeVar("T")

# Of the threads that Airflow's own pages share, and of its database connections, we take no more than these.
THREADS = 4
# For so many seconds a transaction is repeated that met another one or lost its connection.
PATIENCE = 20.0
MAX_URL_PARTS = 20
NOT_READY = "This webhook is not ready; the log of Airflow's API server says why."


def create_app() -> FastAPI:
    """Make the application that is mounted at ``/gong``."""
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    receiver = Receiver()
    # The key of a URL may also be the last part of its path.
    for path in (
        "/webhooks/{rule}",
        "/webhooks/{rule}/",
        "/webhooks/{rule}/{key}",
        "/webhooks/{rule}/{key}/",
    ):
        app.add_route(path, receiver.receive, methods=["POST"])
    app.add_exception_handler(HTTPException, _answer_http_error)
    return app


class Receiver:
    """Take deliveries; the rules are those of the moment when the receiver was made."""

    def __init__(self) -> None:
        from anyio import CapacityLimiter

        self._credentials = CredentialsCache()
        self._threads = CapacityLimiter(THREADS)
        self._broken: GongConfigurationError | None = None
        self._rules: dict[str, Rule] = {}
        try:
            self._rules = configured_rules()
        except GongConfigurationError as error:
            self._broken = error

    async def receive(self, request: Request) -> Response:
        """Answer a delivery."""
        rule = self._rules.get(request.path_params["rule"])
        try:
            return await self._taken(rule, request)
        except Refused as refusal:
            return _refused(rule, refusal)
        except GongConfigurationError as error:
            return _refused(rule, unavailable("not_ready", NOT_READY), str(error))
        # Its text may quote the delivery, so nobody is to see it.
        except Exception as error:
            return _refused(rule, Refused(500, "error", "Airflow failed."), type(error).__name__)
        finally:
            _hide_key(request)

    async def _taken(self, rule: Rule | None, request: Request) -> Response:
        if self._broken:
            raise self._broken
        if rule is None:
            raise Refused(404, "unknown_rule", "There is no such rule.")
        proof = await self._verified(rule, request)
        body = await read_body(request)
        verify_body(proof, body)
        # Waiting for a thread counts: nobody is kept much longer than that, however many come at once.
        deadline = time.monotonic() + PATIENCE
        outcome, delivery = await self._in_thread(partial(_delivered, rule, proof, body, deadline))
        report_outcome(rule, delivery, outcome)
        return _answer(outcome, delivery)

    async def _verified(self, rule: Rule, request: Request) -> Proof:
        # Strangers are refused before anything is read of what they send.
        credentials = self._credentials.kept(rule.conn_id)
        if credentials is None:
            credentials = await self._in_thread(partial(self._credentials.get, rule.conn_id))
        queried = [value for _, value in request.query_params.multi_items()]
        parts = [*queried, request.path_params.get("key", "")]
        if request.path_params.get("key") and not credentials.url_key:
            raise Refused(404, "unknown_path", "There is no such path.")
        return verify_sender(
            credentials,
            # The first one: an Airflow that takes everyone for its administrator adds one of its own.
            authorization=request.headers.get("authorization"),
            url_parts=parts[-MAX_URL_PARTS:],
            longest_life=rule.replay_window,
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        from anyio import to_thread

        return await to_thread.run_sync(work, limiter=self._threads)


def _delivered(rule: Rule, proof: Proof, body: bytes, deadline: float) -> tuple[Outcome, Delivery]:
    delivery = read_delivery(rule, proof, body)
    return deliver(rule, delivery, deadline=deadline), delivery


def _hide_key(request: Request) -> None:
    """Leave to Airflow's access log, which writes down what stands here when we are done, no place with a key."""
    # It hides secrets in queries, but only those that it knows or that are called so.
    request.scope["query_string"] = b""
    before, mark, behind = request.scope["path"].partition("/webhooks/")
    rule, slash, rest = behind.partition("/")
    if rest:
        request.scope["path"] = f"{before}{mark}{rule}{slash}***"


def _answer(outcome: Outcome, delivery: Delivery) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"status": outcome.status, "delivery_id": delivery.delivery_id})


def _refused(rule: Rule | None, refusal: Refused, cause: str = "") -> Response:
    from starlette.responses import JSONResponse

    report_refusal(rule, refusal, cause)
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
    content = {"status": "refused", "reason": refusal.reason, "detail": refusal.detail}
    return JSONResponse(content, refusal.status, headers)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Answer wrong paths (404) and methods (405), such as those of someone who opens a URL with a key."""
    _hide_key(request)
    status = getattr(error, "status_code", 404)
    reason = "wrong_method" if status == 405 else "unknown_path"
    refusal = Refused(status, reason, "Send deliveries with POST to /gong/webhooks/{rule}.")
    return _refused(None, refusal)
