"""What a connection of type ``gongwebhook`` may hold."""

from __future__ import annotations

import base64
import json
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.credentials import Credentials, read_credentials
from airflow_provider_gong.sandbox.signing import SigningKey

ONE, TWO = SigningKey(), SigningKey()
BARE, OTHER = ONE.public_key, TWO.public_key
URL = "https://airflow.example.com/gong/webhooks/a"


def read(keys: Any = None, *, host: str | None = URL, password: str | None = None) -> Credentials:
    extra = json.dumps({"public_keys": keys} if keys is not None else {})
    return read_credentials(Connection(conn_id="c", host=host, password=password, extra=extra))


def shown(public_key: Any) -> str:
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    "keys",
    [
        BARE,
        f"  {BARE}\n",
        "\n".join(textwrap.wrap(BARE, 64)),
        ONE.public_key_pem,
        ONE.public_key_pem.replace("\n", "\r\n"),
        [BARE],
    ],
    ids=["bare", "spaces", "wrapped", "PEM", "PEM of Windows", "list"],
)
def test_key_is_read_as_gong_shows_it_and_as_pem(keys: Any) -> None:
    [key] = read(keys).public_keys
    assert shown(key) == BARE


@pytest.mark.parametrize(
    "keys",
    [
        f"{BARE}\n\n{OTHER}",
        f"{BARE}\r\n\r\n{OTHER}",
        f"{BARE}\n{OTHER}",
        f"{BARE}, {OTHER}",
        f"{BARE} {OTHER}",
        f"{ONE.public_key_pem}{OTHER}",
        f"{BARE}\n{TWO.public_key_pem}",
        ONE.public_key_pem + TWO.public_key_pem,
        [BARE, TWO.public_key_pem],
        "\n".join(textwrap.wrap(BARE, 64)) + "\n\n" + "\n".join(textwrap.wrap(OTHER, 64)),
    ],
)
def test_several_keys_are_read(keys: Any) -> None:
    assert {shown(key) for key in read(keys).public_keys} == {BARE, OTHER}


def test_public_url_is_normalised() -> None:
    read_url = read(BARE, host=" HTTPS://Airflow.example.com:443/gong/webhooks/a/ ").public_url
    assert read_url == URL


def test_url_key_alone_needs_no_public_url() -> None:
    assert read(host=None, password=" a-long-random-key ") == Credentials("", (), "a-long-random-key")


def test_secrets_are_not_shown() -> None:
    text = repr(read(BARE, password="a-long-random-key"))
    assert "a-long-random-key" not in text
    assert "RSA" not in text


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
CURVE = ec.generate_private_key(ec.SECP256R1()).public_key()


@pytest.mark.parametrize(
    ("keys", "fields", "said"),
    [
        (None, {}, "neither Public keys (extra public_keys) nor URL key (field password)"),
        ("", {"password": " "}, "neither Public keys"),
        (BARE, {"host": ""}, "Public URL (field host) is no URL"),
        (BARE, {"host": "ftp://airflow.example.com"}, "Public URL (field host) is no URL"),
        (None, {"password": "short"}, "URL key (field password) is shorter than 16 characters"),
        ("nonsense", {}, "Public keys (extra public_keys) cannot be read"),
        (BARE[:-4], {}, "Public keys (extra public_keys) cannot be read"),
        (f"{BARE}\n\nnonsense", {}, "Public keys (extra public_keys) cannot be read"),
        (7, {}, "Public keys (extra public_keys) cannot be read"),
        (shown(WEAK), {}, "RSA with 2048 bits at least"),
        (shown(CURVE), {}, "RSA with 2048 bits at least"),
        ("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", {}, "cannot be read"),
    ],
)
def test_mistakes_name_the_connection_and_the_field(keys: Any, fields: Any, said: str) -> None:
    with pytest.raises(GongConfigurationError, match="Connection 'c'") as caught:
        read(keys, **fields)
    assert said in str(caught.value)


@pytest.mark.parametrize("extra", ["{", "[]", '"x"', "[" * 100_000])
def test_extra_that_cannot_be_read_is_said(extra: str) -> None:
    with pytest.raises(GongConfigurationError, match="Extra cannot be read"):
        read_credentials(SimpleNamespace(conn_id="c", host=URL, password=None, extra=extra))
