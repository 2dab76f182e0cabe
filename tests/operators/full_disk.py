"""Export onto a disk without room, in a process of its own: `python full_disk.py <how> <which> <folder>` prints JSON.

`how` is `tmpfs` (a real file system of a few pages, in a mount namespace that dies with the process) or `limit` (files
may not grow beyond some bytes); `which` is the disk that has no room: that of the `destination`, or the `temporary`
folder of the worker.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

_SMALL, _LARGE = "size=64k", "size=64m"
# More than anything else that a task writes has, less than the rows of the larger export.
_LIMIT = 64 * 1024


def main(how: str, which: str, folder: Path) -> None:
    """Export little, then too much for the disk, then the same with room for it."""
    from tests.operators.earlier import compared, run
    from tests.support.places import LocalPlace

    target, temporary = folder / "target", folder / "temporary"
    target.mkdir()
    temporary.mkdir()
    tight = target if which == "destination" else temporary
    tempfile.tempdir = str(temporary)
    place = LocalPlace(target / "exports")
    if how == "tmpfs":
        _mount(tight, _SMALL)
    connect("BEFORE")
    run("logs", place).succeeded()
    earlier = place.files()
    connect("NOW")
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, resource.RLIM_INFINITY))
    result = run("logs", place)
    left = place.files()
    in_temporary = [path.name for path in temporary.iterdir()]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if how == "tmpfs":
        _mount(tight, f"remount,{_LARGE}")
    again = run("logs", place, try_number=2)
    facts = {
        "state": result.state,
        "kind": type(result.error).__name__,
        "error": str(result.error),
        "is_the_earlier": compared(left) == compared(earlier),
        "unfinished": [name for name in left if name.endswith(".upload")],
        "in_temporary": in_temporary,
        "retry": again.state,
        "rows": (again.xcom or {}).get("rows"),
        "files": {name: str(value) for name, value in compared(place.files()).items() if "/part-" in name},
    }
    sys.stdout.write(json.dumps(facts))


def connect(which: str) -> None:
    """Point the connection at one of the two companies."""
    os.environ["AIRFLOW_CONN_GONG_DEFAULT"] = os.environ[f"GONG_{which}"]


def _mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
