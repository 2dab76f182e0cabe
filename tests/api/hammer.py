"""A process that takes turns of a throttle; its arguments are those of `main`."""

import sys
import threading

from airflow_provider_gong.api.throttle import FileThrottle


def main(
    directory: str, group: str, per_second: str, per_day: str, turns: str, threads: str, max_wait: str = "60"
) -> None:
    throttle = FileThrottle(
        group,
        per_second=int(per_second),
        per_day=int(per_day),
        share=1,
        directory=directory,
        max_wait=float(max_wait),
    )

    def take() -> None:
        for _ in range(int(turns)):
            throttle.acquire()

    workers = [threading.Thread(target=take) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
