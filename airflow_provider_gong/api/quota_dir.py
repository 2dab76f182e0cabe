"""Where the files of the quota lie."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from airflow_provider_gong.exceptions import GongConfigurationError


def quota_dir(directory: str | Path | None) -> Path:
    """Return the directory of the quota, made if it is missing.

    :param directory: an absolute path, which may begin with ``~``; default: a directory of this user below
        the system's one for temporary files.
    """
    if not directory:
        return _own_directory()
    folder = Path(os.path.expanduser(directory))  # noqa: PTH111 - Path raises when there is no such user
    if not folder.is_absolute():
        # Each process would count beside the others, in its own working directory.
        raise _unusable(folder, "not an absolute path")
    return _usable(folder)


def _own_directory() -> Path:
    folder = Path(tempfile.gettempdir()) / f"airflow-provider-gong-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    # The place is open to everybody: somebody else may have been there first.
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise GongConfigurationError(
            f"{folder} does not belong to this user: remove it, or name a directory in Airflow's "
            f"option [gong] quota_dir."
        )
    folder.chmod(0o700)
    return _usable(folder)


def _usable(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "not writable")
    return folder


def _unusable(folder: Path, problem: str) -> GongConfigurationError:
    return GongConfigurationError(
        f"The quota directory {folder} cannot be used ({problem}): name an absolute path that this user may "
        f"write to in Airflow's option [gong] quota_dir."
    )
