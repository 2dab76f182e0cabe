"""Wait for transcripts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.sensors.together import GongTogetherSensor
from airflow_provider_gong.triggers.looks import batches, needed, transcribed_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context, XComArg

    from airflow_provider_gong.triggers.calls import GongCallsTrigger

log = logging.getLogger(__name__)


class GongTranscriptSensor(GongTogetherSensor):
    """Wait until the transcripts of calls are ready: of given calls, or of the calls of a window.

    Gong transcribes a call some minutes to a day after it shows it, and one that is too short never. Returns
    `{"ready": [...], "missing": [...]}`, the ids of the calls with and without a transcript, at the moment when
    there were enough of them.

    With `call_ids`: sensors that wait deferred are asked for together, 100 calls a request, however many they are.
    Nothing is asked when there are no ids: two empty lists at once, also when the task that knows them was skipped.
    With a window instead, the calls of the window are listed anew for each look, which costs two requests for each
    100 of them; a window without calls is "not yet". Private calls of the window are left out unless told otherwise.

    A few failed looks do not end the wait, and a retry of the task waits anew. Needs the scope
    `api:calls:read:transcript`; for a window `api:calls:read:extensive` too.

    See https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2

    :param call_ids: Calls to wait for: a list of ids, or the records that a list of calls or an export without
        destination returned; or JSON text of either. (templated) Default: None, the calls of the window.
    :param min_share: Which part of the calls is enough, above 0 and at most 1. (templated) Default: 1, all of them.
    :param from_datetime: Start of the window, inclusive, which Gong compares with the start of the call; a datetime
        or ISO 8601 text, UTC without an offset. (templated) Default: None, from the earliest call.
    :param to_datetime: End of the window, exclusive. (templated) Default: None, up to the latest call.
    :param workspace_id: The calls of one workspace only. (templated) Default: None, all workspaces.
    :param include_private: Wait for private calls of the window too. (templated) Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongTogetherSensor.template_fields, "call_ids", "min_share")

    def __init__(
        self,
        *,
        call_ids: list[Any] | str | XComArg | None = None,
        min_share: float | str = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_ids = call_ids
        # Of a task that was skipped nothing is left when the templates are rendered: no calls, not all of them.
        self._call_ids_given = call_ids is not None
        self.min_share = min_share

    def verdict(self) -> dict[str, list[str]] | None:
        """Return the calls with and without a transcript when enough have one."""
        share = self._share()
        call_ids = self._call_ids()
        found = {one for batch in batches(call_ids) for one in transcribed_calls(self.hook, batch)}
        missing = [call_id for call_id in call_ids if call_id not in found]
        log.info("%d of %d calls have a transcript", len(call_ids) - len(missing), len(call_ids))
        nothing_asked = self._call_ids_given and not call_ids
        is_enough = len(call_ids) - len(missing) >= needed(len(call_ids), share)
        return _result(call_ids, missing) if is_enough or nothing_asked else None

    def together(self, **wait: Any) -> GongCallsTrigger | None:
        """Return the trigger that waits for given calls; those of a window are listed in a worker."""
        from airflow_provider_gong.triggers.calls import GongTranscriptsTrigger

        if not self._call_ids_given:
            return None
        call_ids = self._call_ids()
        return GongTranscriptsTrigger(call_ids=call_ids, wanted=needed(len(call_ids), self._share()), **wait)

    def came(self, context: Context, missing: list[str], started: str, looks: int) -> dict[str, list[str]]:
        """Return the calls with and without a transcript."""
        return _result(self._call_ids(), missing)

    def _call_ids(self) -> list[str]:
        window = self.given_window()
        if self._call_ids_given and window:
            raise GongConfigurationError(
                f"call_ids and {', '.join(window)} were both given: leave the ids or the window out."
            )
        if self._call_ids_given:
            return list(dict.fromkeys(read.as_call_ids("call_ids", self.call_ids) or ()))
        if not read.as_text(self.from_datetime) and not read.as_text(self.to_datetime):
            raise GongConfigurationError(
                "Neither call_ids nor a window is given: give call_ids, or from_datetime and to_datetime."
            )
        return list(dict.fromkeys(self.calls_of_window()))

    def _share(self) -> float:
        share = read.as_number("min_share", self.min_share)
        if share is None or not 0 < share <= 1:
            raise GongConfigurationError(
                f"min_share={self.min_share!r} is no share of the calls: give a number above 0, at most 1."
            )
        return share


def _result(call_ids: list[str], missing: list[str]) -> dict[str, list[str]]:
    absent = set(missing)
    return {
        "ready": [call_id for call_id in call_ids if call_id not in absent],
        "missing": [call_id for call_id in call_ids if call_id in absent],
    }
