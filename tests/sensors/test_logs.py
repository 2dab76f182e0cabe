"""Waiting for log entries."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.sandbox import GongSandbox
from airflow_provider_gong.sandbox.world.logs import log_record
from airflow_provider_gong.sensors.logs import GongLogSensor, is_meant
from tests.operators.conftest import NOW
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operators.conftest import Connect

SINCE = NOW - timedelta(hours=12)


@pytest.fixture
def gong(connect: Connect) -> Iterator[GongSandbox]:
    """Return a company with 400 entries of each log a day."""
    with GongSandbox(
        seed=3, calls=0, days=1, users=3, logs=400, now=NOW, today=NOW.date(), per_second=None
    ) as gong:
        connect(gong)
        yield gong


def look(**arguments: Any) -> TaskResult:
    given: dict[str, Any] = {"log_type": "AccessLog", "from_datetime": SINCE.isoformat(), "deferrable": False}
    return run_task(GongLogSensor(task_id="wait", mode="reschedule", **(given | arguments)))


def entries(gong: GongSandbox, log_type: str = "AccessLog") -> list[dict[str, Any]]:
    return [log_record(entry) for entry in gong.world.find_logs(log_type, SINCE)]


def test_the_first_entry_since_a_time_is_enough(gong: GongSandbox) -> None:
    assert look().succeeded().xcom == {"event_time": entries(gong)[0]["eventTime"]}
    assert len(gong.requests) == 1


def test_no_entry_is_not_yet(gong: GongSandbox) -> None:
    later = (NOW + timedelta(days=1)).isoformat()
    assert look(from_datetime=later).state == "up_for_reschedule"
    assert look(from_datetime=later, deferrable=True).state == "deferred"


def test_the_fields_of_an_entry_say_whether_it_is_meant(gong: GongSandbox) -> None:
    found = entries(gong)
    last = found[-1]
    where = {
        "userId": last["userId"],
        "logRecord.ip": last["logRecord"]["ip"],
        "eventTime": last["eventTime"],
    }
    assert look(where=where).succeeded().xcom == {"event_time": last["eventTime"]}
    assert look(where=json.dumps(where)).succeeded().xcom == {"event_time": last["eventTime"]}
    assert len(gong.requests) == 2 * -(-len(found) // 100)
    assert look(where=where | {"logRecord.ip": "0.0.0.0"}).state == "up_for_reschedule"


def test_an_entry_that_comes_late_is_found(gong: GongSandbox) -> None:
    late = next(one for one in gong.world.find_logs("AccessLog", SINCE) if one.visible_at > one.time)
    record = log_record(late)
    where = {"eventTime": record["eventTime"], "logRecord.ip": record["logRecord"]["ip"]}
    gong.clock.set(late.visible_at - timedelta(seconds=1))
    assert look(where=where).state == "up_for_reschedule"
    gong.clock.set(late.visible_at)
    assert look(where=where).succeeded().xcom == {"event_time": record["eventTime"]}


def test_nothing_of_the_entry_is_told_but_its_time(gong: GongSandbox) -> None:
    result = look()
    entry = entries(gong)[0]
    assert entry["logRecord"]["ip"] not in repr(result)
    assert str(entry["userEmailAddress"]) not in repr(result)


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ({}, True),
        ({"userId": "7"}, True),
        ({"userId": 7}, True),
        ({"userId": ["6", "7"]}, True),
        ({"userId": "6"}, False),
        ({"logRecord.status": "200", "logRecord.params.page": 3}, True),
        ({"logRecord.status": "200", "logRecord.params.page": 4}, False),
        ({"nobody": None}, True),
        ({"nobody": "None"}, False),
        ({"userId.x": "7"}, False),
    ],
)
def test_all_fields_must_match(where: dict[str, Any], meant: bool) -> None:
    entry = {"userId": "7", "logRecord": {"status": 200, "params": {"page": 3}}}
    assert is_meant(entry, where) is meant


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"log_type": "Access"}, "log_type='Access' is not a log of Gong"),
        ({"from_datetime": ""}, "from_datetime rendered to nothing"),
        ({"where": ["userId"]}, "where is a list, not an object"),
        ({"where": "userId=7"}, "where is str, neither an object nor a list"),
    ],
)
def test_wrong_arguments_fail_at_once(gong: GongSandbox, arguments: dict[str, Any], problem: str) -> None:
    result = look(**arguments, retries=2)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert problem in str(result.error)
    assert len(gong.requests) == 0
