"""The link from a task to its call in Gong's application, as Airflow's task runner pushes it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_gong.operators.calls import (
    GongAddCallMediaOperator,
    GongCreateCallOperator,
    GongGetCallOperator,
)
from airflow_provider_gong.operators.links import GongCallLink, call_url, push_call_url
from airflow_provider_gong.provider_info import get_provider_info
from tests.support.task_runner import run_task

CALL = "7782342274025937895"
LINK = "_link_GongCallLink"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("api.gong.io", f"https://app.gong.io/call?id={CALL}"),
        ("us-12345.api.gong.io", f"https://us-12345.app.gong.io/call?id={CALL}"),
        ("api.gong.io.example.com", None),
        ("myapi.gong.io", None),
        ("gong.io", None),
        ("127.0.0.1", None),
        ("", None),
    ],
)
def test_the_application_stands_beside_the_api(host: str, url: str | None) -> None:
    assert call_url(None, host, CALL) == url


def test_what_gong_says_itself_counts_more() -> None:
    given = "https://us-1.app.gong.io/call?id=5"
    assert call_url(given, "us-2.api.gong.io", CALL) == given


@pytest.mark.parametrize("given", [None, "", 5, "javascript:alert(1)", "/call?id=5"])
def test_what_is_no_web_address_is_not_taken_for_one(given: Any) -> None:
    assert call_url(given, "api.gong.io", CALL) == f"https://app.gong.io/call?id={CALL}"


class Pushing(BaseOperator):
    operator_extra_links = (GongCallLink(),)

    def __init__(self, *, url: str | None, fails: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.fails = fails

    def execute(self, context: Any) -> None:
        push_call_url(context, self.url)
        if self.fails:
            raise RuntimeError("something else")


def pushed(url: str | None, *, fails: bool = False) -> dict[str, Any]:
    with DAG("linked", schedule=None):
        operator = Pushing(task_id="push", url=url, fails=fails)
    result = run_task(operator)
    assert not any("Failed to push an xcom" in line for line in result.logs)
    return result.xcoms


def test_airflow_keeps_the_address_as_the_link() -> None:
    assert pushed("https://app.gong.io/call?id=5")[LINK] == "https://app.gong.io/call?id=5"


def test_a_task_that_fails_later_keeps_its_link() -> None:
    assert pushed("https://app.gong.io/call?id=5", fails=True)[LINK] == "https://app.gong.io/call?id=5"


def test_a_task_without_an_address_has_an_empty_link() -> None:
    assert pushed(None)[LINK] == ""


@pytest.mark.parametrize("kind", [GongCreateCallOperator, GongAddCallMediaOperator, GongGetCallOperator])
def test_operators_of_one_call_have_the_link(kind: type[BaseOperator]) -> None:
    [link] = kind.operator_extra_links
    assert (type(link), link.name) == (GongCallLink, "Open in Gong")


def test_airflow_is_told_of_the_link() -> None:
    assert get_provider_info()["extra-links"] == [f"{GongCallLink.__module__}.{GongCallLink.__name__}"]
