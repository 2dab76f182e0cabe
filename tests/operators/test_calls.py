"""Calls are created once, recordings sent once, whatever happens to the replies; one call is looked at."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.api import calls
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongFileError,
    GongMissingScope,
    GongNotFound,
    GongRateLimited,
    GongRequestRefused,
    GongUnavailable,
)
from airflow_provider_gong.exports.storage import open_destination
from airflow_provider_gong.hooks.gong import GongHook
from airflow_provider_gong.operators.calls import (
    GongAddCallMediaOperator,
    GongCreateCallOperator,
    GongGetCallOperator,
)
from airflow_provider_gong.operators.media import stored_file
from airflow_provider_gong.sandbox.access import SCOPES
from tests.operators.conftest import NOW
from tests.support.task_runner import TaskResult, run_task

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

Kind: TypeAlias = "type[GongCreateCallOperator | GongAddCallMediaOperator | GongGetCallOperator]"

LINK = "_link_GongCallLink"
RETRIES = 3
MEBIBYTE = 1 << 20
RECORDING = b"RIFF" + bytes(1000)
CUSTOMER = {"name": "Jane Roe", "emailAddress": "jane@example.com", "phoneNumber": "+1 425 555 2671"}


def attempt(kind: Kind, try_number: int = 1, xcoms: Any = None, **arguments: Any) -> TaskResult:
    with DAG("calls", schedule=None):
        operator = kind(task_id="task", retries=RETRIES, **arguments)
    return run_task(operator, try_number=try_number, xcoms=xcoms)


def assert_failed_for_good(result: TaskResult, cause: type[GongError], text: str = "") -> None:
    assert result.state == "failed"
    assert isinstance(result.error, AirflowFailException)
    assert type(result.error.__cause__) is cause
    assert text in str(result.error)


def assert_left_for_retry(result: TaskResult, error: type[GongError], text: str = "") -> None:
    assert result.state == "up_for_retry", result.error
    assert type(result.error) is error
    assert text in str(result.error)


def host_of(gong: GongSandbox) -> str:
    return gong.uploads.hosts()[0].id


def call_of(gong: GongSandbox, **arguments: Any) -> dict[str, Any]:
    """Return the arguments of a call that the sandbox accepts."""
    host = host_of(gong)
    return {
        "client_unique_id": "dialer-173",
        "actual_start": "2026-01-10T09:30:00-05:00",
        "parties": [{"userId": host}, CUSTOMER],
        "direction": "Outbound",
        "primary_user": host,
        "duration": 120,
    } | arguments


def created(gong: GongSandbox, **arguments: Any) -> str:
    """Create a call and return its id."""
    call_id: str = attempt(GongCreateCallOperator, **call_of(gong, **arguments)).succeeded().xcom["call_id"]
    gong.requests.clear()
    return call_id


def lines_of(gong: GongSandbox) -> list[str]:
    return [f"{one.method} {one.path}" for one in gong.requests]


def shown(gong: GongSandbox) -> None:
    """Let Gong finish what it works on."""
    gong.clock.advance(timedelta(hours=1))


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "call.wav"
    path.write_bytes(RECORDING)
    return str(path)


# Create: the request


def request_of(**arguments: Any) -> Any:
    return GongCreateCallOperator(task_id="task", **arguments).request()


REQUIRED: dict[str, Any] = {
    "client_unique_id": "dialer-173",
    "actual_start": "2026-01-10T09:30:00-05:00",
    "parties": [{"userId": "5", "partyId": "a"}],
    "direction": "Outbound",
    "primary_user": "5",
}
ALL: dict[str, Any] = REQUIRED | {
    "scheduled_start": datetime(2026, 1, 10, 14, tzinfo=UTC),
    "scheduled_end": "2026-01-10T15:00:00Z",
    "title": "Renewal",
    "purpose": "Renew",
    "duration": 61.5,
    "disposition": "Reached",
    "context": [{"system": "Generic", "objects": []}],
    "custom_data": "x=1",
    "speakers_timeline": {"speechSegments": [{"fromTime": 0, "toTime": 9, "partyIds": ["a"]}]},
    "meeting_url": "https://meet.example.com/1",
    "call_provider_code": "zoom",
    "download_media_url": "https://files.example.com/1.mp3",
    "workspace_id": "7",
    "language_code": "en-US",
    "flow_task_id": "77",
}


def as_text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else str(value)
        if not isinstance(value, dict | list)
        else json.dumps(value)
    )


def test_create_sends_all_arguments() -> None:
    assert request_of(**ALL) == calls.create_call(**ALL)


def test_create_reads_arguments_that_were_rendered_to_text() -> None:
    assert request_of(**{name: as_text(value) for name, value in ALL.items()}) == calls.create_call(**ALL)


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_create_leaves_out_what_was_rendered_to_nothing(nothing: Any) -> None:
    optional = dict.fromkeys(ALL.keys() - REQUIRED.keys(), nothing)
    assert request_of(**REQUIRED, **optional) == calls.create_call(**REQUIRED)


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_create_names_each_required_argument_that_was_rendered_to_nothing(nothing: Any) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        request_of(**dict.fromkeys(REQUIRED, nothing))
    assert [name for name in REQUIRED if f"{name} is missing" in str(caught.value)] == list(REQUIRED)


def test_create_names_all_that_cannot_be_read_at_once() -> None:
    wrong = {
        "actual_start": "soon",
        "duration": "long",
        "parties": "[{userId: 5}]",
        "context": "CRM",
        "speakers_timeline": "{",
        "direction": "sideways",
        "workspace_id": "a b",
    }
    with pytest.raises(GongConfigurationError) as caught:
        request_of(**REQUIRED | wrong)
    said = re.split(r"(?<=\.) ", str(caught.value))
    assert len(said) == len(wrong)
    assert [name for name in wrong if any(one.startswith(name) for one in said)] == list(wrong)


def test_create_takes_the_duration_of_a_database() -> None:
    assert request_of(**REQUIRED, duration=Decimal("61.50")).body["duration"] == 61.5


def test_create_sends_ids_and_telephones_that_became_numbers_as_text() -> None:
    links = [{"system": "Generic", "objects": [{"objectType": "Account", "objectId": 12}]}]
    segment = {"fromTime": 0, "toTime": 1000, "partyIds": [1, "2"]}
    body = request_of(
        **REQUIRED | {"parties": [{"userId": 5, "partyId": 1}, {"partyId": 2, "phoneNumber": 14255552671}]},
        context=links,
        speakers_timeline={"precise": True, "speechSegments": [segment]},
    ).body
    assert body["parties"] == [
        {"userId": "5", "partyId": "1"},
        {"partyId": "2", "phoneNumber": "14255552671"},
    ]
    assert body["context"][0]["objects"] == [{"objectType": "Account", "objectId": "12"}]
    assert body["speakersTimeline"] == {
        "precise": True,
        "speechSegments": [segment | {"partyIds": ["1", "2"]}],
    }


# Create: what comes of it


def test_create_returns_the_id_and_pushes_it(quiet: GongSandbox) -> None:
    result = attempt(GongCreateCallOperator, **call_of(quiet)).succeeded()
    [call] = quiet.uploads.calls()
    assert result.xcom == {"call_id": call.id, "created": True}
    assert result.xcoms["call_id"] == call.id
    assert lines_of(quiet) == ["POST /v2/calls"]


def test_create_pushes_the_id_before_anything_else_can_fail(
    quiet: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr("airflow_provider_gong.operators.calls.call_url", fail)
    result = attempt(GongCreateCallOperator, **call_of(quiet))
    assert result.state == "up_for_retry"
    assert result.xcoms["call_id"] == quiet.uploads.calls()[0].id


def test_create_links_to_the_application_beside_the_api(
    quiet: GongSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GongHook, "host", "us-12345.api.gong.io")
    for _ in range(2):  # the second time Gong has it already
        result = attempt(GongCreateCallOperator, **call_of(quiet)).succeeded()
        assert result.xcoms[LINK] == f"https://us-12345.app.gong.io/call?id={result.xcom['call_id']}"


def test_create_renders_templates_of_all_kinds(quiet: GongSandbox) -> None:
    arguments = call_of(
        quiet,
        parties="{{ ti.xcom_pull('parties') | tojson }}",
        actual_start="{{ ti.xcom_pull('start') }}",
        duration="{{ 60 * 2 }}",
        client_unique_id="{{ run_id }}-1",
        title="{{ none }}",
    )
    xcoms = {"parties": [{"userId": host_of(quiet)}, CUSTOMER], "start": "2026-01-10 09:30:00"}
    result = attempt(GongCreateCallOperator, xcoms=xcoms, **arguments).succeeded()
    [call] = quiet.uploads.calls()
    assert call.posted is not None
    assert (call.posted.body["duration"], call.posted.body["actualStart"]) == (
        120,
        "2026-01-10T09:30:00+00:00",
    )
    assert call.posted.client_unique_id.endswith("-1")
    assert "title" not in call.posted.body
    assert any("actual_start has no offset from UTC" in line for line in result.logs)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["lost_reply", "dropped_connection", "truncated_json", "missing_items"])
def test_create_after_a_lost_reply_finds_the_call_and_makes_no_second_one(
    quiet: GongSandbox, fault: str
) -> None:
    quiet.faults.add(fault)
    first = attempt(GongCreateCallOperator, **call_of(quiet))
    assert first.state == "up_for_retry", first.error
    assert lines_of(quiet) == ["POST /v2/calls"]
    [call] = quiet.uploads.calls()
    second = attempt(GongCreateCallOperator, try_number=2, **call_of(quiet)).succeeded()
    assert second.xcom == {"call_id": call.id, "created": False}
    assert second.xcoms["call_id"] == call.id
    assert len(quiet.uploads.calls()) == 1


@pytest.mark.parametrize(
    "client_unique_id", ["7022652889306584427", "x" * 2048, "it's 'quoted'", "call 12345678 ", "1" * 2000]
)
def test_create_finds_the_call_of_any_client_unique_id(quiet: GongSandbox, client_unique_id: str) -> None:
    first = created(quiet, client_unique_id=client_unique_id)
    again = attempt(GongCreateCallOperator, **call_of(quiet, client_unique_id=client_unique_id)).succeeded()
    assert again.xcom == {"call_id": first, "created": False}


def test_create_finds_no_call_in_another_refusal(quiet: GongSandbox) -> None:
    created(quiet)
    arguments = call_of(quiet, client_unique_id="dialer-174", workspace_id="623457276584334")
    result = attempt(GongCreateCallOperator, **arguments)
    assert_failed_for_good(result, GongRequestRefused, "workspaceId: Workspace not found")
    assert "call_id" not in result.xcoms


@pytest.mark.usefixtures("no_waiting")
def test_create_is_sent_again_after_a_429_alone(quiet: GongSandbox) -> None:
    quiet.faults.add("rate_limited", times=2)
    assert attempt(GongCreateCallOperator, **call_of(quiet)).succeeded().xcom["created"] is True
    assert lines_of(quiet) == ["POST /v2/calls"] * 3


@pytest.mark.usefixtures("no_waiting")
def test_create_leaves_an_outage_to_airflow(quiet: GongSandbox) -> None:
    quiet.faults.add("server_error")
    assert_left_for_retry(attempt(GongCreateCallOperator, **call_of(quiet)), GongUnavailable)
    assert lines_of(quiet) == ["POST /v2/calls"]


def test_create_that_gong_would_refuse_is_never_sent(quiet: GongSandbox) -> None:
    result = attempt(GongCreateCallOperator, **call_of(quiet, parties=[CUSTOMER], direction="out"))
    assert_failed_for_good(result, GongConfigurationError, "direction='out' is unknown")
    assert "parties has no party whose userId is primary_user" in str(result.error)
    assert len(quiet.requests) == 0
    told = "\n".join([str(result.error), *result.logs])
    assert not any(value in told for value in CUSTOMER.values())


def test_create_is_refused_by_a_read_only_connection(quiet: GongSandbox, connect: Connect) -> None:
    connect(quiet, read_only=True)
    result = attempt(GongCreateCallOperator, **call_of(quiet))
    assert_failed_for_good(result, GongConfigurationError, "read-only")
    assert len(quiet.requests) == 0


# Media: the request


def test_media_sends_the_file_under_its_own_name(recording: str) -> None:
    operator = GongAddCallMediaOperator(task_id="task", call_id="7", file=recording)
    assert operator.request() == calls.add_call_media(
        "7", file_name="call.wav", source=stored_file(recording, None)
    )


def test_media_sends_the_file_under_a_name_of_choice(tmp_path: Path) -> None:
    path = tmp_path / "000173.recording"
    path.write_bytes(RECORDING)
    operator = GongAddCallMediaOperator(task_id="task", call_id="7", file=str(path), file_name="call.flac")
    assert operator.request() == calls.add_call_media(
        "7", file_name="call.flac", source=stored_file(str(path), None)
    )


@pytest.mark.parametrize("nothing", [None, "", "None"])
@pytest.mark.parametrize("name", ["call_id", "file"])
def test_media_names_a_required_argument_that_was_rendered_to_nothing(
    gong: GongSandbox, recording: str, name: str, nothing: Any
) -> None:
    arguments = {"call_id": "7", "file": recording} | {name: nothing}
    result = attempt(GongAddCallMediaOperator, **arguments)
    assert_failed_for_good(result, GongConfigurationError, name)
    assert len(gong.requests) == 0


@pytest.mark.parametrize(
    ("file", "size", "text"),
    [
        ("missing.wav", None, "does not exist"),
        ("", None, "is a directory"),
        ("empty.wav", 0, "has 0 bytes"),
        ("large.wav", 1_500_000_001, "has 1,500,000,001 bytes, and Gong takes 1 to 1,500,000,000"),
        ("call.ogg", 10, "ends in no format that Gong takes"),
    ],
)
def test_media_that_gong_would_refuse_is_never_sent(
    gong: GongSandbox, tmp_path: Path, file: str, size: int | None, text: str
) -> None:
    if size is not None:
        with (tmp_path / file).open("wb") as sparse:
            sparse.truncate(size)
    result = attempt(GongAddCallMediaOperator, call_id="7", file=f"{tmp_path}/{file}")
    assert_failed_for_good(result, GongConfigurationError, text)
    assert len(gong.requests) == 0


# Media: what comes of it


def test_media_arrives_whole_and_makes_the_call_visible(quiet: GongSandbox, recording: str) -> None:
    call_id = created(quiet)
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=f"file://{recording}").succeeded()
    media = quiet.uploads.media(call_id)
    assert media is not None
    assert (media.file_name, media.size) == ("call.wav", len(RECORDING))
    assert media.sha256 == hashlib.sha256(RECORDING).hexdigest()
    assert result.xcom["call_id"] == call_id
    assert result.xcom["url"] == result.xcoms[LINK] == result.xcoms["call_url"]
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media"]
    assert any("Sent" in line and "100 %" in line for line in result.logs)
    assert_failed_for_good(
        attempt(GongGetCallOperator, call_id=call_id), GongNotFound, "before it has its media"
    )
    shown(quiet)
    assert attempt(GongGetCallOperator, call_id=call_id).succeeded().xcom["clientUniqueId"] == "dialer-173"


def test_media_of_object_storage_arrives_whole(quiet: GongSandbox, bucket: str) -> None:
    block = bytes(range(256)) * 4096
    open_destination(f"s3://export_s3@{bucket}/out/call.mp4").write_bytes(block * 30)
    call_id = created(quiet)
    attempt(
        GongAddCallMediaOperator,
        call_id="{{ ti.xcom_pull('create')['call_id'] }}",
        file=f"s3://{bucket}/out/{{{{ 'call' }}}}.mp4",
        file_conn_id="export_s3",
        xcoms={"create": {"call_id": call_id}},
    ).succeeded()
    media = quiet.uploads.media(call_id)
    assert media is not None
    assert (media.size, media.sha256) == (30 * MEBIBYTE, hashlib.sha256(block * 30).hexdigest())


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("size", [1000, 20 * MEBIBYTE])
def test_media_is_sent_again_whole_after_a_429(quiet: GongSandbox, tmp_path: Path, size: int) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(bytes(range(250)) * (size // 250))
    call_id = created(quiet)
    quiet.faults.add("rate_limited", method="PUT", times=2)
    attempt(GongAddCallMediaOperator, call_id=call_id, file=str(path)).succeeded()
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media"] * 3
    media = quiet.uploads.media(call_id)
    assert media is not None
    assert media.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_media_leaves_a_long_wait_to_airflow(quiet: GongSandbox, connect: Connect, recording: str) -> None:
    call_id = created(quiet)
    connect(quiet, max_wait=2)
    quiet.faults.add("rate_limited", method="PUT", retry_after=3600)
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    assert_left_for_retry(result, GongRateLimited)
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media"]


@pytest.mark.usefixtures("no_waiting")
def test_media_whose_reply_was_lost_is_done_when_gong_shows_the_call(
    quiet: GongSandbox, recording: str
) -> None:
    quiet.uploads.processing_time = timedelta(0)
    call_id = created(quiet)
    quiet.faults.add("lost_reply", method="PUT")
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording).succeeded()
    assert result.xcom["call_id"] == call_id
    assert result.xcom["url"] == result.xcoms[LINK]
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media", f"GET /v2/calls/{call_id}"]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["dropped_connection", "truncated_json"])
def test_media_is_done_when_only_the_status_of_the_reply_came(
    quiet: GongSandbox, recording: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GongHook, "host", "us-12345.api.gong.io")
    call_id = created(quiet)
    quiet.faults.add(fault, method="PUT")
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording).succeeded()
    assert result.xcom == {"call_id": call_id, "url": f"https://us-12345.app.gong.io/call?id={call_id}"}
    assert quiet.uploads.media(call_id) is not None
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media"]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["lost_reply", "server_error", "cut_request"])
def test_media_whose_reply_was_lost_is_not_sent_again_while_gong_is_silent(
    quiet: GongSandbox, recording: str, fault: str
) -> None:
    call_id = created(quiet)
    quiet.faults.add(fault, method="PUT")
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    assert result.state == "up_for_retry", result.error
    assert "the next attempt asks Gong before it sends it" in str(result.error)
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media", f"GET /v2/calls/{call_id}"]


@pytest.mark.usefixtures("no_waiting")
def test_media_retry_asks_first_and_is_done_when_gong_shows_the_call(
    quiet: GongSandbox, recording: str
) -> None:
    call_id = created(quiet)
    quiet.faults.add("lost_reply", method="PUT")
    attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    shown(quiet)
    quiet.requests.clear()
    result = attempt(GongAddCallMediaOperator, try_number=2, call_id=call_id, file=recording).succeeded()
    assert result.xcom["call_id"] == call_id
    assert result.xcom["url"] == result.xcoms[LINK]
    assert lines_of(quiet) == [f"GET /v2/calls/{call_id}"]


@pytest.mark.usefixtures("no_waiting")
def test_media_retry_sends_what_never_arrived(quiet: GongSandbox, recording: str) -> None:
    call_id = created(quiet)
    quiet.faults.add("cut_request", method="PUT")
    assert attempt(GongAddCallMediaOperator, call_id=call_id, file=recording).state == "up_for_retry"
    assert quiet.uploads.media(call_id) is None
    quiet.requests.clear()
    attempt(GongAddCallMediaOperator, try_number=2, call_id=call_id, file=recording).succeeded()
    assert quiet.uploads.media(call_id) is not None
    assert lines_of(quiet) == [f"GET /v2/calls/{call_id}", f"PUT /v2/calls/{call_id}/media"]


@pytest.mark.usefixtures("no_waiting")
def test_media_retry_that_gong_refuses_is_done_as_soon_as_gong_shows_the_call(
    quiet: GongSandbox, recording: str
) -> None:
    call_id = created(quiet)
    quiet.faults.add("lost_reply", method="PUT")
    attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    result = attempt(GongAddCallMediaOperator, try_number=2, call_id=call_id, file=recording)
    assert_left_for_retry(result, GongRequestRefused, "it may have arrived with an earlier attempt")
    assert "Bad request" in str(result.error)
    shown(quiet)
    quiet.requests.clear()
    attempt(GongAddCallMediaOperator, try_number=3, call_id=call_id, file=recording).succeeded()
    assert lines_of(quiet) == [f"GET /v2/calls/{call_id}"]


def test_media_that_came_with_another_run_is_done_when_gong_shows_the_call(
    quiet: GongSandbox, recording: str
) -> None:
    call_id = created(quiet)
    attempt(GongAddCallMediaOperator, call_id=call_id, file=recording).succeeded()
    shown(quiet)
    quiet.requests.clear()
    again = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording).succeeded()
    assert again.xcom["call_id"] == call_id
    assert again.xcom["url"] == again.xcoms[LINK]
    assert lines_of(quiet) == [f"PUT /v2/calls/{call_id}/media", f"GET /v2/calls/{call_id}"]


def test_media_that_another_call_has_is_refused(quiet: GongSandbox, recording: str) -> None:
    attempt(GongAddCallMediaOperator, call_id=created(quiet), file=recording).succeeded()
    shown(quiet)
    other = created(quiet, client_unique_id="dialer-174")
    result = attempt(GongAddCallMediaOperator, call_id=other, file=recording)
    assert_failed_for_good(result, GongRequestRefused, "of this call or of any other")


def test_media_refused_for_another_reason_says_nothing_of_having_arrived(
    quiet: GongSandbox, recording: str
) -> None:
    quiet.uploads.largest_media = 10
    result = attempt(GongAddCallMediaOperator, call_id=created(quiet), file=recording)
    assert_failed_for_good(result, GongRequestRefused, "must not be larger")
    assert "may have arrived" not in str(result.error)


@pytest.mark.usefixtures("no_waiting")
def test_media_that_cannot_be_asked_about_tells_of_the_upload(quiet: GongSandbox, recording: str) -> None:
    call_id = created(quiet)
    quiet.faults.add("lost_reply", method="PUT")
    quiet.faults.add("server_error", method="GET", times=None)
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    assert_left_for_retry(result, GongUnavailable, "PUT /v2/calls/{id}/media")
    assert any("could not be asked whether the recording has arrived" in line for line in result.logs)


def test_media_retry_that_may_not_ask_sends_nothing(
    quiet: GongSandbox, connect: Connect, recording: str
) -> None:
    call_id = created(quiet)
    key = quiet.access.add_key(scopes=SCOPES - {"api:calls:read:basic"})
    connect(quiet, {"login": key.access_key, "password": key.access_key_secret})
    result = attempt(GongAddCallMediaOperator, try_number=2, call_id=call_id, file=recording)
    assert_failed_for_good(result, GongMissingScope, "api:calls:read:basic")
    assert lines_of(quiet) == [f"GET /v2/calls/{call_id}"]


def test_media_whose_file_breaks_off_is_left_to_airflow(
    quiet: GongSandbox, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = created(quiet)
    size = len(RECORDING)

    def shrinking(file: str, conn_id: str | None) -> Any:
        source = stored_file(file, conn_id)
        source.path.write_bytes(RECORDING[: size // 2])
        return source

    monkeypatch.setattr("airflow_provider_gong.operators.calls.stored_file", shrinking)
    result = attempt(GongAddCallMediaOperator, call_id=call_id, file=recording)
    assert_left_for_retry(result, GongFileError, "it changed while it was sent")
    assert quiet.uploads.media(call_id) is None


def test_media_of_an_unknown_call_fails_at_once(quiet: GongSandbox, recording: str) -> None:
    result = attempt(GongAddCallMediaOperator, call_id="7782342274025937895", file=recording)
    assert_failed_for_good(result, GongNotFound, "7782342274025937895 was not found")


# Get


@pytest.mark.parametrize("call_id", ["7", 7, " 7 "])
def test_get_asks_for_the_call(call_id: Any) -> None:
    assert GongGetCallOperator(task_id="task", call_id=call_id).request() == calls.get_call("7")


def test_get_returns_gongs_record_and_its_address(gong: GongSandbox) -> None:
    call_id = gong.world.call_ids(NOW - timedelta(days=2), NOW - timedelta(days=1))[0]
    result = attempt(GongGetCallOperator, call_id=call_id).succeeded()
    assert result.xcom["id"] == call_id
    assert {"started", "duration", "primaryUserId", "workspaceId"} <= result.xcom.keys()
    assert result.xcoms[LINK] == result.xcom["url"]
    assert lines_of(gong) == [f"GET /v2/calls/{call_id}"]


def test_get_of_an_unknown_call_says_what_that_may_mean(gong: GongSandbox) -> None:
    result = attempt(GongGetCallOperator, call_id="7782342274025937895")
    assert_failed_for_good(result, GongNotFound, "Call ID 7782342274025937895 was not found")
    for reason in ("before it has its media", "worked on that", "may not see it", "under 60 seconds"):
        assert reason in str(result.error)
    assert result.xcoms[LINK] == ""


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_get_names_an_id_that_was_rendered_to_nothing(gong: GongSandbox, nothing: Any) -> None:
    result = attempt(GongGetCallOperator, call_id=nothing)
    assert_failed_for_good(result, GongConfigurationError, "call_id=None is not an identifier")
    assert len(gong.requests) == 0


@pytest.mark.usefixtures("no_waiting")
def test_get_is_asked_again_after_an_outage(gong: GongSandbox) -> None:
    call_id = gong.world.call_ids(NOW - timedelta(days=2), NOW - timedelta(days=1))[0]
    gong.faults.add("server_error", times=2)
    assert attempt(GongGetCallOperator, call_id=call_id).succeeded().xcom["id"] == call_id
    assert len(gong.requests) == 3
