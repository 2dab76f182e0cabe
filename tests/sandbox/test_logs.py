import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_gong.sandbox.world import LOG_TYPES
from tests.sandbox.client import Client, errors

SINCE = "2026-01-01T00:00:00Z"
DAY = {"fromDateTime": "2026-01-05T00:00:00Z", "toDateTime": "2026-01-06T00:00:00Z"}


@pytest.mark.parametrize("log_type", LOG_TYPES)
def test_each_type_has_entries_of_its_own_form(reader: Client, log_type: str) -> None:
    entries = reader.get("/v2/logs", logType=log_type, **DAY).json()["logEntries"]
    assert len(entries) == 40
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for entry in entries:
        assert start <= datetime.fromisoformat(entry["eventTime"]) < start + timedelta(days=1)
        assert entry["logRecord"]
    times = [datetime.fromisoformat(entry["eventTime"]) for entry in entries]
    assert times == sorted(times)


def test_forms_of_records_differ_between_types(reader: Client) -> None:
    forms = {
        frozenset(reader.get("/v2/logs", logType=one, **DAY).json()["logEntries"][0]["logRecord"])
        for one in LOG_TYPES
    }
    assert len(forms) == len(LOG_TYPES)


def test_equal_entries_happen(reader: Client) -> None:
    inputs = {"logType": "AccessLog", "fromDateTime": SINCE}
    entries = reader.all("GET", "/v2/logs", "logEntries", inputs)
    counts = Counter(json.dumps(entry, sort_keys=True) for entry in entries)
    assert len(entries) == 400
    assert max(counts.values()) > 1


def test_an_entry_may_have_no_user(reader: Client) -> None:
    entries = reader.get("/v2/logs", logType="ExternallySharedCallPlay", **DAY).json()["logEntries"]
    assert {entry["userId"] for entry in entries} == {None}


def test_some_entries_are_up_to_three_quarters_of_an_hour_late(reader: Client) -> None:
    entries = reader.gong.world.find_logs("AccessLog", datetime(2026, 1, 1, tzinfo=UTC))
    delays = [entry.visible_at - entry.time for entry in entries]
    assert max(delays) <= timedelta(minutes=45)
    assert 0 < sum(delay > timedelta(minutes=10) for delay in delays) < len(delays) / 5


def test_a_late_entry_is_served_only_when_it_is_there(client: Client) -> None:
    gong = client.gong
    since = datetime(2026, 1, 1, tzinfo=UTC)
    late = next(e for e in gong.world.find_logs("AccessLog", since) if e.visible_at > e.time)
    end = late.time + timedelta(milliseconds=1)
    inputs = {"logType": "AccessLog", "fromDateTime": late.time.isoformat(), "toDateTime": end.isoformat()}
    gong.clock.set(late.visible_at - timedelta(seconds=1))
    assert client.get("/v2/logs", **inputs).status_code == 404
    gong.clock.set(late.visible_at)
    assert client.get("/v2/logs", **inputs).status_code == 200


def test_the_start_is_inclusive_and_the_end_exclusive(reader: Client) -> None:
    entry = reader.gong.world.find_logs("AccessLog", datetime(2026, 1, 5, tzinfo=UTC))[0]
    moment = entry.time.isoformat()
    after = (entry.time + timedelta(milliseconds=1)).isoformat()
    before = (entry.time - timedelta(milliseconds=1)).isoformat()
    inside = reader.get("/v2/logs", logType="AccessLog", fromDateTime=moment, toDateTime=after)
    outside = reader.get("/v2/logs", logType="AccessLog", fromDateTime=before, toDateTime=moment)
    assert inside.status_code == 200
    assert outside.status_code == 404


def test_an_empty_window_is_a_404_with_words_of_its_own(reader: Client) -> None:
    window = {"fromDateTime": "2020-01-01T00:00:00Z", "toDateTime": "2020-01-02T00:00:00Z"}
    reply = reader.get("/v2/logs", logType="AccessLog", **window)
    assert reply.status_code == 404
    assert errors(reply) == ["No logs found for the specified period"]


def test_what_is_required_is_named_when_it_is_missing(reader: Client) -> None:
    reply = reader.get("/v2/logs")
    assert reply.status_code == 400
    assert errors(reply) == ["logType: must not be null", "fromDateTime: must not be null"]


def test_an_unknown_type_is_a_400(reader: Client) -> None:
    reply = reader.get("/v2/logs", logType="accesslog", fromDateTime=SINCE)
    assert reply.status_code == 400
    assert errors(reply)[0].startswith("logType: ")


def test_an_inverted_window_is_a_400(reader: Client) -> None:
    inputs = {"fromDateTime": DAY["toDateTime"], "toDateTime": DAY["fromDateTime"]}
    assert reader.get("/v2/logs", logType="AccessLog", **inputs).status_code == 400
