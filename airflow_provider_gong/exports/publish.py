"""Publish a finished export: parts first, the manifest last, then what it replaces goes.

Whoever follows manifests sees the export before or the export after, never anything between, whichever step
is the last that a killed attempt took. Two attempts of one run may publish side by side: parts carry the hash
of their content, so the same name is the same content, and each attempt makes sure that the parts it
named are there and deletes only what the manifest in place does not name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.exports import storage

if TYPE_CHECKING:
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.writer import Writer


def publish(dataset: Dataset, run: Run, manifest: Manifest, draft: Writer) -> None:
    """Make an export visible."""
    replaced = dataset.manifest(manifest.window)
    _upload_missing(dataset, manifest, draft)
    storage.put_file(draft.ids_path, dataset.ids_path(manifest.window), dataset.staging)
    dataset.record_run(run, manifest.window)
    storage.put_bytes(manifest.to_json(), dataset.manifest_path(manifest.window), dataset.staging)
    # An attempt beside this one may have deleted a part between its upload and the manifest that names it.
    _upload_missing(dataset, manifest, draft)
    if replaced is not None:
        _delete_replaced(dataset, replaced)
    dataset.clean_up(run)


def _upload_missing(dataset: Dataset, manifest: Manifest, draft: Writer) -> None:
    for part, local in zip(manifest.parts, draft.parts, strict=True):
        target = dataset.root / part.name
        if storage.size_of(target) != part.bytes:
            storage.put_file(local.path, target, dataset.staging)


def _delete_replaced(dataset: Dataset, replaced: Manifest) -> None:
    for part in replaced.parts:
        current = dataset.manifest(replaced.window)
        if current is not None and part.name not in {named.name for named in current.parts}:
            storage.remove(dataset.root / part.name)
