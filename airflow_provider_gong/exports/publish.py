"""Publish a finished export: parts first, the manifest last, then what it replaces goes.

Whoever follows manifests sees the export before or the export after, never anything between, whichever step
is the last that a killed attempt took; the attempt that follows deletes what that one left in the partition.
Two attempts may publish the same window side by side: parts carry the hash of their content, so the same name
is the same content, each attempt deletes only what the manifest in place does not name, and makes sure
afterwards that the parts which the manifest names are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.exports import storage

if TYPE_CHECKING:
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.window import Window
    from airflow_provider_gong.exports.writer import Writer


def publish(dataset: Dataset, run: Run, manifest: Manifest, draft: Writer) -> None:
    """Make an export visible."""
    # Not only the parts of the replaced manifest: a killed attempt may have left others, which no manifest names.
    before = dataset.parts_in(manifest.window)
    _put_in_place(dataset, run, manifest, draft)
    deleted = _delete_unnamed(dataset, manifest.window, before)
    if deleted & dataset.parts_named(manifest.window):
        # An attempt beside this one put its manifest in place between the look at it and the deletion.
        _put_in_place(dataset, run, manifest, draft)
    dataset.clean_up(run)


def _put_in_place(dataset: Dataset, run: Run, manifest: Manifest, draft: Writer) -> None:
    # A part of this name is the same content, unless it was damaged: then this puts it right.
    _upload(dataset, manifest, draft)
    storage.put_file(draft.ids_path, dataset.ids_path(manifest.window), dataset.staging)
    dataset.record_run(run, manifest.window)
    storage.put_bytes(manifest.to_json(), dataset.manifest_path(manifest.window), dataset.staging)
    # An attempt beside this one may have deleted a part between its upload and the manifest that names it.
    _upload(dataset, manifest, draft, only_missing=True)


def _upload(dataset: Dataset, manifest: Manifest, draft: Writer, *, only_missing: bool = False) -> None:
    for part, local in zip(manifest.parts, draft.parts, strict=True):
        target = dataset.root / part.name
        if not only_missing or storage.size_of(target) != part.bytes:
            storage.put_file(local.path, target, dataset.staging)


def _delete_unnamed(dataset: Dataset, window: Window, parts: set[str]) -> set[str]:
    unnamed = parts - dataset.parts_named(window)
    for name in sorted(unnamed):
        storage.remove(dataset.root / name)
    return unnamed
