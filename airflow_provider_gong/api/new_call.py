"""What Gong accepts as a new call: find all that is wrong before anything is sent, and encode what is right.

A new call is a mapping with Gong's own keys. What is said about it names arguments and places, and never
shows addresses, numbers or names.

https://help.gong.io/apidocs/add-new-call-v2calls-2
"""

from __future__ import annotations

import logging
import re
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeGuard

from airflow_provider_gong.api.encode import wire_datetime, wire_id
from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

DIRECTIONS = ("Inbound", "Outbound", "Conference", "Unknown")
SYSTEMS = ("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
_LANGUAGES = """
af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-MR ar-OM ar-PS ar-QA ar-SA ar-TN
ar-YE az-AZ bg-BG bn-BD bn-IN bs-BA ca-ES cs-CZ da-DK de-AT de-CH de-DE el-GR en-AB en-AU en-CA en-GB en-IE
en-IN en-NZ en-PH en-SG en-US en-WL en-ZA es-AR es-BO es-CL es-CO es-CR es-DO es-EC es-ES es-GT es-HN es-MX
es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY et-EE eu-ES fa-IR fi-FI fil-PH fr-BE fr-CA fr-CH fr-FR gl-ES
gu-IN he-IL hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-CH it-IT ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA
lt-LT lv-LV mk-MK ml-IN mn-MN mr-IN ms-MY my-MM ne-NP nl-BE nl-NL no-NO pa-Guru-IN pl-PL pt-BR pt-PT ro-RO
ru-RU si-LK sk-SK sl-SI sq-AL sr-RS su-ID sv-SE sw-KE sw-TZ ta-IN ta-LK ta-MY ta-SG te-IN th-TH tr-TR uk-UA
ur-IN ur-PK uz-UZ vi-VN yue-Hant-HK zh-CN zh-TW zu-ZA
"""
LANGUAGES = tuple(_LANGUAGES.split())

PARTY_KEYS = ("phoneNumber", "emailAddress", "name", "partyId", "mediaChannelId", "context", "userId")
LINK_KEYS = ("system", "objects")
TIMELINE_KEYS = ("precise", "speechSegments")
SEGMENT_KEYS = ("fromTime", "toTime", "partyIds")
DATES = {
    "actualStart": "actual_start",
    "scheduledStart": "scheduled_start",
    "scheduledEnd": "scheduled_end",
}
LONGEST_ID = 2048
LONGEST_TEXT = 255

# A timeline may have thousands of segments, each wrong in the same way.
MOST_PROBLEMS = 20


def check(call: Mapping[str, Any]) -> None:
    """Refuse a call that Gong would refuse.

    :raises GongConfigurationError: naming everything that must be mended.
    """
    found = problems(call)
    if found:
        raise GongConfigurationError("; ".join(found))


def problems(call: Mapping[str, Any]) -> list[str]:
    """Name what keeps Gong from accepting a call, some twenty things at most."""
    found = _problems(call)
    first = list(islice(found, MOST_PROBLEMS))
    return [*first, "and more"] if next(found, None) else first


def _problems(call: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_texts(call)
    yield from _of_ids(call)
    yield from _of_dates(call)
    yield from _of_words(call)
    yield from _of_duration(call)
    yield from _of_parties(call)
    yield from _of_links(call.get("context"), "context")
    yield from _of_timeline(call)


def _of_texts(call: Mapping[str, Any]) -> Iterator[str]:
    client_id = call.get("clientUniqueId")
    if not client_id:
        yield "client_unique_id is missing: give the id that the call has in your recording system"
    elif len(client_id) > LONGEST_ID:
        yield f"client_unique_id has {len(client_id)} characters, and Gong takes {LONGEST_ID}"
    for name in ("purpose", "disposition"):
        length = len(call.get(name) or "")
        if length > LONGEST_TEXT:
            yield f"{name} has {length} characters, and Gong takes {LONGEST_TEXT}"


def _of_ids(call: Mapping[str, Any]) -> Iterator[str]:
    if not call.get("primaryUser"):
        yield "primary_user is missing: give Gong's id of the user who hosted the call"
    elif not _is_id(call["primaryUser"]):
        # Not shown: it may well be an address.
        yield "primary_user is not an id of Gong: give its digits as text, such as '234599484848423'"
    if call.get("workspaceId") is not None and not _is_id(call["workspaceId"]):
        yield "workspace_id is not an id of Gong: give its digits as text, such as '623457276584334'"


def _is_id(value: object) -> bool:
    try:
        wire_id(value)
    except GongConfigurationError:
        return False
    return True


def _of_dates(call: Mapping[str, Any]) -> Iterator[str]:
    if call.get("actualStart") is None:
        yield "actual_start is missing: say when the call began"
    moments: dict[str, datetime] = {}
    for key, name in DATES.items():
        if call.get(key) is None:
            continue
        try:
            moments[key] = datetime.fromisoformat(wire_datetime(call[key], name))
        except GongConfigurationError as error:
            yield str(error).rstrip(".")
    if {"scheduledStart", "scheduledEnd"} <= moments.keys() and (
        moments["scheduledEnd"] < moments["scheduledStart"]
    ):
        yield "scheduled_end lies before scheduled_start"


def _of_words(call: Mapping[str, Any]) -> Iterator[str]:
    direction = call.get("direction")
    if direction is None:
        yield f"direction is missing: use one of {', '.join(DIRECTIONS)}"
    elif direction not in DIRECTIONS:
        yield f"direction={direction!r} is unknown: use one of {', '.join(DIRECTIONS)}"
    language = call.get("languageCode")
    if language is not None and language not in LANGUAGES:
        yield f"language_code={language!r} is unknown: {_language_like(language)}"


def _language_like(given: str) -> str:
    """Say which language was probably meant."""
    plain = given.strip().replace("_", "-").lower()
    same = [code for code in LANGUAGES if code.lower() == plain]
    related = [code for code in LANGUAGES if code.partition("-")[0] == plain.partition("-")[0]]
    if same:
        return f"write {same[0]}"
    if related:
        return f"use {' or '.join(related)}" if len(related) < 3 else f"use one of {', '.join(related)}"
    return "Gong has none for this language. Leave it out, and Gong detects the language itself"


def _of_duration(call: Mapping[str, Any]) -> Iterator[str]:
    duration = call.get("duration")
    if duration is None:
        return
    is_number = isinstance(duration, int | float) and not isinstance(duration, bool)
    if not is_number or not 0 <= duration < float("inf"):
        yield f"duration={duration!r} is not a number of seconds, zero or more"


def _of_parties(call: Mapping[str, Any]) -> Iterator[str]:
    parties = call.get("parties")
    if not parties:
        yield "parties is missing or empty: give the people of the call, the primary user among them"
        return
    if not isinstance(parties, list):
        yield _not_a_list("parties", parties)
        return
    for number, party in enumerate(parties):
        yield from _of_party(party, f"parties[{number}]")
    primary_user = call.get("primaryUser")
    users = {str(party.get("userId")) for party in parties if isinstance(party, dict)}
    if primary_user and str(primary_user) not in users:
        yield "parties has no party whose userId is primary_user: add one for the user who hosted the call"


def _of_party(party: Any, where: str) -> Iterator[str]:
    if not isinstance(party, dict):
        yield _not_an_object(where, party)
        return
    yield from _of_keys(party, PARTY_KEYS, where)
    channel = party.get("mediaChannelId")
    if channel is not None and (channel not in (0, 1) or not isinstance(channel, int) or channel is True):
        yield f"{where}.mediaChannelId must be 0 (left) or 1 (right), as a number"
    yield from _of_links(party.get("context"), f"{where}.context")


def _of_links(links: Any, where: str) -> Iterator[str]:
    """Name what is wrong with references to other systems."""
    if links is None:
        return
    if not isinstance(links, list):
        yield _not_a_list(where, links)
        return
    for number, link in enumerate(links):
        place = f"{where}[{number}]"
        if not isinstance(link, dict):
            yield _not_an_object(place, link)
            continue
        yield from _of_keys(link, LINK_KEYS, place)
        if link.get("system") not in SYSTEMS:
            yield f"{place}.system is missing or unknown: use one of {', '.join(SYSTEMS)}"


def _of_timeline(call: Mapping[str, Any]) -> Iterator[str]:
    timeline = call.get("speakersTimeline")
    if timeline is None:
        return
    if not isinstance(timeline, dict):
        yield _not_an_object("speakers_timeline", timeline)
        return
    parties = [party for party in _list(call.get("parties")) if isinstance(party, dict)]
    if any(party.get("mediaChannelId") is not None for party in parties):
        yield (
            "speakers_timeline and a party's mediaChannelId were both given, and each says who spoke: "
            "leave one of them out"
        )
    yield from _of_keys(timeline, TIMELINE_KEYS, "speakers_timeline")
    known = {str(party["partyId"]) for party in parties if party.get("partyId") is not None}
    segments = timeline.get("speechSegments")
    if segments is not None and not isinstance(segments, list):
        yield _not_a_list("speakers_timeline.speechSegments", segments)
    for number, segment in enumerate(_list(segments)):
        yield from _of_segment(segment, known, f"speakers_timeline.speechSegments[{number}]")


def _of_segment(segment: Any, known: set[str], where: str) -> Iterator[str]:
    if not isinstance(segment, dict):
        yield _not_an_object(where, segment)
        return
    yield from _of_keys(segment, SEGMENT_KEYS, where)
    start, end = segment.get("fromTime"), segment.get("toTime")
    if not _is_whole(start) or not _is_whole(end):
        yield f"{where} needs fromTime and toTime, whole milliseconds from the beginning of the call"
    elif start >= end:
        yield f"{where} ends before it begins: fromTime={start}, toTime={end}"
    speakers = segment.get("partyIds")
    if not isinstance(speakers, list) or not speakers:
        yield f"{where}.partyIds is missing or empty: name the partyId of each speaker"
        return
    for number, speaker in enumerate(speakers):
        if str(speaker) not in known:
            yield f"{where}.partyIds[{number}] is no party's partyId"


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _of_keys(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> Iterator[str]:
    """Name the keys in another spelling than Gong's; Gong takes keys that it does not know."""
    spellings = {_snake(key): key for key in known}
    for key in given:
        right = spellings.get(_snake(str(key)))
        if right is not None and right != key:
            yield f"{where} has {key}: Gong's key is {right}"


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).replace("-", "_").lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _not_a_list(where: str, value: object) -> str:
    return f"{where} is {type(value).__name__}, not a list of objects (as text it must be JSON: use the tojson filter)"


def _not_an_object(where: str, value: object) -> str:
    return (
        f"{where} is {type(value).__name__}, not an object (as text it must be JSON: use the tojson filter)"
    )


def encoded(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call that was checked as it goes on the wire: moments with an offset, ids as text."""
    dates = {key: _moment(call[key], name) for key, name in DATES.items() if call.get(key) is not None}
    ids = {key: wire_id(call[key]) for key in ("primaryUser", "workspaceId") if call.get(key) is not None}
    parties = [_with_texts(party, "userId", "partyId") for party in call["parties"]]
    return {**call, **dates, **ids, "parties": parties}


def _moment(value: datetime | str, name: str) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
    if moment.utcoffset() is None:
        log.warning("%s has no offset from UTC, so it is taken for UTC: add one, such as +00:00.", name)
    return wire_datetime(moment, name)


def _with_texts(party: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a party whose ids are texts: templates and databases like to make numbers of them."""
    texts = {key: str(party[key]) for key in keys if isinstance(party.get(key), int)}
    return {**party, **texts}


# What Gong answers to a `clientUniqueId` that it knows was seen once, and is not documented.
ALREADY = re.compile(r"\b(already|exist(s|ing)?|duplicate)\b", re.IGNORECASE)
CLIENT_ID = re.compile(r"\bclient\W?unique\W?id\b", re.IGNORECASE)
CALL_ID = re.compile(
    r"\bcall(?:\W*(?:with|having|the|id|number|no))*[\s#:='\"`(\[]*(\d{5,20})(?![\w-])", re.IGNORECASE
)


def posted_before(message: str, client_unique_id: str) -> str | None:
    """Return the call that Gong says has this `client_unique_id` already; None when it says something else."""
    # It may look like the identifier of a call itself.
    own = rf"(?<![\w-]){re.escape(client_unique_id)}(?![\w-])"
    rest = re.sub(own, "", message, count=1)
    if not (ALREADY.search(rest) and CLIENT_ID.search(rest)):
        return None
    found = set(CALL_ID.findall(rest))
    return found.pop() if len(found) == 1 else None
