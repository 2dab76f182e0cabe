"""A real browser for tests, headless, with a profile of its own, and what it saw."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parent.parent.parent
# Where pictures go, `docs/images` for instance; without it they stay where nobody commits them.
PICTURES = "GONG_TESTS_PICTURES"
SIZE = {"width": 1280, "height": 860}
# It is to reach the servers of the tests and nothing else.
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Debian's Chromium and end it at the end."""
    from playwright.sync_api import sync_playwright

    binary = program("chromium", package="chromium")
    with sync_playwright() as playwright:
        # Its own sandbox does not work for root; all pages are ours.
        browser = playwright.chromium.launch(
            executable_path=binary, args=list(ARGUMENTS), chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Browser) -> Page:
    """Return a page of a new session, that is without anybody's cookies; it waits patiently."""
    context = browser.new_context(viewport=SIZE, locale="en-GB", timezone_id="UTC")  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    context.set_default_navigation_timeout(60_000)
    return context.new_page()


def take_picture(page: Page | Locator, name: str) -> Path:
    """Keep what a page, or one thing on it, shows as ``name.png``."""
    folder = Path(os.environ.get(PICTURES) or ROOT / ".pictures")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    return path
