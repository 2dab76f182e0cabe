"""Dice that fall the same way for the same seed."""

from random import Random


def draw(*seed: object) -> Random:
    """Return dice for a seed; equal seeds give equal throws on every machine."""
    return Random(":".join(str(part) for part in seed))  # noqa: S311 - data, not secrets


def identifier(dice: Random) -> str:
    """Return an identifier as Gong forms them: 19 digits, too long for a float."""
    return str(dice.randrange(10**18, 9 * 10**18) | 1)
