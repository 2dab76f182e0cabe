"""Keep the tokens of a connection fresh, together with everybody else who uses them.

A refresh token can be spent once. So it is spent behind a lock, after a look at what others have stored meanwhile;
what Gong gives for it is put down twice before it is used: beside the lock, sealed with the token that it
replaces, and in the store. Whoever finds the store behind goes on from what lies beside the lock.

What cannot be survived is the death of a process, or of the network, between the moment in which Gong spends the
token and the arrival of its answer. Then somebody has to connect again, and is told so.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_gong.api.auth import BearerAuth
from airflow_provider_gong.api.oauth_app import OAuthApp, Tokens, fingerprint
from airflow_provider_gong.api.observer import Observer
from airflow_provider_gong.api.seal import seal, unseal
from airflow_provider_gong.exceptions import (
    GongError,
    GongGrantRefused,
    GongNotConnected,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gong.api.lockbox import Lockbox
    from airflow_provider_gong.api.oauth import TokenClient

log = logging.getLogger(__name__)

T = TypeVar("T")

# Ahead of its end a token is replaced by the first that gets to it: within the last tenth of its life, at most an
# hour before. Each process begins at another moment of that.
LEAD = 0.1
MOST_LEAD = 3600.0
# Seconds until a process that has not replaced a token ahead of its end looks again.
PAUSE = 30.0
# Seconds that another machine has to store what it got for the token that we came too late for.
GRACE = 5.0
POLL = 0.1


@dataclass(frozen=True)
class Access:
    """What a request needs: its signature, and the address that accepts it.

    :param fresh: Gong gave the token just now; if it is refused, another one would be too.
    """

    auth: BearerAuth
    base_url: str
    fresh: bool = False


class TokenStore(Protocol):
    """Where the tokens of a connection are kept for everybody."""

    def load(self) -> Tokens:
        """Return the tokens, as they are stored now.

        :raises GongNotConnected: when there are none.
        :raises GongTokensUnavailable: when nobody can tell.
        """

    def replace(self, old: Tokens, new: Tokens) -> Tokens:
        """Store new tokens in place of the old ones and return what is stored then.

        When something else than the old ones is there, somebody has connected anew: that stays.
        """


class TokenKeeper:
    """Hand out the access token of a connection, fresh ones as needed. Fit for use by several threads.

    :param app: whose tokens.
    :param store: where they are kept.
    :param lockbox: who may spend a refresh token.
    :param client: asks Gong for new ones.
    :param reconnect: what to tell somebody who has to connect again.
    :param patience: seconds to wait at most for another process that refreshes.
    :param ahead: replace tokens ahead of their end; False: only when they have ended.
    :param grace: seconds that another machine has to store the tokens that it got first.
    :param clock: tells the seconds since 1970; for tests.
    :param observer: is told of each refresh.
    """

    def __init__(
        self,
        app: OAuthApp,
        *,
        store: TokenStore,
        lockbox: Lockbox,
        client: TokenClient,
        reconnect: str,
        patience: float = 60.0,
        ahead: bool = True,
        grace: float | None = None,
        clock: Callable[[], float] = time.time,
        observer: Observer | None = None,
    ) -> None:
        self._app = app
        self._observer = observer or Observer()
        self._store = store
        self._lockbox = lockbox
        self._client = client
        self._reconnect = reconnect
        self._patience = patience
        self._grace = GRACE if grace is None else grace
        self._clock = clock
        self._eagerness = random.uniform(0.5, 1.0) if ahead else 0.0  # noqa: S311 - no secret
        self._mutex = threading.Lock()
        self._tokens: Tokens | None = None
        self._look_again = 0.0
        self._minted = ""

    def current(self) -> Access:
        """Return the access that is good now.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        with self._mutex:
            self._minted = ""
            tokens, now = self._tokens or self._store.load(), self._clock()
            if tokens.has_ended(now):
                tokens = self._renewed(tokens, self._patience)
            elif self._is_due(tokens, now) and now >= self._look_again:
                self._look_again = now + PAUSE
                tokens = self._replaced_ahead(tokens)
            return self._handed_out(tokens)

    def renew(self, rejected: Access) -> Access:
        """Return an access in place of one that Gong does not accept any more.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        with self._mutex:
            self._minted = ""
            worn = Tokens("", access_token=rejected.auth.access_token)
            if self._tokens is not None and self._is_good(self._tokens, worn):
                return self._handed_out(self._tokens)
            return self._handed_out(self._renewed(worn, self._patience))

    def _handed_out(self, tokens: Tokens) -> Access:
        self._tokens = tokens
        fresh = tokens.access_token == self._minted
        return Access(BearerAuth(tokens.access_token), self._app.api_url(tokens.base_url), fresh)

    def _is_due(self, tokens: Tokens, now: float) -> bool:
        lead = min(MOST_LEAD, LEAD * (tokens.expires_at - tokens.issued_at))
        return now >= tokens.expires_at - self._eagerness * lead

    def _is_good(self, tokens: Tokens, worn: Tokens) -> bool:
        return not tokens.has_ended(self._clock()) and tokens.access_token != worn.access_token

    def _replaced_ahead(self, tokens: Tokens) -> Tokens:
        """Return new tokens when they are to be had at once; there is time to try again."""
        try:
            return self._renewed(tokens, 0.0)
        except GongError as error:
            if not error.retryable:
                raise
            log.info("The OAuth token still serves; its refresh has to wait: %s", error)
            return tokens

    def _renewed(self, worn: Tokens, patience: float) -> Tokens:
        stored = self._store.load()
        if self._is_good(stored, worn):
            return stored
        return _to_the_end(lambda: self._in_turn(worn, patience))

    def _in_turn(self, worn: Tokens, patience: float) -> Tokens:
        with self._lockbox.hold(patience):
            # What was stored while we waited; and what somebody got and had no time to store.
            tokens = self._store.load()
            while not self._is_good(tokens, worn):
                kept = self._kept_for(tokens)
                if kept is None:
                    return self._spend(tokens)
                tokens = self._store.replace(tokens, kept)
            return tokens

    def _spend(self, old: Tokens) -> Tokens:
        note = self._lockbox.read()
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        begun = {"for": fingerprint(old.refresh_token), "at": now, "on": socket.gethostname()}
        # Also shows, before anything is spent, that a note can be kept.
        self._lockbox.write(note | {"begun": begun})
        try:
            new = self._refresh(old)
        except GongGrantRefused as refused:
            return self._come_too_late(old, note.get("begun"), refused)
        # Whoever counts may be slow, or never come back: not before the only tokens left are put down.
        self._minted = new.access_token
        kept = {"for": begun["for"], "tokens": seal(new.as_json(), old.refresh_token)}
        self._lockbox.write({"begun": begun, "kept": kept})
        try:
            return self._store.replace(old, new)
        finally:
            log.info(
                "The OAuth token was refreshed; the new one lasts %.0f s", new.expires_at - new.issued_at
            )
            self._observer.refreshed(True)

    def _refresh(self, old: Tokens) -> Tokens:
        try:
            return self._client.refresh(old)
        except GongError:
            self._observer.refreshed(False)
            raise

    def _kept_for(self, tokens: Tokens) -> Tokens | None:
        kept = self._lockbox.read().get("kept")
        if not isinstance(kept, dict) or kept.get("for") != fingerprint(tokens.refresh_token):
            return None
        try:
            return Tokens.from_json(unseal(str(kept.get("tokens")), tokens.refresh_token))
        except (ValueError, TypeError, KeyError):
            return None

    def _come_too_late(self, old: Tokens, begun: Any, refused: GongGrantRefused) -> Tokens:
        """Return what another machine got for the token; when nobody has got anything, it is lost."""
        deadline = time.monotonic() + self._grace
        while True:
            stored = self._store.load()
            if stored.refresh_token != old.refresh_token:
                return stored
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL)
        raise GongNotConnected(
            f"Gong does not accept the refresh token of the connection any more "
            f"({'; '.join(refused.messages)}). {refused.message}{self._reason(old, begun)} {self._reconnect}"
        ) from None

    def _reason(self, old: Tokens, begun: Any) -> str:
        if isinstance(begun, dict) and begun.get("for") == fingerprint(old.refresh_token):
            return (
                f"A refresh that began at {begun.get('at')} on {begun.get('on')} got no answer or did not live to "
                f"store it."
            )
        if not self._lockbox.shared:
            return (
                "It was revoked, or spent elsewhere: when tasks run on several machines, name a Redis in the field "
                "'Redis connection' (extra redis_conn_id), or they spend it beside each other."
            )
        return "It was revoked in Gong, or spent by something that does not use this Redis."


def _to_the_end(work: Callable[[], T]) -> T:
    """Do the work even when the caller is told to stop meanwhile, as Airflow tells tasks; then the caller stops."""
    with ThreadPoolExecutor(1, thread_name_prefix="gong-oauth") as pool:
        return pool.submit(work).result()
