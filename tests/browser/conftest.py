"""One browser for all tests of pages, and a new session of it for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import new_page, running_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run a browser."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that nobody is signed in on."""
    page = new_page(browser)
    yield page
    page.context.close()
