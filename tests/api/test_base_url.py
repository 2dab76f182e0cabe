import pytest

from airflow_provider_gong.api.base_url import base_url
from airflow_provider_gong.exceptions import GongConfigurationError


@pytest.mark.parametrize(
    "given",
    [
        "https://us-1.api.gong.io",
        "https://us-1.api.gong.io/",
        "https://us-1.api.gong.io/v2",
        "https://us-1.api.gong.io/v2/",
        "us-1.api.gong.io",
        "us-1.api.gong.io:443",
        "https://us-1.api.gong.io.",
        " HTTPS://US-1.API.gong.io:443/v2 ",
    ],
)
def test_gongs_host_in_any_spelling(given: str) -> None:
    assert base_url(given) == "https://us-1.api.gong.io"


@pytest.mark.parametrize(
    ("given", "allowed", "url"),
    [
        ("127.0.0.1:8080", ["127.0.0.1"], "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", ["127.0.0.1"], "http://127.0.0.1:8080"),
        ("http://localhost:80", ["localhost"], "http://localhost"),
        ("http://[::1]:8080/v2", ["[::1]"], "http://[::1]:8080"),
        ("http://127.0.0.1:8080", ["127.0.0.1:8080"], "http://127.0.0.1:8080"),
        ("https://relay.example.com", ["relay.example.com:443"], "https://relay.example.com"),
        ("https://relay.example.com.", ["relay.example.com"], "https://relay.example.com"),
        ("http://sandbox:8080", ["other", "http://sandbox:8080/"], "http://sandbox:8080"),
        ("https://relay.example.com", ["relay.example.com"], "https://relay.example.com"),
        ("https://relay.example.com:8443", ["relay.example.com:8443"], "https://relay.example.com:8443"),
        ("http://us-1.api.gong.io", ["http://us-1.api.gong.io"], "http://us-1.api.gong.io"),
    ],
)
def test_listed_hosts_are_accepted(given: str, allowed: list[str], url: str) -> None:
    assert base_url(given, allowed) == url


@pytest.mark.parametrize(
    ("given", "allowed", "problem"),
    [
        ("", [], "it is empty"),
        ("   ", [], "it is empty"),
        ("https://example.com", [], "example.com is not a host of Gong"),
        ("https://api.gong.io.example.com", [], "is not a host of Gong"),
        ("https://evilgong.io", [], "is not a host of Gong"),
        ("https://gong.io", [], "is not a host of Gong"),
        ("http://us-1.api.gong.io", [], "not encrypted"),
        (
            "http://relay.example.com",
            ["relay.example.com"],
            "only for https.*list http://relay.example.com in",
        ),
        ("http://sandbox:8080", ["sandbox:8080"], "only for https.*list http://sandbox:8080 in"),
        ("https://a..gong.io", [], "no valid host name"),
        (f"https://{'a' * 64}.gong.io", [], "no valid host name"),
        (f"https://{'a.' * 130}gong.io", [], "no valid host name"),
        ("https://us-1.api.gong.io..", [], "no valid host name"),
        ("https://relay.example.com", ["http://relay.example.com"], "is not a host of Gong"),
        ("https://relay.example.com:9", ["relay.example.com:8443"], "is not a host of Gong"),
        ("http://127.0.0.1", [], "is not a host of Gong"),
        ("ftp://us-1.api.gong.io", [], "is not a scheme of the web"),
        ("https://us-1.api.gong.io/v3", [], "more than a host"),
        ("https://us-1.api.gong.io?a=b", [], "more than a host"),
        ("https://us-1.api.gong.io#a", [], "more than a host"),
        ("https://evil.example\\@us-1.api.gong.io", [], "user name or password"),
        ("https://evil.example\\.gong.io", [], "no valid host name"),
        ("https://", [], "no valid host name"),
        ("https://us-1.api.gong.io:port", [], "is not a URL"),
        ("https://[", [], "is not a URL"),
    ],
)
def test_any_other_place_is_refused_and_the_field_named(given: str, allowed: list[str], problem: str) -> None:
    with pytest.raises(GongConfigurationError, match=f"^Base URL: .*{problem}") as caught:
        base_url(given, allowed)
    assert "To mend it: " in str(caught.value)


def test_credentials_in_the_url_are_not_shown() -> None:
    with pytest.raises(GongConfigurationError) as caught:
        base_url("https://key:hunter2@us-1.api.gong.io")
    assert "hunter2" not in str(caught.value)


def test_a_bad_entry_of_allowed_hosts_is_named() -> None:
    with pytest.raises(GongConfigurationError, match=r"^Allowed hosts: .*scheme"):
        base_url("https://relay.example.com", ["ftp://relay.example.com"])


@pytest.mark.parametrize("entry", ["::1", "*.example.com", "http://*:8080"])
def test_an_entry_that_is_no_host_is_shown_with_examples_of_hosts(entry: str) -> None:
    with pytest.raises(
        GongConfigurationError, match=r"^Allowed hosts: .*whole hosts such as .*\[::1\]"
    ) as caught:
        base_url("https://relay.example.com", [entry])
    assert repr(entry) in str(caught.value)
    assert "gong.io" not in str(caught.value)


def test_credentials_in_an_entry_are_not_shown() -> None:
    with pytest.raises(GongConfigurationError, match=r"'relay\.example\.com'") as caught:
        base_url("https://relay.example.com", ["https://key:hunter2@relay.example.com"])
    assert "hunter2" not in str(caught.value)
