"""Exports made over an earlier one of other rows: what lay there before, what has to lie there afterwards.

Two small companies stand for Gong before and after: the earlier export read the one, the export under test reads
the other. Everything is looked at as a follower of manifests and a loader see it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from tests.operators.exporting import Kind, attempt, interval_run
from tests.support.places import LocalPlace

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect
    from tests.support.places import Files, Place
    from tests.support.task_runner import TaskResult

_CALLS_MANIFEST = "calls/_manifests/2026-01/20260110T000000Z_20260109T000000Z.json"
# What two exports of the same rows may differ in.
_OF_THE_ATTEMPT = ("requests", "seconds", "run")


@dataclass(frozen=True)
class Subject:
    """An export, and the folder of its dataset."""

    kind: Kind
    folder: str
    arguments: dict[str, Any] = field(default_factory=dict)
    of_calls: bool = False


SUBJECTS = {
    # It looks back as well, and writes deletions.
    "calls": Subject(GongExportCallsOperator, "calls", {"content": "basic"}),
    "transcripts_of_calls": Subject(GongExportTranscriptsOperator, "transcripts", of_calls=True),
    "transcripts_listing": Subject(GongExportTranscriptsOperator, "transcripts", {"lookback": "PT0S"}),
    "conversations": Subject(
        GongExportConversationsOperator, "conversations", {"content": "basic", "lookback": "PT0S"}
    ),
    "users": Subject(GongExportUsersOperator, "users", {"overwrite": True}),
    "logs": Subject(
        GongExportLogsOperator, "logs/log_type=AccessLog", {"log_type": "AccessLog", "settle": "PT0S"}
    ),
}


@dataclass(frozen=True)
class Story:
    """What lies at a destination: nothing of the dataset, the earlier export, and the export of now over either."""

    nothing: Files
    earlier: Files
    first: Any
    again: Any

    def before(self, beneath: str) -> Files:
        """Return what lies there before the export of now."""
        return self.earlier if beneath == "earlier" else self.nothing

    def after(self, beneath: str) -> Any:
        """Return what lies there after an undisturbed export of now, as `compared` returns it."""
        return self.again if beneath == "earlier" else self.first


class Stories:
    """Tell the story of each export once, without faults."""

    def __init__(self, folder: Path, before: GongSandbox, now: GongSandbox) -> None:
        self._folder, self.before, self.now = folder, before, now
        self._known: dict[tuple[str, str], Story] = {}

    def of(self, name: str, connect: Connect, **changed: Any) -> Story:
        """Return the story of an export; the connection then leads to the Gong of now."""
        key = (name, json.dumps(changed, sort_keys=True))
        if key not in self._known:
            self._known[key] = self._tell(name, connect, changed)
        connect(self.now)
        self.now.requests.clear()
        return self._known[key]

    def _tell(self, name: str, connect: Connect, changed: dict[str, Any]) -> Story:
        place = LocalPlace(self._folder / f"{len(self._known)}")
        told: list[Files] = []
        for company in (self.before, self.now):
            connect(company)
            if SUBJECTS[name].of_calls:
                run("calls", place).succeeded()  # whatever the format of the export under test is
            if not told:
                run(name, place, **changed).succeeded()
            told.append(place.files())
        earlier = told[1]
        run(name, place, **changed).succeeded()
        again = compared(place.files())
        dataset = SUBJECTS[name].folder + "/"
        nothing = {one: content for one, content in earlier.items() if not one.startswith(dataset)}
        place.fill(nothing)
        run(name, place, **changed).succeeded()
        return Story(nothing, earlier, compared(place.files()), again)


def run(name: str, place: Place, try_number: int = 1, **changed: Any) -> TaskResult:
    """Make an attempt of the same run, whatever became of those before."""
    subject = SUBJECTS[name]
    arguments = subject.arguments | changed
    if subject.of_calls:
        arguments["calls"] = f"{place.uri}/{_CALLS_MANIFEST}"
    return attempt(
        subject.kind, destination=place.uri, run=interval_run(9), try_number=try_number, **arguments
    )


def compared(files: Files) -> dict[str, Any]:
    """Return the files of which two exports of the same rows are the same; staging is nobody's business."""
    return {name: _compared(name, content) for name, content in files.items() if "_staging/" not in name}


def _compared(name: str, content: bytes) -> Any:
    if not _is_manifest(name):
        return hashlib.sha256(content).hexdigest()
    return {key: value for key, value in json.loads(content).items() if key not in _OF_THE_ATTEMPT}


def _is_manifest(name: str) -> bool:
    return "/_manifests/" in name and name.endswith(".json")


def assert_followers_see_a_whole_export(files: Files, name: str, story: Story, beneath: str) -> None:
    """Assert that all manifests tell the truth, and that of the export is the one before or the one of now."""
    seen, before, after = compared(files), compared(story.before(beneath)), story.after(beneath)
    for manifest in filter(_is_manifest, files):
        _assert_true(files, manifest, before, after)
        assert seen[manifest] in (before.get(manifest), after.get(manifest)), manifest
    gone = {one for one in before if _is_manifest(one)} - seen.keys()
    assert gone == set(), "a manifest is gone"
    # A loader that lists the files sees no half of one: all have the names of the hashes that they have.
    for part in (one for one in files if "/part-" in one and "_staging/" not in one):
        assert seen[part].startswith(part.split("-")[-1].split(".")[0]), part


def _assert_true(files: Files, manifest: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    body, root = json.loads(files[manifest]), manifest.partition("_manifests/")[0]
    for part in body["parts"]:
        content = files[root + part["name"]]
        assert hashlib.sha256(content).hexdigest() == part["sha256"]
        assert len(content) == part["bytes"]
        if part["name"].endswith(".gz"):
            assert len(gzip.decompress(content).splitlines()) == part["rows"]
    # The ids are put in place right before the manifest: in between they are those of the export to come, and whoever
    # needs them sees by their hash that they are.
    ids = root + body["ids"]["name"]
    mine = hashlib.sha256(files[ids]).hexdigest()
    assert mine in {body["ids"]["sha256"], after.get(ids)}, ids


def has_staging(files: Files) -> bool:
    """Tell whether a run left anything of its staging."""
    return any("_staging/" in name for name in files)
