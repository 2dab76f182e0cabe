"""How Gong writes moments: numeric offsets, and as many digits of a second as there are."""

from datetime import datetime, timezone


def wire(moment: datetime, office: timezone) -> str:
    """Write a moment in the time of an office, for instance `2026-01-01T09:30:05.2-05:00`."""
    local = moment.astimezone(office)
    fraction = f".{local.microsecond:06d}".rstrip("0.")
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:]}"
