"""What becomes of the reply to a raw request: a value for XCom, or a file."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError, GongError, GongUnexpectedResponse
from airflow_provider_gong.exports.records import XCOM_LIMIT
from airflow_provider_gong.exports.storage import open_destination, put_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.api.replies import RawReply
    from airflow_provider_gong.api.retry import RetryPolicy

log = logging.getLogger(__name__)

RESPONSE_TYPES = ("json", "text", "binary")


@dataclass(frozen=True)
class Exchange:
    """How one raw request is sent and what its reply becomes.

    :param retry: what is sent again.
    :param read_timeout: seconds to wait for each part of the answer; None: as the connection says.
    :param response_type: one of `RESPONSE_TYPES`.
    :param place: where the body goes, as the user wrote it; None: to XCom.
    :param place_conn_id: Airflow connection of the storage.
    :param debug: log what is sent and what comes back, without any value.
    """

    retry: RetryPolicy
    read_timeout: float | None = None
    response_type: str = "json"
    place: str | None = None
    place_conn_id: str | None = None
    debug: bool = False

    def run(self, client: GongClient, request: Request) -> Any:
        """Send the request and return what the task returns."""
        if self.debug:
            log_request(request)
        if self.place is None:
            return self._value(client, request)
        # Before anything is sent: a write whose reply cannot be kept would have been carried out.
        target = open_place(self.place, self.place_conn_id)
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "reply"
            raw = self._to_file(client, request, local)
            size = local.stat().st_size
            with _carried_out(request):
                put_file(local, target, target.parent)
        return {"path": self.place, "bytes": size, "content_type": raw.headers.get("Content-Type")}

    def _value(self, client: GongClient, request: Request) -> Any:
        raw = self._send(client, request)
        content = raw.content or b""
        if len(content) > XCOM_LIMIT:
            raise too_large(request, "pass save_to= and let the next task read the file")
        return self._read(request, raw)

    def _to_file(self, client: GongClient, request: Request, local: Path) -> RawReply:
        if self.response_type == "binary":
            with local.open("w+b") as sink:
                return self._send(client, request, sink)
        raw = self._send(client, request)
        self._read(request, raw)
        with _carried_out(request):
            local.write_bytes(raw.content or b"")
        return raw

    def _send(self, client: GongClient, request: Request, sink: Any = None) -> RawReply:
        start = time.monotonic()
        raw = client.send_raw(request, retry=self.retry, read_timeout=self.read_timeout, sink=sink)
        if self.debug:
            size = len(raw.content or b"") if sink is None else sink.tell()
            seconds = time.monotonic() - start
            log.info("%s: %d after %.3f s, %d bytes", request.operation, raw.status, seconds, size)
        return raw

    def _read(self, request: Request, raw: RawReply) -> Any:
        if not raw.content:
            return None
        return _json(request, raw) if self.response_type == "json" else _text(raw)


def open_place(place: str, conn_id: str | None) -> ObjectStoragePath:
    """Return the file that a reply is saved to."""
    if place.endswith("/"):
        raise GongConfigurationError(f"save_to={place!r} is a folder: name the file.")
    path = open_destination(place, conn_id, "save_to")
    # In object storage a file may bear the name of a folder; on a disk it would end up in it.
    if path.protocol == "file" and path.is_dir():
        raise GongConfigurationError(f"save_to={place!r} is a folder: name the file.")
    return path


@contextmanager
def _carried_out(request: Request) -> Iterator[None]:
    """Let nothing that fails after a write make Airflow send it again."""
    try:
        yield
    except Exception as error:
        if request.endpoint.reads:
            raise
        raise GongError(
            f"{request.operation}: Gong carried it out, but its reply could not be saved ({type(error).__name__})."
        ) from error


def _json(request: Request, raw: RawReply) -> Any:
    try:
        return json.loads(raw.content or b"")
    except (ValueError, RecursionError):
        raise GongUnexpectedResponse(
            "The reply is not JSON: check the address, or set response_type to text or binary.",
            operation=request.operation,
            status=raw.status,
            request_id=raw.headers.get("x-traceid"),
        ) from None


def _text(raw: RawReply) -> str:
    from email.message import Message

    header = Message()
    header["Content-Type"] = raw.headers.get("Content-Type", "text/plain")
    content = raw.content or b""
    try:
        return content.decode(header.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode(errors="replace")


def collect(client: GongClient, request: Request) -> Any:
    """Return the result of a described endpoint, of a paged one the items of all its pages."""
    mend = "narrow its arguments, or use an export operator"
    if not request.endpoint.paged:
        result = client.send(request)
        if _size(result) > XCOM_LIMIT:
            raise too_large(request, mend)
        return result
    items: list[dict[str, Any]] = []
    size = 0
    for page in client.pages(request):
        items += page.items
        size += _size(page.items)
        if size > XCOM_LIMIT:
            raise too_large(request, mend)
    return items


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def too_large(request: Request, mend: str) -> GongConfigurationError:
    """Return the error of a reply that XCom cannot hold."""
    done = "" if request.endpoint.reads else " Gong has carried the request out."
    return GongConfigurationError(
        f"{request.operation}: the reply exceeds {XCOM_LIMIT:,} bytes, more than fits into XCom: {mend}.{done}"
    )


def log_request(request: Request) -> None:
    """Log the names and sizes in a request, but no value: those may be personal or secret."""
    log.info(
        "%s: query %s, headers %s, body %s",
        request.operation,
        sorted(request.query),
        sorted(request.headers),
        _shape(request),
    )


def _shape(request: Request) -> str:
    form, body = request.form, request.body
    if form is not None:
        files = [f"{part.name} ({part.source.size} bytes)" for part in form.files]
        return f"form with fields {sorted(form.fields)} and files {files}"
    if isinstance(body, dict):
        return f"object with {sorted(body)}"
    if isinstance(body, str):
        return f"text of {len(body)} characters"
    return "none" if body is None else f"list of {len(body)}"
