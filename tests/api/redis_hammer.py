"""A process that sends requests to Gong and counts them in Redis; its arguments are those of `main`."""

import sys
import threading
import time
from typing import Any

from redis import Redis

from airflow_provider_gong.api import workspaces
from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.api.client import GongClient
from airflow_provider_gong.api.redis_throttle import RedisThrottle
from airflow_provider_gong.exceptions import GongRateLimited


def main(
    redis: str, password: str, gong: str, key: str, secret: str, per_day: str, turns: str, hours: str
) -> None:
    """Send so many requests in each of two threads, on a machine whose clock is so many hours off."""
    real: Any = time.time
    time.time = lambda: real() + 3600 * float(hours)
    client = GongClient(
        base_url=gong,
        auth=ApiKeyAuth(key, secret),
        throttle=RedisThrottle(
            "acme",
            redis=Redis(host="127.0.0.1", port=int(redis), password=password),
            name="quota",
            per_day=int(per_day),
            share=1,
        ),
    )

    def send() -> None:
        try:
            for _ in range(int(turns)):
                client.send(workspaces.list_workspaces())
        except GongRateLimited as error:
            sys.stdout.write(f"{error}\n")

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
