"""The ground that the other tests of pages stand on: a browser that shows a real Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.real_airflow import RealAirflow

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.system


def test_connection_types_are_offered(tmp_path: Path, page: Page) -> None:
    with RealAirflow(tmp_path, dags=False) as airflow:
        page.goto(f"{airflow.rest.url}/connections")
        page.get_by_role("button", name="Add Connection").click()
        page.get_by_role("dialog").wait_for()
        page.get_by_role("dialog").get_by_role("combobox").click()
        page.keyboard.type("gong")
        for name in ("Gong", "Gong OAuth 2.0", "Gong Webhook"):
            page.get_by_role("option", name=name, exact=True).wait_for()
