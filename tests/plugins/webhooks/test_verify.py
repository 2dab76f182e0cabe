"""What is taken out of a token; which ones are refused is in `tests.plugins.hostile`."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from airflow.sdk import Connection

from airflow_provider_gong.plugins.webhooks.credentials import read_credentials
from airflow_provider_gong.plugins.webhooks.refusal import Refused
from airflow_provider_gong.plugins.webhooks.verify import Proof, verify_sender

if TYPE_CHECKING:
    from airflow_provider_gong.plugins.webhooks.credentials import Credentials
    from airflow_provider_gong.sandbox.webhooks import Webhooks

URL = "https://airflow.example.com/gong/webhooks/a"
DAY = 86_400


@pytest.fixture
def credentials(webhooks: Webhooks) -> Credentials:
    extra = json.dumps({"public_keys": webhooks.key.public_key})
    return read_credentials(Connection(conn_id="c", host=URL, extra=extra))


def verified(credentials: Credentials, token: str, longest_life: int = DAY) -> Proof:
    return verify_sender(credentials, authorization=token, url_parts=[], longest_life=longest_life)


def test_identity_of_a_delivery_is_what_its_signature_covers(
    credentials: Credentials, webhooks: Webhooks
) -> None:
    # Some libraries take a signature that is spelled in another way.
    token = webhooks.key.token(webhooks.claims(URL, b"x"))
    assert verified(credentials, token).signed == ".".join(token.split(".")[:2]).encode()


def test_clocks_may_differ_by_seconds(credentials: Credentials, webhooks: Webhooks) -> None:
    claims = webhooks.claims(URL, b"x")
    verified(credentials, webhooks.key.token({**claims, "exp": int(time.time()) - 20}))
    with pytest.raises(Refused, match="expired"):
        verified(credentials, webhooks.key.token({**claims, "exp": int(time.time()) - 40}))


def test_token_may_live_as_long_as_replays_are_remembered(
    credentials: Credentials, webhooks: Webhooks
) -> None:
    token = webhooks.key.token(webhooks.claims(URL, b"x", timedelta(hours=2)))
    verified(credentials, token, longest_life=3 * 3600)
    with pytest.raises(Refused, match="lives longer"):
        verified(credentials, token, longest_life=3600)


def test_claims_that_are_not_documented_do_no_harm(credentials: Credentials, webhooks: Webhooks) -> None:
    claims = webhooks.claims(URL, b"x")
    more = {"iss": 7, "sub": 7, "jti": 7, "aud": "somebody", "iat": int(time.time()), "company": {}}
    assert verified(credentials, webhooks.key.token({**claims, **more})).body_sha256 == claims["body_sha256"]
