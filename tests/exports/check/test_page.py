"""The page of a check: well-formed, alone in the world, and as telling to the ear as to the eye."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

from airflow_provider_gong.exports.check.page import page
from airflow_provider_gong.exports.check.receipt import Problem, Receipt, Span, gap_problems
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import day, window

VOID = {"meta", "br"}


def receipt(**facts: object) -> Receipt:
    spans = [Span(window(5, 6), 1200), Span(window(6, 7), 0), Span(window(8, 9), 30)]
    found = Receipt(
        address="s3://bucket/gong/calls",
        start=day(5),
        end=day(9),
        spans=spans,
        gaps=[Window(day(7), day(8))],
        pending=4,
        doubled=7,
    )
    found.problems = gap_problems(found.gaps, "gong")
    for name, fact in facts.items():
        setattr(found, name, fact)
    return found


class Reader(HTMLParser):
    """Checks that what is opened is closed, and keeps tags, attributes and texts."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def titles(self) -> list[str]:
        return [title for _, facts in self.tags if (title := facts.get("title"))]


def test_each_day_tells_its_rows_when_pointed_at() -> None:
    assert Reader(page(receipt())).titles() == [
        "2026-01-05: 1,200 rows",
        "2026-01-06: 0 rows",
        "2026-01-07: 0 rows, not exported",
        "2026-01-08: 30 rows",
    ]


def test_page_tells_in_words_what_it_shows_in_colours() -> None:
    read = Reader(page(receipt()))
    assert "1,200 rows 0 rows ! 0 rows, not exported 30 rows" in read.text
    headings = [facts["scope"] for tag, facts in read.tags if tag == "th"]
    assert set(headings) == {"col", "row"}
    assert ("html", {"lang": "en"}) in read.tags
    assert "title" in [tag for tag, _ in read.tags]


def test_page_lists_problems_and_gaps() -> None:
    text = Reader(page(receipt())).text
    assert "\u2717 1 problem " in text
    assert f"Nothing covers {window(7, 8)} export it with from_datetime='2026-01-07T00:00:00+00:00'" in text
    assert "2026-01-07 00:00:00 2026-01-08 00:00:00 1 day, 0:00:00" in text
    assert "Windows 3 Rows 1,230 Gaps 1 Pending 4 Given up 0 Doubled 7" in text
    whole = Reader(page(receipt(problems=[], gaps=[]))).text
    assert "\u2713 Nothing is missing, doubled or damaged." in whole
    assert "Problems" not in whole


def test_page_takes_nothing_from_elsewhere() -> None:
    content = page(receipt()).decode()
    assert (
        re.findall(r"https?:|//[a-z]|url\(|@import|<script|<link|<img|src=", content.replace("s3://", ""))
        == []
    )
    assert "default-src 'none'" in content


def test_texts_are_escaped() -> None:
    bad = Problem("part", "<script>alert(1)</script> & more", '"quoted" <b>')
    content = page(receipt(problems=[bad], address="file:///a<b>&c")).decode()
    assert "<script" not in content
    assert "<b>" not in content
    assert "file:///a&lt;b&gt;&amp;c" in content


def test_many_problems_are_folded_and_cut() -> None:
    gaps = [Window(day(1) + timedelta(hours=2 * n), day(1) + timedelta(hours=2 * n + 1)) for n in range(300)]
    problems = [*gap_problems(gaps, None), Problem("part", "the one part", "mend")]
    read = Reader(page(receipt(problems=problems, gaps=gaps, end=gaps[-1].end, start=day(1))))
    assert "Show 195 others" in read.text
    assert "and 101 more" in read.text
    assert "the one part" in read.text


def test_snapshots_have_their_words() -> None:
    found = receipt(holds_snapshots=True, gaps=[], problems=[], spans=[Span(Window.snapshot(day(5)), 7)])
    text = Reader(page(found)).text
    assert "Snapshots 1 Rows 7 " in text
    assert "no snapshot" in text
    assert "not exported" not in text


def test_check_of_nothing_has_a_page() -> None:
    assert (
        "There is no export"
        in Reader(
            page(Receipt(address="a", problems=[Problem("empty", "There is no export here", "export it")]))
        ).text
    )
