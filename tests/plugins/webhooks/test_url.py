"""URLs that mean the same are equal, others are not."""

from __future__ import annotations

import pytest

from airflow_provider_gong.plugins.webhooks.url import normalised

URL = "https://airflow.example.com/gong/webhooks/new_calls?key=a%20b"


@pytest.mark.parametrize(
    "same",
    [
        "HTTPS://Airflow.EXAMPLE.com/gong/webhooks/new_calls?key=a%20b",
        "https://airflow.example.com:443/gong/webhooks/new_calls?key=a%20b",
        "https://airflow.example.com/gong/webhooks/new_calls/?key=a%20b",
        "https://airflow.example.com/gong/webhooks/new%5fcalls?key=%61%20b",
        "https://airflow.example.com/gong/webhooks/new%5Fcalls?key=a%20b#part",
    ],
)
def test_same_urls_are_equal(same: str) -> None:
    assert normalised(same) == normalised(URL) == URL


@pytest.mark.parametrize(
    "other",
    [
        "http://airflow.example.com/gong/webhooks/new_calls?key=a%20b",
        "https://airflow.example.com:8443/gong/webhooks/new_calls?key=a%20b",
        "https://airflow.example.org/gong/webhooks/new_calls?key=a%20b",
        "https://airflow.example.com/gong/webhooks/New_calls?key=a%20b",
        "https://airflow.example.com/gong/webhooks%2Fnew_calls?key=a%20b",
        "https://airflow.example.com/gong/x/../webhooks/new_calls?key=a%20b",
        "https://airflow.example.com/gong/webhooks/new_calls?key=a+b",
        "https://airflow.example.com/gong/webhooks/new_calls",
        "https://airflow.example.com/gong/webhooks/new_calls?key=a%20b&x=y",
    ],
)
def test_other_urls_are_not(other: str) -> None:
    assert normalised(other) != normalised(URL)


def test_letters_beyond_ascii_are_escaped() -> None:
    assert normalised("https://x.example/ä/%c3%a4?ö") == "https://x.example/%C3%A4/%C3%A4?%C3%B6"


def test_addresses_keep_their_brackets() -> None:
    assert normalised("http://[::1]:80/x/") == "http://[::1]/x"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "airflow.example.com/x",
        "ftp://airflow.example.com/x",
        "https:///x",
        "https://user@airflow.example.com/x",
        "https://airflow.example.com:port/x",
        "https://airflow.example.com/x\n",
        "https://airflow.example.com/a b",
        "https://[::1/x",
    ],
)
def test_what_is_no_url_is_said(bad: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        normalised(bad)
