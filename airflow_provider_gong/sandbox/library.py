"""The public library: folders of calls that are worth hearing, a small tree for each workspace.

https://help.gong.io/apidocs/retrieve-library-folders-v2libraryfolders
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.world import Call, CallFilter, User, World
from airflow_provider_gong.sandbox.world.draw import draw, identifier

ROOT = "Public library"
# Name, parent, and how many calls; the last folder stays empty.
TREE = (
    (ROOT, None, 0),
    ("Discovery done well", ROOT, 4),
    ("Good questions", "Discovery done well", 3),
    ("Talking about prices", ROOT, 5),
    ("To be sorted", ROOT, 0),
)
# Calls of the first days of the company's records are those that were found worth keeping.
DAYS = 3
NOTES = ("Listen to how the question is asked.", "A good example of a summary.")


@dataclass(frozen=True)
class Item:
    """One call in a folder."""

    call_id: str
    added_by: User
    created: datetime
    note: str | None
    snippet: tuple[int, int] | None
    """Where the part that matters begins and ends, in seconds."""


@dataclass(frozen=True)
class Folder:
    """One folder; its items in the order in which they were added."""

    id: str
    name: str
    workspace_id: str
    parent_id: str | None
    created_by: User | None
    created: datetime
    items: tuple[Item, ...]


class Library:
    """Hold the folders, parents before children; an item is there from the moment when it was added."""

    def __init__(self, clock: Clock, world: World, seed: int) -> None:
        self._clock = clock
        self._world = world
        self.folders = tuple(_draw_folders(world, seed))

    def folder(self, folder_id: str) -> Folder | None:
        """Return one folder, if there is such a one."""
        return next((folder for folder in self.folders if folder.id == folder_id), None)

    def content(self, folder: Folder) -> list[tuple[Item, Call]]:
        """Return what a folder holds by now, as far as the calls can be seen."""
        shown = self._world.find(
            CallFilter(call_ids=frozenset(item.call_id for item in folder.items)), include_private=False
        )
        calls = {call.id: call for call in shown}
        return [(item, calls[item.call_id]) for item in self._items(folder) if item.call_id in calls]

    def updated(self, folder: Folder) -> datetime:
        """Return when something was last added to a folder."""
        return max([folder.created, *(item.created for item in self._items(folder))])

    def _items(self, folder: Folder) -> Iterator[Item]:
        now = self._clock.now()
        return (item for item in folder.items if item.created <= now)


def _draw_folders(world: World, seed: int) -> Iterator[Folder]:
    opened = datetime.combine(world.first_day, time(), UTC)
    early = [call for call in world.calls() if call.started < opened + timedelta(days=DAYS)]
    for workspace in world.workspaces:
        dice = draw(seed, "library", workspace["id"])
        calls = [call for call in early if call.workspace_id == workspace["id"] and not call.private]
        ids = {name: identifier(dice) for name, _, _ in TREE}
        for name, parent, size in TREE:
            chosen = dice.sample(calls, min(size, len(calls)))
            items = sorted((_draw_item(dice, call, world) for call in chosen), key=lambda item: item.created)
            yield Folder(
                id=ids[name],
                name=name,
                workspace_id=workspace["id"],
                parent_id=ids[parent] if parent else None,
                created_by=dice.choice(world.find_users()) if parent else None,
                created=opened - timedelta(days=1),
                items=tuple(items),
            )


def _draw_item(dice: Random, call: Call, world: World) -> Item:
    start = dice.randrange(max(call.duration - 60, 1))
    return Item(
        call_id=call.id,
        added_by=dice.choice(world.find_users()),
        created=call.visible_at + timedelta(minutes=dice.randrange(10, 600)),
        note=dice.choice((*NOTES, None)),
        snippet=(start, min(start + 60, call.duration)) if dice.random() < 0.5 else None,
    )
