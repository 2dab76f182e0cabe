"""Slices: windows and lists of ids fall apart without a record lost, doubled or left to chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_gong.api.client import Page
from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.slices import (
    AIM,
    IDS,
    MOST,
    PAGE,
    Slice,
    TooMuch,
    bounded,
    divided,
    id_slices,
    time_slices,
)
from airflow_provider_gong.exports.window import Window
from tests.exports.doubles import Client, Timeline, day, window

SECOND = timedelta(seconds=1)

anything = settings(max_examples=200, deadline=None, derandomize=True)


# Windows


@given(start=st.integers(0, 10**9), seconds=st.integers(1, 10**8), pieces=st.integers(1, 300))
@anything
def test_pieces_of_a_window_touch_and_cover_it(start: int, seconds: int, pieces: int) -> None:
    begin = datetime.fromtimestamp(start, UTC)
    whole = Window(begin, begin + seconds * SECOND)
    found = divided(whole, pieces)
    assert (found[0].start, found[-1].end) == (whole.start, whole.end)
    assert all(one.end == following.start for one, following in pairwise(found))
    assert len(found) == min(pieces, seconds)
    lengths = {one.end - one.start for one in found}
    assert min(lengths) >= SECOND
    assert max(lengths) - min(lengths) <= SECOND
    assert all(bound.microsecond == 0 for one in found for bound in (one.start, one.end))


@st.composite
def timelines(draw: st.DrawFn) -> list[datetime]:
    """Draw moments of one day: evenly, in heaps, or many within one second."""
    heaps = st.tuples(st.integers(0, 86_399), st.integers(1, 7200), st.integers(0, 3000))
    moments = []
    for second, spread, count in draw(st.lists(heaps, max_size=6)):
        moments += [
            day(1) + (second + number * spread // max(count, 1)) % 86_400 * SECOND for number in range(count)
        ]
    return sorted(moments)


@given(moments=timelines())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_slices_of_any_distribution_hold_every_record_once(moments: list[datetime]) -> None:
    stream = Timeline(moments)
    found = []
    left = stream.slices(window(), max(len(moments), 1))
    names = set()
    while left:
        piece = left.pop(0)
        assert piece.name not in names
        names.add(piece.name)
        try:
            batches = list(piece.read(Client()))  # type: ignore[arg-type]
        except TooMuch as counted:
            left[:0] = piece.divide(counted.records)
            continue
        ids = [row.id for batch in batches for row in batch.rows]
        assert len(ids) <= MOST or len({moments[int(one)] for one in ids}) == 1
        found += ids
    assert found == [str(number) for number in range(len(moments))]


def test_slices_aim_at_eight_pages() -> None:
    assert len(time_slices(Timeline([]), window(), 10 * AIM)) == 10
    assert len(time_slices(Timeline([]), window(), 10 * AIM + 1)) == 11


def test_slices_have_the_same_names_each_time() -> None:
    first, second = (time_slices(Timeline([]), window(), 5 * AIM) for _ in range(2))
    assert [one.name for one in first] == [one.name for one in second]
    assert len({one.name for one in first}) == 5


def test_window_of_a_second_is_read_whatever_it_holds() -> None:
    second = Window(day(1), day(1) + SECOND)
    stream = Timeline([day(1)] * (MOST + 1))
    [piece] = time_slices(stream, second, MOST + 1)
    batches = list(piece.read(Client()))  # type: ignore[arg-type]
    assert sum(len(batch.rows) for batch in batches) == MOST + 1


# Too much


def page(total: int | None, cursor: str | None = "more") -> Page:
    return Page([], total, cursor)


def test_too_much_is_told_before_the_first_record() -> None:
    with pytest.raises(TooMuch) as told:
        next(bounded(iter([page(AIM + 1)]), AIM))
    assert told.value.records == AIM + 1


@pytest.mark.parametrize(
    ("first", "most"),
    [
        (page(AIM), AIM),
        (page(None), AIM),
        (page(AIM + 1), None),
        # Gong counts calls that it does not show: the list ends here.
        (page(AIM + 1, cursor=None), AIM),
    ],
)
def test_what_is_not_too_much_is_passed_on(first: Page, most: int | None) -> None:
    following = page(AIM + 1)
    assert list(bounded(iter([first, following]), most)) == [first, following]


# Ids


def read_ids(kind: str, ids: list[str]) -> list[Slice]:
    return id_slices(kind, lambda client, piece: iter([Batch([], len(piece), pending=piece)]), ids)


def test_list_of_ids_falls_into_full_pages() -> None:
    ids = [str(number) for number in range(2 * IDS + 7)]
    pieces = read_ids("window", ids)
    asked = [batch.pending for piece in pieces for batch in piece.read(Client())]  # type: ignore[arg-type]
    assert [len(one) for one in asked] == [IDS, IDS, 7]
    assert [one for piece in asked for one in piece] == ids
    assert IDS % PAGE == 0


def test_other_ids_and_other_kinds_have_other_names() -> None:
    ids = [str(number) for number in range(IDS)]
    names = [piece.name for found in (ids, ids[:-1], ids[::-1]) for piece in read_ids("window", found)]
    names += [piece.name for piece in read_ids("others", ids)]
    assert len(set(names)) == 4
    assert [piece.name for piece in read_ids("window", ids)] == names[:1]
