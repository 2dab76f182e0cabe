"""The extract itself: whole, and equal to what the script makes of Gong's document where that is at hand."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.contract.facts import FILE, operation, operations, violations

ROOT = Path(__file__).parent.parent.parent
# Gong's document cannot be part of this repository; whoever has it at one of these places has it checked.
PLACES = (os.environ.get("GONG_OPENAPI"), ROOT / "../shared/gong/gong-openapi.json")
DOCUMENTS = [Path(place) for place in PLACES if place and Path(place).is_file()][:1]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extract", ROOT / "scripts" / "extract_gong_facts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if DOCUMENTS:

    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
    def test_the_extract_is_what_the_script_makes_of_gongs_document(document: Path) -> None:
        script = _script()
        facts = script.facts_of(json.loads(document.read_text(encoding="utf-8")))
        assert FILE.read_text(encoding="utf-8") == script.written(facts)


def test_the_script_leaves_prose_and_examples_behind() -> None:
    document = {
        "paths": {
            "/v2/things": {
                "get": {
                    "operationId": "listThings",
                    "summary": "PROSE",
                    "description": "PROSE 'api:things:read' PROSE",
                    "parameters": [
                        {
                            "name": "kind",
                            "in": "query",
                            "description": "PROSE",
                            "required": True,
                            "example": "PROSE",
                            "schema": {"type": "string", "enum": ["A", "B"]},
                        }
                    ],
                    "responses": {
                        "200": {
                            "description": "PROSE",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}},
                        },
                        "404": {"description": "PROSE"},
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "T": {
                    "type": "object",
                    "description": "PROSE",
                    "properties": {"description": {"type": "string", "example": "PROSE"}},
                }
            }
        },
    }
    assert _script().facts_of(document) == {
        "operations": {
            "GET /v2/things": {
                "operationId": "listThings",
                "scopes": ["api:things:read"],
                "parameters": [
                    {
                        "name": "kind",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "string", "enum": ["A", "B"]},
                    }
                ],
                "replies": {"200": {"mediaType": "application/json", "schema": {"schema": "T"}}},
                "errors": ["404"],
            }
        },
        "schemas": {"T": {"type": "object", "properties": {"description": {"type": "string"}}}},
    }


def test_the_extract_knows_all_operations() -> None:
    assert len(operations()) == 67
    assert sum(one.is_paged for one in operations().values()) == 13


def test_an_operation_tells_parameters_body_and_scope() -> None:
    list_logs = operation("GET /v2/logs")
    assert {name for name, one in list_logs.query.items() if one.required} == {"logType", "fromDateTime"}
    assert list_logs.scopes == ("api:logs:read",)
    assert operation("POST /v2/calls/transcript").body_media_type == "application/json"
    assert operation("PUT /v2/calls/{id}/media").success == 201
    assert set(operation("GET /v2/users/{id}").path) == {"id"}


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ({"filter": {"callIds": ["1"]}}, None),
        ({}, ".filter is required"),
        ({"filter": None}, ".filter is required"),
        ({"filter": {"callIds": "1"}}, ".filter.callIds is str, not array"),
        ({"filter": {"callIds": [1]}}, ".filter.callIds[0] is int, not string"),
        ({"filter": {"call_ids": ["1"]}}, ".filter.call_ids is unknown to Gong"),
        ({"filter": {}, "contentSelector": {"context": "All"}}, ".contentSelector.context is 'All', not one"),
        (
            {"filter": {}, "contentSelector": {"exposedFields": {"parties": 1}}},
            ".contentSelector.exposedFields.parties is int, not boolean",
        ),
    ],
)
def test_a_body_that_gong_would_not_know_is_found(body: dict[str, Any], violation: str | None) -> None:
    schema = operation("POST /v2/calls/extensive").body_schema
    assert schema is not None
    found = [text for text in violations(schema, body) if violation is None or text.startswith(violation)]
    assert bool(found) == (violation is not None)


def test_null_is_accepted_only_where_asked() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    assert list(violations(schema, {"title": None}, nullable=True)) == []
    assert list(violations(schema, {"title": None})) == [".title is NoneType, not string"]
