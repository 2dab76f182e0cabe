"""Calls with what was said in them: one record for search, for models and for the warehouse.

Transcripts name their speakers through `parties[].speakerId`, statistics through `parties[].id`. Everything but the
ids of calls may be absent from what Gong sends, and several people may share a voice.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_gong.exceptions import GongUnexpectedResponse
from airflow_provider_gong.exports.ahead import read_ahead
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.content import content_selector, selected_blocks
from airflow_provider_gong.exports.glances import IDS_PER_REQUEST, by_id
from airflow_provider_gong.exports.rows import basic_data, call_record, call_row, record_id
from airflow_provider_gong.exports.slices import time_slices
from airflow_provider_gong.exports.streams import Calls, transcripts_by_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_gong.api.client import GongClient, Page
    from airflow_provider_gong.exports.slices import Slice
    from airflow_provider_gong.exports.window import Window

UNKNOWN_SPEAKER = "Unknown speaker"
UNKNOWN = "Unknown"
_NO_TIME = "--:--:--"


@dataclass(frozen=True, kw_only=True)
class Conversations:
    """Calls whose actual start lies in the window, each with its transcript; two requests for 100 of them."""

    name: ClassVar[str] = "conversations"
    reaches_beyond: ClassVar[bool] = False
    calls: Calls = field(default_factory=Calls)

    @property
    def folder(self) -> str:
        """Return the dataset below the destination."""
        return self.name + self.calls.folder.removeprefix(self.calls.name)

    @property
    def selection(self) -> dict[str, Any]:
        """Return what must not change within a dataset."""
        return self.calls.selection

    def read(
        self, client: GongClient, window: Window, others: Iterable[str] = (), *, most: int | None = None
    ) -> Iterator[Batch]:
        """Read the calls that started in the window and what was said in them, then others by their ids."""
        selector = with_parties(content_selector(self.calls.content))
        blocks = selected_blocks(selector)
        pages = self.calls.pages(client, window, selector, most)
        for page, public, said in read_ahead(self._with_transcripts(client, pages)):
            batch = _batch(public, said, blocks, len(page.items))
            batch.announced, batch.private = page.total, len(page.items) - len(public)
            yield batch
        yield from self.revisit(client, others)

    def slices(self, window: Window, records: int) -> list[Slice]:
        """Divide a window of so many records."""
        return time_slices(self, window, records)

    def revisit(self, client: GongClient, ids: Iterable[str]) -> Iterator[Batch]:
        """Read conversations of other times by their ids; what Gong does not show, or is private, is left out."""
        selector = with_parties(content_selector(self.calls.content))
        blocks = selected_blocks(selector)
        for records in by_id(client, ids, selector):
            public = self.calls.public(records)
            said = _monologues_of(client, [record_id(basic_data(record), "id") for record in public])
            batch = _batch(public, said, blocks, len(records))
            batch.private_ids = self.calls.private_ids(records)
            yield batch

    @property
    def deletions_folder(self) -> str:
        """Return the dataset of deletions below the destination; that of the calls has the plain name."""
        return "conversation_" + self.calls.deletions_folder

    def _with_transcripts(
        self, client: GongClient, pages: Iterator[Page]
    ) -> Iterator[tuple[Page, list[dict[str, Any]], dict[str, list[dict[str, Any]]]]]:
        """Ask for the transcripts of each page, while the page that follows is on its way."""
        for page in pages:
            public = self.calls.public(page.items)
            call_ids = [record_id(basic_data(record), "id") for record in public]
            yield page, public, _monologues_of(client, call_ids)

    def row_id(self, record: dict[str, Any]) -> str:
        """Return the merge key of an exported row."""
        return self.calls.row_id(record)


def _batch(
    public: list[dict[str, Any]],
    said: dict[str, list[dict[str, Any]]],
    blocks: Iterable[str],
    received: int,
) -> Batch:
    """Join calls with what was said in them; those without a transcript are pending."""
    records = [call_record(record, blocks) for record in public]
    rows = [call_row(conversation(one, said.get(one["metaData"]["id"]))) for one in records]
    return Batch(rows, received, pending=list(dict.fromkeys(row.id for row in rows if row.id not in said)))


def with_parties(selector: dict[str, Any] | None) -> dict[str, Any]:
    """Ask for the parties as well: without them nobody in a transcript has a name."""
    selector = selector or {}
    return selector | {"exposedFields": (selector.get("exposedFields") or {}) | {"parties": True}}


def _monologues_of(client: GongClient, call_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Ask for what was said in calls; those whose transcript is not ready are absent."""
    found: dict[str, list[dict[str, Any]]] = {}
    for first in range(0, len(call_ids), IDS_PER_REQUEST):
        records = transcripts_by_id(client, call_ids[first : first + IDS_PER_REQUEST])
        for call_id, record in records.items():
            if record.get("transcript") is not None:
                found[call_id] = checked_monologues(record["transcript"])
    return found


def checked_monologues(monologues: Any) -> list[dict[str, Any]]:
    """Refuse what cannot be told by speaker: unlike odd parties, it would be lost."""
    if isinstance(monologues, list) and all(isinstance(one, dict) for one in monologues):
        return monologues
    raise GongUnexpectedResponse("A record of Gong's reply has a transcript that is no list of monologues.")


def conversation(call: dict[str, Any], monologues: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Join a call with its transcript.

    :param call: the blocks of a call; its `interaction` is given names, if there is one
    :param monologues: as Gong sends them; None while the transcript is not ready, then `transcript` and `text` are None
    """
    parties = _objects(call.get("parties"))
    spoken = in_order(map(_timed, monologues or ()))
    speakers = speakers_of(spoken, parties)
    row = dict(call)
    if isinstance(call.get("interaction"), dict):
        row["interaction"] = named_interaction(call["interaction"], parties, speakers)
    transcript = [_attributed(monologue, speakers) for monologue in spoken]
    ready = monologues is not None
    row["transcript"] = transcript if ready else None
    row["text"] = plain_text(transcript, account_of(call)) if ready else None
    return row


# Who spoke


@dataclass(frozen=True)
class Speaker:
    """Whom a voice belongs to, as far as Gong knows."""

    name: str
    affiliation: str = UNKNOWN


def speakers_of(monologues: Iterable[dict[str, Any]], parties: list[dict[str, Any]]) -> dict[str, Speaker]:
    """Return the speakers of a call by their `speakerId`; those who are not known by name can be told apart."""
    voices = (_id(one.get("speakerId")) for one in (*monologues, *parties))
    people = {voice: _with_id(parties, "speakerId", voice) for voice in dict.fromkeys(voices) if voice}
    names = {voice: _name(owners) for voice, owners in people.items()}
    vague = Counter(name for name, is_certain in names.values() if not is_certain)
    numbers: Counter[str] = Counter()
    speakers = {}
    for voice, (name, _) in names.items():
        if vague[name] > 1 or name == UNKNOWN_SPEAKER:
            numbers[name] += 1
            name = f"{name} {numbers[name]}"
        speakers[voice] = Speaker(name, _affiliation(people[voice]))
    return speakers


def named_interaction(
    interaction: dict[str, Any], parties: list[dict[str, Any]], speakers: dict[str, Speaker]
) -> dict[str, Any]:
    """Give each of the speakers in the statistics its party's name; a vague one as it stands in the transcript."""
    if not isinstance(interaction.get("speakers"), list):
        return interaction

    def named(speaker: Any) -> Any:
        if not isinstance(speaker, dict):
            return speaker
        owners = _with_id(parties, "id", _id(speaker.get("id")))
        name, is_certain = _name(owners)
        if not is_certain:
            voices = (_id(owner.get("speakerId")) for owner in owners)
            name = next((speakers[voice].name for voice in voices if voice), name)
        return {"name": name} | speaker

    return interaction | {"speakers": [named(speaker) for speaker in interaction["speakers"]]}


def _with_id(parties: list[dict[str, Any]], kind: str, wanted: str | None) -> list[dict[str, Any]]:
    return [party for party in parties if wanted and _id(party.get(kind)) == wanted]


def _name(owners: list[dict[str, Any]]) -> tuple[str, bool]:
    """Return what to call the people who share a voice, and whether nobody else in the call is called that."""
    for kind in ("name", "emailAddress", "phoneNumber", "title"):
        if found := dict.fromkeys(words for owner in owners if (words := _line(owner.get(kind)))):
            return " / ".join(found), kind != "title"
    affiliation = _affiliation(owners)
    return (UNKNOWN_SPEAKER if affiliation == UNKNOWN else f"{affiliation} speaker"), False


def _affiliation(owners: list[dict[str, Any]]) -> str:
    found = {_line(owner.get("affiliation")) for owner in owners}
    return (found.pop() or UNKNOWN) if len(found) == 1 else UNKNOWN


# What was said, and when


def _timed(monologue: dict[str, Any]) -> dict[str, Any]:
    """Add the bounds of a monologue, in milliseconds from the start of the call."""
    sentences = _objects(monologue.get("sentences"))
    starts, ends = ([one[at] for one in sentences if _is_time(one.get(at))] for at in ("start", "end"))
    return monologue | {"start": min(starts, default=None), "end": max(ends, default=None)}


def in_order(monologues: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort monologues by their start; one without a time stays behind its predecessor."""
    reached, placed = 0, []
    for monologue in monologues:
        reached = reached if monologue["start"] is None else monologue["start"]
        placed.append((reached, monologue))
    return [monologue for _, monologue in sorted(placed, key=lambda one: one[0])]


def _attributed(monologue: dict[str, Any], speakers: dict[str, Speaker]) -> dict[str, Any]:
    voice = _id(monologue.get("speakerId"))
    speaker = speakers[voice] if voice else Speaker(UNKNOWN_SPEAKER)
    told = {
        "speaker": speaker.name,
        "speakerId": voice,
        "affiliation": speaker.affiliation,
        **{name: monologue.get(name) for name in ("topic", "start", "end", "sentences")},
    }
    return told | {name: value for name, value in monologue.items() if name not in told}


def plain_text(transcript: list[dict[str, Any]], account: str | None = None) -> str:
    """Write a line for each monologue in which something was said: `[00:01:05] Jane Doe (Acme, external): ...`.

    :param account: the company that stands beside external speakers
    """
    lines = []
    for monologue in transcript:
        if said := " ".join(_line(one.get("text")) for one in _objects(monologue["sentences"])).strip():
            who = monologue["speaker"] + _aside(monologue["affiliation"], account)
            lines.append(f"[{clock(monologue['start'])}] {who}: {said}")
    return "\n".join(lines)


def _aside(affiliation: str, account: str | None) -> str:
    if affiliation == UNKNOWN:
        return ""
    company = f"{account}, " if account and affiliation == "External" else ""
    return f" ({company}{affiliation.lower()})"


def account_of(call: dict[str, Any]) -> str | None:
    """Return the name of the CRM account of a call; None when it has none, or several."""
    names = {
        _line(fact.get("value"))
        for context in _objects(call.get("context"))
        for linked in _objects(context.get("objects"))
        if linked.get("objectType") == "Account"
        for fact in _objects(linked.get("fields"))
        if fact.get("name") == "Name"
    } - {""}
    return names.pop() if len(names) == 1 else None


def clock(milliseconds: float | None) -> str:
    """Write a moment of a call as hours, minutes and seconds; hours may have more than two digits."""
    if milliseconds is None:
        return _NO_TIME
    minutes, seconds = divmod(max(int(milliseconds), 0) // 1000, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


# What Gong may send


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; whatever else there is remains in the row as it came."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _id(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _line(value: Any) -> str:
    """Return a text on one line; empty for what is no text."""
    return " ".join(value.split()) if isinstance(value, str) else ""
