"""Places where exports lie, seen past the library that writes them: taken in and put back as a whole."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import boto3  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.struck_s3 import StruckS3

Files: TypeAlias = "dict[str, bytes]"

#: The Airflow connection of an S3 that can be struck.
CONNECTION = "struck_s3"
_KEYS = {"login": "test-access-key", "password": "test-secret-key"}


class Place(Protocol):
    """A destination of exports."""

    uri: str

    def files(self) -> Files:
        """Return all that lies there."""

    def fill(self, files: Files) -> None:
        """Let exactly this lie there."""


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = f"file://{folder}"

    def files(self) -> Files:
        """Return all that lies there."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def fill(self, files: Files) -> None:
        """Let exactly this lie there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


class S3Place:
    """A bucket; requests that it sends itself are struck like all others, unless S3 is at rest."""

    def __init__(self, s3: StruckS3, bucket: str) -> None:
        self.uri = f"s3://{CONNECTION}@{bucket}/gong"
        self._bucket, self._prefix = bucket, "gong/"
        self._client = boto3.client(
            "s3",
            endpoint_url=s3.url,
            region_name="us-east-1",
            aws_access_key_id=_KEYS["login"],
            aws_secret_access_key=_KEYS["password"],
        )
        self._known: dict[str, bytes] = {}
        self._client.create_bucket(Bucket=bucket)

    def files(self) -> Files:
        """Return all that lies there."""
        return {name: self._content(name, etag) for name, etag in self._listed().items()}

    def fill(self, files: Files) -> None:
        """Let exactly this lie there."""
        before = self.files()
        for name in before.keys() - files.keys():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
        for name, content in files.items():
            if before.get(name) != content:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def _listed(self) -> dict[str, str]:
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix)
        assert not found["IsTruncated"]
        return {one["Key"].removeprefix(self._prefix): one["ETag"] for one in found.get("Contents", [])}

    def _content(self, name: str, etag: str) -> bytes:
        if etag not in self._known:
            reply: dict[str, Any] = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            self._known[etag] = reply["Body"].read()
        return self._known[etag]


def connection_of(s3: StruckS3) -> str:
    """Return the Airflow connection of an S3, as it stands in the environment."""
    extra = {"endpoint_url": s3.url, "region_name": "us-east-1"}
    return json.dumps({"conn_type": "aws", **_KEYS, "extra": extra})
