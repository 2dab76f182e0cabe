"""How a stream is read; what it reads is tested with the operators, against a real server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports.ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_next_page_is_asked_for_while_the_caller_holds_this_one() -> None:
    second_was_asked_for = threading.Event()

    def pages() -> Iterator[int]:
        yield 1
        second_was_asked_for.set()
        yield 2

    ahead = read_ahead(pages())
    assert next(ahead) == 1
    assert second_was_asked_for.wait(timeout=10)
    assert list(ahead) == [2]


def test_reading_ahead_keeps_the_order_and_ends() -> None:
    assert list(read_ahead(iter(range(50)))) == list(range(50))
    assert list(read_ahead(iter(()))) == []


def test_failure_of_a_page_reaches_the_caller_after_the_pages_before_it() -> None:
    def pages() -> Iterator[int]:
        yield 1
        raise LookupError("the second page")

    ahead = read_ahead(pages())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="the second page"):
        next(ahead)


def test_caller_that_stops_early_does_not_wait_for_the_page_on_its_way() -> None:
    answer = threading.Event()

    def pages() -> Iterator[int]:
        yield 1
        answer.wait(timeout=60)
        yield 2

    ahead = read_ahead(pages())
    assert next(ahead) == 1
    ahead.close()  # type: ignore[attr-defined]
    [on_its_way] = [thread for thread in threading.enumerate() if thread.name == "gong-read-ahead"]
    assert on_its_way.daemon
    answer.set()
    on_its_way.join()
