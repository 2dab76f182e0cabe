"""The Test button of a webhook's connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.plugins.webhooks.hook import GongWebhookHook

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox.signing import SigningKey

URL = "https://airflow.example.com/gong/webhooks/a"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"public_keys": True},
            (True, "Complete; nothing was sent. Deliveries need a signature (1 public key)."),
        ),
        ({"password": "a-long-random-key"}, (True, "Complete; nothing was sent. Deliveries need a URL key.")),
        (
            {"public_keys": True, "password": "a-long-random-key"},
            (True, "Complete; nothing was sent. Deliveries need a signature (1 public key) and a URL key."),
        ),
    ],
)
def test_it_tells_what_deliveries_need(
    fields: dict[str, Any], said: tuple[bool, str], key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"public_keys": key.public_key} if fields.pop("public_keys", None) else {}
    connection = {"conn_type": "gongwebhook", "host": URL, "extra": extra, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_HOOKED", json.dumps(connection))
    assert GongWebhookHook("hooked").test_connection() == said


def test_it_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HOOKED", json.dumps({"conn_type": "gongwebhook", "host": URL}))
    works, said = GongWebhookHook("hooked").test_connection()
    assert not works
    assert said.startswith("This connection holds neither Public keys")
