"""Safe steps on object storage: open a destination, list it fresh, put a whole object or nothing.

A storage that fails is never an empty one: only what it says is absent counts as absent.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import tempfile
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

_EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "amazon"),
    **dict.fromkeys(("gs", "gcs"), "google"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "azure"),
}
# An upload to these appears whole or not at all; elsewhere a file is written aside and moved.
_ATOMIC_UPLOAD = frozenset(_EXTRAS)
# A full disk, a spent quota of it, and a limit on the size of files.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SAID = 300


def open_destination(
    destination: str, conn_id: str | None = None, argument: str = "destination"
) -> ObjectStoragePath:
    """Turn `destination=` and `destination_conn_id=` into a path, or say what is missing.

    :param destination: `file:///data/gong`, `s3://conn@bucket/gong`, `gs://...`, `abfs://...` or an absolute path
    :param conn_id: Airflow connection of the storage; may also stand in the URL
    :param argument: the name of the argument, for the error
    """
    from airflow.sdk import ObjectStoragePath

    given, scheme = f"{argument}={destination!r}", urlsplit(destination).scheme
    if not scheme and not destination.startswith("/"):
        raise GongConfigurationError(
            f"{given} is neither a URL nor an absolute path: write for example "
            "'s3://my_aws@bucket/gong' or 'file:///data/gong'."
        )
    url = urlsplit(destination)
    if scheme == "file" and url.netloc:
        raise GongConfigurationError(
            f"{given} names no absolute path: write 'file:///{url.netloc}{url.path}', with three slashes."
        )
    if conn_id and url.username not in (None, conn_id):
        raise GongConfigurationError(
            f"{given} names the connection {url.username!r} and {argument}_conn_id={conn_id!r} another one: "
            "leave one of them out."
        )
    try:
        path = ObjectStoragePath(destination if scheme else f"file://{destination}", conn_id=conn_id)
        path.fs  # noqa: B018 - attaching the file system is what fails
    except (ValueError, ImportError) as error:
        raise GongConfigurationError(_no_file_system(given, scheme)) from error
    return path


def _no_file_system(given: str, scheme: str) -> str:
    extra = _EXTRAS.get(scheme)
    mend = (
        f"pip install 'airflow-provider-gong[{extra}]'"
        if extra
        else "use file://, s3://, gs:// or abfs://, or install the Airflow provider of this storage"
    )
    return f"{given}: no file system for {scheme}:// is installed; {mend}."


def names_in(folder: ObjectStoragePath) -> list[str]:
    """List the names in a folder, sorted and fresh; a folder that does not exist is empty."""
    with _telling("list", folder):
        # s3fs keeps listings for ever: another worker's manifest would stay invisible.
        folder.fs.invalidate_cache()
        try:
            entries = folder.fs.ls(folder.path, detail=False)
        except FileNotFoundError as error:
            _refuse_missing_bucket(folder, error)
            return []
    names = (str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in entries)
    # S3 lists a placeholder object of the folder itself. Asked once: the name of a path costs more than all the rest.
    own = folder.name
    return sorted(name for name in names if name != own)


def read_bytes(path: ObjectStoragePath) -> bytes | None:
    """Read a whole object, or None when it does not exist."""
    with _telling("read", path):
        path.fs.invalidate_cache()
        try:
            content: bytes = path.fs.cat_file(path.path)
        except FileNotFoundError as error:
            _refuse_missing_bucket(path, error)
            return None
    return content


def size_of(path: ObjectStoragePath) -> int | None:
    """Return the size of an object in bytes, or None when it does not exist."""
    with _telling("look at", path):
        path.fs.invalidate_cache()
        try:
            return int(path.fs.info(path.path)["size"])
        except FileNotFoundError as error:
            _refuse_missing_bucket(path, error)
            return None


def sizes_below(folder: ObjectStoragePath) -> dict[str, int]:
    """List the files below a folder, named from it, with their sizes in bytes; one that does not exist is empty."""
    with _telling("list", folder):
        found = _files_below(folder)
    return {name.removeprefix(folder.path).lstrip("/"): int(facts["size"]) for name, facts in found.items()}


def sha256_of(path: ObjectStoragePath) -> str | None:
    """Return the SHA-256 of an object, read piece by piece, or None when it does not exist."""
    digest = hashlib.sha256()
    with _telling("read", path):
        path.fs.invalidate_cache()
        try:
            with path.fs.open(path.path, "rb") as content:
                while piece := content.read(2**20):
                    digest.update(piece)
        except FileNotFoundError as error:
            _refuse_missing_bucket(path, error)
            return None
    return digest.hexdigest()


def fetch(source: ObjectStoragePath, local: Path) -> bool:
    """Download an object; False when it does not exist."""
    with _telling("read", source), local_disk():
        try:
            source.fs.get_file(source.path, str(local))
        except FileNotFoundError as error:
            _refuse_missing_bucket(source, error)
            return False
    return True


def put_bytes(content: bytes, target: ObjectStoragePath, aside: ObjectStoragePath) -> None:
    """Write an object so that a reader sees the old content or all of the new one.

    :param aside: a folder on the same storage, for the copy in progress
    """
    with _telling("write", target):
        if target.protocol in _ATOMIC_UPLOAD:
            target.fs.pipe_file(target.path, content)
            return
        with _copy_beside(target, aside) as copy:
            target.fs.pipe_file(copy, content)


def put_file(local: Path, target: ObjectStoragePath, aside: ObjectStoragePath) -> None:
    """Upload a finished local file so that it appears whole or not at all."""
    with _telling("write", target):
        if target.protocol in _ATOMIC_UPLOAD:
            target.fs.put_file(str(local), target.path)
            return
        with _copy_beside(target, aside) as copy:
            target.fs.put_file(str(local), copy)


@contextmanager
def _copy_beside(target: ObjectStoragePath, aside: ObjectStoragePath) -> Iterator[str]:
    """Let the caller write a copy aside, then move it to its place in one step."""
    fs, copy = target.fs, (aside / f"{uuid.uuid4().hex}.upload").path
    fs.makedirs(aside.path, exist_ok=True)
    try:
        yield copy
        try:
            _move(copy, target)
        except FileNotFoundError:
            # Another attempt removed the folder of the target between the two steps.
            _move(copy, target)
    except Exception:
        # What did not get through would take up the room that the next attempt needs.
        with suppress(Exception):
            fs.rm_file(copy)
        raise


def _move(copy: str, target: ObjectStoragePath) -> None:
    target.fs.makedirs(target.parent.path, exist_ok=True)
    if target.protocol == "file":
        # The file system's own `mv` copies when it cannot rename: half a manifest would replace a whole one.
        os.replace(copy, target.path)  # noqa: PTH105 - the path is that of a file system, a text
    else:
        target.fs.mv(copy, target.path)


def remove(path: ObjectStoragePath) -> None:
    """Delete an object or a folder with all in it; one that is gone already is fine."""
    with _telling("delete", path):
        path.fs.invalidate_cache()
        try:
            _delete(path)
        except FileNotFoundError as error:
            _refuse_missing_bucket(path, error)
            log.debug("%s was gone already", path)


def _delete(path: ObjectStoragePath) -> None:
    if path.protocol not in _ATOMIC_UPLOAD:
        path.fs.rm(path.path, recursive=True)
        return
    # One by one: s3fs passes over what a deletion of several refuses, and takes `*` or `[` in a name for a pattern.
    for name in _files_below(path):
        path.fs.rm_file(name)


def older_than(path: ObjectStoragePath, age: timedelta) -> bool:
    """Tell whether everything under a path was written longer ago than `age`; unknown counts as young."""
    try:
        files = _files_below(path)
        return bool(files) and all(datetime.now(UTC) - _aware(path.fs.modified(file)) > age for file in files)
    except Exception as error:
        log.debug("The age of %s is not known: %s", path, error)
        return False


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _files_below(path: ObjectStoragePath) -> dict[str, dict[str, Any]]:
    """Return what is known of a file, or of each file below a folder; nothing for what does not exist."""
    fs = path.fs
    fs.invalidate_cache()
    if path.protocol in _ATOMIC_UPLOAD:
        found: dict[str, dict[str, Any]] = fs.find(path.path, detail=True)
        return found
    # Not `find`, nor `walk`: where a folder cannot be listed they go on as if it were empty.
    files, folders = {}, [path.path]
    while folders:
        with suppress(FileNotFoundError):
            for entry in fs.ls(folders.pop(), detail=True):
                if entry["type"] == "directory":
                    folders.append(entry["name"])
                else:
                    files[str(entry["name"])] = entry
    return files


# Errors


@contextmanager
def _telling(doing: str, path: ObjectStoragePath) -> Iterator[None]:
    """Name the place that failed and what to check; each kind of storage has errors of its own."""
    try:
        yield
    except GongError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError):
            _refuse_missing_bucket(path, error)
        said = " ".join(str(error).split())[:_SAID] or type(error).__name__
        raise GongFileError(f"Could not {doing} {path} ({said}): {_mend(error)}.") from error


def _mend(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return (
            "the storage refuses it. Check the connection's credentials and whether they may list, read, write and "
            "delete there; S3 also refuses what is absent to those who may not list the bucket"
        )
    if isinstance(error, OSError) and error.errno in _FULL:
        return "there is no room left. Free some, or write to another destination"
    return "the storage failed or could not be reached. If it lasts, check its connection and endpoint"


def _refuse_missing_bucket(path: ObjectStoragePath, error: FileNotFoundError) -> None:
    """Tell a bucket that does not exist from an object that does not: an empty answer would hide the mistake."""
    reply = getattr(error.__cause__, "response", None) or {}
    if reply.get("Error", {}).get("Code") == "NoSuchBucket":
        raise GongConfigurationError(
            f"The bucket of {path} does not exist: create it, or mend its name or the endpoint of the connection."
        ) from error


@contextmanager
def local_disk() -> Iterator[None]:
    """Name the folder when the worker's own disk is full: the error of the system does not."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise GongFileError(
            f"There is no room left in the temporary folder {tempfile.gettempdir()} ({error.strerror}): it keeps the "
            "rows of a window until they are uploaded. Free some, point TMPDIR to a larger disk, or export shorter "
            "windows."
        ) from error
