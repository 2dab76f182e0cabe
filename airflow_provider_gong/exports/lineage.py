"""What an export read and wrote, in the words of OpenLineage.

Only the provider of OpenLineage asks for it, so that what it brings is imported where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exports.content import content_selector, selected_blocks
from airflow_provider_gong.exports.conversations import Conversations, with_parties
from airflow_provider_gong.exports.schema import CURRENT, EXTRA, columns_of
from airflow_provider_gong.exports.streams import Calls

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.manifest import Manifest
    from airflow_provider_gong.exports.schema import Kind

# The types of JSON's values; a moment is a text.
JSON_TYPES = {"timestamp": "string", "int64": "number", "double": "number"}
STORAGES = {"s3a": "s3", "gcs": "gs"}


@dataclass(frozen=True, kw_only=True)
class Trail:
    """What is known of an export while it is under way.

    :param stream: what is exported.
    :param host: Gong's host; None when nothing was asked for.
    :param dataset: where it is written; None when the records go to XCom.
    :param file_format: the format of its parts.
    :param manifest: what was written; None when that was nothing.
    :param reads: the dataset that says what to export, if one does.
    """

    stream: Stream
    host: str | None = None
    dataset: Dataset | None = None
    file_format: str = ""
    manifest: Manifest | None = None
    reads: Dataset | None = None


def lineage_of_export(trail: Trail | None) -> Any:
    """Return the lineage of an export; of one that did not come far, as much as there is."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    if trail is None:
        return OperatorLineage()
    inputs = [_dataset("gong://" + trail.host, name) for name in _sources(trail.stream)] if trail.host else []
    inputs += [_stored(trail.reads)] if trail.reads else []
    outputs = [_written(trail, trail.dataset)] if trail.dataset else []
    return OperatorLineage(inputs=inputs, outputs=outputs)


def lineage_of_check(dataset: Dataset | None, rows: int) -> Any:
    """Return the lineage of a check: what it read."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.generated.base import InputDataset
    from openlineage.client.generated.input_statistics_input_dataset import InputStatisticsInputDatasetFacet

    if dataset is None:
        return OperatorLineage()
    namespace, name = place_of(dataset.root)
    statistics: dict[str, Any] = {"inputStatistics": InputStatisticsInputDatasetFacet(rowCount=rows)}
    return OperatorLineage(inputs=[InputDataset(namespace, name, inputFacets=statistics)])


def place_of(root: ObjectStoragePath) -> tuple[str, str]:
    """Return namespace and name of a folder, as OpenLineage names what lies in its storage."""
    scheme, bucket = STORAGES.get(root.protocol, root.protocol), root.bucket
    if not bucket:
        return scheme, root.path
    name = root.path.removeprefix(f"{bucket}/").lstrip("/")
    if scheme in ("abfs", "abfss", "adl"):
        account = getattr(root.fs, "account_name", None)
        return f"abfss://{bucket}" + (f"@{account}.dfs.core.windows.net" if account else ""), name
    return f"{scheme}://{bucket}", name


def _sources(stream: Stream) -> list[str]:
    if isinstance(stream, Conversations):
        folder = stream.calls.folder
        return [folder, "transcripts" + folder.removeprefix(Calls.name)]
    return [stream.folder]


def _dataset(namespace: str, name: str, facets: dict[str, Any] | None = None) -> Any:
    from airflow.providers.common.compat.openlineage.facet import Dataset

    return Dataset(namespace=namespace, name=name, facets=facets or {})


def _stored(dataset: Dataset) -> Any:
    return _dataset(*place_of(dataset.root))


def _written(trail: Trail, dataset: Dataset) -> Any:
    from airflow.providers.common.compat.openlineage.facet import (
        DocumentationDatasetFacet,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
        SchemaDatasetFacet,
    )

    namespace, name = place_of(dataset.root)
    facets: dict[str, Any] = {
        "documentation": DocumentationDatasetFacet(
            f"Gong's {trail.stream.name}, exported by airflow-provider-gong as {trail.file_format}."
        ),
        "schema": SchemaDatasetFacet(fields=_fields(_columns(trail))),
    }
    parts = trail.manifest.parts if trail.manifest else ()
    statistics = OutputStatisticsOutputDatasetFacet(
        rowCount=sum(part.rows for part in parts),
        size=sum(part.bytes for part in parts),
        fileCount=len(parts),
    )
    about: dict[str, Any] = {"outputStatistics": statistics}
    if trail.manifest:
        about["subset"] = _subset(dataset, trail.manifest)
    return OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets=about)


def _subset(dataset: Dataset, manifest: Manifest) -> Any:
    """Return which partition of the dataset was written."""
    from openlineage.client.generated.base_subset_dataset import (
        OutputSubsetOutputDatasetFacet,
        Partition,
        PartitionSubsetCondition,
    )

    partition = dataset.partition(manifest.window)
    dimensions = dict(part.split("=", 1) for part in partition.split("/"))
    return OutputSubsetOutputDatasetFacet(
        PartitionSubsetCondition([Partition(dimensions, identifier=partition)])
    )


def _columns(trail: Trail) -> dict[str, Kind]:
    columns = columns_of(CURRENT[trail.stream.name])
    if trail.file_format == "parquet":
        return columns
    # Lines of JSON have what was asked for, and no column for what else came: it stands in its place.
    blocks = _blocks(trail.stream)
    columns = {name: kind for name, kind in columns.items() if name != EXTRA}
    if blocks is None:
        return {name: _in_json(kind) for name, kind in columns.items()}
    own = set() if isinstance(trail.stream, Calls) else {"transcript", "text"}
    return {name: _in_json(kind) for name, kind in columns.items() if name in own.union(blocks)}


def _blocks(stream: Stream) -> tuple[str, ...] | None:
    if isinstance(stream, Conversations):
        return selected_blocks(with_parties(content_selector(stream.calls.content)))
    return selected_blocks(content_selector(stream.content)) if isinstance(stream, Calls) else None


def _in_json(kind: Kind) -> Kind:
    if isinstance(kind, dict):
        return {name: _in_json(one) for name, one in kind.items()}
    return [_in_json(kind[0])] if isinstance(kind, list) else JSON_TYPES.get(kind, kind)


def _fields(columns: dict[str, Kind]) -> list[Any]:
    return [_field(name, kind, number) for number, (name, kind) in enumerate(columns.items(), 1)]


def _field(name: str, kind: Kind, number: int | None = None) -> Any:
    from airflow.providers.common.compat.openlineage.facet import SchemaDatasetFacetFields as Field

    if isinstance(kind, dict):
        return Field(name, "struct", ordinal_position=number, fields=_fields(kind))
    if isinstance(kind, list):
        return Field(name, "array", ordinal_position=number, fields=[_field("_element", kind[0])])
    return Field(name, kind, ordinal_position=number)
