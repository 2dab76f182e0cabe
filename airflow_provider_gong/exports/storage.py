"""Safe steps on object storage: open a destination, list it fresh, put a whole object or nothing."""

from __future__ import annotations

import hashlib
import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
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
    # s3fs keeps listings for ever: another worker's manifest would stay invisible.
    folder.fs.invalidate_cache()
    try:
        entries = folder.fs.ls(folder.path, detail=False)
    except FileNotFoundError:
        return []
    names = (str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in entries)
    return sorted(name for name in names if name != folder.name)


def read_bytes(path: ObjectStoragePath) -> bytes | None:
    """Read a whole object, or None when it does not exist."""
    path.fs.invalidate_cache()
    try:
        content: bytes = path.fs.cat_file(path.path)
    except FileNotFoundError:
        return None
    return content


def size_of(path: ObjectStoragePath) -> int | None:
    """Return the size of an object in bytes, or None when it does not exist."""
    path.fs.invalidate_cache()
    try:
        return int(path.fs.info(path.path)["size"])
    except FileNotFoundError:
        return None


def sizes_below(folder: ObjectStoragePath) -> dict[str, int]:
    """List the files below a folder, named from it, with their sizes in bytes; one that does not exist is empty."""
    folder.fs.invalidate_cache()
    try:
        found = folder.fs.find(folder.path, detail=True)
    except FileNotFoundError:
        return {}
    return {
        str(name).removeprefix(folder.path).lstrip("/"): int(facts["size"]) for name, facts in found.items()
    }


def sha256_of(path: ObjectStoragePath) -> str | None:
    """Return the SHA-256 of an object, read piece by piece, or None when it does not exist."""
    path.fs.invalidate_cache()
    digest = hashlib.sha256()
    try:
        with path.fs.open(path.path, "rb") as content:
            while piece := content.read(2**20):
                digest.update(piece)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def put_bytes(content: bytes, target: ObjectStoragePath, aside: ObjectStoragePath) -> None:
    """Write an object so that a reader sees the old content or all of the new one.

    :param aside: a folder on the same storage, for the copy in progress
    """
    fs = target.fs
    if target.protocol in _ATOMIC_UPLOAD:
        fs.pipe_file(target.path, content)
        return
    copy = aside / f"{uuid.uuid4().hex}.upload"
    fs.makedirs(aside.path, exist_ok=True)
    fs.pipe_file(copy.path, content)
    _move(copy, target)


def put_file(local: Path, target: ObjectStoragePath, aside: ObjectStoragePath) -> None:
    """Upload a finished local file so that it appears whole or not at all."""
    fs = target.fs
    if target.protocol in _ATOMIC_UPLOAD:
        fs.put_file(str(local), target.path)
        return
    copy = aside / f"{uuid.uuid4().hex}.upload"
    fs.makedirs(aside.path, exist_ok=True)
    fs.put_file(str(local), copy.path)
    _move(copy, target)


def get_file(source: ObjectStoragePath, local: Path) -> bool:
    """Copy an object to a local file; return False when it does not exist."""
    source.fs.invalidate_cache()
    try:
        source.fs.get_file(source.path, str(local))
    except FileNotFoundError:
        return False
    return True


def _move(copy: ObjectStoragePath, target: ObjectStoragePath) -> None:
    try:
        target.fs.makedirs(target.parent.path, exist_ok=True)
        target.fs.mv(copy.path, target.path)
    except FileNotFoundError:
        # Another attempt may have removed the folder between the two steps.
        target.fs.makedirs(target.parent.path, exist_ok=True)
        target.fs.mv(copy.path, target.path)


def remove(path: ObjectStoragePath) -> None:
    """Delete an object or a folder with all in it; one that is gone already is fine."""
    path.fs.invalidate_cache()
    try:
        path.fs.rm(path.path, recursive=True)
    except FileNotFoundError:
        log.debug("%s was gone already", path)


def older_than(path: ObjectStoragePath, age: timedelta) -> bool:
    """Tell whether everything under a path was written longer ago than `age`; unknown counts as young."""
    fs = path.fs
    try:
        files = fs.find(path.path)
        return bool(files) and all(datetime.now(UTC) - _aware(fs.modified(file)) > age for file in files)
    except (FileNotFoundError, NotImplementedError):
        return False


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
