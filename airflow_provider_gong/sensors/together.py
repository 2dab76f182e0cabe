"""What the sensors share whose calls are asked for together."""

from __future__ import annotations

import logging
from abc import abstractmethod
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_gong.api import calls
from airflow_provider_gong.exceptions import GongUnavailable
from airflow_provider_gong.hooks import metrics
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.sensors.base import GongSensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.triggers.calls import GongCallsTrigger

log = logging.getLogger(__name__)


WINDOW = ("from_datetime", "to_datetime", "workspace_id")


class GongTogetherSensor(GongSensor):
    """Base of the sensors for calls: of given ids, or of a window.

    Deferred, those for given ids wait in the triggerer, which asks for 100 calls of all of them with one request.

    :param from_datetime: Start of the window, inclusive. (templated) Default: None, from the earliest call.
    :param to_datetime: End of the window, exclusive. (templated) Default: None, up to the latest call.
    :param workspace_id: The calls of one workspace only. (templated) Default: None, all workspaces.
    :param include_private: Private calls of the window too. (templated) Default: False.
    """

    template_fields: Sequence[str] = gong_fields(*WINDOW, "include_private")

    def __init__(
        self,
        *,
        from_datetime: datetime | str | None = None,
        to_datetime: datetime | str | None = None,
        workspace_id: str | None = None,
        include_private: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime
        self.workspace_id = workspace_id
        self.include_private = include_private

    @abstractmethod
    def together(self, **wait: Any) -> GongCallsTrigger | None:
        """Return the trigger that waits, None when this sensor has to look for itself.

        :param wait: the arguments that all such triggers have.
        """

    @abstractmethod
    def came(self, context: Context, missing: list[str], started: str, looks: int) -> Any:
        """Return what the task shall return when enough has come.

        :param missing: the ids that have not.
        """

    def go_on(self, context: Context, started: str, looks: int, event: Mapping[str, Any]) -> Any:
        """Go on with what the trigger tells.

        :param started: when the wait began.
        :param looks: how many looks this makes.
        :param event: of `GongCallsTrigger`.
        """
        if event["status"] == "ready":
            return self.came(context, event["missing"], started, looks)
        if event["status"] == "refused":
            raise AirflowFailException(event["problem"])
        if event["status"] == "failed":
            raise GongUnavailable(event["problem"])
        raise AirflowSensorTimeout(
            f"Not done {self.timeout:.0f} s after the first look: {len(event['missing'])} calls are missing."
        )

    def _defer(self, wait: float, started: str, looks: int) -> None:
        # A back-off is each sensor's own; together they look at the same moments.
        trigger = None if self.exponential_backoff else self.together(**self._wait(started))
        if trigger is None:
            super()._defer(wait, started, looks)
            return
        log.info("Not yet: wait together with others, %d calls to come", trigger.wanted)
        metrics.count("gong.deferrals", reason="not_yet")
        self.defer(trigger=trigger, method_name="go_on", kwargs={"started": started, "looks": looks})

    def given_window(self) -> list[str]:
        """Return the names of the arguments that narrow a window."""
        return [name for name in WINDOW if read.as_text(getattr(self, name)) is not None]

    def calls_of_window(self) -> Iterator[str]:
        """Yield the ids of the calls of the window, private ones only when they are wanted."""
        from airflow_provider_gong.exports.rows import basic_data, is_private, record_id

        include_private = read.as_bool("include_private", self.include_private)
        request = calls.list_calls_extensive(
            **read.datetimes(self, "from_datetime", "to_datetime"),
            workspace_id=read.as_id("workspace_id", self.workspace_id),
        )
        for call in self.hook.items(request):
            if include_private or not is_private(call):
                yield record_id(basic_data(call), "id")

    def _wait(self, started: str) -> dict[str, Any]:
        deadline = datetime.fromisoformat(started) + timedelta(seconds=self.timeout)
        return {
            "deadline": deadline.isoformat(),
            "poke_interval": float(self.poke_interval),
            "gong_conn_id": self.gong_conn_id,
            "backfill": self.hook.backfill,
        }
