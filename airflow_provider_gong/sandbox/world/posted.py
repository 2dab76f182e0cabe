"""What a client told Gong of a call that it created, and the media that it gave.

https://help.gong.io/apidocs/add-new-call-v2calls-2
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

VIDEO = frozenset({"mp4", "mkv"})
FORMATS = VIDEO | {"wav", "mp3", "flac"}


@dataclass(frozen=True, slots=True)
class Media:
    """A media file, of which the sandbox keeps no more than this."""

    file_name: str
    size: int
    sha256: str


@dataclass(slots=True)
class Posted:
    """The origin of a call that a client created."""

    body: dict[str, Any]
    """The request, as it came."""
    media: Media | None = None
    """None: not given, or not yet; always so if Gong downloads it."""

    @property
    def client_unique_id(self) -> str:
        """Return the id that the call has in the system of the client."""
        return str(self.body["clientUniqueId"])

    @property
    def download_url(self) -> str | None:
        """Return where Gong downloads the media, if it is to do so."""
        return self.body.get("downloadMediaUrl")

    @property
    def has_media(self) -> bool:
        """Tell whether Gong has the media, or knows where it is."""
        return self.media is not None or self.download_url is not None

    @property
    def has_video(self) -> bool:
        """Tell by the name of the file whether there is something to see."""
        name = self.media.file_name if self.media else urlsplit(self.download_url or "").path
        return suffix(name) in VIDEO


def suffix(file_name: str) -> str:
    """Return what follows the last dot of a name, in lower case."""
    return file_name.rpartition(".")[2].lower() if "." in file_name else ""
