"""Which parts of a call an export asks Gong for.

https://help.gong.io/apidocs/retrieve-detailed-call-data-by-various-filters-v2callsextensive-2
"""

from __future__ import annotations

from typing import Any

from airflow_provider_gong.exceptions import GongConfigurationError

PRESETS: dict[str, dict[str, Any] | None] = {
    "basic": None,
    "default": {"context": "Extended", "exposedFields": {"parties": True}},
    "full": {
        "context": "Extended",
        "exposedFields": {
            "parties": True,
            "content": {
                "structure": True,
                "topics": True,
                "trackers": True,
                "trackerOccurrences": True,
                "brief": True,
                "outline": True,
                "highlights": True,
                "callOutcome": True,
                "keyPoints": True,
            },
            "interaction": {
                "speakers": True,
                "video": True,
                "personInteractionStats": True,
                "questions": True,
            },
            "collaboration": {"publicComments": True},
        },
    },
}
_BLOCKS = ("parties", "content", "interaction", "collaboration")


def content_selector(content: str | dict[str, Any]) -> dict[str, Any] | None:
    """Turn `content=` into Gong's contentSelector.

    :param content: a preset (`basic`, `default`, `full`) or Gong's own contentSelector object
    :raises GongConfigurationError: for an unknown preset, or when media URLs are asked for
    """
    if isinstance(content, str):
        if content not in PRESETS:
            raise GongConfigurationError(
                f"content={content!r} is unknown: use one of {', '.join(PRESETS)}, or Gong's contentSelector object."
            )
        return PRESETS[content]
    if not isinstance(content, dict):
        raise GongConfigurationError(
            f"content={content!r} is neither the name of a preset nor Gong's contentSelector object."
        )
    unknown = sorted(set(content) - {"context", "contextTiming", "exposedFields"})
    exposed = content.get("exposedFields") or {}
    if unknown or not isinstance(exposed, dict):
        problem = f"unknown {', '.join(unknown)}" if unknown else "exposedFields is no object"
        raise GongConfigurationError(
            f"content={content!r} is not Gong's contentSelector object ({problem}): it has context, contextTiming "
            "and exposedFields."
        )
    if exposed.get("media"):
        raise GongConfigurationError(
            "content asks for exposedFields.media: Gong signs media URLs anew in every reply and they die after "
            "eight hours, so exports never store them. Leave it out."
        )
    return content


def selected_blocks(selector: dict[str, Any] | None) -> tuple[str, ...]:
    """Return the blocks that each row has, null where Gong omits them."""
    selector = selector or {}
    exposed = selector.get("exposedFields") or {}
    context = ("context",) if selector.get("context", "None") != "None" else ()
    return ("metaData", *context, *(block for block in _BLOCKS if _wanted(exposed.get(block))))


def _wanted(field: Any) -> bool:
    return any(field.values()) if isinstance(field, dict) else bool(field)
