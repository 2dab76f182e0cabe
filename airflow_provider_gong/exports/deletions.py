"""Which dataset tells the deletions of which, by where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_gong.exports.dataset import Dataset

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

# A call that is gone takes its transcript along.
_DELETIONS = {
    "calls": "deletions",
    "transcripts": "deletions",
    "conversations": "conversation_deletions",
}
_OWNERS = {"deletions": "calls", "conversation_deletions": "conversations"}


def stream_of(dataset: Dataset) -> str:
    """Return the stream of a dataset, from its place below the destination."""
    return _place(dataset)[0].name


def deletions_of(dataset: Dataset) -> Dataset | None:
    """Return the dataset of deletions that belongs to one, if its stream has any."""
    return _beside(dataset, _DELETIONS)


def owner_of(dataset: Dataset) -> Dataset | None:
    """Return the dataset whose deletions are told by one, None for a dataset of something else."""
    return _beside(dataset, _OWNERS)


def _beside(dataset: Dataset, names: dict[str, str]) -> Dataset | None:
    folder, partition = _place(dataset)
    if (name := names.get(folder.name)) is None:
        return None
    return Dataset(folder.parent / name / partition if partition else folder.parent / name)


def _place(dataset: Dataset) -> tuple[ObjectStoragePath, str]:
    """Return the folder of a stream, and the partition of the dataset below it."""
    root = dataset.root
    return (root.parent, root.name) if "=" in root.name else (root, "")
