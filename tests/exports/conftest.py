"""Places where exports lie: a local folder and a bucket behind a real S3 API."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports.dataset import Dataset
from airflow_provider_gong.exports.storage import open_destination
from tests.exports.doubles import S3_CONNECTION

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import ObjectStoragePath


@pytest.fixture
def s3_connection(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the Airflow connection of the S3 server, as it stands in the environment."""
    connection = json.dumps(
        {
            "conn_type": "aws",
            "login": "test-access-key",
            "password": "test-secret-key",
            "extra": {"endpoint_url": s3_endpoint, "region_name": "us-east-1"},
        }
    )
    monkeypatch.setenv(f"AIRFLOW_CONN_{S3_CONNECTION.upper()}", connection)
    return connection


@pytest.fixture
def s3_destination(s3_connection: str) -> str:
    """Return a folder in a new bucket."""
    bucket = f"gong-{uuid.uuid4().hex[:12]}"
    open_destination(f"s3://{S3_CONNECTION}@{bucket}").fs.mkdir(bucket)
    return f"s3://{S3_CONNECTION}@{bucket}/exports"


@pytest.fixture(params=["local", "s3"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a destination; the test runs once for each kind of storage."""
    if request.param == "local":
        return f"file://{tmp_path}/exports"
    place: str = request.getfixturevalue("s3_destination")
    return place


@pytest.fixture
def root(destination: str) -> ObjectStoragePath:
    """Return the opened destination."""
    return open_destination(destination)


@pytest.fixture
def dataset(root: ObjectStoragePath) -> Dataset:
    """Return an empty dataset on each kind of storage."""
    return Dataset(root / "calls")


@pytest.fixture
def local_dataset(tmp_path: Path) -> Dataset:
    """Return an empty dataset in a local folder."""
    return Dataset(open_destination(f"file://{tmp_path}/exports") / "calls")
