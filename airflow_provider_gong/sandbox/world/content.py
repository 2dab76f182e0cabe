"""What Gong makes of a call: topics, trackers, summaries, statistics, comments.

https://help.gong.io/apidocs, operation `listCallsExtensive`
"""

from collections import Counter
from random import Random
from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, Participant
from airflow_provider_gong.sandbox.world.draw import draw, identifier
from airflow_provider_gong.sandbox.world.scripts import OUTCOMES
from airflow_provider_gong.sandbox.world.times import wire
from airflow_provider_gong.sandbox.world.transcript import scenes

TRACKERS = ("Budget", "Competition", "Discount", "Security")
STATISTICS = ("Talk Ratio", "Longest Monologue", "Longest Customer Story", "Interactivity", "Patience")


def content(call: Call, people: Cast, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the wanted parts of the analysis of what was said."""
    dice = draw(call.id, "content")
    topics = _topics(call)
    parts: dict[str, Any] = {}
    if wanted.get("structure"):
        parts["structure"] = [{"name": name, "duration": seconds} for name, seconds in topics.items()]
    if wanted.get("trackers"):
        parts["trackers"] = _trackers(dice, call, people, bool(wanted.get("trackerOccurrences")))
    if wanted.get("topics"):
        parts["topics"] = [{"name": name, "duration": seconds} for name, seconds in topics.items()]
    if wanted.get("brief"):
        parts["brief"] = f"{people.host.name} and {people.customer} talked about {_enumerate(topics)}."
    if wanted.get("outline"):
        parts["outline"] = _outline(topics)
    if wanted.get("highlights"):
        parts["highlights"] = [{"title": "Next steps", "items": _highlights(call, people)}]
    if wanted.get("callOutcome"):
        category, name = OUTCOMES[call.theme]
        parts["callOutcome"] = {"id": f"{category}-{name}".lower(), "category": category, "name": name}
    if wanted.get("keyPoints"):
        parts["keyPoints"] = [{"text": f"{topic} matters to {people.customer}."} for topic in topics]
    return parts


def interaction(call: Call, people: Cast, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the wanted statistics of who spoke, asked and showed."""
    dice = draw(call.id, "interaction")
    parts: dict[str, Any] = {}
    if wanted.get("speakers"):
        parts["speakers"] = _speakers(dice, call, people)
    if wanted.get("personInteractionStats"):
        parts["interactionStats"] = [{"name": name, "value": dice.randrange(1, 120)} for name in STATISTICS]
    if wanted.get("video") and call.has_video:
        parts["video"] = [{"name": "Presentation", "duration": float(dice.randrange(call.duration))}]
    if wanted.get("questions"):
        parts["questions"] = {"companyCount": dice.randrange(20), "nonCompanyCount": dice.randrange(12)}
    return parts


def comments(call: Call) -> list[dict[str, Any]]:
    """Return the public comments on a call; most have none."""
    dice = draw(call.id, "comments")
    if dice.random() < 0.8:
        return []
    start = float(dice.randrange(call.duration))
    return [
        {
            "id": identifier(dice),
            "audioStartTime": start,
            "audioEndTime": start + 5.0,
            "commenterUserId": call.host.id,
            "comment": "Good question, let us use it in the training.",
            "posted": wire(call.ended, call.host.office),
            "inReplyTo": None,
            "duringCall": False,
        }
    ]


def _topics(call: Call) -> dict[str, int]:
    weights = Counter(scene.topic for scene in scenes(call) for _ in scene.lines)
    lines = weights.total()
    return {topic: call.duration * n // lines for topic, n in weights.items() if topic is not None}


def _enumerate(topics: dict[str, int]) -> str:
    return ", ".join(topics).lower()


def _trackers(dice: Random, call: Call, people: Cast, occurrences: bool) -> list[dict[str, Any]]:
    trackers = []
    for number, name in enumerate(TRACKERS):
        times = [float(dice.randrange(call.duration)) for _ in range(dice.randrange(3))]
        found = [{"startTime": time, "speakerId": people.host.speaker_id} for time in sorted(times)]
        keyword = number % 2 == 0
        tracker: dict[str, Any] = {
            "id": f"70000000000000000{number:02d}",
            "name": name,
            "count": len(found),
            "type": "KEYWORD" if keyword else "SMART",
            "occurrences": found if occurrences else [],
            "phrases": [],
        }
        if keyword and found:
            phrase = {"count": len(found), "phrase": name.lower(), "occurrences": tracker["occurrences"]}
            tracker["phrases"] = [phrase]
        trackers.append(tracker)
    return trackers


def _outline(topics: dict[str, int]) -> list[dict[str, Any]]:
    sections = []
    now = 0.0
    for name, seconds in topics.items():
        item = {"text": f"They talk about {name.lower()}.", "startTime": now}
        sections.append({"section": name, "startTime": now, "duration": float(seconds), "items": [item]})
        now += seconds
    return sections


def _highlights(call: Call, people: Cast) -> list[dict[str, Any]]:
    text = f"{people.words['rep']} sends a summary to {people.words['buyer']}."
    return [{"text": text, "startTimes": [float(call.duration * 9 // 10)]}]


def _speakers(dice: Random, call: Call, people: Cast) -> list[dict[str, Any]]:
    """Share the time out; the id is that of the party, not of its voice."""
    voices: list[Participant] = [person for person in people.participants if person.speaker_id]
    share = call.duration / (len(voices) + 1)
    return [
        {"id": person.id, "userId": person.user_id, "talkTime": round(share * (0.5 + dice.random() / 2), 2)}
        for person in voices
    ]
