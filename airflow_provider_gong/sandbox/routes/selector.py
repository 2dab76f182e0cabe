"""The content selector: which data a client wants of a call.

https://help.gong.io/apidocs, operation `listCallsExtensive`
"""

from typing import Any

from airflow_provider_gong.sandbox.replies import Refusal
from airflow_provider_gong.sandbox.routes.inputs import read_choice, read_flag, read_object
from airflow_provider_gong.sandbox.world.details import Wanted

CONTENT = (
    *("structure", "topics", "trackers", "trackerOccurrences", "pointsOfInterest"),
    *("brief", "outline", "highlights", "callOutcome", "keyPoints"),
)
INTERACTION = ("speakers", "video", "personInteractionStats", "questions")
WHERE = "contentSelector."
FIELDS = "contentSelector.exposedFields."


def read_selector(body: dict[str, Any]) -> Wanted:
    """Return what a body asks for; keys that Gong does not know are ignored."""
    selector = read_object(body, "contentSelector")
    fields = read_object(selector, "exposedFields", where=WHERE)
    context = read_choice(selector.get("context") or "None", ("None", "Basic", "Extended"), f"{WHERE}context")
    return Wanted(
        context=context,
        timings=_read_timings(selector, context),
        parties=read_flag(fields, "parties", where=FIELDS),
        content=_read_flags(fields, "content", CONTENT),
        interaction=_read_flags(fields, "interaction", INTERACTION),
        comments=_read_flags(fields, "collaboration", ("publicComments",))["publicComments"],
        media=read_flag(fields, "media", where=FIELDS),
    )


def _read_timings(selector: dict[str, Any], context: str) -> tuple[str, ...]:
    timings = selector.get("contextTiming")
    if timings is None:
        return ("Now",)
    if context != "Extended":
        raise Refusal(400, f"{WHERE}contextTiming: can be provided only when context is Extended")
    if not isinstance(timings, list) or not timings:
        raise Refusal(400, f"{WHERE}contextTiming: must be a list of Now, TimeOfCall")
    return tuple(read_choice(one, ("Now", "TimeOfCall"), f"{WHERE}contextTiming") for one in timings)


def _read_flags(fields: dict[str, Any], block: str, names: tuple[str, ...]) -> dict[str, bool]:
    values = read_object(fields, block, where=FIELDS)
    return {name: read_flag(values, name, where=f"{FIELDS}{block}.") for name in names}
