"""Wait for users."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import privacy, users
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.operators.personal import GongPersonalOperator
from airflow_provider_gong.sensors.base import GongSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.api.endpoint import Request


class GongUserSensor(GongPersonalOperator, GongSensor):
    """Wait until Gong has a user, and until the user is active.

    Returns the user's id. A user is known by id, which costs one request a look, or by e-mail address or alias,
    for which all users are read: a request for each 100 of them, so look seldom. The address is masked in logs
    and rendered arguments. A few failed looks do not end the wait, and a retry of the task waits anew.

    See https://help.gong.io/apidocs/list-all-users-v2users

    :param user_id: Gong's identifier of the user; give this or `email_address`. (templated) Default: None.
    :param email_address: Address or alias of the user, in any case of letters. (templated) Default: None.
    :param wait_until_active: Whether an inactive user is "not yet". (templated) Default: True.
    :param poke_interval: Time between two looks: seconds or a timedelta. Default: 10 minutes.
    :param deferrable: Wait in the triggerer, holding no worker, whatever `mode` says. Default: Airflow's option
        `[operators] default_deferrable`.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("user_id", "email_address", "wait_until_active")
    personal_fields = ("email_address",)

    def __init__(
        self,
        *,
        user_id: str | None = None,
        email_address: str | None = None,
        wait_until_active: bool | str = True,
        poke_interval: timedelta | float = timedelta(minutes=10),
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.user_id = user_id
        self.email_address = email_address
        self.wait_until_active = wait_until_active

    def request(self) -> Request:
        """Return the request for the users among whom to look."""
        if self._wanted_id() is None:
            return users.list_users()
        return users.list_users_extensive(user_ids=[self._wanted_id() or ""], include_avatars=True)

    def verdict(self) -> str | None:
        """Return the user's id when the user is there."""
        must_be_active = read.as_bool("wait_until_active", self.wait_until_active)
        request = self.request()
        for user in self.hook.items(request):
            if self._is_meant(user):
                return str(user["id"]) if user.get("active") or not must_be_active else None
        return None

    def _wanted_id(self) -> str | None:
        user_id, email_address = read.as_id("user_id", self.user_id), read.as_text(self.email_address)
        if (user_id is None) == (email_address is None):
            given = "neither" if user_id is None else "both"
            raise GongConfigurationError(
                f"Of user_id and email_address {given} has a value: give exactly one of them."
            )
        return user_id

    def _is_meant(self, user: dict[str, Any]) -> bool:
        user_id = self._wanted_id()
        if user_id is not None:
            return str(user["id"]) == user_id
        addresses = [user.get("emailAddress"), *(user.get("emailAliases") or ())]
        wanted = privacy.wire_email_address(self.email_address).lower()
        return wanted in {str(address).lower() for address in addresses}
