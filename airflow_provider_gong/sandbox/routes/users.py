"""Users of the company."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_gong.sandbox.replies import Refusal, reply
from airflow_provider_gong.sandbox.routes.inputs import (
    check_path_id,
    read_body,
    read_filter,
    read_flag,
    read_flag_of_query,
    read_ids,
    read_window,
)
from airflow_provider_gong.sandbox.routes.paging import Listing, Place
from airflow_provider_gong.sandbox.routes.visit import Visit, needs
from airflow_provider_gong.sandbox.world import User

NO_USERS = "No users found corresponding to the provided filters"
WINDOW = ("createdFromDateTime", "createdToDateTime")

router = APIRouter()


@router.get("/v2/users")
async def list_users(request: Request, visit: Annotated[Visit, Depends(needs("api:users:read"))]) -> Response:
    """List all users; avatars only when asked for.

    https://help.gong.io/apidocs/list-all-users-v2users
    """
    query = request.query_params
    found = visit.gong.world.find_users(include_avatars=read_flag_of_query(query, "includeAvatars"))
    return _listing(found, empty=None).serve(visit.gong, query.get("cursor"))


@router.post("/v2/users/extensive")
async def list_users_extensive(
    request: Request, visit: Annotated[Visit, Depends(needs("api:users:read"))]
) -> Response:
    """List users by ids or time of creation.

    https://help.gong.io/apidocs, operation `listMultipleUsers`
    """
    body = await read_body(request)
    criteria = read_filter(body)
    start, end = read_window(criteria, WINDOW, where="filter.")
    found = visit.gong.world.find_users(
        created_from=start,
        created_to=end,
        user_ids=read_ids(criteria, "userIds", where="filter."),
        include_avatars=read_flag(criteria, "includeAvatars", where="filter."),
    )
    return _listing(found, empty=NO_USERS).serve(visit.gong, body.get("cursor"))


@router.get("/v2/users/{user_id}")
async def get_user(user_id: str, visit: Annotated[Visit, Depends(needs("api:users:read"))]) -> Response:
    """Return one user.

    https://help.gong.io/apidocs/retrieve-user-v2usersid
    """
    ids = frozenset({check_path_id(user_id)})
    found = visit.gong.world.find_users(user_ids=ids, include_avatars=True)
    if not found:
        raise Refusal(404, "User not found")
    return reply({"user": found[0].record})


def _listing(found: list[User], *, empty: str | None) -> Listing[User]:
    def fetch(after: Place | None, size: int) -> Sequence[User]:
        return [user for user in found if after is None or user.id > after[0]][:size]

    return Listing(
        "users",
        ("userId",),
        lambda user: (user.id,),
        fetch,
        lambda: len(found),
        lambda user: user.record,
        empty=empty,
    )
