"""The codes of languages, and the mend of other spellings."""

from __future__ import annotations

import pytest

from airflow_provider_gong.api.languages import LANGUAGES, a_language


def test_the_languages_are_gongs() -> None:
    assert len(LANGUAGES) == len(set(LANGUAGES)) == 133
    assert {"en-US", "fil-PH", "pa-Guru-IN", "yue-Hant-HK", "zu-ZA"} <= set(LANGUAGES)


def test_each_of_them_passes() -> None:
    assert [code for code in LANGUAGES if list(a_language(code, "language_code"))] == []


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ("en-us", "write en-US."),
        ("EN_US", "write en-US."),
        ("pa-guru-in", "write pa-Guru-IN."),
        ("ja", "use ja-JP."),
        ("pt", "use pt-BR or pt-PT."),
        ("zh-Hans", "use zh-CN or zh-TW."),
        ("de", "use one of de-AT, de-CH, de-DE."),
        ("tlh", "Gong has none for this language; leave it out, and Gong detects the language itself."),
    ],
)
def test_another_spelling_of_a_language_gets_the_right_one(given: str, mend: str) -> None:
    assert list(a_language(given, "language_code")) == [f"language_code={given!r} is unknown: {mend}"]
