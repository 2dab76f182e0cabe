"""Wait for calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import calls
from airflow_provider_gong.exceptions import GongNotFound
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.sensors.base import GongSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

# Gong's words for a call that it does not show (yet); at a wrong address there are others.
NOT_SHOWN = re.compile(r"call id \S+ was not found", re.IGNORECASE)


class GongCallSensor(GongSensor):
    """Wait until Gong shows a call: it has been recorded and processed, or its recording was uploaded.

    Returns Gong's basic record of the call. Gong answers alike for a call that will come and for one that never will,
    so mind `timeout`. A few failed looks do not end the wait, and a retry of the task waits anew.

    See https://help.gong.io/apidocs/retrieve-data-for-a-specific-call-v2callsid

    :param call_id: Gong's identifier of the call. (templated)
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("call_id")

    def __init__(self, *, call_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.call_id = call_id

    def verdict(self) -> Any:
        """Return the call when Gong shows it."""
        try:
            return self.hook.send(calls.get_call(read.as_needed_id("call_id", self.call_id)))
        except GongNotFound as error:
            if any(NOT_SHOWN.search(text) for text in error.messages):
                return None
            raise
