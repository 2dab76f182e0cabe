"""What a version of the package reads in datasets that it, or an older one, wrote."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports import exports_to_load
from airflow_provider_gong.exports.check.check import Expectations, check
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.reader import rows_of
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.exports.window import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.exports.manifest import Manifest


def datasets(folder: Path) -> list[str]:
    """Return the datasets below a destination."""
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("_manifests"))


def facts_of(folder: Path, name: str) -> dict[str, Any]:
    """Return what is read of a dataset, in words that JSON has."""
    dataset = Dataset(open_destination(f"file://{folder}/{name}"))
    manifests = list(dataset.manifests())
    newest = manifests[0]
    return {
        "identity": newest.identity,
        "exports": {manifest.window.name: _facts(dataset, manifest) for manifest in manifests},
        "newest_end": stamp(newest.window.end),
        "complete_through": newest.complete_through,
        "check": dict(_check(dataset)),
        "load": [
            {key: value for key, value in load.items() if key not in ("files", "deletions")}
            | {"files": len(load["files"]), "deletions": len(load["deletions"])}
            for load in exports_to_load(f"file://{folder}/{name}")
        ],
    }


def _facts(dataset: Dataset, manifest: Manifest) -> dict[str, Any]:
    return {
        "ids": list(dataset.ids(manifest)),
        "rows": [_digest(row) for row in rows_of(dataset, manifest)],
        "pending": manifest.pending,
        "pending_since": manifest.pending_since,
        "given_up": manifest.given_up,
        "complete": manifest.complete,
        "looked_back": manifest.looked_back,
        "revisited": manifest.revisited,
        "run": manifest.run["run_id"],
    }


def _digest(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:12]


def _check(dataset: Dataset) -> Iterator[tuple[str, Any]]:
    found = check(dataset, Expectations(max_pending_share=0, verify_content=True)).to_xcom()
    for key in (
        "ok",
        "windows",
        "rows",
        "covered_from",
        "covered_to",
        "gaps",
        "pending",
        "given_up",
        "doubled",
    ):
        yield key, found[key]
