"""The sandboxes and connections of the triggers' tests."""

from tests.operators.conftest import connect, no_waiting, quiet

__all__ = ["connect", "no_waiting", "quiet"]
