"""Any distribution of calls over the windows: each export has exactly its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_gong.operators.exports import GongExportCallsOperator
from tests.operators.conftest import NOW
from tests.operators.exporting import call_ids, day, export, interval_run, rows

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

MS = timedelta(milliseconds=1)
FROM, TO = day(8), day(10)
LATER = NOW + timedelta(days=3)

# The sandbox and the folder are there for all examples: each one hides the calls of those before, and writes
# to a folder of its own.
anything = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
folders = count()


@dataclass(frozen=True)
class Drawn:
    """Calls that start at the same moment."""

    started: datetime
    visible_at: datetime
    private: bool
    calls: int

    def is_exported(self, now: datetime) -> bool:
        return self.visible_at <= now and not self.private


def moments(*edges: datetime) -> st.SearchStrategy[datetime]:
    """Draw moments around two days, most of them hard at an edge."""
    near = st.builds(lambda edge, ms: edge + ms * MS, st.sampled_from(edges), st.integers(-2, 2))
    anywhere = st.integers(-7_200_000, 2 * 86_400_000 + 7_200_000).map(lambda ms: FROM + ms * MS)
    return st.one_of(near, anywhere)


@st.composite
def distributions(draw: st.DrawFn, cut: datetime) -> list[Drawn]:
    """Draw calls in and around the two windows that meet at `cut`."""
    # More at one moment than a page holds, at times: the page then ends between equal starts.
    sizes = st.sampled_from((1, 1, 1, 1, 1, 1, 1, 120))
    # Most are shown ten minutes after they began; the others just before or after the moment of the export.
    delays = st.sampled_from((None, None, None, -MS, timedelta(0), MS, timedelta(days=2)))
    # What lies hard at the edges is in every distribution, and is shown.
    hard = [moment for edge in (FROM, cut, TO) for moment in (edge - MS, edge)]
    drawn = [Drawn(started, NOW, private=False, calls=1) for started in hard]
    for started in draw(st.lists(moments(FROM, cut, TO), max_size=12)):
        delay = draw(delays)
        visible_at = started + timedelta(minutes=10) if delay is None else NOW + delay
        drawn.append(Drawn(started, visible_at, draw(st.booleans()), draw(sizes)))
    return drawn


def populate(gong: GongSandbox, drawn: list[Drawn]) -> dict[str, Drawn]:
    """Let the company have these calls and no others; return them by id."""
    for call in gong.world.calls():
        gong.world.hide_call(call.id)
    return {
        gong.world.add_call(one.started, visible_at=one.visible_at, private=one.private).id: one
        for one in drawn
        for _ in range(one.calls)
    }


def exported(destination: str, start: datetime, end: datetime) -> list[str]:
    return call_ids(
        rows(
            export(
                GongExportCallsOperator,
                destination=destination,
                content="basic",
                from_datetime=start,
                to_datetime=end,
                run=interval_run(9, run_id=f"{start}_{end}"),
            )
        )
    )


def within(known: dict[str, Drawn], start: datetime, end: datetime, now: datetime = NOW) -> list[str]:
    """Return what an export has to have, in the order of the ids."""
    return sorted(one for one, call in known.items() if call.is_exported(now) and start <= call.started < end)


@anything
@given(data=st.data())
def test_window_has_exactly_its_calls_that_are_shown_and_not_private(
    quiet: GongSandbox, destination: str, data: st.DataObject
) -> None:
    known = populate(quiet, data.draw(distributions(cut=day(9))))
    ids = exported(f"{destination}/{next(folders)}", FROM, TO)
    assert sorted(ids) == within(known, FROM, TO)
    assert [known[one].started for one in ids] == sorted(known[one].started for one in ids)


@anything
@given(data=st.data(), minutes=st.integers(1, 2 * 24 * 60 - 1), reverse=st.booleans())
def test_windows_that_meet_share_no_call_and_miss_none(
    quiet: GongSandbox, destination: str, data: st.DataObject, minutes: int, reverse: bool
) -> None:
    cut = FROM + timedelta(minutes=minutes)
    known = populate(quiet, data.draw(distributions(cut=cut)))
    folder = f"{destination}/{next(folders)}"
    windows = [(FROM, cut), (cut, TO)]
    found = {window: exported(folder, *window) for window in (windows[::-1] if reverse else windows)}
    for window, ids in found.items():
        assert sorted(ids) == within(known, *window)
    before, after = (set(ids) for ids in found.values())
    assert before.isdisjoint(after)
    assert sorted(before | after) == within(known, FROM, TO)


@anything
@given(data=st.data())
def test_window_exported_again_has_what_gong_showed_late(
    quiet: GongSandbox, destination: str, data: st.DataObject
) -> None:
    quiet.clock.set(NOW)
    known = populate(quiet, data.draw(distributions(cut=day(9))))
    folder = f"{destination}/{next(folders)}"
    assert sorted(exported(folder, FROM, TO)) == within(known, FROM, TO)
    quiet.clock.set(LATER)
    assert sorted(exported(folder, FROM, TO)) == within(known, FROM, TO, now=LATER)
