"""Where the requests of a connection are counted."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError, GongQuotaUnavailable

if TYPE_CHECKING:
    from redis import Redis

    from airflow_provider_gong.api.throttle import Throttle
    from airflow_provider_gong.hooks.settings import Settings

log = logging.getLogger(__name__)

# Seconds. Redis answers in milliseconds, or something is wrong.
REDIS_TIMEOUT = 5.0
# After a connection that had broken while it lay idle; a turn that is counted twice for it does no harm.
REDIS_RETRIES = 2
REDIS_PORT = 6379


def throttle_of(settings: Settings, *, backfill: bool) -> Throttle:
    """Return what counts the requests of a connection.

    :param settings: what the connection says.
    :param backfill: count them apart as well, against the share that backfills have.
    :raises GongConfigurationError: when the connection or the machine must be mended.
    """
    limits: dict[str, Any] = {
        "per_second": settings.requests_per_second,
        "per_day": settings.requests_per_day,
        "share": settings.daily_share / 100,
        "backfill_share": settings.backfill_share / 100 if backfill else None,
        "max_wait": settings.max_wait,
    }
    if settings.redis_conn_id:
        from airflow_provider_gong.api.redis_throttle import RedisThrottle

        redis = redis_of(settings.redis_conn_id)
        return RedisThrottle(settings.quota_group, redis=redis, name=settings.redis_conn_id, **limits)
    from airflow.sdk import conf

    from airflow_provider_gong.api.throttle import FileThrottle

    _say_where()
    directory = conf.get("gong", "quota_dir", fallback="") or None
    return FileThrottle(settings.quota_group, directory=directory, **limits)


@cache
def _say_where() -> None:
    """Tell once in a process; a triggerer makes a hook for each look."""
    log.info(
        "Requests to Gong are counted for this machine only: with redis_conn_id, several share one count"
    )


def redis_of(conn_id: str) -> Redis:
    """Return a client that gives up soon; it connects when it is used first."""
    try:
        from airflow.providers.redis.hooks.redis import RedisHook
    except ModuleNotFoundError as error:
        raise GongConfigurationError(
            f"The connection names Redis (extra redis_conn_id, {conn_id!r}), which needs a package that is not "
            f"installed ({error.name}): pip install 'airflow-provider-gong[redis]'."
        ) from error
    hook = RedisHook(conn_id)
    client = _client(hook, conn_id)
    if not hook.host:
        raise GongConfigurationError(f"The Redis connection {conn_id!r} has no host: fill it in.")
    _set_patience(client)
    return client


def _client(hook: Any, conn_id: str) -> Redis:
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        client: Redis = hook.get_conn()
    except AirflowNotFoundException:
        raise GongConfigurationError(
            f"There is no connection {conn_id!r}, which the Gong connection names as its Redis: create it, or mend "
            f"or empty the extra redis_conn_id."
        ) from None
    except (TypeError, ValueError) as error:
        # Without the text, which may hold what the connection says.
        raise GongConfigurationError(
            f"The Redis connection {conn_id!r} is not one that Redis can use ({type(error).__name__}): mend its fields "
            f"and extras."
        ) from None
    except Exception as error:
        # A cluster connects at once. Without the text, which is not ours and may hold a credential.
        raise GongQuotaUnavailable(
            f"Redis, connection {conn_id!r}, cannot be used to count the quota ({type(error).__name__}): see that "
            f"the server runs, can be reached from here, and accepts the user of the connection."
        ) from None
    return client


def _set_patience(client: Redis) -> None:
    from redis.backoff import ExponentialBackoff
    from redis.retry import Retry

    arguments = client.get_connection_kwargs()
    arguments |= {"socket_timeout": REDIS_TIMEOUT, "socket_connect_timeout": REDIS_TIMEOUT}
    arguments["port"] = arguments.get("port") or REDIS_PORT
    client.set_retry(Retry(ExponentialBackoff(cap=1, base=0.1), REDIS_RETRIES))
