"""Every block of the README and the guides does what it says: commands are typed, Dags run, data can be read.

A block that is new is run without anybody asking for it. What cannot be run stands in one of the lists below, with the
reason; a line there that fits no block any more fails.
"""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow.sdk import DAG

from airflow_provider_gong.sandbox import GongSandbox
from tests.docs.pages import PAGES, Block, blocks_of, commands_of, name_of
from tests.docs.reader import Reader, new_home, reader_of
from tests.support.dag_runs import run_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

# Commands that are not typed here: what they begin with, or hold, and why.
NOT_TYPED = {
    "make ": "targets are checked below; tests/test_demo.py runs the demo, and the others run these tests",
    "pip install": "changes the environment of the tests; tests/test_packaging.py installs the package elsewhere",
    "airflow gong connect": "waits for somebody's consent in a browser; tests/system/test_oauth.py gives it",
    "deliver --url": "needs an API server with a rule; tests/system/test_webhooks.py has one",
    "statsd_exporter": "is no part of this package; tests/hooks/test_metrics.py reads what Airflow sends",
    "airflow gong plan --stream calls+transcripts --from 2023": "tests/exports/plan/test_command.py compares it",
}
# Dags, and pages with pieces of Dags, that are read but not run here, by a line of theirs.
NOT_RUN = {
    'task_id=f"check_{stream}"': "the Dag above it has exported one month of three years",
    'task_id="check_calls"': "the exports above it leave gaps, which it tells; tests/operators/test_check_export.py",
    'Asset("gong://rules/new_calls")': "a webhook starts it; tests/system/test_webhooks.py sends some",
}
# Pieces of code that nothing can be made of by themselves.
NOT_WHOLE = {
    "exports_to_load(summary)": "an export gives the summary; tests/test_warehouse.py has one",
}
# Pages with a test of their own, which does what they say as this one would.
ELSEWHERE = {
    "CONTRIBUTING.md": "its pieces go into new modules; tests/test_contributing.py holds its words against the tree",
    "docs/testing.md": "tests/testing writes the files of the page and runs pytest over them, out of a wheel",
}
# Blocks that are to be looked at.
SHOWN = {"", "text", "nginx", "mermaid", "sql"}
BUCKET = "my-bucket"


@pytest.fixture(scope="module")
def gong() -> Iterator[GongSandbox]:
    with GongSandbox(calls=6, days=40, per_second=None, per_day=None) as gong:
        yield gong


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_home(tmp_path_factory.mktemp("template") / "airflow")


@pytest.fixture
def reader(tmp_path: Path, template: Path, gong: GongSandbox, s3_endpoint: str) -> Iterator[Reader]:
    with reader_of(tmp_path / "airflow", template, gong, s3_endpoint) as reader:
        yield reader


READ_HERE = [page for page in PAGES if blocks_of(page) and name_of(page) not in ELSEWHERE]


@pytest.mark.parametrize("page", READ_HERE, ids=name_of)
def test_a_reader_gets_what_the_page_says(
    page: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in reader.environment.items():
        if name.startswith(("AIRFLOW_CONN", "AIRFLOW__GONG")):
            monkeypatch.setenv(name, value)
    empty_bucket()
    names: dict[str, Any] = {}
    pieces = DAG(f"pieces_of_{page.stem}", schedule=None)
    printed = ""
    for block in blocks_of(page):
        if block.language == "bash":
            printed = type_commands(block, reader)
        elif block.language == "python":
            run_python(block, reader, pieces, names)
        elif block.language == "text" and printed:
            assert_shown(block, printed)
        else:
            assert_readable(block)
        if block.language != "bash":
            printed = ""
    if not any(reason(block.text, NOT_RUN) for block in blocks_of(page)):
        run(pieces, str(page))


def type_commands(block: Block, reader: Reader) -> str:
    commands = [line for line in commands_of(block.text) if not reason(line, NOT_TYPED)]
    try:
        return reader.type("\n".join(commands)) if commands else ""
    except AssertionError as error:
        raise AssertionError(f"{block}: {error}") from None


def run_python(block: Block, reader: Reader, pieces: DAG, names: dict[str, Any]) -> None:
    if reason(block.text, NOT_WHOLE):
        compile(block.text, str(block), "exec")
    elif re.search(r"^def test_", block.text, re.M):
        pass_tests(block, reader)
    elif re.search(r"\bDAG\(|^@dag", block.text, re.M):
        run_dags(block, reader)
    else:
        # A piece of a Dag: what stands above on the page is known to it.
        with pieces:
            exec(compile(block.text, str(block), "exec"), names)


def run_dags(block: Block, reader: Reader) -> None:
    from airflow.dag_processing.dagbag import DagBag

    file = reader.save(f"page_{block.line}.py", block.text)
    bag = DagBag(file)
    assert bag.import_errors == {}, block
    assert bag.dags, block
    if reason(block.text, NOT_RUN):
        return
    for dag in bag.dags.values():
        run(dag, str(block))


def run(dag: DAG, where: str) -> None:
    """Run a Dag once; one with a schedule for the last midnight."""
    if not dag.tasks:
        return
    for task in dag.tasks:
        # dag.test() waits for a retry in this process.
        task.retries = 0
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight if dag.timetable.can_be_scheduled else None
    done = run_dag(dag, logical_date=due, run_after=due)
    assert done.state == "success", f"{where}: {dag.dag_id}: {done.states}\n" + "\n".join(done.logs[-30:])


def pass_tests(block: Block, reader: Reader) -> None:
    (reader.home / "test_page.py").write_text(block.text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(reader.home / "test_page.py"),
    ]
    done = subprocess.run(command, cwd=reader.home, capture_output=True, text=True, check=False)
    assert re.search(r"^\d+ passed", done.stdout, re.M), f"{block}: {done.stdout}{done.stderr}"


def assert_shown(block: Block, printed: str) -> None:
    """Compare what a page shows with what was printed; `...` stands for anything."""
    pieces = [re.escape(piece.strip()) for piece in block.text.strip().split("...")]
    assert re.search(r"[\s\S]*?".join(pieces), printed), (
        f"{block} shows\n{block.text}\nand this was\n{printed}"
    )


def assert_readable(block: Block) -> None:
    """See that data can be read by what it is written for."""
    parsers: dict[str, Callable[[str], Any]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
        "yml": yaml.safe_load,
        "ini": configparser.ConfigParser(interpolation=None).read_string,
        "cfg": configparser.ConfigParser(interpolation=None).read_string,
    }
    if block.language in parsers:
        parsers[block.language](block.text)
    else:
        assert block.language in SHOWN, f"{block}: nothing here knows what to do with {block.language!r}"


def reason(text: str, reasons: dict[str, str]) -> str | None:
    return next((why for sign, why in reasons.items() if sign in text), None)


def empty_bucket() -> None:
    """Begin each page with an empty bucket, behind the connection that the pages name."""
    from airflow_provider_gong.exports.storage import open_destination

    files = open_destination(f"s3://my_aws@{BUCKET}").fs
    if files.exists(BUCKET):
        files.rm(BUCKET, recursive=True)
    files.mkdir(BUCKET)
    files.invalidate_cache()


@pytest.mark.parametrize("reasons", [NOT_TYPED, NOT_RUN, NOT_WHOLE], ids=["typed", "run", "whole"])
def test_each_exception_is_still_needed(reasons: dict[str, str]) -> None:
    text = "\n".join(line for page in PAGES for block in blocks_of(page) for line in commands_of(block.text))
    assert [sign for sign in reasons if sign not in text] == []


def test_what_is_shown_must_have_been_printed() -> None:
    shown = Block("page", 1, "text", "first ... third\n")
    assert_shown(shown, "zero\nfirst\nsecond\nthird\n")
    with pytest.raises(AssertionError, match="page:1 shows"):
        assert_shown(shown, "third, first")


def test_a_command_that_fails_is_seen(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="page:3: "):
        type_commands(Block("page", 3, "bash", "ls /no/such/folder\n"), reader)


def test_a_dag_that_fails_is_seen(reader: Reader) -> None:
    source = (
        'from airflow.sdk import DAG, task\nwith DAG("failing"):\n    task(task_id="x")(lambda: 1 / 0)()\n'
    )
    with pytest.raises(AssertionError, match="page:5: failing"):
        run_dags(Block("page", 5, "python", source), reader)


def test_an_unknown_language_is_seen() -> None:
    with pytest.raises(AssertionError, match="nothing here knows"):
        assert_readable(Block("page", 7, "fortran", ""))
