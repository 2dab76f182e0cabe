"""What an export says about itself, and what it refuses to read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.manifest import FORMAT_VERSION, IdsFile, Manifest, Part, check_identity
from tests.exports.doubles import window

IDENTITY = {"host": "company.api.gong.io", "stream": "calls", "content": {"context": "Extended"}}


def manifest(**facts: Any) -> Manifest:
    defaults: dict[str, Any] = {
        "identity": IDENTITY,
        "window": window(),
        "parts": (Part("date=2026-01-01/part-00000-3f.jsonl.gz", 2, 120, "3f"), Part("b", 1, 60, "b0")),
        "ids": IdsFile("_manifests/2026-01/x.ids.gz", 3, "c0"),
        "rows": 3,
    }
    return Manifest(**(defaults | facts))


def test_manifest_comes_back_as_it_was_written() -> None:
    written = manifest(
        first_start="2026-01-01T08:00:00+00:00",
        last_start="2026-01-01T09:00:00+01:00",
        announced=4,
        received=5,
        private_dropped=1,
        duplicates_dropped=1,
        pending=("7", "8"),
        given_up=("9",),
        complete=False,
        incomplete_because=("2 transcripts are not ready yet",),
        complete_through="2026-01-01T00:00:00+00:00",
        requests=2,
        seconds=0.5,
        run={"run_id": "zoë"},
        package_version="0.1.0",
    )
    assert Manifest.from_json(written.to_json(), "here") == written


def test_manifest_of_an_empty_export_comes_back() -> None:
    written = manifest(parts=(), rows=0)
    assert Manifest.from_json(written.to_json(), "here") == written


def test_manifest_is_json_that_a_loader_can_follow() -> None:
    body = json.loads(manifest().to_json())
    assert body["format_version"] == 1
    assert body["window"] == {"from": "2026-01-01T00:00:00+00:00", "to": "2026-01-02T00:00:00+00:00"}
    assert body["parts"][0] == {
        "name": "date=2026-01-01/part-00000-3f.jsonl.gz",
        "rows": 2,
        "bytes": 120,
        "sha256": "3f",
    }


def test_manifest_of_a_later_format_is_refused() -> None:
    body = json.loads(manifest(package_version="9.0").to_json()) | {"format_version": FORMAT_VERSION + 1}
    message = (
        "s3://bucket/m.json was written in format 2 by airflow-provider-gong 9.0; "
        "this version reads up to 1. Upgrade the package."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        Manifest.from_json(json.dumps(body).encode(), "s3://bucket/m.json")


def test_field_that_a_later_version_added_is_ignored() -> None:
    body = json.loads(manifest().to_json()) | {"weather": "fine"}
    assert Manifest.from_json(json.dumps(body).encode(), "here") == manifest()


def test_field_that_an_earlier_version_did_not_know_has_its_default() -> None:
    body = json.loads(manifest(complete_through="2026-01-01T00:00:00+00:00").to_json())
    del body["complete_through"]
    assert Manifest.from_json(json.dumps(body).encode(), "here").complete_through is None


def test_same_identity_is_accepted_after_a_round_trip() -> None:
    check_identity(IDENTITY, Manifest.from_json(manifest().to_json(), "here"), "/data/calls")


def test_first_export_of_a_dataset_may_be_of_any_kind() -> None:
    check_identity(IDENTITY, None, "/data/calls")


def test_each_difference_of_identity_is_named_with_the_mend() -> None:
    wanted = {
        "host": "other.api.gong.io",
        "stream": "calls",
        "content": {"context": "Extended"},
        "format": "jsonl",
    }
    message = (
        "The dataset /data/calls holds another kind of export (format was None and is 'jsonl'; "
        "host was 'company.api.gong.io' and is 'other.api.gong.io'). "
        "Write this one to another destination=, or restore the former setting."
    )
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        check_identity(wanted, manifest(), "/data/calls")
