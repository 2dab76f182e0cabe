"""What an export task returns: the keys that the next task, an asset event and a warehouse loader rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest


def summary_of(dataset: Dataset, manifest: Manifest) -> dict[str, Any]:
    """Summarise a finished export; `files` are relative to `prefix`, which is relative to `bucket`."""
    return {
        "uri": str(dataset.manifest_path(manifest.window)),
        **_place(dataset),
        "files": [part.name for part in manifest.parts],
        "rows": manifest.rows,
        "window_from": manifest.window.start.isoformat(),
        "window_to": manifest.window.end.isoformat(),
        "complete": manifest.complete,
        "complete_through": manifest.complete_through,
        "pending": len(manifest.pending),
        "requests": manifest.requests,
    }


def empty_summary(dataset: Dataset) -> dict[str, Any]:
    """Summarise a run that had nothing left to export: no manifest, no files."""
    return {
        "uri": None,
        **_place(dataset),
        "files": [],
        "rows": 0,
        "window_from": None,
        "window_to": None,
        "complete": True,
        "complete_through": None,
        "pending": 0,
        "requests": 0,
    }


def _place(dataset: Dataset) -> dict[str, str]:
    root = dataset.root
    # Local paths have no bucket, and `key` is not to be trusted with all characters.
    return {
        "bucket": root.bucket,
        "prefix": root.path.removeprefix(f"{root.bucket}/") if root.bucket else root.path,
    }
