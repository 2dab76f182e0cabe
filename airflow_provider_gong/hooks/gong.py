"""An Airflow connection becomes a Gong client."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from airflow.sdk import BaseHook

from airflow_provider_gong.exceptions import GongError
from airflow_provider_gong.hooks.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.api.auth import ApiKeyAuth
    from airflow_provider_gong.api.client import GongClient, Page
    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.api.token_keeper import TokenKeeper

log = logging.getLogger(__name__)

# The Test button waits for us, inside Airflow's API server.
TEST_CONNECT_TIMEOUT = 5.0
TEST_READ_TIMEOUT = 10.0
TEST_WAIT = 5.0

NOT_FOUND = (
    "There is no connection {0!r} in the environment (AIRFLOW_CONN_...) or the secrets backends, and outside of "
    "tasks no other place is looked at. For one made in Airflow's UI: "
    "`AIRFLOW__CORE__TEST_CONNECTION=Enabled airflow connections test {0}`."
)


class GongHook(BaseHook):
    """Talk to Gong with the credentials and the quota of an Airflow connection.

    Requests come from the functions in `airflow_provider_gong.api`::

        with GongHook() as hook:
            user = hook.send(users.get_user("7782342274025937895"))
            for call in hook.items(calls.list_calls(from_datetime="2026-01-01", to_datetime="2026-01-02")):
                ...

    All connections of this machine, or of all that count in the same Redis, that share a quota group wait for each
    other, so that together they stay within Gong's limits. What Gong's API offers: https://help.gong.io/apidocs/introduction-2

    :param gong_conn_id: Airflow connection of type ``gong`` or ``gong_oauth``.
    :param backfill: count the requests against the share of the day that backfills have, too; operators say so
        themselves when their run is one of ``airflow backfill``.
    """

    conn_name_attr = "gong_conn_id"
    default_conn_name = "gong_default"
    conn_type = "gong"
    hook_name = "Gong"

    def __init__(self, gong_conn_id: str = default_conn_name, backfill: bool = False) -> None:
        super().__init__()
        self.gong_conn_id = gong_conn_id
        self.backfill = backfill
        self._client: GongClient | None = None

    def get_conn(self) -> GongClient:
        """Return the client of the connection, the same one each time.

        :raises GongConfigurationError: when the connection must be mended; names the field.
        """
        if self._client is None:
            self._client = _client(self.gong_conn_id, self._settings(), backfill=self.backfill)
        return self._client

    @property
    def host(self) -> str:
        """Return the name of Gong's host, without the port."""
        return urlsplit(self.get_conn().base_url).hostname or ""

    def send(self, request: Request) -> Any:
        """Send a request and return its result; of a list, that is the first page.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        return self.get_conn().send(request)

    def pages(self, request: Request) -> Iterator[Page]:
        """Yield the pages of a list; an empty list is one page without items.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        return self.get_conn().pages(request)

    def items(self, request: Request) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page after page.

        :raises GongError: any of `airflow_provider_gong.exceptions`.
        """
        return self.get_conn().items(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to Gong; the hook opens new ones when it is used again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether Gong accepts the access key or the tokens, and which of the basic scopes they have.

        Sends four small requests at most, never twice.
        """
        from airflow.sdk.exceptions import AirflowNotFoundException

        from airflow_provider_gong.hooks.probe import probe

        try:
            settings = self._settings()
            if settings.oauth is not None:
                return self._test_tokens(settings)
            with _client(self.gong_conn_id, _for_the_button(settings), attempts=1) as client:
                return probe(client, settings.access_key)
        except GongError as error:
            return False, str(error)
        except AirflowNotFoundException:
            return False, NOT_FOUND.format(self.gong_conn_id)
        except Exception as error:  # the API server must not fail over a connection
            # Without the text, which is not ours and may hold a credential.
            log.warning("The Gong connection could not be tested: %s", type(error).__name__)
            return False, f"The connection could not be tested ({type(error).__name__})."

    def _test_tokens(self, settings: Settings) -> tuple[bool, str]:
        from airflow_provider_gong.hooks.oauth import known_as
        from airflow_provider_gong.hooks.probe import OAUTH, probe

        name = known_as(self.gong_conn_id, settings)
        # The API server may have another lock than the workers, and replaces no token that still serves.
        with _client(name, _for_the_button(settings), attempts=1, ahead=False) as client:
            return probe(client, settings.access_key, OAUTH)

    def _settings(self) -> Settings:
        from airflow.sdk.log import mask_secret

        settings = read_settings(self.get_connection(self.gong_conn_id))
        mask_secret(settings.access_key_secret)
        if settings.refresh_token:
            mask_secret(settings.refresh_token)
        return settings


class GongOAuthHook(GongHook):
    """What Airflow makes of a connection of type ``gong_oauth``; `GongHook` takes both types as well."""

    conn_type = "gong_oauth"
    hook_name = "Gong OAuth 2.0"


def _for_the_button(settings: Settings) -> Settings:
    return replace(
        settings,
        connect_timeout=min(settings.connect_timeout, TEST_CONNECT_TIMEOUT),
        read_timeout=min(settings.read_timeout, TEST_READ_TIMEOUT),
        max_wait=min(settings.max_wait, TEST_WAIT),
    )


def _client(
    conn_id: str, settings: Settings, *, attempts: int = 5, backfill: bool = False, ahead: bool = True
) -> GongClient:
    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.api.retry import RetryPolicy
    from airflow_provider_gong.hooks.metrics import ClientMetrics
    from airflow_provider_gong.hooks.quota import throttle_of

    auth: ApiKeyAuth | TokenKeeper
    if settings.oauth is None:
        auth = _key_auth(settings)
    else:
        from airflow_provider_gong.hooks.oauth import keeper_of, with_tokens

        auth = keeper_of(conn_id, settings, ahead=ahead)
        settings = with_tokens(settings, auth.current().base_url)
    return GongClient(
        base_url=settings.base_url,
        auth=auth,
        throttle=throttle_of(settings, backfill=backfill),
        retry=RetryPolicy(attempts=attempts, max_wait=settings.max_wait),
        timeout=(settings.connect_timeout, settings.read_timeout),
        read_only=settings.read_only,
        observer=ClientMetrics(),
    )


def _key_auth(settings: Settings) -> ApiKeyAuth:
    from airflow.sdk.log import mask_secret

    from airflow_provider_gong.api.auth import ApiKeyAuth

    auth = ApiKeyAuth(settings.access_key, settings.access_key_secret)
    mask_secret(auth.token)
    return auth
