"""Airflow's page of connections, as somebody uses it who sees it for the first time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.system.real_airflow import RealAirflow

TOAST = '[data-scope="toast"][data-part="root"]'


class ConnectionsPage:
    """Fill in forms, press buttons and read what is said."""

    def __init__(self, page: Page, airflow: RealAirflow) -> None:
        self.page = page
        self.airflow = airflow
        self.form = page.get_by_role("dialog")

    def open(self) -> None:
        """Go to the page."""
        self.page.goto(f"{self.airflow.rest.url}/connections")
        self.page.get_by_role("button", name="Add Connection").wait_for()

    def add(self, kind: str) -> None:
        """Open the form of a new connection, with all of its fields."""
        self.page.get_by_role("button", name="Add Connection").click()
        self.form.get_by_role("combobox").click()
        self.page.keyboard.type(kind)
        self.page.get_by_role("option", name=kind, exact=True).click()
        self._unfold()

    def edit(self, conn_id: str) -> None:
        """Open the form of a connection that exists, with all of its fields."""
        self._row(conn_id).get_by_role("button", name="Edit Connection").click()
        self._unfold()

    def field(self, label: str) -> Locator:
        """Return a field by what stands beside it, whatever is typed or chosen there."""
        return self._around(label).locator("input, textarea").first

    def help_of(self, label: str) -> str:
        """Return the help that stands below a field."""
        return self._around(label).locator('[data-part="helper-text"]').inner_text()

    def save(self) -> None:
        """Save the form, and wait until Airflow has it."""
        self.form.get_by_role("button", name="Save").click()
        self.form.wait_for(state="hidden")

    def test(self, conn_id: str) -> Locator:
        """Press Test and return what comes up, held by the mouse as a reader would do."""
        self._row(conn_id).get_by_role("button", name="Test Connection").click()
        toast = self.page.locator(TOAST).filter(has_text="Test Connection").first
        toast.hover()
        return toast

    def store(self, conn_id: str, conn_type: str, *, extra: dict[str, Any], **fields: Any) -> None:
        """Store a connection as the form does, without the form."""
        # The form sends a port that somebody typed; without one Airflow 3.3 does not test.
        body = {"connection_id": conn_id, "conn_type": conn_type, "port": 443, **fields}
        self.airflow.rest.request("POST", "/connections", json=body | {"extra": json.dumps(extra)})

    def _unfold(self) -> None:
        # Standard fields are open from the beginning.
        self.form.get_by_role("button", name="Extra Fields", exact=True).click()

    def _around(self, label: str) -> Locator:
        named = self.page.get_by_text(label, exact=True)
        return self.form.locator('[data-scope="field"][data-part="root"]').filter(has=named)

    def _row(self, conn_id: str) -> Locator:
        cell = self.page.get_by_role("cell", name=conn_id, exact=True)
        return self.page.get_by_role("row").filter(has=cell)
