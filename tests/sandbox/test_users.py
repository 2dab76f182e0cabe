from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.client import Client, errors

EXTENSIVE = "/v2/users/extensive"


def ids(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [user["id"] for user in reply.json()["users"]]


def test_avatars_are_listed_only_when_asked_for(client: Client) -> None:
    users = client.gong.world.users
    avatars = {user.id for user in users if user.avatar}
    assert len(avatars) == 2
    for reply in (client.get("/v2/users"), client.get("/v2/users", includeAvatars="false")):
        assert set(ids(reply)) == {user.id for user in users} - avatars
    assert set(ids(client.get("/v2/users", includeAvatars="true"))) == {user.id for user in users}
    assert set(ids(client.post(EXTENSIVE, {"filter": {}}))) == {user.id for user in users} - avatars
    reply = client.post(EXTENSIVE, {"filter": {"includeAvatars": True}})
    assert set(ids(reply)) == {user.id for user in users}


def test_the_number_of_users_does_not_count_avatars(reader: Client) -> None:
    assert reader.get("/v2/users").json()["records"]["totalRecords"] == 240


def test_users_are_found_by_id(reader: Client) -> None:
    wanted = [user.id for user in reader.gong.world.users if not user.avatar][3:6]
    assert ids(reader.post(EXTENSIVE, {"filter": {"userIds": ["1234", *wanted]}})) == wanted


def test_times_of_creation_are_half_open(reader: Client) -> None:
    user = next(user for user in reader.gong.world.users if not user.avatar)
    created = user.created
    after = created + timedelta(milliseconds=1)
    found = {"createdFromDateTime": created.isoformat(), "createdToDateTime": after.isoformat()}
    missed = {"createdFromDateTime": "2000-01-01T00:00:00Z", "createdToDateTime": created.isoformat()}
    assert ids(reader.post(EXTENSIVE, {"filter": found})) == [user.id]
    assert user.id not in ids(reader.post(EXTENSIVE, {"filter": missed}))


def test_no_match_is_a_404_with_words_of_its_own(reader: Client) -> None:
    reply = reader.post(EXTENSIVE, {"filter": {"userIds": ["1234"]}})
    assert reply.status_code == 404
    assert errors(reply) == ["No users found corresponding to the provided filters"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {"userIds": []}},
        {"filter": {"userIds": [1]}},
        {"filter": {"createdFromDateTime": "yesterday"}},
        {
            "filter": {
                "createdFromDateTime": "2026-01-02T00:00:00Z",
                "createdToDateTime": "2026-01-01T00:00:00Z",
            }
        },
        {"filter": {"includeAvatars": "yes"}},
    ],
)
def test_a_filter_that_is_not_as_documented_is_a_400(reader: Client, body: dict[str, Any]) -> None:
    assert reader.post(EXTENSIVE, body).status_code == 400


def test_a_flag_that_is_none_is_a_400(reader: Client) -> None:
    assert reader.get("/v2/users", includeAvatars="1").status_code == 400


def test_one_user_is_wrapped_and_equals_its_listing(reader: Client) -> None:
    listed = reader.get("/v2/users").json()["users"][0]
    reply = reader.get(f"/v2/users/{listed['id']}").json()
    assert set(reply) == {"requestId", "user"}
    assert reply["user"] == listed


def test_an_avatar_can_be_fetched_by_its_id(reader: Client) -> None:
    avatar = next(user for user in reader.gong.world.users if user.avatar)
    assert reader.get(f"/v2/users/{avatar.id}").status_code == 200


def test_an_unknown_user_is_a_404_and_a_wrong_id_a_400(reader: Client) -> None:
    assert errors(reader.get("/v2/users/1234")) == ["User not found"]
    assert reader.get("/v2/users/abc").status_code == 400


def test_absent_values_are_null(reader: Client) -> None:
    users = reader.get("/v2/users").json()["users"]
    for name in ("title", "phoneNumber", "conferencingProviders", "managerId"):
        assert 0 < sum(user[name] is None for user in users) < len(users), name


def test_times_of_creation_have_numeric_offsets(reader: Client) -> None:
    offsets = {user["created"][-6:] for user in reader.get("/v2/users").json()["users"]}
    assert {"-05:00", "+02:00"} <= offsets
    for user in reader.get("/v2/users").json()["users"]:
        assert datetime.fromisoformat(user["created"]).tzinfo is not None
