"""Exports of conversations: calls and their transcripts in one record, against a real server."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exports.conversations import Conversations
from airflow_provider_gong.exports.window import Window
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import GongExportCallsOperator, GongExportTranscriptsOperator
from airflow_provider_gong.sandbox.world.cast import cast
from airflow_provider_gong.sandbox.world.details import has_parties
from airflow_provider_gong.sandbox.world.transcript import transcript
from tests.operators.exporting import (
    SUMMARY_KEYS,
    attempt,
    bounds,
    call_ids,
    cron_run,
    data_files,
    day,
    export,
    interval_run,
    manifest,
    raw_lines,
    rows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox

CALLS = "/v2/calls/extensive"
TRANSCRIPTS = "/v2/calls/transcript"
LINE = re.compile(r"\[\d\d:\d\d:\d\d\] [^:]+: \S.*")


def export_conversations(**arguments: Any) -> Any:
    return export(GongExportConversationsOperator, **arguments)


def refusal(**arguments: Any) -> str:
    result = attempt(GongExportConversationsOperator, **arguments)
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    return str(result.error)


def split(records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the records whose transcript was ready, and the others."""
    ready = [record for record in records if record["transcript"] is not None]
    return ready, [record for record in records if record["transcript"] is None]


# Rows


@pytest.mark.parametrize("file_format", ["jsonl.gz", "jsonl"])
def test_rows_are_the_calls_of_the_window_each_with_its_transcript(
    gong: GongSandbox, destination: str, folder: Path, file_format: str
) -> None:
    summary = export_conversations(destination=destination, file_format=file_format, run=interval_run(9))
    records = rows(summary)
    assert len(records) > 200
    assert call_ids(records) == gong.world.call_ids(day(9), day(10))
    ready, _ = split(records)
    assert call_ids(ready) == gong.world.call_ids(day(9), day(10), transcribed=True)
    assert list(summary) == SUMMARY_KEYS
    [name] = summary["files"]
    assert name.endswith(f".{file_format}")
    lines = raw_lines(folder / "conversations" / name)
    assert [json.loads(line) for line in lines] == records


def test_row_is_that_of_the_calls_export_with_the_conversation_beside_it(
    gong: GongSandbox, destination: str
) -> None:
    conversations = rows(export_conversations(destination=destination, run=interval_run(9)))
    calls = rows(export(GongExportCallsOperator, destination=destination, run=interval_run(9)))
    beside = {"transcript", "text"}
    assert [{k: v for k, v in one.items() if k not in beside} for one in conversations] == calls
    assert {tuple(one) for one in conversations} == {("metaData", "context", "parties", "transcript", "text")}


def test_transcript_says_what_gong_says_and_who(gong: GongSandbox, destination: str) -> None:
    ready, _ = split(rows(export_conversations(destination=destination, run=interval_run(9))))
    told = set()
    for record in ready:
        call = gong.world.call(record["metaData"]["id"])
        people = {one.speaker_id: one for one in cast(call).participants} if has_parties(call) else {}
        given = transcript(call)
        assert [
            {name: one[name] for name in ("speakerId", "topic", "sentences")} for one in record["transcript"]
        ] == given
        for monologue in record["transcript"]:
            voice = monologue["speakerId"]
            person = people.get(voice) if voice else None
            kind = "unknown" if person is None else "internal" if person.internal else "external"
            told.add("nobody" if voice is None else kind)
            assert monologue["affiliation"].lower() == kind
            if person is not None:
                assert monologue["speaker"] == person.name
            elif voice is not None:
                assert re.fullmatch(r"Unknown speaker \d", monologue["speaker"])
            else:
                assert monologue["speaker"] == "Unknown speaker"
    assert told == {"internal", "external", "unknown", "nobody"}


def test_unknown_voices_of_a_call_have_one_name_each(gong: GongSandbox, destination: str) -> None:
    ready, _ = split(rows(export_conversations(destination=destination, run=interval_run(9))))
    nameless = [record for record in ready if record["parties"] is None]
    assert nameless
    for record in nameless:
        pairs = {(one["speakerId"], one["speaker"]) for one in record["transcript"]}
        assert len({voice for voice, _ in pairs}) == len({name for _, name in pairs}) == len(pairs) > 1


def test_text_is_a_line_for_each_monologue(gong: GongSandbox, destination: str) -> None:
    ready, _ = split(rows(export_conversations(destination=destination, run=interval_run(9))))
    for record in ready:
        lines = record["text"].splitlines()
        assert len(lines) == len(record["transcript"])
        assert all(LINE.fullmatch(line) for line in lines)
        assert [line.partition("]")[0] for line in lines] == sorted(line.partition("]")[0] for line in lines)
        for line, monologue in zip(lines, record["transcript"], strict=True):
            assert line.endswith(" ".join(sentence["text"] for sentence in monologue["sentences"]))


def test_account_of_the_crm_stands_beside_external_speakers(gong: GongSandbox, destination: str) -> None:
    ready, _ = split(rows(export_conversations(destination=destination, run=interval_run(9))))
    customers = {
        record["metaData"]["id"]: cast(gong.world.call(record["metaData"]["id"])) for record in ready
    }
    for record in ready:
        people = customers[record["metaData"]["id"]]
        company = f"({people.customer}, external): " if record["context"] else "(external): "
        external = record["text"].count("external): ")
        assert external == record["text"].count(company)


@pytest.mark.parametrize("content", ["basic", {"exposedFields": {"parties": False}}])
def test_parties_are_there_whatever_is_selected(gong: GongSandbox, destination: str, content: Any) -> None:
    summary = export_conversations(destination=destination, content=content, run=interval_run(9))
    records = rows(summary)
    assert {tuple(record) for record in records} == {("metaData", "parties", "transcript", "text")}
    assert any(record["parties"] for record in records)
    assert manifest(summary)["identity"]["content"] == content


def test_speakers_of_the_statistics_have_the_names_of_their_parties(
    gong: GongSandbox, destination: str
) -> None:
    records = rows(export_conversations(destination=destination, content="full", run=interval_run(9)))
    checked = 0
    for record in records:
        names = {party["id"]: party["name"] for party in record["parties"] or []}
        for speaker in (record["interaction"] or {}).get("speakers", []):
            assert speaker["name"] == names.get(speaker["id"], "Unknown speaker")
            checked += speaker["id"] in names
    assert checked > 200
    assert "media" not in records[0]


def test_media_is_refused_before_any_request(gong: GongSandbox, destination: str) -> None:
    message = refusal(
        destination=destination, content={"exposedFields": {"media": True}}, run=interval_run(9)
    )
    assert message.startswith("content asks for exposedFields.media")
    assert len(gong.requests) == 0


# Requests


def test_each_page_of_calls_costs_two_requests(gong: GongSandbox, destination: str) -> None:
    summary = export_conversations(destination=destination, run=interval_run(9))
    paths = [one.path for one in gong.requests]
    received = manifest(summary)["received"]
    assert received > 200
    assert paths.count(CALLS) == paths.count(TRANSCRIPTS) == -(-received // 100) == 3
    assert summary["requests"] == len(paths) == 6


def test_what_follows_is_asked_for_while_a_page_is_worked_on(gong: GongSandbox) -> None:
    hook = GongHook()
    batches = Conversations().read(hook.get_conn(), Window(day(9), day(10)))
    assert next(batches).rows
    until = time.monotonic() + 10
    while gong_was_asked(gong) != {CALLS: 3, TRANSCRIPTS: 2} and time.monotonic() < until:
        time.sleep(0.01)
    assert gong_was_asked(gong) == {CALLS: 3, TRANSCRIPTS: 2}
    assert sum(len(batch.rows) for batch in batches) > 100
    hook.close()


def gong_was_asked(gong: GongSandbox) -> Counter[str]:
    return Counter(one.path for one in gong.requests)


def test_transcripts_are_asked_by_the_ids_of_calls_that_are_not_private(
    gong: GongSandbox, destination: str
) -> None:
    export_conversations(
        destination=destination, workspace_id=gong.world.workspaces[0]["id"], run=interval_run(9)
    )
    asked = [one for one in gong.requests if one.path == TRANSCRIPTS]
    assert asked
    assert all(one.body_keys == {"filter", "filter.callIds"} for one in asked)


def test_page_without_calls_to_export_costs_one_request(quiet: GongSandbox, destination: str) -> None:
    quiet.requests.clear()
    assert export_conversations(destination=destination, run=interval_run(8))["rows"] == 0
    quiet.world.add_call(day(9), private=True)
    summary = export_conversations(destination=destination, run=interval_run(9), lookback="PT0S")
    assert [one.path for one in quiet.requests] == [CALLS, CALLS]
    assert (summary["rows"], summary["complete"], manifest(summary)["private_dropped"]) == (0, True, 1)


# Private calls, and transcripts that are not ready


def test_private_calls_are_left_out_unless_asked_for(gong: GongSandbox, destination: str) -> None:
    every = export_conversations(
        destination=f"{destination}/all", include_private="true", run=interval_run(9)
    )
    public = export_conversations(destination=destination, run=interval_run(9))
    private = {call["metaData"]["id"] for call in rows(every) if call["metaData"]["isPrivate"]}
    assert call_ids(rows(every)) == gong.world.call_ids(day(9), day(10), include_private=True)
    assert len(private) == manifest(public)["private_dropped"] > 0
    assert any(call["transcript"] for call in rows(every) if call["metaData"]["isPrivate"])
    assert not private & set(call_ids(rows(public)))
    assert not private & set(manifest(public)["pending"])


def test_conversation_that_is_not_ready_is_there_and_pending(gong: GongSandbox, destination: str) -> None:
    # Soon after the day: Gong shows many calls whose transcript it still writes.
    gong.clock.set(day(10))
    summary = export_conversations(destination=destination, run=interval_run(9))
    ready, pending = split(rows(summary))
    assert ready
    assert len(pending) > 10
    assert all(record["text"] is None for record in pending)
    body = manifest(summary)
    assert body["pending"] == call_ids(pending)
    assert body["complete"] is summary["complete"] is False
    assert body["incomplete_because"] == [f"{len(pending)} transcripts are not ready yet"]
    assert summary["pending"] == len(pending)
    assert call_ids(rows(summary)) == gong.world.call_ids(day(9), day(10))


def test_run_that_is_cleared_exports_the_transcripts_that_came_since(
    gong: GongSandbox, destination: str, folder: Path
) -> None:
    gong.clock.set(day(10))
    first = export_conversations(destination=destination, run=interval_run(9))
    gong.clock.set(day(11))
    again = export_conversations(destination=destination, run=interval_run(9))
    assert again["uri"] == first["uri"]
    assert again["pending"] < first["pending"]
    assert data_files(folder / "conversations") == again["files"]
    ready, _ = split(rows(again))
    assert call_ids(ready) == gong.world.call_ids(day(9), day(10), transcribed=True)


def test_call_in_which_nobody_spoke_is_complete(
    quiet: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_gong.sandbox.routes import calls

    monkeypatch.setattr(calls, "transcript", lambda call: [])
    quiet.world.add_call(day(9))
    summary = export_conversations(destination=destination, run=interval_run(9))
    [record] = rows(summary)
    assert (record["transcript"], record["text"]) == ([], "")
    assert summary["complete"] is True


def test_transcript_that_gong_sends_as_null_is_pending(
    quiet: GongSandbox, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_gong.sandbox.routes import calls

    monkeypatch.setattr(calls, "transcript", lambda call: None)
    one = quiet.world.add_call(day(9))
    summary = export_conversations(destination=destination, run=interval_run(9))
    assert [record["text"] for record in rows(summary)] == [None]
    assert manifest(summary)["pending"] == [one.id]


def test_call_of_another_window_is_pending_there_alone(quiet: GongSandbox, destination: str) -> None:
    quiet.world.add_call(day(9) + timedelta(hours=1), transcript_at=None)
    export_conversations(destination=destination, **bounds(9))
    summary = export_conversations(
        destination=destination, from_datetime=day(9), to_datetime=day(11), task_id="two_days"
    )
    body = manifest(summary)
    assert (body["rows"], body["duplicates_dropped"], body["pending"], body["complete"]) == (0, 1, [], True)


# Datasets, storage and XCom


def test_conversations_on_s3_are_those_of_the_window(gong: GongSandbox, bucket: str) -> None:
    summary = export_conversations(destination=f"s3://export_s3@{bucket}/gong", run=interval_run(9))
    assert (summary["bucket"], summary["prefix"]) == (bucket, "gong/conversations")
    records = rows(summary)
    assert call_ids(records) == gong.world.call_ids(day(9), day(10))
    ready, _ = split(records)
    assert call_ids(ready) == gong.world.call_ids(day(9), day(10), transcribed=True)


def test_workspace_and_hosts_select_as_in_the_export_of_calls(gong: GongSandbox, destination: str) -> None:
    workspace = gong.world.workspaces[1]["id"]
    hosts = sorted({call.host.id for call in gong.world.calls()})[:40]
    summary = export_conversations(
        destination=destination, workspace_id=workspace, primary_user_ids=hosts, run=interval_run(9)
    )
    expected = [
        one
        for one in gong.world.call_ids(day(9), day(10), workspace_id=workspace)
        if gong.world.call(one).host.id in hosts
    ]
    assert expected
    assert call_ids(rows(summary)) == expected
    assert summary["prefix"].endswith(f"/conversations/workspace={workspace}")
    assert manifest(summary)["identity"] == {
        "host": "127.0.0.1",
        "stream": "conversations",
        "workspace_id": workspace,
        "filters": {"primary_user_ids": hosts},
        "content": "default",
        "include_private": False,
        "format": "jsonl.gz",
    }


def test_dataset_holds_one_kind_of_export(gong: GongSandbox, destination: str) -> None:
    export_conversations(destination=destination, run=interval_run(8))
    message = refusal(destination=destination, content="full", run=interval_run(9))
    assert "conversations holds another kind of export (content was 'default' and is 'full')" in message


def test_windows_that_overlap_hold_each_call_once(gong: GongSandbox, destination: str) -> None:
    one = export_conversations(destination=destination, **bounds(9))
    both = export_conversations(
        destination=destination, from_datetime=day(8), to_datetime=day(11), task_id="more"
    )
    ids = [row for summary in (one, both) for row in call_ids(rows(summary))]
    assert sorted(ids) == sorted(gong.world.call_ids(day(8), day(11)))


def test_run_continues_from_the_newest_export(gong: GongSandbox, destination: str) -> None:
    export_conversations(destination=destination, **bounds(8))
    summary = export_conversations(destination=destination, run=cron_run(10))
    assert call_ids(rows(summary)) == gong.world.call_ids(day(9), day(10))


def test_conversations_are_no_calls_to_transcribe(gong: GongSandbox, destination: str) -> None:
    summary = export_conversations(destination=destination, run=interval_run(9))
    result = attempt(GongExportTranscriptsOperator, destination=destination, calls=summary)
    assert str(result.error) == "calls= names an export of conversations, not of calls."


def test_records_come_through_xcom_without_a_destination(quiet: GongSandbox) -> None:
    ready, late = quiet.world.add_call(day(9)), quiet.world.add_call(day(9), transcript_at=None)
    result = attempt(GongExportConversationsOperator, run=interval_run(9)).succeeded()
    told = {record["metaData"]["id"]: record["text"] for record in result.xcom}
    assert told.keys() == {ready.id, late.id}
    assert told[late.id] is None
    assert LINE.match(told[ready.id])
    assert f"1 transcripts are not ready yet: {late.id}" in result.logs
    sentences = {sentence["text"] for one in transcript(ready) for sentence in one["sentences"]}
    assert not [line for line, said in itertools.product(result.logs, sentences) if said in line]


def test_records_that_are_too_large_for_xcom_are_refused(gong: GongSandbox) -> None:
    message = refusal(run=interval_run(9))
    assert message.startswith("The export of conversations exceeds 1,000,000 bytes, more than fits into XCom")
