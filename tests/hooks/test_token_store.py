"""What a message says about connecting."""

from __future__ import annotations

import pytest

from airflow_provider_gong.hooks.token_store import reconnect

COMMAND = "Connect it: `airflow gong connect gong_default`"


@pytest.mark.parametrize(
    ("base_url", "page", "said"),
    [
        (
            "https://data.example.com/airflow/",
            "True",
            ", or on the page https://data.example.com/airflow/gong/oauth/",
        ),
        ("", "True", ", or in Airflow: Admin > Gong connections"),
        ("https://data.example.com", "False", ""),
    ],
)
def test_command_and_page_are_named(
    monkeypatch: pytest.MonkeyPatch, base_url: str, page: str, said: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    monkeypatch.setenv("AIRFLOW__GONG__OAUTH_PAGE", page)
    assert reconnect("gong_default") == f"{COMMAND}{said}."
