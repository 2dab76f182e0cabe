"""What a row of a call holds."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.exports.content import PRESETS, content_selector, selected_blocks


def test_basic_content_needs_no_selector_and_is_the_meta_data() -> None:
    assert content_selector("basic") is None
    assert selected_blocks(None) == ("metaData",)


def test_default_content_has_parties_and_the_extended_context() -> None:
    selector = content_selector("default")
    assert selector == {"context": "Extended", "exposedFields": {"parties": True}}
    assert selected_blocks(selector) == ("metaData", "context", "parties")


def test_full_content_has_every_block() -> None:
    blocks = selected_blocks(content_selector("full"))
    assert blocks == ("metaData", "context", "parties", "content", "interaction", "collaboration")


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_asks_for_media(preset: str) -> None:
    assert "media" not in str(content_selector(preset))


def test_selector_of_gong_is_used_as_it_is() -> None:
    selector = {"exposedFields": {"content": {"topics": True, "trackers": False}}}
    assert content_selector(selector) is selector
    assert selected_blocks(selector) == ("metaData", "content")


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"context": "None"},
        {"exposedFields": None},
        {"exposedFields": {"parties": False}},
        {"exposedFields": {"content": {"topics": False}}},
    ],
)
def test_blocks_that_are_not_asked_for_are_not_in_a_row(selector: dict[str, Any]) -> None:
    assert selected_blocks(selector) == ("metaData",)


def test_unknown_preset_is_refused_with_the_known_ones() -> None:
    message = "content='all' is unknown: use one of basic, default, full, or Gong's contentSelector object."
    with pytest.raises(GongConfigurationError, match=f"^{re.escape(message)}$"):
        content_selector("all")


def test_content_of_another_type_is_refused() -> None:
    with pytest.raises(GongConfigurationError, match=r"^content=\['parties'\] is neither "):
        content_selector(["parties"])  # type: ignore[arg-type]


def test_media_urls_are_refused_with_the_reason() -> None:
    with pytest.raises(
        GongConfigurationError, match=r"exposedFields\.media: .* eight hours, .* Leave it out\.$"
    ):
        content_selector({"exposedFields": {"media": True, "parties": True}})


def test_media_that_is_switched_off_is_not_refused() -> None:
    assert content_selector({"exposedFields": {"media": False}}) == {"exposedFields": {"media": False}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"exposedField": {"parties": True}}, "unknown exposedField"),
        ({"exposedFields": ["parties"]}, "is no object"),
    ],
)
def test_what_gong_would_ignore_is_refused(content: dict[str, Any], problem: str) -> None:
    with pytest.raises(GongConfigurationError, match=problem):
        content_selector(content)
