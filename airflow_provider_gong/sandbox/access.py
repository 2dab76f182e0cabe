"""Who may do what: keys with their scopes, and the switches of a company.

https://help.gong.io/docs/receive-access-to-the-api
"""

import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

SCOPES = frozenset(
    {
        "api:calls:create",
        "api:calls:read:basic",
        "api:calls:read:extensive",
        "api:calls:read:media-url",
        "api:calls:read:transcript",
        "api:data-privacy:delete",
        "api:data-privacy:read",
        "api:engagement-data:write",
        "api:library:read",
        "api:logs:read",
        "api:meetings:integration:status",
        "api:meetings:user:create",
        "api:meetings:user:delete",
        "api:meetings:user:update",
        "api:users:read",
        "api:workspaces:read",
    }
)
"""The scopes of the operations that the sandbox has."""


class AccessDeniedError(Exception):
    """Say why a key is not let in."""

    def __init__(self, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.forbidden = forbidden


@dataclass
class Key:
    """An access key and what it may do; change it as you like while the sandbox runs."""

    access_key: str
    access_key_secret: str = field(repr=False)
    scopes: frozenset[str] = SCOPES
    expires: datetime | None = None
    sees_calls: bool = True
    """False: the key's owner has no access to any call; Gong then answers as if there were none."""


class Access:
    """Hold the keys of a company, and whether it lets anybody in.

    Set `company_active` or `trusted_ip` to False to lock all keys out.
    """

    def __init__(self, seed: int) -> None:
        self.company_active = True
        self.trusted_ip = True
        self._keys: dict[str, Key] = {}
        self.first = self._keep(Key(_word(seed, "access key"), _word(seed, "access key secret")))

    def add_key(
        self,
        *,
        scopes: frozenset[str] | set[str] = SCOPES,
        expires: datetime | None = None,
        sees_calls: bool = True,
    ) -> Key:
        """Make a further key of the company."""
        seed = secrets.token_hex()
        key = Key(_word(seed, "key"), _word(seed, "secret"), frozenset(scopes), expires, sees_calls)
        return self._keep(key)

    def admit(self, access_key: str, access_key_secret: str, now: datetime) -> Key:
        """Return the key that matches, or raise `AccessDeniedError`."""
        key = self._keys.get(access_key)
        if key is None or not secrets.compare_digest(key.access_key_secret, access_key_secret):
            raise AccessDeniedError("Invalid access key or access key secret")  # wording not established
        if not self.company_active:
            raise AccessDeniedError("Company is inactive")
        if key.expires is not None and key.expires <= now:
            raise AccessDeniedError("Access key has expired")  # wording not established
        if not self.trusted_ip:
            # The status is documented, the wording is not.
            raise AccessDeniedError("IP address is not in the list of trusted IPs", forbidden=True)
        return key

    def _keep(self, key: Key) -> Key:
        self._keys[key.access_key] = key
        return key


def require_scope(key: Key, scope: str) -> None:
    """Raise as Gong does when a key lacks a scope: recorded as 401, not 403."""
    if scope not in key.scopes:
        raise AccessDeniedError(f"You don't have permission to use '{scope}' in your app.")


def _word(*seed: object) -> str:
    """Return 32 letters and digits, the same for the same seed: a restart keeps connections valid."""
    digest = sha256(":".join(map(str, seed)).encode()).digest()
    return b32encode(digest).decode()[:32]
