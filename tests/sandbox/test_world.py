"""The company as plain Python: what tests take as the truth."""

import re
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gong.sandbox import CallFilter, GongSandbox
from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.world import World
from tests.sandbox.client import Client

NOW = datetime(2026, 1, 11, tzinfo=UTC)
FULL = {
    "context": "Extended",
    "exposedFields": {
        "parties": True,
        "content": dict.fromkeys(("topics", "trackers", "brief", "outline", "highlights", "keyPoints"), True),
        "collaboration": {"publicComments": True},
        "media": True,
    },
}


def day(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def test_each_day_has_as_many_calls_as_ordered() -> None:
    world = World(Clock(NOW), calls_per_day=7, days=10)
    for number in range(10):
        assert sum(day(number) <= call.started < day(number + 1) for call in world.calls()) == 7
    assert world.calls()[0].started >= day(0)


def test_a_day_holds_the_same_calls_whenever_one_looks() -> None:
    early = World(Clock(NOW), days=10)
    late = World(Clock(NOW + timedelta(days=5)), days=10)
    common = CallFilter(day(5), day(10))
    now = NOW + timedelta(days=30)
    assert [call.id for call in early.find(common, now=now)] == [
        call.id for call in late.find(common, now=now)
    ]


def test_days_that_the_clock_reaches_bring_new_calls() -> None:
    clock = Clock(NOW)
    world = World(clock, calls_per_day=5, days=2)
    before = world.calls()
    clock.advance(timedelta(days=3))
    assert world.calls()[: len(before)] == before
    assert len(world.calls()) == len(before) + 15


def test_a_clock_in_the_far_future_does_not_fill_the_memory() -> None:
    clock = Clock(NOW)
    world = World(clock, calls_per_day=1, days=1, logs_per_day=0)
    clock.set(datetime(9000, 1, 1, tzinfo=UTC))
    assert len(world.calls()) < 400


def test_calls_appear_late_and_out_of_order(shared: GongSandbox) -> None:
    calls = shared.world.calls()
    delays = [call.visible_at - call.ended for call in calls]
    assert min(delays) > timedelta(0)
    within_an_hour = sum(delay <= timedelta(hours=1) for delay in delays)
    assert 0.8 * len(calls) < within_an_hour < 0.97 * len(calls)
    assert max(delays) > timedelta(hours=8)
    appearance = [call.visible_at for call in calls]
    assert appearance != sorted(appearance)


def test_visible_is_what_has_appeared(shared: GongSandbox) -> None:
    moment = datetime(2026, 1, 6, 12, tzinfo=UTC)
    visible = shared.world.visible_calls(moment)
    assert visible == [call for call in shared.world.calls() if call.visible_at <= moment]
    assert len(visible) < len(shared.world.calls())


def test_about_one_in_twenty_five_is_private() -> None:
    world = World(Clock(NOW), calls_per_day=300, days=10, logs_per_day=0)
    share = sum(call.private for call in world.calls()) / len(world.calls())
    assert 0.02 < share < 0.06


def test_calls_can_be_added_altered_and_hidden(gong: GongSandbox) -> None:
    world = gong.world
    call = world.add_call(day(3), private=True, title="A title", duration=90)
    assert (call.private, call.title, call.duration) == (True, "A title", 90)
    assert call.id not in world.call_ids(day(3), day(4))
    world.alter_call(call.id, private=False, started=day(5))
    assert call.id in world.call_ids(day(5), day(6))
    world.hide_call(call.id)
    assert call.id not in world.call_ids()


def test_an_unknown_attribute_is_refused(gong: GongSandbox) -> None:
    with pytest.raises(AttributeError):
        gong.world.add_call(day(3), is_private=True)


def test_an_altered_title_is_served(client: Client) -> None:
    call = client.gong.world.visible_calls()[0]
    client.gong.world.alter_call(call.id, title="Another title")
    assert client.get(f"/v2/calls/{call.id}").json()["call"]["title"] == "Another title"


def test_ids_are_strings_of_nineteen_digits_that_no_float_can_hold(shared: GongSandbox) -> None:
    ids = [call.id for call in shared.world.calls()] + [user.id for user in shared.world.users]
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert re.fullmatch(r"\d{19}", one)
        assert str(int(float(one))) != one


def test_dates_have_mixed_offsets_and_fractions(reader: Client) -> None:
    calls = reader.get("/v2/calls").json()["calls"]
    starts = [call["started"] for call in calls]
    assert {"-05:00", "+02:00"} <= {start[-6:] for start in starts}
    fractions = {len(start[:-6].partition(".")[2]) for start in starts}
    assert len(fractions) > 1
    for call in calls:
        assert datetime.fromisoformat(call["started"]) == reader.gong.world.call(call["id"]).started


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def test_addresses_and_numbers_are_reserved_for_examples(reader: Client) -> None:
    replies = [
        reader.post("/v2/calls/extensive", {"filter": {}, "contentSelector": FULL}),
        reader.post("/v2/calls/transcript", {"filter": {}}),
        reader.get("/v2/users", includeAvatars="true"),
        reader.get("/v2/logs", logType="ExternallySharedCallAccess", fromDateTime="2026-01-01T00:00:00Z"),
        reader.get("/v2/logs", logType="AccessLog", fromDateTime="2026-01-01T00:00:00Z"),
    ]
    texts = [text for reply in replies for text in _texts(reply.json())]
    hosts = [host for text in texts for host in re.findall(r"(?:@|https?://)([\w.-]+)", text)]
    telephones = [text for text in texts if text.startswith("+")]
    addresses = [text for text in texts if re.fullmatch(r"[\d.]+\.\d+\.\d+", text)]
    assert len(hosts) > 300
    assert all(re.search(r"(^|\.)example\.(com|org)$", host) for host in hosts)
    assert telephones
    assert all(re.fullmatch(r"\+1-555-01\d\d", text) for text in telephones)
    assert addresses
    assert all(text.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for text in addresses)


def test_little_is_kept_of_a_call() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    world = World(Clock(NOW), calls_per_day=1000, days=1, logs_per_day=0)
    world.visible_calls()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / len(world.calls()) < 1000


def test_a_hundred_thousand_calls_are_served_quickly() -> None:
    with GongSandbox(calls=1000, days=100, now=NOW, per_second=None, logs=1) as gong:
        client = Client(gong)
        selector = {"context": "Extended", "exposedFields": {"parties": True}}
        body: dict[str, Any] = {"filter": {}, "contentSelector": selector}
        with client.session:
            first = client.post("/v2/calls/extensive", body)
            body["cursor"] = first.json()["records"]["cursor"]
            seconds = []
            for _ in range(5):
                start = time.perf_counter()
                reply = client.post("/v2/calls/extensive", body)
                seconds.append(time.perf_counter() - start)
    # Some calls of the last evening go on past midnight.
    assert 99_900 < first.json()["records"]["totalRecords"] <= 100_000
    assert len(reply.json()["calls"]) == 100
    # About 10 ms; the bound leaves room for a machine that does other things.
    assert min(seconds) < 0.1
