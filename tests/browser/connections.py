"""Airflow's page of connections, as somebody uses it who sees it for the first time."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser import take_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Locator, Page

    from tests.system.real_airflow import RealAirflow

# What JavaScript's expressions need; Python's own escapes more, which they do not know.
SPECIAL, ESCAPED = re.compile(r"([()*+.?])"), r"\\\1"
# The parts of the form that have fields of ours.
PARTS = re.compile("^(Standard|Extra) Fields$")
# A part that another one folds is still to be seen for a moment.
IS_FOLDED = """it => !!it.closest('[data-scope="accordion"][data-state="closed"]')"""
READABLE = """it => {
    const box = it.getBoundingClientRect()
    return box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth
        && [...it.querySelectorAll('*'), it].every(e => e.scrollHeight <= e.clientHeight + 1
            || getComputedStyle(e).overflow === 'visible')
}"""
TOAST = '[data-scope="toast"][data-part="root"]'


class ConnectionsPage:
    """Fill in forms, press buttons and read what is said."""

    def __init__(self, page: Page, airflow: RealAirflow) -> None:
        self.page = page
        self.airflow = airflow
        self.form = page.get_by_role("dialog")
        page.set_default_timeout(15_000)

    def open(self) -> None:
        """Go to the page."""
        self.page.goto(f"{self.airflow.rest.url}/connections")
        self.page.get_by_role("button", name="Add Connection").wait_for()

    def add(self, kind: str) -> None:
        """Open the form of a new connection."""
        self.page.get_by_role("button", name="Add Connection").click()
        self.form.get_by_role("combobox").click()
        self.page.keyboard.type(kind)
        self.page.get_by_role("option", name=kind, exact=True).click()
        self._around("Description").wait_for()

    def edit(self, conn_id: str) -> None:
        """Open the form of a connection that exists."""
        self._row(conn_id).get_by_role("button", name="Edit Connection").click()
        self._around("Description").wait_for()

    def fill(self, values: Mapping[str, str]) -> None:
        """Type into fields, by what stands beside them."""
        for label, value in values.items():
            self.field(label).fill(value)

    def switch(self, label: str) -> None:
        """Turn a switch on or off."""
        self.show(label).locator('[data-scope="switch"][data-part="control"]').click()

    def field(self, label: str) -> Locator:
        """Return a field by what stands beside it, whatever is typed or chosen there."""
        return self.show(label).locator("input, textarea").first

    def help_of(self, label: str) -> str:
        """Return the help that stands below a field."""
        return self.show(label).locator('[data-part="helper-text"]').inner_text()

    def save(self) -> None:
        """Save the form, and wait until Airflow has it."""
        self.form.get_by_role("button", name="Save").click()
        self.form.wait_for(state="hidden")

    def test(self, conn_id: str) -> Locator:
        """Press Test and return what comes up, held by the mouse as a reader would do."""
        self._row(conn_id).get_by_role("button", name="Test Connection").click()
        toast = self.page.locator(TOAST).filter(has_text="Test Connection").first
        # Moves until it is where it stays.
        toast.hover()
        return toast

    def read(self, conn_id: str, *, picture: str = "") -> str:
        """Press Test, and return the message when a reader can see all of it at once."""
        self.page.set_viewport_size({"width": 1180, "height": 480})
        self.open()
        toast = self.test(conn_id)
        if picture:
            take_picture(self.page, picture)
        self.assert_readable(toast)
        said = toast.inner_text()
        assert "Traceback" not in said
        return said

    def store(self, conn_id: str, conn_type: str, *, extra: dict[str, Any], **fields: Any) -> None:
        """Store a connection as the form does, without the form."""
        # The form sends a port that somebody typed; without one Airflow 3.3 does not test.
        body = {"connection_id": conn_id, "conn_type": conn_type, "port": 443, **fields}
        self.airflow.rest.request("POST", "/connections", json=body | {"extra": json.dumps(extra)})

    def assert_readable(self, toast: Locator) -> None:
        """Wait until a message is seen as a whole: it slides in, and grows with its text."""
        self.page.wait_for_function(READABLE, arg=toast.element_handle())

    def show(self, label: str) -> Locator:
        """Unfold the part of the form that has a field; one part is open at a time."""
        around = self._around(label)
        # What is clicked while the form still moves may be lost, or fold both.
        for _ in range(5):
            if around.is_visible() and not around.evaluate(IS_FOLDED):
                return around
            self.form.get_by_role("button", name=PARTS, expanded=False).first.click()
            with contextlib.suppress(PlaywrightTimeout):
                around.wait_for(timeout=3_000)
        around.wait_for()
        return around

    def _around(self, label: str) -> Locator:
        # A field that is needed has a star behind its name.
        named = self.page.get_by_text(re.compile(rf"^{SPECIAL.sub(ESCAPED, label)}\s*\*?\s*$"))
        return self.form.locator('[data-scope="field"][data-part="root"]').filter(has=named)

    def _row(self, conn_id: str) -> Locator:
        cell = self.page.get_by_role("cell", name=conn_id, exact=True)
        return self.page.get_by_role("row").filter(has=cell)
