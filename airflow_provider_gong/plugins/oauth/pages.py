"""HTML, and the headers that go with it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.plugins.oauth.place import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment
    from starlette.responses import Response

    from airflow_provider_gong.plugins.oauth.problem import Problem

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would not say where a form comes from.
    "Referrer-Policy": "same-origin",
}


def page(template: str, status: int = 200, *, leads_to: Iterable[str] = (), **values: Any) -> Response:
    """Return a page.

    :param leads_to: origins to which its forms may lead, besides Airflow.
    """
    from starlette.responses import HTMLResponse

    content = _templates().get_template(template).render(path_of=path_of, style=_style(), **values)
    return HTMLResponse(content, status, {**HEADERS, "Content-Security-Policy": _policy(leads_to)})


def problem_page(problem: Problem, **headers: str) -> Response:
    """Return the page that tells a problem; its address may hold a code, so that it tells nobody where it is."""
    response = page("problem.html", problem.status, problem=problem)
    response.headers.update({"Referrer-Policy": "no-referrer", **headers})
    return response


def redirect(to: str) -> Response:
    """Send the browser elsewhere."""
    from starlette.responses import RedirectResponse

    return RedirectResponse(to, 303, {**HEADERS, "Referrer-Policy": "no-referrer"})


def _policy(leads_to: Iterable[str]) -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    rules = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        # Chromium applies it to where a form's answer redirects to as well.
        "form-action": " ".join(["'self'", *sorted(set(leads_to))]),
        "base-uri": "'none'",
        # Airflow's own frame would let nobody out to Gong; so it is shown in no frame at all.
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


@cache
def _style() -> str:
    return _file("style.css")


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    folder = files("airflow_provider_gong.plugins.oauth").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")
