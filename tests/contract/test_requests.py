"""Each request that the package can make, held against Gong's own document."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest

from airflow_provider_gong import api
from airflow_provider_gong.api.endpoint import Endpoint, Request
from tests.contract.facts import Operation, operations, resolve, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTEXTS = [
    {
        "system": "Salesforce",
        "objects": [
            {
                "objectType": "Account",
                "objectId": "0013600001n6qSnAAI",
                "fields": [{"name": "Name", "value": {}}],
            }
        ],
    }
]
PROPERTIES = [{"name": "Pages", "value": 3.5, "dataType": "number"}]

EXAMPLES: dict[str, Any] = {
    "action_name": "Document Signed",
    "actor": {"email": "buyer@example.com", "context": CONTEXTS},
    "actual_start": "2026-01-01T10:00:00+00:00",
    "agent_platform": "MacOS",
    "call_id": "7782342274025937895",
    "call_ids": ["7782342274025937895"],
    "call_provider_code": "zoom",
    "client_unique_id": "dialer-173",
    "content_id": "7",
    "content_properties": PROPERTIES,
    "content_selector": {
        "context": "Extended",
        "exposedFields": {"parties": True, "content": {"brief": True}},
    },
    "content_title": "Price list",
    "content_url": "https://content.example.com/7",
    "context": CONTEXTS,
    "created_from_datetime": "2026-01-01",
    "created_to_datetime": "2026-01-02",
    "crm_context": CONTEXTS,
    "custom_data": "line=7",
    "direction": "Outbound",
    "disposition": "Reached",
    "download_media_url": "https://files.example.com/173.mp3",
    "duration": 61.5,
    "email_address": "somebody@example.com",
    "emails": ["rep@example.com"],
    "end_time": "2026-01-02T10:00:00+00:00",
    "event_id": "event-1",
    "event_info_url": "https://content.example.com/events/1",
    "event_properties": PROPERTIES,
    "event_timestamp": "2026-01-01T10:00:00+00:00",
    "external_id": "outside-1",
    "file_name": "call.mp3",
    "flow_task_id": "77",
    "folder_id": "3843152912968920037",
    "from_datetime": "2026-01-01",
    "include_avatars": True,
    "invitees": ["buyer@example.com", {"email": "boss@example.com", "displayName": "The Boss"}],
    "language_code": "en-US",
    "log_type": "AccessLog",
    "meeting_id": "7782342274025937895",
    "meeting_url": "https://meet.example.com/1",
    "mobile_app_id": "com.example.content",
    "more_info_url": "https://content.example.com",
    "non_company_participants": [{"email": "boss@example.com", "name": "The Boss", "title": "CEO"}],
    "organizer_email": "rep@example.com",
    "parties": [
        {"userId": "234599484848423", "partyId": "a", "context": CONTEXTS},
        {"phoneNumber": "+1 425 555 2671"},
    ],
    "phone_number": "+1 425 555 2671",
    "primary_user": "234599484848423",
    "primary_user_ids": ["234599484848423"],
    "provider": "zoom",
    "purpose": "Renewal",
    "recipients": [{"email": "buyer@example.com", "context": CONTEXTS}],
    "reporting_system": "content-portal",
    "scheduled_end": "2026-01-01T11:00:00+00:00",
    "scheduled_start": "2026-01-01T10:00:00+00:00",
    "share_id": "share-1",
    "share_info_url": "https://content.example.com/shares/1",
    "sharer": {"id": "234599484848423", "email": "rep@example.com", "name": "The Rep"},
    "sharing_message_body": "Hello",
    "sharing_message_subject": "Prices",
    "source": SimpleNamespace(size=1),
    "speakers_timeline": {
        "precise": True,
        "speechSegments": [{"fromTime": 0, "toTime": 900, "partyIds": ["a"]}],
    },
    "start_time": "2026-01-02T09:00:00+00:00",
    "title": "Kick-off",
    "to_datetime": "2026-01-02",
    "tracking_id": "track-1",
    "user_agent": "Mozilla/5.0",
    "user_id": "234599484848423",
    "user_ids": ["234599484848423"],
    "view_action_title": "Document Viewed",
    "view_info_url": "https://content.example.com/views/1",
    "viewer": {"email": "buyer@example.com", "context": CONTEXTS},
    "workspace_id": "623457276584334",
}

# Lists that Gong filters and answers with 404 when nothing is left, although they come whole.
FILTERED_WITHOUT_PAGES = {"library.list_library_folders"}

# What the document requires and Gong was seen to do without; the functions advise to give it, the operators require it.
NOT_ENFORCED = {"calls.list_calls": {"fromDateTime", "toDateTime"}}

# How a query, which is text, says what is no text.
SPOKEN: dict[Any, Any] = {"true": True, "false": False}

# What is asked about several things at once, but is no list of Gong's.
GETS_OF_SEVERAL = {"meetings.get_meeting_integration_status"}


def request_functions() -> Iterator[Callable[..., Request]]:
    for module in pkgutil.iter_modules(api.__path__):
        for _, function in sorted(vars(importlib.import_module(f"{api.__name__}.{module.name}")).items()):
            if isinstance(getattr(function, "endpoint", None), Endpoint):
                yield function


FUNCTIONS = list(request_functions())


def name_of(function: Any) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def facts_of(function: Any) -> Operation:
    return operations()[f"{function.endpoint.method} {function.endpoint.path}"]


def requests_of(function: Callable[..., Request]) -> Iterator[Request]:
    """Yield the smallest request, and one for each optional argument, since some exclude each other."""
    parameters = parameters_of(function)
    required = {name: EXAMPLES[name] for name, is_required in parameters.items() if is_required}
    yield function(**required)
    for name in parameters.keys() - required.keys():
        yield function(**required, **{name: EXAMPLES[name]})


def parameters_of(function: Callable[..., Request]) -> dict[str, bool]:
    """Return the names of the parameters, and whether each is required; a TypedDict stands for all of its keys."""
    parameters: dict[str, bool] = {}
    for name, one in inspect.signature(function).parameters.items():
        if one.kind is one.VAR_KEYWORD:
            [described] = get_args(get_type_hints(function)[name])
            required = described.__required_keys__
            parameters |= {key: key in required for key in described.__annotations__}
        else:
            parameters[name] = one.default is one.empty
    return parameters


def test_the_functions_are_found() -> None:
    assert {name_of(function) for function in FUNCTIONS} >= {
        "calls.add_call_media",
        "calls.create_call",
        "calls.get_call",
        "calls.list_calls",
        "calls.list_calls_extensive",
        "engagement.report_content_shared",
        "engagement.report_content_viewed",
        "engagement.report_custom_action",
        "library.list_folder_calls",
        "library.list_library_folders",
        "logs.list_logs",
        "meetings.create_meeting",
        "meetings.delete_meeting",
        "meetings.get_meeting_integration_status",
        "meetings.update_meeting",
        "privacy.erase_email_address",
        "privacy.erase_phone_number",
        "privacy.list_email_address_references",
        "privacy.list_phone_number_references",
        "transcripts.list_call_transcripts",
        "users.get_user",
        "users.list_users",
        "users.list_users_extensive",
        "workspaces.list_workspaces",
    }


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
class TestRequestFunction:
    def test_the_operation_exists(self, function: Any) -> None:
        assert f"{function.endpoint.method} {function.endpoint.path}" in operations()

    def test_the_scope_is_gongs(self, function: Any) -> None:
        assert function.endpoint.scope in facts_of(function).scopes

    def test_the_query_fits_gongs_parameters(self, function: Any) -> None:
        facts = facts_of(function)
        required = {name for name, one in facts.query.items() if one.required}
        for request in requests_of(function):
            assert required - NOT_ENFORCED.get(name_of(function), set()) <= set(request.query)
            assert set(request.query) <= set(facts.query)
            for name, value in request.query.items():
                assert list(violations(facts.query[name].schema, SPOKEN.get(value, value), name)) == []

    def test_the_query_can_say_all_that_gong_knows(self, function: Any) -> None:
        said = {name for request in requests_of(function) for name in request.query}
        assert said == set(facts_of(function).query) - {"cursor"}

    def test_the_body_fits_gongs_schema(self, function: Any) -> None:
        facts = facts_of(function)
        for request in requests_of(function):
            if facts.body_schema is None or facts.body_media_type == "multipart/form-data":
                assert request.body is None
            else:
                assert list(violations(facts.body_schema, request.body)) == []

    def test_a_form_has_the_parts_of_gongs_schema(self, function: Any) -> None:
        facts = facts_of(function)
        for request in requests_of(function):
            assert (request.form is not None) == (facts.body_media_type == "multipart/form-data")
            if request.form is not None:
                parts = {part.name for part in request.form.files} | set(request.form.fields)
                assert parts == set(resolve(facts.body_schema or {})["properties"])

    def test_the_body_can_say_all_that_gong_knows(self, function: Any) -> None:
        if facts_of(function).body_media_type == "multipart/form-data":
            return
        schema = resolve(facts_of(function).body_schema or {"properties": {}})
        bodies = [request.body or {} for request in requests_of(function)]
        assert {name for body in bodies for name in body} == set(schema["properties"]) - {"cursor"}
        if "filter" in schema["properties"]:
            filters = {name for body in bodies for name in body["filter"]}
            assert filters == set(resolve(schema["properties"]["filter"])["properties"])

    def test_the_path_is_filled(self, function: Any) -> None:
        for request in requests_of(function):
            assert "{" not in request.path
            assert request.path.count("/") == function.endpoint.path.count("/")

    def test_the_cursor_goes_where_gong_reads_it(self, function: Any) -> None:
        facts = facts_of(function)
        in_query, in_body = (
            "cursor" in facts.query,
            "cursor" in resolve(facts.body_schema or {}).get("properties", {}),
        )
        assert function.endpoint.paged == facts.is_paged == (in_query or in_body)
        if function.endpoint.paged:
            request = next(requests_of(function)).with_cursor("next")
            assert ("cursor" in request.query, "cursor" in (request.body or {})) == (in_query, in_body)

    def test_the_reply_holds_the_result(self, function: Any) -> None:
        properties = resolve(facts_of(function).reply_schema)["properties"]
        if function.endpoint.result is None:
            assert not function.__name__.startswith("get_")
        else:
            kind = resolve(properties[function.endpoint.result]).get("type", "object")
            is_list = function.__name__.startswith("list_") or name_of(function) in GETS_OF_SEVERAL
            assert kind == ("array" if is_list else "object")

    def test_what_lists_or_gets_only_reads(self, function: Any) -> None:
        assert function.endpoint.reads == function.__name__.startswith(("list_", "get_"))

    def test_only_filtered_lists_that_gong_answers_with_404_may_be_empty(self, function: Any) -> None:
        facts = facts_of(function)
        filtered = facts.is_paged or name_of(function) in FILTERED_WITHOUT_PAGES
        assert function.endpoint.empty_on_404 == (filtered and 404 in facts.errors)

    def test_the_docs_tell_what_it_raises(self, function: Any) -> None:
        takes_arguments = bool(inspect.signature(function).parameters)
        assert (":raises GongConfigurationError:" in (function.__doc__ or "")) == takes_arguments

    def test_the_docs_link_to_gong(self, function: Any) -> None:
        assert "https://help.gong.io/apidocs/" in (function.__doc__ or "")
