import inspect

import pytest

from airflow_provider_gong.api.endpoint import Endpoint, Params, Request, endpoint


@endpoint("GET", "/v2/things/{id}", result="thing", scope="api:things:read")
def get_thing(thing_id: str, *, loud: bool | None = None) -> Params:
    """Get a thing."""
    return Params(path={"id": thing_id}, query={"loud": loud})


@endpoint("POST", "/v2/things/list", result="things", scope="api:things:read", paged=True, reads=True)
def list_things(*, name: str | None = None) -> Params:
    return Params(body={"filter": {}, "name": name})


@endpoint("POST", "/v2/things", result=None, scope="api:things:create")
def add_thing() -> Params:
    return Params(body={})


def test_requests_are_equal_by_value() -> None:
    assert get_thing("7") == get_thing("7")
    assert get_thing("7") != get_thing("8")
    assert list_things(name="a") == list_things(name="a")


def test_request_cannot_be_reassigned() -> None:
    request = get_thing("7")
    with pytest.raises(AttributeError):
        request.path = "/v2/other"  # type: ignore[misc]


def test_path_is_filled_and_quoted() -> None:
    assert get_thing("a/b?c").path == "/v2/things/a%2Fb%3Fc"


def test_none_is_left_out_of_query_and_body() -> None:
    assert get_thing("7").query == {}
    assert list_things().body == {"filter": {}}


def test_booleans_go_into_the_query_in_lower_case() -> None:
    assert get_thing("7", loud=True).query == {"loud": "true"}
    assert get_thing("7", loud=False).query == {"loud": "false"}


def test_get_has_no_body() -> None:
    assert get_thing("7").body is None


@pytest.mark.parametrize(
    ("facts", "reads"),
    [(get_thing.endpoint, True), (list_things.endpoint, True), (add_thing.endpoint, False)],
)
def test_only_get_reads_unless_said(facts: Endpoint, reads: bool) -> None:
    assert facts.reads is reads


def test_cursor_of_get_goes_into_the_query() -> None:
    request = get_thing("7", loud=True).with_cursor("next")
    assert (request.query, request.body) == ({"loud": "true", "cursor": "next"}, None)


def test_cursor_of_post_goes_to_the_top_of_the_body() -> None:
    request = list_things(name="a").with_cursor("next")
    assert (request.query, request.body) == ({}, {"filter": {}, "name": "a", "cursor": "next"})


def test_with_cursor_leaves_the_first_request_alone() -> None:
    first = list_things()
    first.with_cursor("next")
    assert first == list_things()


def test_repr_shows_the_operation_and_no_argument() -> None:
    assert repr(get_thing("personal")) == "<Request GET /v2/things/{id}>"
    assert "personal" not in str(list_things(name="personal"))


def test_function_keeps_its_signature_and_docs() -> None:
    assert get_thing.__doc__ == "Get a thing."
    assert list(inspect.signature(get_thing).parameters) == ["thing_id", "loud"]


def test_function_makes_a_request() -> None:
    assert isinstance(get_thing("7"), Request)
    assert (get_thing("7").method, get_thing("7").operation) == ("GET", "GET /v2/things/{id}")
