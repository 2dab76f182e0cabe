"""docs/security.md: the rights that it asks for are enough, and none of them too many."""

from __future__ import annotations

import json
import re
import runpy
import uuid
import warnings
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from airflow_provider_gong.exports import exports_to_load, read_export
from airflow_provider_gong.operators.check_export import GongCheckExportOperator
from airflow_provider_gong.operators.conversations import GongExportConversationsOperator
from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)
from airflow_provider_gong.sandbox import GongSandbox
from tests.operators.exporting import build
from tests.support.connections import connection_of
from tests.support.places import S3Place
from tests.support.struck_s3 import S3Fault
from tests.support.task_runner import RunSpec, TaskResult, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.sandbox.access import Key
    from tests.support.struck_s3 import S3Request, StruckS3

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 8, tzinfo=UTC)
EXPORTS: dict[str, Any] = {
    "calls": GongExportCallsOperator,
    "transcripts": GongExportTranscriptsOperator,
    "conversations": GongExportConversationsOperator,
    "users": GongExportUsersOperator,
    "logs": GongExportLogsOperator,
}


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(
        seed=4, calls=6, days=2, users=3, logs=5, now=FIRST, today=(FIRST + DAY).date(), per_second=None
    ) as sandbox:
        for call in sandbox.world.calls(FIRST + 3 * DAY):
            call.visible_at, call.private = call.started, False
            call.transcript_at = call.started
        yield sandbox


def connect(gong: GongSandbox, key: Key, folder: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(
        "AIRFLOW_CONN_GONG_DEFAULT", connection_of(gong, login=key.access_key, password=key.access_key_secret)
    )
    environment.setenv("AIRFLOW__GONG__QUOTA_DIR", str(folder / "quota"))


def export(stream: str, number: int, destination: str, clear_number: int = 0, **arguments: Any) -> TaskResult:
    if stream == "logs":
        arguments["log_type"] = "UserActivityLog"
    due = FIRST + number * DAY
    run = RunSpec(
        run_type="scheduled", data_interval=(due - DAY, due), run_after=due, clear_number=clear_number
    )
    task = build(EXPORTS[stream], task_id=stream, destination=destination, retries=0, **arguments)
    return run_task(task, run=run)


# The bucket


def action_of(request: S3Request) -> tuple[str, str, str]:
    """Return what S3's rights call a request, on which object, and below which prefix it lists."""
    url = urlsplit(request.target)
    query = parse_qs(url.query, keep_blank_values=True)
    bucket, _, key = unquote(url.path).lstrip("/").partition("/")
    if not key:
        listing = "list-type" in query or request.method == "HEAD"
        name = {"GET": "s3:ListBucket" if listing else "s3:GetBucket?", "HEAD": "s3:ListBucket"}
        return name.get(request.method, f"{request.method} bucket"), bucket, query.get("prefix", [""])[0]
    if "uploadId" in query and request.method == "DELETE":
        return "s3:AbortMultipartUpload", f"{bucket}/{key}", ""
    actions = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject"}
    return f"s3:{actions.get(request.method, 'DeleteObject')}", f"{bucket}/{key}", ""


class Policy:
    """The policy of the page, for a bucket."""

    def __init__(self, bucket: str, without: str = "") -> None:
        text = re.findall(r"```json\n(.*?)```", PAGE, re.S)[0]
        self._statements = json.loads(text.replace("my-bucket", bucket))["Statement"]
        self._without = without

    def allows(self, request: S3Request) -> bool:
        action, resource, prefix = action_of(request)
        return action != self._without and any(
            action in aslist(one["Action"])
            and any(fnmatchcase(f"arn:aws:s3:::{resource}", form) for form in aslist(one["Resource"]))
            and fnmatchcase(prefix, one.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "*"))
            for one in self._statements
        )


def aslist(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def do_everything(gong: GongSandbox, destination: str) -> list[str]:
    """Export all streams, again with other rows, read and check them; return what failed."""
    failed = []
    for number, clear_number in ((1, 0), (2, 0), (2, 1)):
        gong.clock.set(FIRST + number * DAY + DAY / 24)
        calls: dict[str, Any] = {}
        for stream in EXPORTS:
            given: dict[str, Any] = {"calls": calls} if stream == "transcripts" else {}
            result = export(stream, number, destination, clear_number, **given)
            if result.state != "success":
                return [f"{stream} {number}: {result.error}"]
            calls = result.xcom if stream == "calls" else calls
        # The next run replaces the rows, and tells what is gone.
        recent = [call for call in gong.world.calls() if call.started >= FIRST + (number - 1) * DAY]
        gong.world.hide_call(recent[clear_number].id)
        gong.world.alter_call(recent[2].id, title="Another title")
    assert len(list(read_export(calls))) == calls["rows"] > 2
    assert exports_to_load(f"{destination}/calls")[1]["deletions"]
    for address in ("calls", "transcripts", "conversations", "users", "logs/log_type=UserActivityLog"):
        check = GongCheckExportOperator(task_id="check", dataset=f"{destination}/{address}", verify="content")
        result = run_task(check)
        failed += [f"check {address}: {result.error}"] if result.state != "success" else []
    return failed


@pytest.fixture
def place(gong: GongSandbox, struck_s3: StruckS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    connect(gong, gong.access.first, tmp_path, monkeypatch)
    return S3Place(struck_s3, f"gong-{uuid.uuid4().hex[:12]}")


def bucket_of(place: S3Place) -> str:
    return place.uri.split("@")[1].split("/")[0]


def test_policy_of_the_page_is_enough_for_all_that_exports_do(
    gong: GongSandbox, struck_s3: StruckS3, place: S3Place
) -> None:
    policy = Policy(bucket_of(place))
    struck_s3.strike(S3Fault.DENIED, lambda request: not policy.allows(request))
    failed = do_everything(gong, place.uri)
    assert [action_of(request) for request in struck_s3.struck] == []
    assert failed == []
    seen = {action_of(request)[0] for request in struck_s3.requests}
    assert seen == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    deleted = {
        action_of(one)[1].split("/")[3]
        for one in struck_s3.requests
        if action_of(one)[0] == "s3:DeleteObject"
    }
    assert {name.partition("=")[0] for name in deleted} >= {"date", "_staging"}


# S3 is asked to abort only uploads in pieces, of parts that are larger than any test's.
@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_each_action_of_the_policy_is_needed(
    gong: GongSandbox, struck_s3: StruckS3, place: S3Place, action: str
) -> None:
    policy = Policy(bucket_of(place), without=action)
    struck_s3.strike(S3Fault.DENIED, lambda request: not policy.allows(request))
    [failed] = do_everything(gong, place.uri)
    assert re.search("403|Forbidden|Denied", failed, re.I)


# Scopes


def table() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(Gong\w+)` \| (.*?) \| ", PAGE, re.M)
    return {name: set(re.findall(r"`([\w:-]+)`", scopes)) for name, scopes in rows}


def test_every_operator_and_sensor_is_in_the_table() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = runpy.run_path(str(ROOT / "scripts" / "document.py"))
    assert table().keys() == {cls.__name__ for cls in script["everything"]()}
    without = {name for name, scopes in table().items() if not scopes}
    assert without == {"GongCheckExportOperator", "GongRequestOperator"}


@pytest.mark.parametrize("stream", EXPORTS)
def test_exports_need_exactly_the_scopes_that_the_table_names(
    gong: GongSandbox, stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = table()[EXPORTS[stream].__name__]

    def run(allowed: set[str], folder: str) -> list[TaskResult]:
        connect(gong, gong.access.add_key(scopes=allowed), tmp_path, monkeypatch)
        results = []
        for number in (1, 2):
            gong.clock.set(FIRST + number * DAY + DAY / 24)
            results.append(export(stream, number, f"file://{tmp_path}/{folder}"))
        return results

    assert [str(result.error) for result in run(scopes, "all")] == ["None", "None"]
    for scope in scopes:
        [first, _] = run(scopes - {scope}, f"without {scope}".replace(":", "-"))
        assert first.state == "failed"
        assert scope in str(first.error)
