"""Exports into XCom."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.records import collect
from tests.exports.doubles import Client, Pages, batch, record, window

if TYPE_CHECKING:
    from typing import Any

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.exports.batches import Batch

# Each record is a line of 24 bytes.
LINE = 24


def collected(*batches: Batch, limit: int = 1000, client: Client | None = None) -> list[dict[str, Any]]:
    return collect(Pages(batches), cast("GongClient", client or Client()), window(), limit)


def test_rows_come_in_the_order_of_gong() -> None:
    assert collected(batch(3, 1), batch(2)) == [record(3), record(1), record(2)]


def test_row_that_two_pages_show_comes_once() -> None:
    assert collected(batch(1, 2), batch(2, 3)) == [record(1), record(2), record(3)]


def test_rows_up_to_the_limit_are_returned() -> None:
    assert len(collected(batch(1, 2), limit=2 * LINE)) == 2


def test_rows_seen_twice_do_not_count_twice() -> None:
    assert len(collected(batch(1, 2), batch(1, 2), limit=2 * LINE)) == 2


def test_more_than_the_limit_is_refused_before_more_requests_are_spent() -> None:
    client = Client()
    with pytest.raises(
        GongConfigurationError, match=r"exceeds 47 bytes, .* pass destination= .* read_export\(\)"
    ):
        collected(batch(1, 2), batch(3), limit=2 * LINE - 1, client=client)
    assert client.requests == 1


def test_pending_transcripts_are_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert collected(batch(1, pending=["7"]), batch(2, pending=["8"])) == [record(1), record(2)]
    assert [entry.getMessage() for entry in caplog.records] == ["2 transcripts are not ready yet: 7, 8"]
