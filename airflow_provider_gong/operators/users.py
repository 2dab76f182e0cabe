"""Users: the people of the company in Gong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import users
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields
from airflow_provider_gong.operators.list_base import GongListOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.api.endpoint import Request


class GongGetUserOperator(GongActionOperator):
    """Retrieve one user.

    Returns Gong's record: `id`, `emailAddress`, `firstName`, `lastName`, `title`, `active`, `settings`, `managerId`
    and so on; it is personal data, mind who may see XComs. A user that is not found fails the task. Needs the
    scope `api:users:read`.

    See https://help.gong.io/apidocs/retrieve-user-v2usersid

    :param user_id: Id of the user, up to 20 digits. (templated)
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("user_id")

    def __init__(self, *, user_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user_id = user_id

    def request(self) -> Request:
        """Return the request."""
        return users.get_user(read.as_needed_id("user_id", self.user_id))


class GongListUsersOperator(GongListOperator):
    """List the users of the company.

    Returns Gong's records, as `GongGetUserOperator` does, each user once, up to 1,000,000 bytes of JSON; for more
    use `GongExportUsersOperator`. They are personal data, mind who may see XComs. Needs the scope `api:users:read`.

    See https://help.gong.io/apidocs/list-all-users-v2users

    :param include_avatars: List the synthetic users that stand for Gong's own staff too. (templated)
        Default: False.
    :param cursor: Begin with the page that the XCom `next_cursor` of an earlier task stands for, all other
        arguments unchanged. It lives for about an hour from the first page of the list on; a retry starts with it
        again. A list that was whole has set none: skip the task then, since a template of it renders to nothing,
        which means the first page. (templated) Default: None, the first page.
    :param max_pages: Read no more than this number of pages, of 100 users each, 1 or more. When that cuts the list
        short, the log tells how many users Gong counts, and the XCom `next_cursor` is set. (templated)
        Default: None, all pages.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongListOperator.template_fields, "include_avatars")
    export = "GongExportUsersOperator"

    def __init__(self, *, include_avatars: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.include_avatars = include_avatars

    def request(self) -> Request:
        """Return the request for the first page."""
        return users.list_users(include_avatars=read.as_bool("include_avatars", self.include_avatars) or None)
