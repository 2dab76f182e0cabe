"""Calls that clients create: Gong shows none before it has their media and has worked on it for a while.

https://help.gong.io/apidocs/add-new-call-v2calls-2
https://help.gong.io/apidocs/add-call-media-v2callsidmedia-2
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.world import Call, User, World
from airflow_provider_gong.sandbox.world.calls import SHORTEST_TRANSCRIBED
from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.posted import Media, Posted
from airflow_provider_gong.sandbox.world.scripts import THEMES

NEVER = datetime.max.replace(tzinfo=UTC)
# The sandbox does not look into media, so this is how long a call is that comes without a duration.
SECONDS_OF_MEDIA = 300


class AlreadyPostedError(Exception):
    """Say which call has the id of the client already."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


class RecordingDisabledError(Exception):
    """Say that the host's calls are not to come to Gong."""


class MediaRefusedError(Exception):
    """Say that a call has its media, or that the media belongs to another call."""


class Uploads:
    """Take calls and their media; safe for threads.

    Set `processing_time` and `transcription_time` to what Gong shall need until the next call is visible, and
    from then on until its transcript is; set `largest_media` to the most bytes that a media file may have.
    """

    def __init__(self, clock: Clock, world: World, seed: int) -> None:
        self.processing_time = timedelta(minutes=4)
        self.transcription_time = timedelta(minutes=5)
        # Documented as 1.5GB; which of the two meanings of a gigabyte is not established.
        self.largest_media = 1_500_000_000
        self._clock = clock
        self._world = world
        self._seed = seed
        self._lock = threading.Lock()
        self._by_client_id: dict[str, Call] = {}
        self._sources: set[str] = set()
        """Digests and URLs of all media that came."""

    def calls(self) -> list[Call]:
        """Return the calls that clients created, visible or not, in the order of their creation."""
        with self._lock:
            return list(self._by_client_id.values())

    def media(self, call_id: str) -> Media | None:
        """Return what is known of the media that a client gave for a call."""
        posted = self._world.call(call_id).posted
        return posted.media if posted else None

    def hosts(self) -> list[User]:
        """Return the users whom a client can name as the primary user of a call."""
        return [user for user in self._world.find_users() if user.imports_calls]

    def create(self, body: dict[str, Any], host: User, started: datetime, scheduled: datetime | None) -> Call:
        """Take a call of a known user, out of a request whose form is right."""
        with self._lock:
            client_id = body["clientUniqueId"]
            if client_id in self._by_client_id:
                raise AlreadyPostedError(self._by_client_id[client_id].id)
            if not host.imports_calls:
                raise RecordingDisabledError
            url = body.get("downloadMediaUrl")
            if url in self._sources:
                raise MediaRefusedError
            call = self._world.insert_call(self._call(body, host, started, scheduled))
            self._by_client_id[client_id] = call
            if url is not None:
                self._sources.add(url)
                self._process(call)
            return call

    def check_media_missing(self, call_id: str) -> None:
        """Raise if a call has its media already; one that Gong recorded itself has."""
        posted = self._world.call(call_id).posted
        if posted is None or posted.has_media:
            raise MediaRefusedError

    def add_media(self, call_id: str, media: Media) -> Call:
        """Take the media of a call; what a file holds may come to Gong only once."""
        with self._lock:
            self.check_media_missing(call_id)
            if media.sha256 in self._sources:
                raise MediaRefusedError
            self._sources.add(media.sha256)
            call = self._world.call(call_id)
            assert call.posted is not None  # noqa: S101 - checked above
            call.posted.media = media
            self._process(call)
            return call

    def _call(self, body: dict[str, Any], host: User, started: datetime, scheduled: datetime | None) -> Call:
        dice = draw(self._seed, "posted", body["clientUniqueId"])
        workspaces = [workspace["id"] for workspace in self._world.workspaces]
        workspace_id = body.get("workspaceId") or workspaces[0]
        themes = THEMES[workspaces.index(workspace_id) % len(THEMES)]
        duration = body.get("duration")
        return Call(
            id=identifier(dice),
            started=started,
            duration=SECONDS_OF_MEDIA if duration is None else round(duration),
            host=host,
            workspace_id=workspace_id,
            theme=dice.choice(themes),
            visible_at=NEVER,
            scheduled=scheduled,
            web_conference=body["direction"] == "Conference",
            hidden=True,
            title=body.get("title"),
            posted=Posted(body),
        )

    def _process(self, call: Call) -> None:
        """Let a call appear after a while. Of one that Gong drops it says nothing, as observed."""
        if call.duration < SHORTEST_TRANSCRIBED or not call.host.imports_calls:
            return
        visible_at = self._clock.now() + self.processing_time
        transcript_at = visible_at + self.transcription_time
        self._world.alter_call(call.id, hidden=False, visible_at=visible_at, transcript_at=transcript_at)
