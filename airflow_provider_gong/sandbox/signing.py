"""The key pair with which a local Gong signs its webhooks, and the tokens that it makes.

Written from Gong's documents with nothing but the cryptographic primitives, so that whoever checks such a token
with a library of its own is checked by a second witness.
https://help.gong.io/docs/prepare-your-receiving-application-to-receive-a-webhook-jwt-header
"""

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KEY_BITS = 2048


class SigningKey:
    """Sign deliveries.

    :param private_key: default: one made on the spot
    """

    def __init__(self, private_key: rsa.RSAPrivateKey | None = None) -> None:
        self._key = private_key or rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)

    @classmethod
    def kept_in(cls, path: Path) -> "SigningKey":
        """Return the key of a file; make both when there is none."""
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError(f"{path} holds no RSA key")
            return cls(key)
        made = cls()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made

    @property
    def public_key(self) -> str:
        """Return the public key as Gong shows it: base64 of its DER form, without armour."""
        return base64.b64encode(self._public(Encoding.DER)).decode()

    @property
    def public_key_pem(self) -> str:
        """Return the public key with armour."""
        return self._public(Encoding.PEM).decode()

    def token(
        self, claims: dict[str, Any], *, header: dict[str, Any] | None = None, secret: bytes | None = None
    ) -> str:
        """Return a signed token; with a `secret` the signature is the HMAC that a forger would try."""
        covered = ".".join(_part(json.dumps(one).encode()) for one in (header or {"alg": "RS256"}, claims))
        if secret is not None:
            signature = hmac.new(secret, covered.encode(), hashlib.sha256).digest()
        else:
            signature = self._key.sign(covered.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{covered}.{_part(signature)}"

    def _public(self, encoding: Encoding) -> bytes:
        return self._key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
