"""Where the page is: as configured, also below a path."""

from __future__ import annotations

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.oauth.place import (
    login_path,
    path_of,
    redirect_uri,
    suggested_redirect_uri,
)

BASE = "AIRFLOW__API__BASE_URL"
REDIRECT = "AIRFLOW__GONG__OAUTH_REDIRECT_URI"


@pytest.mark.parametrize(
    ("base", "page", "suggested"),
    [
        ("", "/gong/oauth/", "https://airflow.example.com/gong/oauth/callback"),
        ("http://localhost:8080", "/gong/oauth/", "http://localhost:8080/gong/oauth/callback"),
        ("https://a.example.com/b/", "/b/gong/oauth/", "https://a.example.com/b/gong/oauth/callback"),
    ],
)
def test_paths_begin_where_airflow_is(
    monkeypatch: pytest.MonkeyPatch, base: str, page: str, suggested: str
) -> None:
    monkeypatch.setenv(BASE, base)
    assert path_of("/gong/oauth/") == page
    assert suggested_redirect_uri() == suggested
    prefix = page.removesuffix("/gong/oauth/")
    assert login_path(page) == f"{prefix}/api/v2/auth/login?next={page.replace('/', '%2F')}"


def test_queries_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE, "")
    assert path_of("/x", conn_id="a&b=c d") == "/x?conn_id=a%26b%3Dc+d"


@pytest.mark.parametrize(
    "given",
    [
        "https://airflow.example.com/gong/oauth/callback",
        "https://airflow.example.com/data/gong/oauth/callback",
        " http://localhost:8080/gong/oauth/callback ",
    ],
)
def test_redirect_uri_that_leads_here(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(REDIRECT, given)
    assert redirect_uri() == given.strip()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "airflow.example.com/gong/oauth/callback",
        "http://airflow.example.com/gong/oauth/callback",
        "https:///gong/oauth/callback",
        "https://[/gong/oauth/callback",
        "https://airflow.example.com/",
        "https://airflow.example.com/gong/oauth/callback/",
        "https://airflow.example.com/gong/oauth/callback?x=1",
        "https://airflow.example.com/gong/oauth/callback#x",
    ],
)
def test_redirect_uri_that_leads_elsewhere(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(REDIRECT, given)
    monkeypatch.setenv(BASE, "https://data.example.com")
    with pytest.raises(GongConfigurationError) as caught:
        redirect_uri()
    assert "AIRFLOW__GONG__OAUTH_REDIRECT_URI" in str(caught.value)
    assert "https://data.example.com/gong/oauth/callback" in str(caught.value)
