"""Programs that some tests need and pip does not bring."""

from __future__ import annotations

import os
import shutil

import pytest

# CI sets it, so that a missing program is no reason to leave tests out there.
REQUIRED = "GONG_TESTS_REQUIRE_ALL"


def program(name: str, *, package: str) -> str:
    """Return where a program is, or skip the test; fail it where every program is required.

    :param package: Debian's package that brings it.
    """
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is not installed: apt-get install {package}"
        if os.environ.get(REQUIRED):
            pytest.fail(missing)
        pytest.skip(missing)
    return found
