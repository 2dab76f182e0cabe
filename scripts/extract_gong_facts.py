"""Extract the facts of Gong's OpenAPI document: `python scripts/extract_gong_facts.py gong-openapi.json`.

Gong's prose and examples stay behind; names, types, enumerations and nesting are written to
`tests/contract/gong_facts.json`, against which the tests check the sandbox and the client.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "tests" / "contract" / "gong_facts.json"
SCOPE = re.compile(r"'(api:[a-z:-]+)'")
KEPT = (
    *("type", "format", "enum", "required", "uniqueItems"),
    *("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"),
)


def facts_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a document: its operations, and the schemas that they name."""
    operations = {
        f"{method.upper()} {path}": _operation(operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    schemas = document["components"]["schemas"]
    return {"operations": operations, "schemas": {name: _schema(schemas[name]) for name in schemas}}


def written(facts: dict[str, Any]) -> str:
    """Return facts as they stand in the file."""
    return json.dumps(facts, indent=1, sort_keys=True) + "\n"


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    responses = operation["responses"]
    facts: dict[str, Any] = {
        "operationId": operation["operationId"],
        "scopes": sorted(set(SCOPE.findall(operation["description"]))),
        "parameters": [_parameter(one) for one in operation.get("parameters", [])],
        "replies": {
            status: _content(response) for status, response in responses.items() if status.startswith("2")
        },
        "errors": sorted(status for status in responses if not status.startswith("2")),
    }
    if "requestBody" in operation:
        body = operation["requestBody"]
        facts["body"] = {"required": body.get("required", False), **_content(body)}
    return facts


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "required": parameter.get("required", False),
        "schema": _schema(parameter["schema"]),
    }


def _content(part: dict[str, Any]) -> dict[str, Any]:
    (media_type, content) = next(iter(part["content"].items()))
    return {"mediaType": media_type, "schema": _schema(content["schema"])}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"schema": schema["$ref"].rpartition("/")[2]}
    facts: dict[str, Any] = {name: schema[name] for name in KEPT if name in schema}
    if "properties" in schema:
        facts["properties"] = {name: _schema(one) for name, one in schema["properties"].items()}
    if "items" in schema:
        facts["items"] = _schema(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        facts["additionalProperties"] = _schema(schema["additionalProperties"])
    return facts


def main() -> None:
    """Write the facts of a document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("document", type=Path, help="Gong's OpenAPI document, as JSON")
    document = json.loads(parser.parse_args().document.read_text(encoding="utf-8"))
    facts = facts_of(document)
    TARGET.write_text(written(facts), encoding="utf-8")
    print(f"{TARGET}: {len(facts['operations'])} operations, {len(facts['schemas'])} schemas")


if __name__ == "__main__":
    main()
