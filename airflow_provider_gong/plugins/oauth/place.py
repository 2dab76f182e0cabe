"""Where the page is, as browsers and Gong see it: from configuration, never from what a request says."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from airflow_provider_gong.api.oauth_app import checked_redirect_uri
from airflow_provider_gong.exceptions import GongConfigurationError

PAGE = "/gong/oauth/"
CALLBACK = "/gong/oauth/callback"
OPTION = "[gong] oauth_redirect_uri (AIRFLOW__GONG__OAUTH_REDIRECT_URI)"


def base_url() -> str:
    """Return the address of Airflow without a slash at the end; empty when nobody has told it."""
    from airflow.configuration import conf

    return (conf.get("api", "base_url", fallback="") or "").rstrip("/")


def path_of(path: str, **query: str) -> str:
    """Return where a browser finds something of Airflow, below the path that Airflow is served at."""
    found = urlsplit(base_url()).path + path
    return f"{found}?{urlencode(query)}" if query else found


def login_path(then: str) -> str:
    """Return where people sign in to come to another path afterwards."""
    return path_of("/api/v2/auth/login", next=then)


def suggested_redirect_uri() -> str:
    """Return what the redirect URI has to be, as far as it is known."""
    return f"{base_url() or 'https://airflow.example.com'}{CALLBACK}"


def redirect_uri() -> str:
    """Return where Gong sends browsers back to.

    :raises GongConfigurationError: saying what to set, when the page is not there.
    """
    from airflow.configuration import conf

    given = (conf.get("gong", "oauth_redirect_uri", fallback="") or "").strip()
    mend = (
        f"Set Airflow's option {OPTION} for the API server to {suggested_redirect_uri()}, enter the same as redirect "
        f"URI of the app in Gong, and restart the API server."
    )
    if not given:
        raise GongConfigurationError(f"No redirect URI is set. {mend}")
    try:
        checked = checked_redirect_uri(given)
        url = urlsplit(checked)
    except (GongConfigurationError, ValueError):
        raise GongConfigurationError(
            f"The redirect URI {given!r} is not https, nor this machine. {mend}"
        ) from None
    if not url.hostname or not url.path.endswith(CALLBACK) or url.query or url.fragment:
        raise GongConfigurationError(f"The redirect URI {given!r} does not lead to {CALLBACK}. {mend}")
    return checked
