"""Wait for calls."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.sensors.together import GongTogetherSensor
from airflow_provider_gong.triggers.looks import find_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.triggers.calls import GongCallsTrigger

log = logging.getLogger(__name__)


class GongCallSensor(GongTogetherSensor):
    """Wait until Gong shows a call, or so many calls of a window.

    With `call_id`: the call has been recorded and processed, or its recording was uploaded. Returns Gong's basic
    record of the call. Gong answers alike for a call that will come and for one that never will, so mind `timeout`.
    Sensors that wait deferred for a call each are asked for together, 100 calls a request, with the scope
    `api:calls:read:extensive`; a key without it asks for one after the other.

    With `min_calls`: as many calls as that have started in the window and Gong shows them; returns how many were
    counted, at least `min_calls`. Counts private calls only when told to. Needs the scope
    `api:calls:read:extensive`, and a request for each 100 calls.

    A few failed looks do not end the wait, and a retry of the task waits anew.

    See https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid

    :param call_id: Gong's identifier of the call; give this or `min_calls`. (templated) Default: None.
    :param min_calls: How many calls of the window are enough, 1 or more. (templated) Default: None.
    :param from_datetime: Start of the window, inclusive, which Gong compares with the start of the call; a datetime
        or ISO 8601 text, UTC without an offset. (templated) Default: None, from the earliest call.
    :param to_datetime: End of the window, exclusive. (templated) Default: None, up to the latest call.
    :param workspace_id: Count the calls of one workspace only. (templated) Default: None, all workspaces.
    :param include_private: Count private calls too. (templated) Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongTogetherSensor.template_fields, "call_id", "min_calls")

    def __init__(
        self, *, call_id: str | None = None, min_calls: int | str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.call_id = call_id
        self.min_calls = min_calls

    def verdict(self) -> Any:
        """Return the call when Gong shows it, or the number of calls when there are enough."""
        wanted = self._wanted()
        if wanted is None:
            return find_call(self.hook, read.as_needed_id("call_id", self.call_id))
        counted = self._count(wanted)
        log.info("%d of %d calls", counted, wanted)
        return counted if counted >= wanted else None

    def together(self, **wait: Any) -> GongCallsTrigger | None:
        """Return the trigger that waits for the call; calls of a window are counted in a worker."""
        from airflow_provider_gong.triggers.calls import GongCallsTrigger

        if self._wanted() is not None:
            return None
        return GongCallsTrigger(call_ids=[read.as_needed_id("call_id", self.call_id)], wanted=1, **wait)

    def came(self, context: Context, missing: list[str], started: str, looks: int) -> Any:
        """Fetch the call that is there now; a title is nothing for the triggerer's log."""
        return self.look_again(context, started, looks)

    def _wanted(self) -> int | None:
        wanted = read.as_count("min_calls", self.min_calls)
        if wanted is None and (window := self.given_window()):
            raise GongConfigurationError(
                f"{', '.join(window)} says which calls to count, and min_calls is not given: give it, such as 1."
            )
        if wanted is not None and read.as_text(self.call_id) is not None:
            raise GongConfigurationError("call_id and min_calls were both given: leave one of them out.")
        if wanted == 0:
            raise GongConfigurationError(
                f"min_calls={self.min_calls!r} would wait for nothing: give 1 or more."
            )
        return wanted

    def _count(self, enough: int) -> int:
        """Count calls, each once, until there are enough of them."""
        seen: set[str] = set()
        for call_id in self.calls_of_window():
            seen.add(call_id)
            if len(seen) >= enough:
                break
        return len(seen)
