"""Read exports back: the rows of a summary, in the next task or in a notebook."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset, IdsOutOfStep
from airflow_provider_gong.exports.formats import reading
from airflow_provider_gong.exports.manifest import Manifest
from airflow_provider_gong.exports.writer import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.manifest import Part


def read_export(
    export: dict[str, Any] | str, destination_conn_id: str | None = None
) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of an export, in the order in which they were written.

    :param export: the summary that an export task returned, or the URI of a manifest
    :param destination_conn_id: Airflow connection of the storage, when the URI does not name one
    :raises GongConfigurationError: when it is neither, or files of the export are missing or were changed
    """
    found = open_export(export, destination_conn_id)
    if found is None:
        return
    dataset, manifest = found
    yield from rows_of(dataset, manifest)


def open_export(export: dict[str, Any] | str, conn_id: str | None = None) -> tuple[Dataset, Manifest] | None:
    """Return the dataset and the manifest of a summary or URI; None for a summary of an export with nothing to do."""
    uri = export.get("uri", "") if isinstance(export, dict) else export
    if uri is None and export is not None:
        return None
    if not isinstance(uri, str) or not uri.endswith(".json"):
        raise GongConfigurationError(
            f"{_shown(export)} is neither the summary of an export task nor the URI of a manifest: pass the "
            "task's output, or the `uri` in it (…/_manifests/<month>/<to>_<from>.json)."
        )
    # A connection that the URI names is that of the export; the given one is for those that name none.
    path = storage.open_destination(uri, None if "@" in uri.split("/_manifests/")[0] else conn_id)
    content = storage.read_bytes(path)
    if content is None:
        raise GongConfigurationError(
            f"There is no manifest at {path}: was the export deleted, or its URI mistyped?"
        )
    return Dataset(path.parent.parent.parent), Manifest.from_json(content, str(path))


def _shown(export: object) -> str:
    """Show text that may be a URI; anything else may be a record, which is nobody's business in a log."""
    is_text = isinstance(export, str) and not export.lstrip().startswith(("{", "["))
    return repr(str(export)[:200]) if is_text else f"The given {type(export).__name__}"


def exported_ids(dataset: Dataset, manifest: Manifest, stream: Stream) -> Iterable[str]:
    """Return the merge keys of an export's rows."""
    try:
        return (row_id for row_id, _ in dataset.ids(manifest))
    except IdsOutOfStep:
        return (stream.row_id(row) for row in rows_of(dataset, manifest))


def rows_of(dataset: Dataset, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of an export, in the order in which they were written."""
    with tempfile.TemporaryDirectory(prefix="gong-read-") as folder:
        for part in manifest.parts:
            local = _download(dataset, part, Path(folder))
            yield from reading(local).records(local)
            # One part at a time: a worker's disk may be smaller than the export.
            local.unlink()


def _download(dataset: Dataset, part: Part, folder: Path) -> Path:
    source, local = dataset.root / part.name, folder / Path(part.name).name
    if not storage.fetch(source, local):
        raise GongConfigurationError(f"{source} is missing: clear the run that exported it.")
    if sha256_of(local) != part.sha256:
        raise GongConfigurationError(
            f"{source} was changed after the export: clear the run that exported it."
        )
    return local
