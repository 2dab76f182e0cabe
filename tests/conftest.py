"""An Airflow home of our own, set before anything imports Airflow, and the one S3 of all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.struck_s3 import StruckS3

pytest_plugins = ["airflow_provider_gong.testing.pytest_plugin"]

# What takes longest, in the order in which workers take it: who begins last should not work alone for long.
LONGEST = (
    "tests/system/",
    "tests/browser/",
    "tests/operators/test_export_two_years.py",
    "tests/operators/test_export_faults",
    "tests/operators/test_export_storage.py",
    "tests/operators/test_export_crash.py",
)

_home = tempfile.mkdtemp(prefix="airflow-gong-tests-")
Path(_home, "dags").mkdir()
atexit.register(shutil.rmtree, _home, ignore_errors=True)

os.environ.update(
    {
        "AIRFLOW_HOME": _home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": f"{_home}/dags",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_home}/airflow.db",
        "AIRFLOW__GONG__QUOTA_DIR": f"{_home}/quota",
        # Its listener would take part in each task; the tests of lineage switch it on.
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "NO_PROXY": "127.0.0.1,localhost",
    }
)


@pytest.fixture(scope="session")
def served_s3() -> Iterator[StruckS3]:
    """Serve S3 on a free loopback port.

    There is one for all: Airflow keeps the file system of a connection, which would go on asking a server that ended.
    """
    from tests.support.struck_s3 import StruckS3

    with StruckS3() as s3:
        yield s3


@pytest.fixture(scope="session")
def s3_endpoint(served_s3: StruckS3) -> str:
    """Return where S3 listens."""
    return served_s3.url


@pytest.fixture
def struck_s3(served_s3: StruckS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[StruckS3]:
    """Return S3 at rest, behind the connection that is made for strikes; it is at rest again afterwards."""
    from tests.support.places import CONNECTION, connection_of

    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", connection_of(served_s3))
    served_s3.rest()
    yield served_s3
    served_s3.rest()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each module to one worker, and the system tests to one as well: they share an Airflow."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return LONGEST[0] if nodeid.startswith(LONGEST[0]) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes longest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place_in_queue(item.nodeid))


def _place_in_queue(nodeid: str) -> int:
    found = (place for place, start in enumerate(LONGEST) if nodeid.startswith(start))
    return next(found, len(LONGEST))
