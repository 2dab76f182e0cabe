"""The transcript of a call: monologues of sentences, timed in milliseconds.

https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2
"""

from random import Random
from typing import Any

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.cast import Cast, cast
from airflow_provider_gong.sandbox.world.draw import draw
from airflow_provider_gong.sandbox.world.scripts import CLOSINGS, OPENINGS, SCENES, Scene

MILLISECONDS_PER_LETTER = 60
BREATH = 250
UNKNOWN_VOICE_SHARE = 0.02


def scenes(call: Call) -> list[Scene]:
    """Return the scenes of a call, in order."""
    dice = draw(call.id, "scenes")
    middle = SCENES[call.theme]
    chosen = sorted(dice.sample(range(len(middle)), dice.randrange(2, len(middle) + 1)))
    return [dice.choice(OPENINGS), *(middle[n] for n in chosen), dice.choice(CLOSINGS)]


def transcript(call: Call) -> list[dict[str, Any]]:
    """Return the monologues of a call."""
    dice = draw(call.id, "voices")
    people = cast(call)
    lines = [
        (scene.topic, _speaker(dice, people, role), [text.format_map(people.words) for text in texts])
        for scene in scenes(call)
        for role, texts in scene.lines
    ]
    letters = sum(len(text) for _, _, texts in lines for text in texts)
    pace = min(MILLISECONDS_PER_LETTER, call.duration * 1000 // (2 * letters))
    # What is left of the call is silence between the monologues.
    pause = (call.duration * 1000 - letters * pace * 5 // 4) // (len(lines) + 1)
    return _monologues(lines, pace, max(pause - 3 * BREATH, 0))


def _monologues(
    lines: list[tuple[str | None, str | None, list[str]]], pace: int, pause: int
) -> list[dict[str, Any]]:
    now = pause // 2
    monologues = []
    for topic, speaker, texts in lines:
        sentences = []
        for text in texts:
            end = now + len(text) * pace
            sentences.append({"start": now, "end": end, "text": text})
            now = end + min(BREATH, pause)
        monologues.append({"speakerId": speaker, "topic": topic, "sentences": sentences})
        now += pause
    return monologues


def _speaker(dice: Random, people: Cast, role: str) -> str | None:
    if dice.random() < UNKNOWN_VOICE_SHARE:
        return None
    return people.voice(role).speaker_id
