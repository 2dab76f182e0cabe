"""Files on their way to Gong: a multipart form that is read while it is sent, never held in memory."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from mimetypes import guess_type
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from airflow_provider_gong.exceptions import GongFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

log = logging.getLogger(__name__)

MEBIBYTE = 1 << 20
PROGRESS_SECONDS = 10.0


class Source(Protocol):
    """Bytes that can be read anew for each attempt."""

    @property
    def size(self) -> int:
        """Return the number of bytes."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open them for reading, from the start."""


@dataclass(frozen=True)
class FilePart:
    """One file of a form.

    :param name: the name of the part.
    :param file_name: what Gong is told the file is called; its suffix tells the type.
    :param source: where the bytes come from.
    """

    name: str
    file_name: str
    source: Source


@dataclass(frozen=True)
class Form:
    """A ``multipart/form-data`` body: plain fields and files."""

    files: tuple[FilePart, ...]
    fields: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def encoded(form: Form) -> Iterator[Any]:
    """Open the files of a form and yield the encoder that requests reads the body from.

    :raises GongFileError: when a file cannot be opened.
    """
    from contextlib import ExitStack

    from requests_toolbelt import MultipartEncoder

    with ExitStack() as opened:
        parts: list[tuple[str, Any]] = list(form.fields.items())
        for part in form.files:
            kind = guess_type(part.file_name)[0] or "application/octet-stream"
            body = _Body(part, opened.enter_context(_open(part)))
            parts.append((part.name, (part.file_name, body, kind)))
        yield MultipartEncoder(parts)


@contextmanager
def _open(part: FilePart) -> Iterator[BinaryIO]:
    # Only what opening raises is ours: what is raised while the file is open belongs to whoever uses it.
    try:
        manager = part.source.open()
        stream = manager.__enter__()
    except Exception as error:
        raise _failed(part, f"could not be opened ({type(error).__name__})") from error
    try:
        yield stream
    finally:
        manager.__exit__(None, None, None)


class _Body:
    """A file as the encoder reads it: it knows what is left and says how far it is.

    An error of the file must not look like one of the connection, and a file that ends early would keep the
    encoder asking for ever. One that goes on is still being written: Gong is not to get the first part of it.
    """

    def __init__(self, part: FilePart, stream: BinaryIO) -> None:
        self.len = part.source.size
        self._part = part
        self._stream = stream
        self._said = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        wanted = self.len if size < 0 else min(size, self.len)
        chunk = self._read(wanted)
        if wanted and not chunk:
            raise _failed(self._part, f"ended {self.len} bytes early: it changed while it was sent")
        self.len -= len(chunk)
        if not self.len and self._read(1):
            raise _failed(self._part, "has grown: it changed while it was sent")
        self._report()
        return chunk

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:
            raise _failed(self._part, f"could not be read ({type(error).__name__})") from error

    def _report(self) -> None:
        now = time.monotonic()
        if self.len and now - self._said < PROGRESS_SECONDS:
            return
        self._said = now
        size = self._part.source.size
        sent = size - self.len
        log.info("Sent %d of %d MiB (%d %%)", sent // MEBIBYTE, size // MEBIBYTE, 100 * sent // max(size, 1))


def _failed(part: FilePart, problem: str) -> GongFileError:
    return GongFileError(f"The file for {part.name} {problem}.")
