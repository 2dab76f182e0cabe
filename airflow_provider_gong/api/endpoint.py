"""A request as a value: the facts of an operation beside a typed function that fills them in."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, cast

from airflow_provider_gong.api.encode import fill_path, wire_query, without_none
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_gong.api.form import Form

P = ParamSpec("P")


@dataclass(frozen=True)
class Params:
    """What one request adds to its endpoint; None values are left out."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    form: Form | None = None


class RequestFunction(Protocol[P]):
    """A typed function that makes requests of one endpoint."""

    endpoint: Endpoint

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Request:
        """Make a request."""


@dataclass(frozen=True)
class Endpoint:
    """What is true of an operation whatever its arguments; decorates the function that has them.

    :param method: HTTP method.
    :param path: path template, such as ``/v2/calls/{id}``.
    :param result: key of the reply that holds the result; None for the whole reply.
    :param scope: the scope an access key needs.
    :param paged: the reply has ``records`` with a cursor.
    :param reads: it changes nothing in Gong, so it may be sent twice; default: whether the method is GET.
    :param empty_on_404: a filtered list, whose empty result Gong answers with 404.
    """

    method: str
    path: str
    result: str | None = field(kw_only=True)
    scope: str = field(kw_only=True)
    paged: bool = field(default=False, kw_only=True)
    reads: bool | None = field(default=None, kw_only=True)
    empty_on_404: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.reads is None:
            object.__setattr__(self, "reads", self.method == "GET")

    def __call__(self, function: Callable[P, Params]) -> RequestFunction[P]:
        """Let the function return a `Request` in place of its `Params`."""

        @functools.wraps(function)
        def build(*args: P.args, **kwargs: P.kwargs) -> Request:
            params = function(*args, **kwargs)
            body = None if params.body is None else self._json(without_none(params.body))
            path = fill_path(self.path, params.path)
            return Request(self, path, wire_query(params.query), body, form=params.form)

        typed = cast("RequestFunction[P]", build)
        typed.endpoint = self
        return typed

    def _json(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of the body that shares nothing with the caller's, as it goes on the wire."""
        try:
            copy: dict[str, Any] = json.loads(json.dumps(body, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise GongConfigurationError(
                f"{self.method} {self.path}: an argument holds what JSON does not have ({error}): give texts, "
                f"numbers, booleans, lists and objects only."
            ) from None
        return copy


endpoint = Endpoint


@dataclass(frozen=True)
class Request:
    """One request, ready to be compared, kept and sent.

    :param body: what is sent as JSON; a text is sent as it is.
    :param form: files and fields, in place of a body.
    :param headers: headers besides those that every request has.
    """

    endpoint: Endpoint
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Form | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.endpoint.method

    @property
    def operation(self) -> str:
        """Name the operation without any argument, fit for logs."""
        return f"{self.method} {self.endpoint.path}"

    def with_cursor(self, cursor: str) -> Request:
        """Return the same request for the page that `cursor` stands for."""
        if self.method == "GET":
            return replace(self, query={**self.query, "cursor": cursor})
        # In the query of a POST Gong ignores the cursor and gives the first page for ever.
        return replace(self, body={**(self.body or {}), "cursor": cursor})

    def __repr__(self) -> str:
        # Query and body may hold personal data.
        return f"<Request {self.operation}>"
