"""What an export has left behind, read without the package under test."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """One dataset in a local folder."""

    root: Path

    def manifest_files(self) -> list[str]:
        """Return the names of the manifests, in the order of their windows' ends."""
        return sorted(path.name for path in self.root.glob("_manifests/*/*.json"))

    def manifests(self) -> list[dict[str, Any]]:
        """Return the manifests, in the order of their windows' ends."""
        paths = sorted(self.root.glob("_manifests/*/*.json"), key=lambda path: path.name)
        return [json.loads(path.read_text()) for path in paths]

    def windows(self) -> list[tuple[datetime, datetime]]:
        """Return the exported windows, in the order of their ends."""
        return [window_of(manifest) for manifest in self.manifests()]

    def call_ids(self) -> list[str]:
        """Return the id of each row that a manifest names, sorted."""
        parts = [self.root / part["name"] for manifest in self.manifests() for part in manifest["parts"]]
        return sorted(json.loads(line)["metaData"]["id"] for part in parts for line in gzip.open(part, "rt"))

    def part_files(self) -> set[Path]:
        """Return all data files, named by a manifest or not."""
        return set(self.root.glob("date=*/*/part-*"))


def window_of(manifest: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(manifest["window"][bound]) for bound in ("from", "to"))
    return start, end
