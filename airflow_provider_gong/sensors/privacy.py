"""Wait for erasures."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import privacy
from airflow_provider_gong.exceptions import GongConfigurationError, GongError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.operators.personal import GongPersonalOperator
from airflow_provider_gong.sensors.base import GongSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)


class GongErasureSensor(GongPersonalOperator, GongSensor):
    """Wait until nothing in Gong refers to an e-mail address or a phone number any more.

    No calls, messages, meetings, customer data or engagement are left then; returns True. Erasure takes hours, and
    this is the only way to see its end. A person whom the CRM or the mail system still knows may come back, and then
    the wait ends with `timeout`. A few failed looks do not end it, and a retry of the task waits anew.
    The address or number is masked as by `GongEraseEmailAddressOperator`.

    See https://help.gong.io/apidocs/retrieve-all-references-to-an-email-address-v2data-privacydata-for-email-address

    :param email_address: One address, without a name; give this or `phone_number`. (templated) Default: None.
    :param phone_number: Number with `+` and country code, such as `+1 425 555 2671`. (templated) Default: None.
    :param poke_interval: Time between two looks: seconds or a timedelta. Default: an hour.
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("email_address", "phone_number")
    personal_fields = ("email_address", "phone_number")

    def __init__(
        self,
        *,
        email_address: str | None = None,
        phone_number: str | None = None,
        poke_interval: timedelta | float = timedelta(hours=1),
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.email_address = email_address
        self.phone_number = phone_number

    def request(self) -> Request:
        """Return the request for what is left."""
        email_address, phone_number = read.as_text(self.email_address), read.as_text(self.phone_number)
        if (email_address is None) == (phone_number is None):
            given = "neither" if email_address is None else "both"
            raise GongConfigurationError(
                f"Of email_address and phone_number {given} has a value: give exactly one of them."
            )
        if email_address is not None:
            return privacy.list_email_address_references(email_address)
        return privacy.list_phone_number_references(str(phone_number))

    def verdict(self) -> bool | None:
        """Return True when nothing is left."""
        try:
            left = privacy.count_references(self.hook.send(self.request()))
        except GongError as error:
            # It is logged when the wait goes on.
            self.strip(error)
            raise
        log.info("Gong still has %s", ", ".join(f"{count} {kind}" for kind, count in left.items()))
        return None if any(left.values()) else True
