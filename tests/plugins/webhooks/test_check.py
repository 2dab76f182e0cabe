"""The connection of a rule, from wherever Airflow has it, kept for a short while."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.check import CredentialsCache, check_rules, stored_credentials

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox.signing import SigningKey

RULES = "AIRFLOW__GONG__WEBHOOK_RULES"
CONNECTION = "AIRFLOW_CONN_GONG_WEBHOOK_A"


@pytest.mark.parametrize(
    "uri",
    [
        "gongwebhook://:a-long-random-key@airflow.example.com/gong",
        "gongwebhook://:a-long-random-key@airflow.example.com:443/gong",
        "gongwebhook://:a-long-random-key@https%3A%2F%2Fairflow.example.com%2Fgong",
    ],
)
def test_connection_may_be_a_uri(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, uri)
    found = stored_credentials("gong_webhook_a")
    assert (found.public_url, found.url_key) == ("https://airflow.example.com/gong", "a-long-random-key")


def test_what_is_wrong_is_logged_for_each_rule(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: SigningKey
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(RULES, '{"a": {}, "b": {}, "c": {}}')
    fields = {
        "conn_type": "gongwebhook",
        "host": "https://a.example/x",
        "extra": {"public_keys": key.public_key},
    }
    monkeypatch.setenv(CONNECTION, json.dumps(fields))
    monkeypatch.setenv("AIRFLOW_CONN_GONG_WEBHOOK_B", json.dumps({**fields, "extra": {}}))
    check_rules()
    said = [record.getMessage() for record in caplog.records if "plugins.webhooks" in record.name]
    assert said[0] == "Gong's webhook a is received."
    assert said[1].startswith("Gong's webhook b is refused: Connection 'gong_webhook_b' holds neither")
    assert said[2] == "Gong's webhook c is refused: There is no connection 'gong_webhook_c'."


def test_secrets_backend_that_fails_is_said_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: str) -> None:
        raise ConnectionError("secret-of-a-backend")

    monkeypatch.setenv(RULES, '{"a": {}}')
    monkeypatch.setattr("airflow.models.connection.Connection.get_connection_from_secrets", fail)
    check_rules()
    assert "Connection 'gong_webhook_a': ConnectionError while reading it." in caplog.text
    assert "secret-of-a-backend" not in caplog.text


def test_rules_that_cannot_be_read_are_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(RULES, "{")
    check_rules()
    assert "No webhook of Gong is received: [gong] webhook_rules cannot be read" in caplog.text


def test_connection_is_asked_for_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    lasting, short = CredentialsCache(3600), CredentialsCache(-1)
    for number in (1, 2):
        monkeypatch.setenv(CONNECTION, f"gongwebhook://:a-long-random-key-{number}@")
        assert lasting.get("gong_webhook_a").url_key == "a-long-random-key-1"
        assert short.get("gong_webhook_a").url_key == f"a-long-random-key-{number}"


def test_credentials_at_hand_are_found_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, "gongwebhook://:a-long-random-key@")
    cache = CredentialsCache(3600)
    assert cache.kept("gong_webhook_a") is None
    found = cache.get("gong_webhook_a")
    # As when another thread is asking a slow secrets backend just then.
    with cache._lock:
        assert cache.kept("gong_webhook_a") is found


def test_missing_connection_is_asked_for_once_in_a_while_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CredentialsCache(3600)
    for _ in range(2):
        with pytest.raises(GongConfigurationError, match="There is no connection"):
            cache.get("gong_webhook_a")
        with pytest.raises(GongConfigurationError, match="There is no connection"):
            cache.kept("gong_webhook_a")
        monkeypatch.setenv(CONNECTION, "gongwebhook://:a-long-random-key@")
