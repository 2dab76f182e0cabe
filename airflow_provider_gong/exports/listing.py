"""What one look at a folder of manifests shows: the exported windows, by the names of the files."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_gong.exports import storage
from airflow_provider_gong.exports.window import Window, unstamp

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_MANIFEST_NAME = re.compile(r"\d{8}T\d{6}Z_\d{8}T\d{6}Z\.json")


class Listing:
    """The manifests of a dataset; each month is listed when it is first asked for, and then kept."""

    def __init__(self, folder: ObjectStoragePath) -> None:
        self._folder = folder
        self._windows: dict[str, list[Window]] = {}

    @cached_property
    def months(self) -> list[str]:
        """Return the months in which windows end, the oldest first."""
        return storage.names_in(self._folder)

    def windows(self, month: str) -> list[Window]:
        """Return the windows that end in a month, in the order of their ends."""
        if month not in self._windows:
            names = storage.names_in(self._folder / month)
            self._windows[month] = [_window_of(name) for name in names if _MANIFEST_NAME.fullmatch(name)]
        return self._windows[month]


def _window_of(name: str) -> Window:
    end, start = name.removesuffix(".json").split("_")
    return Window(unstamp(start), unstamp(end))
