"""Records become lines of JSON that any reader takes."""

from __future__ import annotations

import json

from airflow_provider_gong.exports.jsonlines import encode

WORDS = {"id": "1", "word": "Zoë said “gut, 谢谢” 🙂\u2028\n\t\u0000"}


def test_text_of_all_languages_is_one_readable_line_of_utf8() -> None:
    line = encode(WORDS)
    assert b"\n" not in line
    assert "谢谢” 🙂".encode() in line
    assert json.loads(line) == WORDS


def test_half_of_an_emoji_becomes_the_replacement_character() -> None:
    # Gong cuts texts between the halves of a surrogate pair; such text has no UTF-8.
    assert json.loads(encode({"brief": "so happy \ud83d"})) == {"brief": "so happy \ufffd"}
    assert json.loads(encode({"brief": "🙂 \ude00!"})) == {"brief": "🙂 \ufffd!"}


def test_numbers_that_json_does_not_know_become_null() -> None:
    record = {"a": [float("nan"), 1.5], "b": {"c": float("-inf")}}
    assert encode(record) == b'{"a":[null,1.5],"b":{"c":null}}'
