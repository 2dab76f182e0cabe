"""Users: the people of the company in Gong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.api.encode import optional_datetime, optional_ids, wire_id, without_none
from airflow_provider_gong.api.endpoint import Params, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@endpoint("GET", "/v2/users", result="users", scope="api:users:read", paged=True)
def list_users(*, include_avatars: bool | None = None) -> Params:
    """List all users of the company.

    https://help.gong.io/apidocs/list-all-users-v2users

    :param include_avatars: also list the synthetic users that stand for Gong's own staff; default: no.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"includeAvatars": include_avatars})


@endpoint("GET", "/v2/users/{id}", result="user", scope="api:users:read")
def get_user(user_id: str) -> Params:
    """Retrieve one user.

    https://help.gong.io/apidocs/retrieve-user-v2usersid

    :param user_id: Gong's identifier of the user.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(path={"id": wire_id(user_id, "user_id")})


@endpoint(
    "POST",
    "/v2/users/extensive",
    result="users",
    scope="api:users:read",
    paged=True,
    reads=True,
    empty_on_404=True,
)
def list_users_extensive(
    *,
    created_from_datetime: datetime | str | None = None,
    created_to_datetime: datetime | str | None = None,
    include_avatars: bool | None = None,
    user_ids: Iterable[str | int] | None = None,
) -> Params:
    """List users by filter; a user must match all filters that are given.

    https://help.gong.io/apidocs/introduction-2

    :param created_from_datetime: datetime or ISO 8601 text, inclusive; default: no limit.
    :param created_to_datetime: datetime or ISO 8601 text, exclusive; default: no limit.
    :param include_avatars: also list the synthetic users that stand for Gong's own staff; default: no.
    :param user_ids: identifiers of users, at least one; default: all users.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(
        body={
            "filter": without_none(
                {
                    "createdFromDateTime": optional_datetime(created_from_datetime, "created_from_datetime"),
                    "createdToDateTime": optional_datetime(created_to_datetime, "created_to_datetime"),
                    "includeAvatars": include_avatars,
                    "userIds": optional_ids(user_ids, "user_ids"),
                }
            )
        }
    )
