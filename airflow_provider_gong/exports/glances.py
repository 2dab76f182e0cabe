"""Calls asked for by id, and what a look at them shows without their content."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_gong.api.client import GongClient

IDS_PER_REQUEST = 100


@dataclass(frozen=True)
class Glimpse:
    """What a look at a call shows without its content.

    :param hash: the short hash of its basic record, as it stands in the ids files.
    :param private: it is none of those that are exported.
    """

    id: str
    hash: str
    private: bool


def by_id(
    client: GongClient, call_ids: Iterable[str], selector: dict[str, Any] | None
) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of the calls that Gong shows, a page at a time."""
    # Without workspace or users: Gong refuses some filters beside ids, and the ids come from a filtered list.
    ids = iter(call_ids)
    while asked := list(islice(ids, IDS_PER_REQUEST)):
        for page in client.pages(calls.list_calls_extensive(call_ids=asked, content_selector=selector)):
            yield page.items
