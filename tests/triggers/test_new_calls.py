"""Watching for new calls, in Airflow's own triggerer loop: each is told of, late ones and after crashes too."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.exceptions import SerializationError
from airflow.sdk import DAG, Asset, AssetWatcher
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.triggers import new_calls_producer, seen
from airflow_provider_gong.triggers.new_calls import GongNewCallsTrigger
from tests.support.triggerer import Triggerer, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.operators.conftest import Connect

EXTENSIVE = "/v2/calls/extensive"
HOUR = timedelta(hours=1)
ASSET = "calls"


@pytest.fixture
def gong(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company without calls, by the real clock: a watcher goes by it too."""
    with GongSandbox(seed=3, calls=0, days=0, users=3, logs=0, per_second=None) as gong:
        connect(gong)
        yield gong


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Triggerer]:
    """Return a function that runs a test in a triggerer loop, which goes on with the state of an earlier one."""

    def run(test: Callable[[Triggerer], Awaitable[None]], state: dict[str, Any] | None = None) -> Triggerer:
        triggerer = Triggerer(state)

        async def main() -> None:
            async with running(triggerer, monkeypatch):
                await test(triggerer)

        asyncio.run(main())
        return triggerer

    return run


def trigger(**arguments: Any) -> GongNewCallsTrigger:
    given: dict[str, Any] = {"asset_name": ASSET, "poll_interval": 1}
    return GongNewCallsTrigger(**(given | arguments))


def watch(triggerer: Triggerer, **arguments: Any) -> int:
    return triggerer.add(trigger(**arguments), **{ASSET: ASSET})


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def add(gong: GongSandbox, **time: float) -> str:
    """Add a call that started so long ago and is visible."""
    return gong.world.add_call(ago(**time), visible_at=ago(seconds=0)).id


def ids(events: list[Any]) -> list[str]:
    return [call["id"] for event in events for call in event["calls"]]


def looks(gong: GongSandbox) -> int:
    return len(gong.requests.to(EXTENSIVE))


def test_new_calls_of_a_look_are_one_event(gong: GongSandbox, run: Any) -> None:
    first = [add(gong, hours=3), add(gong, hours=1)]
    later: list[str] = []

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        later.extend([add(gong, minutes=30), add(gong, minutes=20)])
        await triggerer.until(lambda: len(ids(triggerer.events_of[number])) == 4)
        seen = looks(gong)
        await triggerer.until(lambda: looks(gong) > seen + 1)

    triggerer = run(test)
    events = triggerer.events_of[1]
    assert [ids([event]) for event in events] in ([first, later], [first, later[:1], later[1:]])
    told = events[0]["calls"][0]
    assert set(told) == {"id", "title", "started"}
    started = gong.world.call(first[0]).started
    assert abs(datetime.fromisoformat(told["started"]) - started) < timedelta(seconds=1)
    assert events[0]["more"] is False


def test_a_late_call_is_told_of(gong: GongSandbox, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_calls_producer, "LOOK_FAR_EVERY", timedelta(seconds=2))
    add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        late = add(gong, hours=23)
        await triggerer.until(lambda: late in ids(triggerer.events_of[number]))

    run(test)


def test_near_looks_are_cheap_and_far_ones_seldom(gong: GongSandbox, run: Any) -> None:
    for n in range(250):
        add(gong, hours=5, seconds=n)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: len(ids(triggerer.events_of[number])) == 250)
        await triggerer.until(lambda: looks(gong) == 6)

    run(test)
    # Three pages of a day, then one look of two hours after the other.
    assert [one.has_cursor for one in gong.requests] == [False, True, True, False, False, False]


def test_nothing_counts_as_told_of_before_its_event_is_stored(gong: GongSandbox, run: Any) -> None:
    call_id = add(gong, hours=1)

    async def killed(triggerer: Triggerer) -> None:
        triggerer.confirms = False
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        await asyncio.sleep(2.5)
        # And no look follows meanwhile.
        assert looks(gong) == 1

    first = run(killed)
    assert not any("T" in key.rpartition(" ")[2] for key in first.state)

    async def restarted(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        await triggerer.until(lambda: looks(gong) > 3)
        assert ids(triggerer.events_of[number]) == [call_id]

    second = run(restarted, first.state)

    async def again(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        other = add(gong, minutes=5)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert ids(triggerer.events_of[number]) == [other]

    run(again, second.state)


def test_an_event_that_airflow_gave_up_is_not_taken_for_told(gong: GongSandbox, run: Any) -> None:
    add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        triggerer.confirms = False
        triggerer._shared_streams._ack_timeout = 2
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        # Airflow would start it anew.
        await triggerer.until(lambda: not triggerer.triggers)
        await asyncio.sleep(1)

    assert list(run(test).state) == [f"{ASSET} gong_new_calls"]


def test_what_was_told_of_is_remembered_before_the_next_look(gong: GongSandbox, run: Any) -> None:
    add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        watch(triggerer, poll_interval=3600)
        await triggerer.until(lambda: len(triggerer.state) == 2)

    run(test)
    assert looks(gong) == 1


def test_kills_at_any_moment_lose_no_call(
    gong: GongSandbox, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_calls_producer, "LOOK_FAR_EVERY", timedelta())
    dice = random.Random(7)
    state: dict[str, Any] = {}
    stored: list[str] = []
    added: set[str] = set()

    async def life(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        for _ in range(4):
            added.add(add(gong, minutes=dice.randrange(1, 60 * 20)))
            await asyncio.sleep(dice.random())
            # From here on it is dying: events get stuck, or what is said of them.
            triggerer.stores = triggerer.stores and dice.random() < 0.8
            triggerer.confirms = triggerer.confirms and dice.random() < 0.8
        stored.extend(ids(triggerer.events_of[number]))

    for _ in range(5):
        run(life, state)
    before = set(stored)

    async def end(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: added <= before | set(ids(triggerer.events_of[number])))

    run(end, state)
    # Some of these lives got through, others did not.
    assert before
    assert added - before


def test_a_lost_state_costs_a_repetition(gong: GongSandbox, run: Any) -> None:
    call_id = add(gong, hours=20)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert ids(triggerer.events_of[number]) == [call_id]

    run(test)
    run(test)


def test_a_gap_is_looked_at_from_where_the_last_look_ended(gong: GongSandbox, run: Any) -> None:
    week_ago = ago(days=7).isoformat()
    state = {f"{ASSET} gong_new_calls": {"looked": week_ago, "looked_far": week_ago}}
    # Visible now, as a call of the time before the triggerer went down.
    call_ids = [add(gong, days=7, hours=20), add(gong, days=3)]

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert ids(triggerer.events_of[number]) == call_ids

    run(test, state)


def test_a_call_that_is_nearly_too_late_is_told_of_once(gong: GongSandbox, run: Any) -> None:
    place = {"looked": ago(minutes=1).isoformat(), "looked_far": ago(hours=2).isoformat()}
    # It may have become visible just after the last look that went so far, and was not too late then.
    call_id = add(gong, hours=25, minutes=55)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        await triggerer.until(lambda: looks(gong) > 2)
        assert ids(triggerer.events_of[number]) == [call_id]

    run(test, {f"{ASSET} gong_new_calls": place})


def test_near_looks_forget_nothing_that_the_next_far_one_sees(
    gong: GongSandbox, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "BUCKET", timedelta(minutes=1))
    moment = ago(hours=24, minutes=30)
    told = f"{ASSET} {seen._key(seen.bucket_of(moment))}"
    place = {"looked": ago(minutes=1).isoformat(), "looked_far": ago(minutes=50).isoformat()}
    state = {f"{ASSET} gong_new_calls": place, told: seen.hashed("7")}

    async def test(triggerer: Triggerer) -> None:
        watch(triggerer)
        await triggerer.until(lambda: looks(gong) > 2)

    assert told in run(test, state).state


def test_a_clock_that_was_wrong_hides_no_late_call(gong: GongSandbox, run: Any) -> None:
    next_year = ago(days=-365).isoformat()
    call_id = add(gong, hours=20)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert ids(triggerer.events_of[number]) == [call_id]

    run(test, {f"{ASSET} gong_new_calls": {"looked": next_year, "looked_far": next_year}})


def test_what_no_look_sees_again_is_forgotten(gong: GongSandbox, run: Any) -> None:
    old = ago(days=3)
    state = {f"{ASSET} gong_new_calls": {"looked": old.isoformat(), "looked_far": old.isoformat()}}
    add(gong, days=3)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        await triggerer.until(lambda: looks(gong) > 2)

    triggerer = run(test, state)
    assert list(triggerer.state) == [f"{ASSET} gong_new_calls"]


def test_more_than_one_event_holds_come_with_the_next_looks(
    gong: GongSandbox, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_calls_producer, "MOST_CALLS", 3)
    call_ids = [add(gong, hours=4, seconds=-n) for n in range(7)]

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: len(triggerer.events_of[number]) == 3)
        events = triggerer.events_of[number]
        assert [len(event["calls"]) for event in events] == [3, 3, 1]
        assert [event["more"] for event in events] == [True, True, False]
        assert ids(events) == call_ids
        # All were found by one look.
        assert looks(gong) == 1

    run(test)


# Which calls


def test_filters_narrow_what_is_told(gong: GongSandbox, run: Any) -> None:
    world = gong.world
    now = ago(seconds=0)
    host, other = [user for user in world.users if not user.avatar][:2]
    wanted = world.add_call(ago(hours=1), visible_at=now, title="Kick-off with Acme", web_conference=True)
    world.add_call(ago(hours=1, seconds=1), visible_at=now, title="Kick-off", web_conference=False)
    world.add_call(ago(hours=1, seconds=2), visible_at=now, title="Call", web_conference=True)
    world.add_call(ago(hours=1, seconds=3), visible_at=now, title="Kick-off", web_conference=True, host=other)
    world.add_call(
        ago(hours=1, seconds=4), visible_at=now, title="Kick-off", web_conference=True, private=True
    )
    elsewhere = world.workspaces[1]["id"]
    world.add_call(
        ago(hours=1, seconds=5), visible_at=now, title="Kick-off", web_conference=True, workspace_id=elsewhere
    )

    async def test(triggerer: Triggerer) -> None:
        narrow = watch(
            triggerer,
            title_pattern="(?i)kick.off",
            direction="Conference",
            primary_user_ids=[host.id],
            workspace_id=world.workspaces[0]["id"],
        )
        scopes = [
            triggerer.add(trigger(asset_name=scope, scope=scope, include_private=True), **{scope: scope})
            for scope in ("External", "Internal", "Unknown")
        ]
        await triggerer.until(lambda: triggerer.events_of[narrow])
        await triggerer.until(
            lambda: sum(len(ids(triggerer.events_of[one])) for one in scopes) == len(world.visible_calls())
        )
        assert ids(triggerer.events_of[narrow]) == [wanted.id]

    run(test)


# Trouble


@pytest.mark.usefixtures("no_waiting")
def test_trouble_ends_no_watch_and_is_waited_out(gong: GongSandbox, run: Any) -> None:
    gong.faults.add("server_error", path=EXTENSIVE, times=10)
    call_id = add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: triggerer.events_of[number])
        assert ids(triggerer.events_of[number]) == [call_id]

    assert run(test).died == []


def test_what_cannot_pass_ends_no_watch_either_and_costs_less_and_less(
    gong: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gong.access.trusted_ip = False

    async def test(triggerer: Triggerer) -> None:
        watch(triggerer)
        await triggerer.until(lambda: looks(gong) == 2)
        await asyncio.sleep(5)

    assert run(test).died == []
    # After 1, 2 and 4 seconds.
    assert looks(gong) in (3, 4)
    assert "GongForbidden" in caplog.text


def test_gong_is_asked_again_when_it_says(gong: GongSandbox, run: Any, connect: Connect) -> None:
    connect(gong, max_wait=1)
    gong.faults.add("rate_limited", path=EXTENSIVE, retry_after=4)
    add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: looks(gong) == 1)
        begun = asyncio.get_running_loop().time()
        await triggerer.until(lambda: triggerer.events_of[number])
        assert asyncio.get_running_loop().time() - begun > 3.5

    run(test)
    assert looks(gong) >= 2


def test_without_a_place_to_remember_nothing_is_told(
    gong: GongSandbox, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        triggerer.keeps_state = False
        number = watch(triggerer)
        await triggerer.until(lambda: "must be the name of the asset" in caplog.text)
        assert triggerer.events_of[number] == []
        assert looks(gong) == 0
        triggerer.keeps_state = True
        await triggerer.until(lambda: triggerer.events_of[number])

    assert run(test).died == []


def test_a_state_that_cannot_be_kept_for_a_while_repeats_nothing(gong: GongSandbox, run: Any) -> None:
    call_id = add(gong, hours=1)

    async def test(triggerer: Triggerer) -> None:
        number = watch(triggerer)
        await triggerer.until(lambda: f"{ASSET} gong_new_calls" in triggerer.state)
        triggerer.keeps_state = False
        await triggerer.until(lambda: triggerer.events_of[number])
        await asyncio.sleep(3)
        seen = looks(gong)
        triggerer.keeps_state = True
        await triggerer.until(lambda: looks(gong) > seen)
        assert ids(triggerer.events_of[number]) == [call_id]

    assert run(test).died == []


# Arguments


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"asset_name": ""}, "asset_name='' names no asset"),
        ({"poll_interval": 0}, "poll_interval=0.0 is less than a second"),
        ({"lookback": 60}, "lookback=60.0 s is less than an hour"),
        ({"direction": "inbound"}, "direction='inbound' is unknown: use one of Inbound, Outbound"),
        ({"scope": "external"}, "scope='external' is unknown"),
        ({"title_pattern": "("}, "title_pattern='(' is no regular expression"),
        ({"workspace_id": "x y"}, "workspace_id='x y' is not an identifier"),
        ({"primary_user_ids": []}, "primary_user_ids=[] is empty"),
    ],
)
def test_wrong_arguments_are_told_when_the_dag_is_read(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(GongConfigurationError) as raised:
        trigger(**arguments).serialize()
    assert problem in str(raised.value)


def test_the_stored_form_makes_the_same_trigger() -> None:
    given = trigger(
        lookback=timedelta(days=2), primary_user_ids=("7", "8"), title_pattern="x", scope="External"
    )
    path, arguments = given.serialize()
    assert path == "airflow_provider_gong.triggers.new_calls.GongNewCallsTrigger"
    again = GongNewCallsTrigger(**arguments)
    assert again.serialize() == given.serialize()
    assert again.shared_stream_key() == given.shared_stream_key() != trigger().shared_stream_key()


def test_a_dag_with_a_wrong_argument_cannot_be_read() -> None:
    watcher = AssetWatcher(name=ASSET, trigger=trigger(direction="inbound"))
    with DAG("watches", schedule=[Asset(ASSET, watchers=[watcher])]) as dag:
        pass
    with pytest.raises(SerializationError, match="direction='inbound' is unknown"):
        DagSerialization.to_dict(dag)
