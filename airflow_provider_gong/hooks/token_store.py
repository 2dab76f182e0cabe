"""The OAuth tokens of a connection, in encrypted Variables that tasks may write.

What somebody connected lies in one Variable, which only connecting and disconnecting write; what tasks got in its
place lies in another, tied to the first by a fingerprint. So connecting again wins over every task at work,
although Airflow cannot compare and set. Both are tied to the connection's own fields in the same way.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens, fingerprint
from airflow_provider_gong.api.seal import seal, unseal
from airflow_provider_gong.exceptions import GongConfigurationError, GongNotConnected
from airflow_provider_gong.hooks import variables

if TYPE_CHECKING:
    from collections.abc import Callable

# "token" in the key makes Airflow hide the value.
PREFIX = "gong_oauth_token__"
ROTATED = "__rotated"
# Not those whose key would be the one of another connection, or of a consent.
PLAIN = re.compile(r"(?!state__)[\w.-]{1,200}(?<!__rotated)", re.ASCII)


def reconnect(conn_id: str) -> str:
    """Tell how to connect."""
    return f"Connect it: `airflow gong connect {conn_id}`{_page()}."


def not_connected(conn_id: str) -> str:
    """Return the words before the reason why a connection is not connected."""
    return f"The Gong connection {conn_id!r} is not connected: "


def _page() -> str:
    from airflow.sdk import conf

    if not conf.getboolean("gong", "oauth_page", fallback=True):
        return ""
    address = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return (
        f", or on the page {address}/gong/oauth/" if address else ", or in Airflow: Admin > Gong connections"
    )


@dataclass(frozen=True)
class TokenStore:
    """Keep the tokens of a connection.

    :param conn_id: the connection.
    :param app: the Gong app that it names.
    :param own: the refresh token in the connection itself; empty when there is none.
    :param learn: is told each secret as soon as it is known.
    """

    conn_id: str
    app: OAuthApp
    own: str = field(repr=False)
    learn: Callable[[str], None]

    @property
    def key(self) -> str:
        """Return the key of the Variable that connecting writes."""
        plain = PLAIN.fullmatch(self.conn_id)
        return PREFIX + (self.conn_id if plain else sha256(self.conn_id.encode()).hexdigest())

    @property
    def of(self) -> str:
        """Return the fingerprint of the connection's own fields."""
        return fingerprint(self.app.sign_in, self.app.client_id, self.own)

    def load(self) -> Tokens:
        """Return the tokens that are good now, as far as anybody knows.

        :raises GongNotConnected: when there are none.
        """
        anchor = self._anchor()
        rotated = self._read(self.key + ROTATED)
        if rotated.get("for") == fingerprint(anchor.refresh_token):
            return self._tokens(rotated, self.key + ROTATED)
        return anchor

    def replace(self, old: Tokens, new: Tokens) -> Tokens:
        """Store new tokens in place of the old ones, unless somebody has connected anew, and return what is there."""
        stored = self.load()
        if stored.refresh_token != old.refresh_token:
            return stored
        anchor = self._anchor()
        self._write(
            self.key + ROTATED, {"for": fingerprint(anchor.refresh_token), "tokens": self._sealed(new)}
        )
        return new

    def connect(self, tokens: Tokens) -> None:
        """Store what somebody has connected."""
        self._write(self.key, {"tokens": self._sealed(tokens)})

    def disconnect(self) -> None:
        """Forget all tokens, and do not use the connection's own any more."""
        if self.own:
            self._write(self.key, {"tokens": None})
        else:
            variables.drop(self.key)
        variables.drop(self.key + ROTATED)

    def is_known(self) -> bool:
        """Tell whether anything is stored for the connection."""
        return any(variables.read(key) is not None for key in (self.key, self.key + ROTATED))

    def _anchor(self) -> Tokens:
        granted = self._read(self.key)
        if granted.get("of") == self.of:
            if granted.get("tokens") is None:
                raise self._unconnected("it was disconnected")
            return self._tokens(granted, self.key)
        if self.own:
            self.learn(self.own)
            return Tokens(self.own)
        raise self._unconnected(
            "its API Key or Sign-in URL has changed" if granted else "it has no tokens yet"
        )

    def _unconnected(self, reason: str) -> GongNotConnected:
        return GongNotConnected(f"{not_connected(self.conn_id)}{reason}. {reconnect(self.conn_id)}")

    def _read(self, key: str) -> dict[str, Any]:
        text = variables.read(key)
        try:
            record = json.loads(text or "{}")
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise self._damaged(key)
        return record

    def _tokens(self, record: dict[str, Any], key: str) -> Tokens:
        try:
            tokens = Tokens.from_json(unseal(str(record["tokens"]), self.app.client_secret))
        except (ValueError, TypeError, KeyError):
            raise self._damaged(key) from None
        self.learn(tokens.refresh_token)
        self.learn(tokens.access_token)
        return tokens

    def _sealed(self, tokens: Tokens) -> str:
        # At the level DEBUG, Airflow's supervisor writes the values of Variables into the output of the scheduler.
        return seal(tokens.as_json(), self.app.client_secret)

    def _write(self, key: str, record: dict[str, Any]) -> None:
        known = {"of": self.of, "conn_id": self.conn_id}
        variables.write(
            key, json.dumps(known | record), f"OAuth tokens of the Gong connection {self.conn_id}"
        )

    def _damaged(self, key: str) -> GongConfigurationError:
        return GongConfigurationError(
            f"The Variable {key!r} does not hold OAuth tokens that the API Secret of the Gong connection opens: it was "
            f"changed, or the secret was. {reconnect(self.conn_id)}"
        )


def connections_of(of: str) -> set[str]:
    """Return the connections for whose fields, by their fingerprint, tokens are stored."""
    found = set()
    for _, text in variables.each(PREFIX):
        try:
            record = json.loads(text)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("of") == of:
            found.add(str(record.get("conn_id")))
    return found
