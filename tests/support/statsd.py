"""A StatsD server on loopback that keeps what Airflow's own client sends to it."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow.sdk import conf
from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

MARK = b"everything before this has arrived"


@dataclass(frozen=True)
class Sample:
    """One line of StatsD, with the tags that stand in the name."""

    name: str
    tags: dict[str, str]
    value: float
    kind: str


class StatsD:
    """Receive datagrams as long as the context lasts."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._marks = threading.Semaphore(0)
        self.lines: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings with which Airflow sends its metrics here, tags included."""
        host, port = self._socket.getsockname()
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": host,
            "AIRFLOW__METRICS__STATSD_PORT": str(port),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._mark(b"")
        self._thread.join()
        self._socket.close()

    def samples(self, start: str = "") -> list[Sample]:
        """Return all samples so far whose names begin so, behind Airflow's prefix."""
        # Datagrams on loopback keep their order.
        self._mark(MARK)
        assert self._marks.acquire(timeout=10)
        found = (_sample(line) for line in list(self.lines))
        return [sample for sample in found if sample.name.startswith(start)]

    def counts(self, name: str, *tags: str) -> dict[tuple[str, ...], float]:
        """Return the sums of a counter for each combination of some of its tags."""
        sums: dict[tuple[str, ...], float] = defaultdict(float)
        for sample in self.of(name):
            assert sample.kind == "c"
            sums[tuple(sample.tags[tag] for tag in tags)] += sample.value
        return dict(sums)

    def total(self, name: str) -> float:
        """Return the sum of a counter."""
        return sum(self.counts(name).values())

    def of(self, name: str) -> Iterator[Sample]:
        """Yield the samples of one metric."""
        return (sample for sample in self.samples(name) if sample.name == name)

    def _mark(self, text: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text, self._socket.getsockname())

    def _receive(self) -> None:
        while datagram := self._socket.recv(65536):
            if datagram == MARK:
                self._marks.release()
            else:
                self.lines += datagram.decode().splitlines()


def _sample(line: str) -> Sample:
    described, _, measured = line.rpartition(":")
    name, *tags = described.split(",")
    value, kind = measured.split("|")[:2]
    return Sample(name.removeprefix("airflow."), dict(tag.split("=") for tag in tags), float(value), kind)


def begin() -> None:
    """Do what the task runner does with metrics when a task begins."""
    stats.initialize(
        factory=get_stats_factory(), export_legacy_names=conf.getboolean("metrics", "legacy_names_on")
    )


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsD]:
    """Let tasks in this process send their metrics to a server, and yield it."""
    with StatsD() as server:
        with monkeypatch.context() as environment:
            for name, value in server.environment.items():
                environment.setenv(name, value)
            begin()
            try:
                yield server
            finally:
                stats._get_backend().statsd.close()  # type: ignore[union-attr]
        begin()
