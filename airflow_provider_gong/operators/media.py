"""Recordings on their way to Gong: from where they lie to bytes that can be read anew for each attempt."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.calls import get_call
from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongNotFound, GongReplyError
from airflow_provider_gong.exports.storage import open_destination

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.hooks.gong import GongHook

log = logging.getLogger(__name__)

# How much is fetched from object storage at a time: by default s3fs holds ten times as much in memory.
BLOCK_BYTES = 5 << 20

CREATED = 201
MAY_HAVE_ARRIVED = (
    "Gong so refuses a recording that it has already, of this call or of any other: it may have arrived with an "
    "earlier attempt. Look at the call in Gong before you send it again."
)
ASKS_FIRST = (
    "It is not known whether the recording has arrived: the next attempt asks Gong before it sends it."
)


@dataclass(frozen=True)
class StoredFile:
    """A file on this machine or in object storage, as it was when it was looked at.

    :param path: where it lies.
    :param size: its bytes.
    """

    path: ObjectStoragePath
    size: int

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open the file for reading, from the start."""
        opened: AbstractContextManager[BinaryIO] = self.path.fs.open(
            self.path.path, "rb", block_size=BLOCK_BYTES
        )
        return opened


def stored_file(file: str | None, conn_id: str | None) -> StoredFile:
    """Find the file of the arguments `file` and `file_conn_id`.

    :raises GongConfigurationError: when there is none, or it is no file.
    """
    if file is None:
        raise GongConfigurationError("file is missing: give the path or the URL of the recording.")
    if file.lower().startswith(("http://", "https://")):
        # Not shown: whoever has the address often has the recording.
        raise GongConfigurationError(
            "file is a web address: let Gong download it, with download_media_url of GongCreateCallOperator, "
            "or copy it to a disk or an object storage first."
        )
    path = open_destination(file, conn_id, argument="file")
    # What was listed once would hide a file that came since.
    path.fs.invalidate_cache()
    try:
        facts = path.fs.info(path.path)
    except FileNotFoundError:
        raise GongConfigurationError(f"file={file!r} does not exist.") from None
    if facts.get("type") == "directory":
        raise GongConfigurationError(f"file={file!r} is a directory: name one file in it.")
    if facts.get("size") is None:
        raise GongConfigurationError(
            f"file={file!r}: its storage does not tell how long it is, and Gong wants to know beforehand. "
            "Copy it to a disk or an object storage first."
        )
    return StoredFile(path, int(facts["size"]))


def arrived(hook: GongHook, call_id: str) -> dict[str, Any] | None:
    """Return the call if Gong shows it, which it does only when it has the recording."""
    try:
        call: dict[str, Any] = hook.send(get_call(call_id))
    except GongNotFound:
        return None
    log.info("Gong shows call %s, so it has its recording already", call_id)
    return call


def send_recording(hook: GongHook, request: Request, call_id: str, *, again: bool) -> dict[str, Any]:
    """Send the recording; return what Gong answers or, if that leaves a doubt, the call if Gong shows it.

    :param again: an earlier attempt may have sent it already.
    """
    try:
        answer: dict[str, Any] = hook.send(request)
    except GongReplyError as error:
        if error.in_doubt and error.status == CREATED:
            log.warning("Gong has taken the recording, what else it answered was lost")
            return {}
        hint = _doubt(error)
        known = _arrived_in_doubt(hook, call_id) if hint else None
        if known is None:
            error.message = f"{error.message} {hint}".strip()
            # It takes Gong a while to show what has arrived.
            error.retryable = error.retryable or (hint == MAY_HAVE_ARRIVED and again)
            raise
        return known
    return answer


def _doubt(error: GongReplyError) -> str:
    """Say why the recording may have arrived in spite of the error; nothing when it has not."""
    if error.status == 400 and any("bad request" in said.lower() for said in error.messages):
        return MAY_HAVE_ARRIVED
    return ASKS_FIRST if error.in_doubt else ""


def _arrived_in_doubt(hook: GongHook, call_id: str) -> dict[str, Any] | None:
    try:
        return arrived(hook, call_id)
    except GongError as error:
        # The upload's own error says more.
        log.warning("Gong could not be asked whether the recording has arrived: %s", error)
        return None
