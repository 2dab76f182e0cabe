"""The pages of Gong's OAuth: consent in a browser, and tokens for the app.

https://help.gong.io/docs/create-an-app-for-gong
"""

import json
from datetime import timedelta
from html import escape
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from airflow_provider_gong.sandbox.access import SCOPES
from airflow_provider_gong.sandbox.oauth import Grant, OAuth, OAuthError
from airflow_provider_gong.sandbox.routes.visit import basic

router = APIRouter(prefix="/oauth2")

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Gong (sandbox): {title}</title></head>
<body style="font-family: sans-serif; max-width: 34rem; margin: 3rem auto">
<h1>{title}</h1>
{content}
</body>
</html>
"""
FORM = """\
<p>An app asks to be let into your company's Gong. It will be able to use:</p>
<ul>{scopes}</ul>
<form method="post" action="/oauth2/authorize">
{fields}
<button name="decision" value="allow" id="allow">Allow</button>
<button name="decision" value="deny" id="deny">Deny</button>
</form>
"""
FIELDS = ("client_id", "redirect_uri", "scope", "state")


@router.get("/authorize")
async def ask_for_consent(request: Request) -> Response:
    """Show the page on which a technical administrator lets an app in."""
    asked = dict(request.query_params)
    try:
        _check(_oauth(request), asked)
    except OAuthError as problem:
        return _page("This cannot be allowed", f"<p>{escape(problem.description)}</p>", problem.status)
    fields = "\n".join(
        f'<input type="hidden" name="{name}" value="{escape(asked.get(name, ""))}">' for name in FIELDS
    )
    scopes = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in asked.get("scope", "").split())
    return _page("Let an app in?", FORM.format(scopes=scopes, fields=fields))


@router.post("/authorize")
async def decide(request: Request) -> Response:
    """Send the browser back to the app, with a code or with the refusal."""
    asked = dict(parse_qsl((await request.body()).decode("latin-1")))
    oauth = _oauth(request)
    try:
        _check(oauth, asked | {"response_type": "code"})
    except OAuthError as problem:
        return _page("This cannot be allowed", f"<p>{escape(problem.description)}</p>", problem.status)
    redirect_uri = asked["redirect_uri"]
    if asked.get("decision") == "allow":
        scopes = frozenset(asked.get("scope", "").split())
        answer = {"code": oauth.consent(redirect_uri=redirect_uri, scopes=scopes)}
    else:
        answer = {"error": "access_denied"}
    if "state" in asked:
        answer["state"] = asked["state"]
    joint = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answer)}", status_code=302)


@router.post("/generate-customer-token")
async def give_tokens(request: Request) -> Response:
    """Exchange a code or a refresh token; parameters are read from the query, or from a form."""
    oauth = _oauth(request)
    form = parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True)
    given = dict(form) | dict(request.query_params)
    try:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        oauth.authenticate(*(basic(token) if scheme.lower() == "basic" else ("", "")))
        return JSONResponse(_tokens(oauth, _granted(oauth, given)))
    except OAuthError as problem:
        body = {"error": problem.error, "error_description": problem.description}
        return JSONResponse(body, status_code=problem.status)


def _granted(oauth: OAuth, given: dict[str, str]) -> Grant:
    if not oauth.trusted_ip:
        # The list is documented, the wording is not.
        raise OAuthError("access_denied", "IP address is not in the list of trusted IPs", 403)
    match given.get("grant_type"):
        case "authorization_code":
            return oauth.exchange(given.get("code", ""), given.get("redirect_uri", ""))
        case "refresh_token":
            seconds = given.get("validity_duration")
            return oauth.refresh(
                given.get("refresh_token", ""), timedelta(seconds=int(seconds)) if seconds else None
            )
        case None:
            raise OAuthError("invalid_request", "Missing grant type")
    raise OAuthError("unsupported_grant_type", "Unsupported grant type")


def _tokens(oauth: OAuth, grant: Grant) -> dict[str, object]:
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "bearer",
        "expires_in": int(grant.lifetime.total_seconds()),
        "scope": " ".join(sorted(grant.scopes)),
        "api_base_url_for_customer": oauth.customer_url,
    }


def _check(oauth: OAuth, asked: dict[str, str]) -> None:
    oauth.check_request(asked.get("client_id", ""), asked.get("redirect_uri", ""))
    if asked.get("response_type") != "code" or not asked.get("redirect_uri"):
        raise OAuthError("invalid_request", "response_type=code and a redirect_uri are needed.")
    unknown = set(asked.get("scope", "").split()) - SCOPES
    if unknown or not asked.get("scope", "").strip():
        raise OAuthError("invalid_scope", f"Scopes that Gong does not know: {json.dumps(sorted(unknown))}")


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(title=escape(title), content=content), status_code=status)


def _oauth(request: Request) -> OAuth:
    oauth: OAuth = request.app.state.gong.oauth
    return oauth
