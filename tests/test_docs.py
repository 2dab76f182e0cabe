"""Facts that the README and the guides tell are those of the code; tests/docs does what they say."""

from __future__ import annotations

import builtins
import importlib
import json
import os
import re
import runpy
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator

from airflow_provider_gong.sandbox import GongSandbox
from tests.support.task_runner import RunSpec, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
OPERATORS = ROOT / "docs" / "operators.md"
CONNECTIONS = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EVENTS = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
EXPORTS = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
QUOTA = (ROOT / "docs" / "quota.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands() -> list[str]:
    lines = "".join(blocks(README, "bash")).splitlines()
    return [line.split("  #")[0].split(" #")[0].strip() for line in lines]


@pytest.fixture
def gong() -> Iterator[GongSandbox]:
    with GongSandbox() as gong:
        yield gong


def test_one_line_check_finds_a_connection_that_is_stored_in_the_database(
    gong: GongSandbox, tmp_path: Path
) -> None:
    [command] = [command for command in commands() if "airflow connections test" in command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__GONG__QUOTA_DIR": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSWERED": connection(gong),
        "REFUSED": connection(gong).replace(gong.access_key_secret, "not-the-secret"),
    }

    def run(line: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        return f"{done.stdout}{done.stderr} exit {done.returncode}"

    run("airflow db migrate")
    run('airflow connections add gong_default --conn-json "$ANSWERED"')
    answer = run(command)
    assert "Connection success!" in answer, answer
    assert gong.access_key_secret not in answer
    run('airflow connections add gong_refused --conn-json "$REFUSED"')
    refusal = run(command.replace("gong_default", "gong_refused"))
    assert "the access key is not accepted" in " ".join(refusal.split())
    assert refusal.endswith("exit 1")


@pytest.mark.parametrize("form", ["{", "gong://"])
def test_both_forms_of_a_connection_are_understood(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_gong.hooks.gong import GongHook

    values = re.findall(r"export AIRFLOW_CONN_GONG_DEFAULT='(.*)'", CONNECTIONS)
    monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", next(value for value in values if value.startswith(form)))
    client = GongHook().get_conn()
    assert client.base_url == "https://us-12345.api.gong.io"
    assert client.read_only is (form == "gong://")


def test_connection_to_a_local_gong_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_gong.hooks.gong import GongHook

    [uri] = re.findall(r"export AIRFLOW_CONN_GONG_LOCAL='(.*)'", CONNECTIONS)
    monkeypatch.setenv("AIRFLOW_CONN_GONG_LOCAL", uri)
    assert GongHook("gong_local").get_conn().base_url == "http://127.0.0.1:5000"


def test_connections_of_the_quota_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import BaseHook

    from airflow_provider_gong.hooks.settings import read_settings

    found = []
    for name, value in re.findall(r"export (AIRFLOW_CONN_\w+)='(.*)'", QUOTA):
        monkeypatch.setenv(name, value)
        one = BaseHook.get_connection(name.removeprefix("AIRFLOW_CONN_").lower())
        found.append(read_settings(one) if one.conn_type == "gong" else None)
    everyday, months, redis, shared = found
    assert redis is None
    assert everyday is not None
    assert months is not None
    assert shared is not None
    assert everyday.quota_group == months.quota_group == "acme"
    assert (months.daily_share, shared.redis_conn_id) == (40, "gong_quota")


def test_connections_of_both_kinds_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import BaseHook

    from airflow_provider_gong.hooks.settings import OAUTH_READERS, read_settings

    text = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
    found = []
    for name, value in re.findall(r"export (AIRFLOW_CONN_\w+)='({.*)'", text):
        monkeypatch.setenv(name, value)
        found.append(read_settings(BaseHook.get_connection(name.removeprefix("AIRFLOW_CONN_").lower())))
    assert [one.oauth is not None for one in found] == [False, True]
    for label, extra in re.findall(r"^\| ([^|]+) \| `(\w+)` \|", text, re.M):
        assert OAUTH_READERS[extra][0] == label


def test_commands_of_the_connections_are_those_that_exist() -> None:
    from airflow_provider_gong.hooks.connect import arguments_of_the_command

    text = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
    used = {
        word
        for block in blocks(text, "bash")
        for line in block.splitlines()
        if "gong connect" in line
        for word in line.partition("#")[0].split()
        if word.startswith("--")
    }
    assert used == {flag for flag in arguments_of_the_command() if flag.startswith("--")}


def test_table_of_the_quota_names_extras_and_defaults_of_the_hook() -> None:
    from airflow_provider_gong.hooks.settings import READERS, Settings

    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \|", QUOTA, re.M)
    assert len(rows) == 7
    for label, extra, default in rows:
        assert READERS[extra][0] == label
        if default.strip().isdigit():
            assert getattr(Settings, extra) == int(default)


def test_task_of_the_quota_is_retried_when_gong_says() -> None:
    from airflow_provider_gong.operators.retries import GongRetryPolicy

    [source] = [block for block in blocks(QUOTA, "python") if "@task" in block]
    names: dict[str, Any] = {}
    exec(source, names)
    with DAG("dag", schedule=None) as dag:
        names["count_users"]()
    assert isinstance(dag.get_task("count_users").retry_policy, GongRetryPolicy)


def test_conversations_of_the_docs_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [source] = [block for block in blocks(EXPORTS, "python") if "GongExportConversationsOperator" in block]
    (tmp_path / "dag.py").write_text(source.replace("s3://my_aws@my-bucket/gong", f"{tmp_path}/gong"))
    bag = DagBag(str(tmp_path / "dag.py"))
    assert bag.import_errors == {}
    tasks = bag.dags["gong_conversations"].task_dict
    export, count = tasks["conversations"], tasks["count_mentions"]
    assert isinstance(export, BaseOperator)
    assert isinstance(count, BaseOperator)
    midnight = datetime(2026, 1, 10, tzinfo=UTC)
    day = RunSpec(run_type="scheduled", data_interval=(midnight - timedelta(days=1), midnight))
    with GongSandbox(
        seed=7, calls=20, days=2, now=midnight + timedelta(days=1), today=midnight.date()
    ) as gong:
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", connection(gong))
        monkeypatch.setenv("AIRFLOW__GONG__QUOTA_DIR", str(tmp_path / "quota"))
        summary = run_task(export, run=day).succeeded().xcom
    counts = run_task(count, run=day, xcoms={"conversations": summary}).succeeded().xcom
    assert len(counts) == summary["rows"] - summary["pending"] > 10
    assert sum(counts.values()) > 0


def test_rules_of_the_docs_can_be_read() -> None:
    from airflow_provider_gong.plugins.webhooks.rules import OPTIONS, read_rules

    texts = re.findall(r"WEBHOOK_RULES='(.*)'", EVENTS)
    assert [read_rules(text).keys() for text in texts] == [{"new_calls"}]
    table = EVENTS.split("| Option |")[1].split("\n\n")[0]
    assert re.findall(r"^ *\| `(\w+)` \|", table, re.M) == list(OPTIONS)


def test_all_answers_of_webhooks_are_in_the_docs() -> None:
    folder = ROOT / "airflow_provider_gong" / "plugins" / "webhooks"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    reasons = set(re.findall(r'(?:Refused\(\s*\d+, |unavailable\()"(\w+)"', code))
    assert len(reasons) > 20
    table = EVENTS.split("| Status |")[1].split("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", table)) - {"accepted", "duplicate", "ignored", "POST"}
    assert told - {"wrong_method", "unknown_path"} == reasons - {"wrong_method", "unknown_path"}


def test_generated_parts_are_those_of_the_operators() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = runpy.run_path(str(ROOT / "scripts" / "document.py"))
    for page, text in script["pages"]().items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run `make docs`"


def test_what_the_readme_offers_can_be_imported_from_where_it_says() -> None:
    offers = re.findall(r"((?:`\w+`(?:, )?)+) from `([\w.]+)`", README)
    assert len(offers) >= 4
    for names, module in offers:
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(importlib.import_module(module), name), f"{name} from {module}"


def test_operators_can_be_imported_from_where_the_table_says() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\].* \| `([\w.]+)` \|$", OPERATORS.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 20
    for name, module in rows:
        assert hasattr(importlib.import_module(module), name)


def test_types_of_arguments_are_known_to_readers() -> None:
    rows = re.findall(r"^\| `\w+` \| (.*?) \| ", OPERATORS.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 100
    known = {"Any", "None", "XComArg", "datetime", "timedelta", *dir(builtins)}
    assert {word for row in rows for word in re.findall(r"\w+", row)} <= known


def connection(gong: GongSandbox) -> str:
    return json.dumps(
        {
            "conn_type": "gong",
            "host": gong.url,
            "login": gong.access_key,
            "password": gong.access_key_secret,
            "extra": {"allowed_hosts": "127.0.0.1"},
        }
    )
