"""The trigger of an asset that changes when Gong shows new calls."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.triggers.call_filter import CallFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import SharedStreamProducer

SHORTEST_INTERVAL = 1.0
SHORTEST_LOOKBACK = timedelta(hours=1).total_seconds()


class GongNewCallsTrigger(BaseEventTrigger):
    """Tell of new calls: one event for all calls that Gong shows since the last look.

    For `AssetWatcher`; the event has `calls`, each with `id`, `title` and `started`, and `more`: whether there are
    more than fit into one event, which the next one brings. Calls that Gong shows hours after they started are told
    of as well, as long as they are no older than `lookback`. Every call is told of at least once; after a crash the
    last ones may be told of again.

    Each look costs a request for each 100 calls of the last two hours, and once an hour for each 100 of `lookback`,
    with the scope `api:calls:read:extensive`. Arguments are no templates.

    :param asset_name: Name of the asset that is watched, which keeps what was told of.
    :param poll_interval: Time between two looks: seconds or a timedelta.
    :param lookback: How late a call may become visible: seconds or a timedelta, an hour at least.
    :param workspace_id: Only calls of this workspace.
    :param direction: Only calls of this direction: `Inbound`, `Outbound`, `Conference` or `Unknown`.
    :param scope: Only `Internal` or `External` calls, or those of which Gong does not know it (`Unknown`).
    :param primary_user_ids: Only calls that one of these users hosted.
    :param title_pattern: Only calls with this regular expression somewhere in their title.
    :param include_private: Tell of private calls too.
    :param gong_conn_id: Airflow connection of Gong.
    """

    def __init__(
        self,
        *,
        asset_name: str,
        poll_interval: timedelta | float = timedelta(minutes=5),
        lookback: timedelta | float = timedelta(hours=24),
        workspace_id: str | None = None,
        direction: str | None = None,
        scope: str | None = None,
        primary_user_ids: Sequence[str] | None = None,
        title_pattern: str | None = None,
        include_private: bool = False,
        gong_conn_id: str = "gong_default",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asset_name = asset_name
        self.poll_interval = _seconds(poll_interval)
        self.lookback = _seconds(lookback)
        self.which = CallFilter(
            workspace_id=workspace_id,
            direction=direction,
            scope=scope,
            primary_user_ids=primary_user_ids,
            title_pattern=title_pattern,
            include_private=include_private,
        )
        self.gong_conn_id = gong_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes the same trigger elsewhere; a Dag with a wrong argument fails here, when it is read."""
        self._check()
        which = vars(self.which)
        users = self.which.primary_user_ids
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "asset_name": self.asset_name,
            "poll_interval": self.poll_interval,
            "lookback": self.lookback,
            **which,
            "primary_user_ids": None if users is None else list(users),
            "gong_conn_id": self.gong_conn_id,
        }

    def shared_stream_key(self) -> tuple[str, str]:
        """Return a key of its own: a stream is what Airflow confirms events of, and no two watchers share one."""
        path, arguments = self.serialize()
        return path, json.dumps(arguments, sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return what looks for calls and is told when their event is stored."""
        from airflow_provider_gong.triggers.new_calls_producer import NewCallsProducer

        return NewCallsProducer(cls(**kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Make an event of each batch."""
        async for batch in shared_stream:
            yield TriggerEvent(batch)  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events where no stream confirms them: a batch counts as told of when the next look begins."""
        from airflow_provider_gong.triggers.new_calls_producer import NewCallsProducer

        producer = NewCallsProducer(self)
        async for told, batch in producer.open_stream():
            yield TriggerEvent(told)  # type: ignore[no-untyped-call]
            producer.confirm(batch)

    def _check(self) -> None:
        if not self.asset_name or not isinstance(self.asset_name, str):
            raise GongConfigurationError(
                f"asset_name={self.asset_name!r} names no asset: give the name of the asset that is watched."
            )
        if not self.poll_interval >= SHORTEST_INTERVAL:
            raise GongConfigurationError(f"poll_interval={self.poll_interval} is less than a second.")
        if not self.lookback >= SHORTEST_LOOKBACK:
            raise GongConfigurationError(
                f"lookback={self.lookback} s is less than an hour, and Gong shows calls later than that."
            )
        self.which.check()


def _seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
