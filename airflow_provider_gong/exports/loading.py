"""What a warehouse loads: the files that manifests name, in an order in which any two versions can be compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.deletions import deletions_of, stream_of
from airflow_provider_gong.exports.reader import open_export
from airflow_provider_gong.exports.window import Window, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.exports.manifest import Manifest

_UNKNOWN = "1970-01-01T00:00:00+00:00"
_EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def exports_to_load(
    export: dict[str, Any] | str, destination_conn_id: str | None = None
) -> list[dict[str, Any]]:
    """Return what to load into a warehouse, the oldest window first: for each window its files and their version.

    Each is a dictionary of `stream`, `window` (its name), `window_from`, `window_to`, `version`, `rows`, `files` (the
    data), `deletions_version` and `deletions` (files of ids to delete). Files are URLs without a connection.
    Versions are texts: of two rows with one key that with the greater version holds, whatever is loaded first.

    :param export: the summary that an export task returned or the URI of a manifest, for one window; or the address
        of a dataset such as `s3://conn@bucket/gong/calls`, for all of its windows
    :param destination_conn_id: Airflow connection of the storage, when the URI does not name one
    :raises GongConfigurationError: when it is none of these, or has no manifest
    """
    if isinstance(export, dict) or export.endswith(".json"):
        found = open_export(export, destination_conn_id)
        return [] if found is None else [_load(found[0], found[1].window)]
    dataset = Dataset(storage.open_destination(export.rstrip("/"), destination_conn_id, "export"))
    windows = set(_windows(dataset))
    if not windows:
        raise GongConfigurationError(
            f"There is no manifest below {export}: give the address of one dataset, the destination= of the exports "
            "and the stream, such as s3://conn@bucket/gong/calls."
        )
    # A window may have deletions and no export of its own: the one of transcripts failed, say.
    if deletions := deletions_of(dataset):
        windows |= set(_windows(deletions))
    return [_load(dataset, window) for window in sorted(windows, key=lambda one: (one.end, one.start))]


def _windows(dataset: Dataset) -> list[Window]:
    newest = dataset.newest()
    # A snapshot is a moment: it overlaps nothing.
    if newest is not None and newest.window.is_snapshot:
        return [manifest.window for manifest in dataset.manifests()]
    return dataset.overlapping(_EVER)


def _load(dataset: Dataset, window: Window) -> dict[str, Any]:
    manifest = dataset.manifest(window)
    beside = deletions_of(dataset)
    deletions = beside.manifest(window) if beside else None
    return {
        "stream": stream_of(dataset),
        "window": window.name,
        "window_from": window.start.isoformat(),
        "window_to": window.end.isoformat(),
        "version": version(manifest) if manifest else None,
        "rows": manifest.rows if manifest else 0,
        "files": list(_files(dataset, manifest)),
        "deletions_version": version(deletions) if deletions else None,
        "deletions": list(_files(beside, deletions)) if beside else [],
    }


def version(manifest: Manifest) -> str:
    """Return a text that is greater than that of all exports whose rows come before: of earlier windows, or before it.

    The windows decide first: an older one that is exported again does not know what later ones have seen.
    """
    written = datetime.fromisoformat(manifest.run.get("written_at", _UNKNOWN)).astimezone(UTC)
    return f"{stamp(manifest.window.end)}_{stamp(manifest.window.start)}_{written:%Y%m%dT%H%M%S.%fZ}"


def _files(dataset: Dataset, manifest: Manifest | None) -> Iterator[str]:
    root = dataset.root
    for part in manifest.parts if manifest else ():
        yield f"{root.protocol}://{root.path.rstrip('/')}/{part.name}"
