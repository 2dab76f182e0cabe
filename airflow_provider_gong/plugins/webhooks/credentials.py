"""What an Airflow connection of type ``gongwebhook`` says, checked: how Gong proves that a delivery is its own."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.url import normalised

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
MIN_KEY_BITS = 2048
MIN_URL_KEY = 16


@dataclass(frozen=True)
class Credentials:
    """The checked values of a connection."""

    public_url: str
    """As in Gong, normalised; empty when only a URL key is used."""
    public_keys: tuple[RSAPublicKey, ...] = field(default=(), repr=False)
    url_key: str = field(default="", repr=False)


def read_credentials(connection: Any) -> Credentials:
    """Return the credentials that an Airflow connection holds.

    :raises GongConfigurationError: naming the field that must be mended.
    """
    conn_id = connection.conn_id
    try:
        fields = json.loads(connection.extra or "{}")
        keys = fields.get("public_keys") or ""
    except (AttributeError, ValueError, RecursionError):
        raise GongConfigurationError(
            f"Connection {conn_id!r}: Extra cannot be read: give one JSON object with public_keys."
        ) from None
    public_keys, url_key = _public_keys(conn_id, keys), (connection.password or "").strip()
    if not public_keys and not url_key:
        raise GongConfigurationError(
            f"Connection {conn_id!r} holds neither Public keys (extra public_keys) nor URL key (field password): "
            "without either, anybody could start what the rule starts."
        )
    if url_key and len(url_key) < MIN_URL_KEY:
        raise GongConfigurationError(
            f"Connection {conn_id!r}: URL key (field password) is shorter than {MIN_URL_KEY} characters: "
            "take a long random one."
        )
    return Credentials(_public_url(connection, needed=bool(public_keys)), public_keys, url_key)


def _public_url(connection: Any, *, needed: bool) -> str:
    url = _url(connection)
    if not url and not needed:
        return ""
    try:
        return normalised(url)
    except ValueError:
        raise GongConfigurationError(
            f"Connection {connection.conn_id!r}: Public URL (field host) is no URL: give the one that the rule in Gong "
            "has, such as https://airflow.example.com/gong/webhooks/new_calls."
        ) from None


def _url(connection: Any) -> str:
    """Put together what a URI spreads over several fields."""
    host = (connection.host or "").strip()
    if "://" in host or not host:
        return host
    port = f":{connection.port}" if connection.port else ""
    return f"https://{host}{port}/{connection.schema or ''}"


def _public_keys(conn_id: str, given: Any) -> tuple[RSAPublicKey, ...]:
    texts = given if isinstance(given, list) else [given]
    try:
        return tuple(key for text in texts for key in _keys_of(text))
    except (TypeError, ValueError):
        raise GongConfigurationError(
            f"Connection {conn_id!r}: Public keys (extra public_keys) cannot be read: give the key that Gong shows at "
            f'"Show public key", as it stands or as PEM; RSA with {MIN_KEY_BITS} bits at least; several ones '
            "separated by empty lines."
        ) from None


def _keys_of(text: str) -> list[RSAPublicKey]:
    pems = PEM.findall(text)
    chunks = re.split(r"\n\s*\n|[,;]", PEM.sub("\n\n", text.replace("\r\n", "\n")))
    bare = [key for chunk in chunks if chunk.strip() for key in _bare_keys(chunk)]
    return [*map(_pem_key, pems), *bare]


def _bare_keys(chunk: str) -> list[RSAPublicKey]:
    try:
        return [_der_key("".join(chunk.split()))]  # one key, maybe broken into lines
    except ValueError:
        return [_der_key(line) for line in chunk.split()]


def _der_key(text: str) -> RSAPublicKey:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return _rsa(load_der_public_key(base64.b64decode(text, validate=True)))


def _pem_key(text: str) -> RSAPublicKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _rsa(load_pem_public_key(text.encode()))


def _rsa(key: Any) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise ValueError("not an RSA key of sufficient length")
    return key
