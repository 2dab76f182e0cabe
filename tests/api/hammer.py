"""A process that takes turns of a throttle: `python hammer.py DIRECTORY GROUP PER_SECOND PER_DAY TURNS THREADS`."""

import sys
import threading

from airflow_provider_gong.api.throttle import FileThrottle


def main(directory: str, group: str, per_second: str, per_day: str, turns: str, threads: str) -> None:
    throttle = FileThrottle(
        group, per_second=int(per_second), per_day=int(per_day), share=1, directory=directory
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
