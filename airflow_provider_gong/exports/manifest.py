"""What a finished export says about itself; the only memory of the exports that follow."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.window import Window

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One data file of an export; `name` is relative to the dataset."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class IdsFile:
    """The file beside the manifest that lists the exported ids, each with a short hash of its basic record."""

    name: str
    count: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One finished export. Fields are only ever added."""

    identity: dict[str, Any]
    window: Window
    parts: tuple[Part, ...]
    ids: IdsFile
    rows: int
    first_start: str | None = None
    last_start: str | None = None
    announced: int | None = None
    received: int = 0
    private_dropped: int = 0
    duplicates_dropped: int = 0
    pending: tuple[str, ...] = ()
    pending_since: dict[str, list[str]] | None = None
    given_up: tuple[str, ...] = ()
    complete: bool = True
    incomplete_because: tuple[str, ...] = ()
    complete_through: str | None = None
    looked_back: dict[str, Any] | None = None
    revisited: bool = False
    requests: int = 0
    seconds: float = 0.0
    run: dict[str, Any] = field(default_factory=dict)
    package_version: str = ""
    format_version: int = FORMAT_VERSION

    @property
    def may_hold_others(self) -> bool:
        """Tell whether the export may hold on purpose what others hold too: what changed, or came late."""
        # Before there was `revisited`, exports of runs that looked back told it by these alone.
        return self.revisited or self.looked_back is not None or self.pending_since is not None

    def to_json(self) -> bytes:
        """Write the manifest as it lies in the dataset."""
        body = asdict(self) | {"window": self.window.write()}
        return json.dumps(body, ensure_ascii=False, indent=2).encode()

    @classmethod
    def from_json(cls, content: bytes, source: str) -> Manifest:
        """Read a manifest; one of a later format is refused, unknown fields of ours are not."""
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not isinstance(body, dict) or "format_version" not in body:
            raise GongConfigurationError(
                f"{source} is not the manifest of an export, or was damaged: delete it and clear the run that wrote it."
            )
        if body["format_version"] > FORMAT_VERSION:
            raise GongConfigurationError(
                f"{source} was written in format {body['format_version']} by airflow-provider-gong "
                f"{body.get('package_version')}; this version reads up to {FORMAT_VERSION}. Upgrade the package."
            )
        known = {name: body[name] for name in cls.__dataclass_fields__ if name in body}
        return cls(**known | _typed(body))


def _typed(body: dict[str, Any]) -> dict[str, Any]:
    """Give the nested fields of a manifest their types back."""
    return {
        "window": Window.read(body["window"]),
        "parts": tuple(Part(**part) for part in body["parts"]),
        "ids": IdsFile(**body["ids"]),
        "pending": tuple(body["pending"]),
        "given_up": tuple(body["given_up"]),
        "incomplete_because": tuple(body["incomplete_because"]),
    }


def check_identity(wanted: dict[str, Any], manifest: Manifest | None, dataset: str) -> None:
    """Refuse to mix exports that differ in host, stream or selection in one dataset."""
    if manifest is None or manifest.identity == wanted:
        return
    before = manifest.identity
    differences = "; ".join(
        f"{name} was {before.get(name)!r} and is {wanted.get(name)!r}"
        for name in sorted(before.keys() | wanted.keys())
        if before.get(name) != wanted.get(name)
    )
    raise GongConfigurationError(
        f"The dataset {dataset} holds another kind of export ({differences}). "
        "Write this one to another destination=, or restore the former setting."
    )
