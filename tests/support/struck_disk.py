"""A local disk that fails at an access of your choice, whoever asks for it and through whatever library."""

from __future__ import annotations

import errno
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# What Python tells its audit hooks of; each names its paths first.
_ACCESSES = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.scandir", "os.listdir", "shutil.rmtree"}
)


class StruckDisk:
    """Count the accesses to a folder, and let those fail that are chosen by their number from 0."""

    def __init__(self, folder: Path, which: Callable[[int], bool]) -> None:
        self.seen: list[str] = []
        self.struck = 0
        self._folder = str(folder)
        self._which = which
        self._lock = threading.Lock()

    def meet(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an access, which may be one to another folder."""
        paths = [one for one in arguments if isinstance(one, (str, os.PathLike))]
        if not any(os.fspath(path).startswith(self._folder) for path in paths):
            return
        with self._lock:
            number = len(self.seen)
            self.seen.append(f"{event} {os.fspath(paths[0]).removeprefix(self._folder)}")
            if self._which(number):
                self.struck += 1
                raise OSError(errno.EIO, os.strerror(errno.EIO), os.fspath(paths[0]))


_disk: StruckDisk | None = None
_is_hooked = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _disk is not None and event in _ACCESSES:
        _disk.meet(event, arguments)


@contextmanager
def struck_disk(folder: Path, which: Callable[[int], bool] = lambda number: False) -> Iterator[StruckDisk]:
    """Let accesses to a folder fail; nothing else of the machine is touched."""
    global _disk, _is_hooked
    if not _is_hooked:
        # Python has no way to take a hook away again.
        sys.addaudithook(_audit)
        _is_hooked = True
    _disk = disk = StruckDisk(folder, which)
    try:
        yield disk
    finally:
        _disk = None
