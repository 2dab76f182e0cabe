"""Forms with files, read part by part as they arrive: a file is measured, never kept."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from airflow_provider_gong.sandbox.replies import Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass
class Part:
    """One part of a form."""

    name: str = ""
    file_name: str | None = None
    """None: a plain field."""
    size: int = 0
    digest: Any = field(default_factory=sha256)


async def read_form(request: Request, *, largest: int) -> list[Part]:
    """Return the parts of a form, and note their names in the journal.

    :param largest: refuse a part as soon as it has more bytes
    """
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data":
        raise Refusal(415, "Unsupported Media Type")
    if not options.get(b"boundary"):
        raise Refusal(400, "Malformed request")
    reader = _Reader()
    try:
        parser = MultipartParser(options[b"boundary"], reader.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
            _check_size(reader.parts, largest)
    except FormParserError:
        raise Refusal(400, "Malformed request") from None
    finally:
        request.state.received.body_keys = frozenset(part.name for part in reader.parts)
    if not reader.complete:
        raise Refusal(400, "Malformed request")
    return reader.parts


def _check_size(parts: list[Part], largest: int) -> None:
    # The limit is documented, the answer is not; the operation declares 400 and no 413.
    if parts and parts[-1].size > largest:
        raise Refusal(400, f"{parts[-1].name}: must not be larger than {largest} bytes")


class _Reader:
    """Collect what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._name = b""
        self._value = b""

    def callbacks(self) -> "MultipartCallbacks":
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._begin_header,
            "on_header_field": self._read_header_name,
            "on_header_value": self._read_header_value,
            "on_header_end": self._end_header,
            "on_part_data": self._measure,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self.parts.append(Part())

    def _begin_header(self) -> None:
        self._name = self._value = b""

    def _read_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _read_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            part, file_name = self.parts[-1], options.get(b"filename")
            part.name = options.get(b"name", b"").decode(errors="replace")
            part.file_name = None if file_name is None else file_name.decode(errors="replace")

    def _measure(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.size += end - start
        part.digest.update(memoryview(data)[start:end])

    def _end(self) -> None:
        self.complete = True
