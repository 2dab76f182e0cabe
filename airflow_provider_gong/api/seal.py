"""Texts that only those can read who have a secret already."""

from __future__ import annotations

import base64
import hashlib


def seal(text: str, secret: str) -> str:
    """Return the text, closed with a secret."""
    from cryptography.fernet import Fernet

    return Fernet(_key(secret)).encrypt(text.encode()).decode()


def unseal(sealed: str, secret: str) -> str:
    """Return what was closed with the secret.

    :raises ValueError: when it was not, or is damaged.
    """
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_key(secret)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ValueError("It is not closed with this secret.") from None


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"gong-oauth-seal\n{secret}".encode()).digest())
