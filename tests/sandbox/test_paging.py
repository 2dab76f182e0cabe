from datetime import timedelta
from typing import Any

import jwt
import pytest

from tests.sandbox.client import Client, errors

SINCE = "2026-01-01T00:00:00Z"
PAGED = [
    ("GET", "/v2/calls", "calls", {}),
    ("POST", "/v2/calls/extensive", "calls", {"filter": {}}),
    ("POST", "/v2/calls/transcript", "callTranscripts", {"filter": {}}),
    ("GET", "/v2/users", "users", {}),
    ("POST", "/v2/users/extensive", "users", {"filter": {}}),
    ("GET", "/v2/logs", "logEntries", {"logType": "AccessLog", "fromDateTime": SINCE}),
]
paged = pytest.mark.parametrize(("method", "path", "name", "inputs"), PAGED)


def _ask(client: Client, method: str, path: str, inputs: dict[str, Any], **more: Any) -> Any:
    return client.ask(method, path, **{"params" if method == "GET" else "json": {**inputs, **more}})


@paged
def test_pages_have_a_hundred_records_and_end_without_a_cursor(
    reader: Client, method: str, path: str, name: str, inputs: dict[str, Any]
) -> None:
    pages = list(reader.pages(method, path, inputs))
    assert len(pages) > 2
    sizes = [len(page[name]) for page in pages]
    assert set(sizes[:-1]) == {100}
    assert 0 < sizes[-1] <= 100
    for number, page in enumerate(pages):
        assert page["records"]["currentPageNumber"] == number
        assert page["records"]["currentPageSize"] == sizes[number]
        assert page["records"]["totalRecords"] == pages[0]["records"]["totalRecords"] >= sum(sizes)
        assert ("cursor" in page["records"]) == (number < len(pages) - 1)


@paged
def test_a_cursor_is_a_signed_token_that_dies_an_hour_after_the_first_page(
    reader: Client, method: str, path: str, name: str, inputs: dict[str, Any]
) -> None:
    first = _ask(reader, method, path, inputs).json()["records"]["cursor"]
    second = _ask(reader, method, path, inputs, cursor=first).json()["records"]["cursor"]
    for number, cursor in enumerate((first, second), start=1):
        assert jwt.get_unverified_header(cursor)["alg"] == "HS256"
        payload = jwt.decode(cursor, options={"verify_signature": False})
        assert payload["pageSize"] == 100
        assert payload["pageNumber"] == number
        assert payload["exp"] == int((reader.gong.clock.now() + timedelta(hours=1)).timestamp())


@paged
def test_a_cursor_expires_although_later_pages_were_fetched(
    borrowed: Client, method: str, path: str, name: str, inputs: dict[str, Any]
) -> None:
    first = _ask(borrowed, method, path, inputs).json()["records"]["cursor"]
    borrowed.gong.clock.advance(timedelta(minutes=59))
    reply = _ask(borrowed, method, path, inputs, cursor=first)
    assert reply.status_code == 200
    borrowed.gong.clock.advance(timedelta(minutes=1))
    reply = _ask(borrowed, method, path, inputs, cursor=reply.json()["records"]["cursor"])
    assert reply.status_code == 400
    assert errors(reply) == ["cursor has expired"]


def test_the_life_of_cursors_can_be_changed(client: Client) -> None:
    client.gong.cursors.lifetime = timedelta(minutes=5)
    cursor = client.get("/v2/calls").json()["records"]["cursor"]
    client.gong.clock.advance(timedelta(minutes=5))
    assert errors(client.get("/v2/calls", cursor=cursor)) == ["cursor has expired"]


@paged
def test_a_forged_or_foreign_cursor_is_a_400(
    reader: Client, method: str, path: str, name: str, inputs: dict[str, Any]
) -> None:
    cursor = _ask(reader, method, path, inputs).json()["records"]["cursor"]
    forged = cursor[:-4] + ("AAAA" if not cursor.endswith("AAAA") else "BBBB")
    foreign = reader.get("/v2/users" if name != "users" else "/v2/calls").json()["records"]["cursor"]
    for wrong in ("nonsense", forged, foreign):
        reply = _ask(reader, method, path, inputs, cursor=wrong)
        assert reply.status_code == 400
        assert errors(reply) == ["Failed to verify cursor"]


@pytest.mark.parametrize(("method", "path", "name", "inputs"), [one for one in PAGED if one[0] == "POST"])
def test_a_cursor_in_the_query_of_a_post_brings_page_one_again(
    reader: Client, method: str, path: str, name: str, inputs: dict[str, Any]
) -> None:
    first = reader.post(path, inputs).json()
    cursor = first["records"]["cursor"]
    again = reader.ask("POST", path, params={"cursor": cursor}, json=inputs).json()
    assert again["records"]["currentPageNumber"] == 0
    assert again[name] == first[name]


def test_a_page_size_is_not_a_parameter(reader: Client) -> None:
    assert len(reader.get("/v2/calls", limit="5", pageSize="5").json()["calls"]) == 100


def test_records_that_appear_or_vanish_between_pages_neither_double_nor_drop_others(client: Client) -> None:
    world = client.gong.world
    expected = [call.id for call in world.visible_calls()]
    pages = client.pages("POST", "/v2/calls/extensive", {"filter": {}})
    found = [record["metaData"]["id"] for record in next(pages)["calls"]]
    world.add_call(world.visible_calls()[0].started)
    world.hide_call(found[50])
    found += [record["metaData"]["id"] for page in pages for record in page["calls"]]
    assert found == expected


def test_totals_run_ahead_of_the_records_while_gong_works_on_calls(client: Client) -> None:
    gong = client.gong
    call = gong.world.add_call(gong.clock.now(), visible_at=gong.clock.now() + timedelta(hours=3))
    gong.clock.advance(timedelta(hours=1))
    inputs = {"filter": {"callIds": [call.id, gong.world.visible_calls()[0].id]}}
    reply = client.post("/v2/calls/extensive", inputs).json()
    assert reply["records"]["totalRecords"] == 2
    assert len(reply["calls"]) == 1
