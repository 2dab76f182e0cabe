"""What a process imports once, so that each one forked from it begins at once."""

import s3fs.core
from airflow.providers.amazon.aws.fs import s3

from airflow_provider_gong.exports.storage import open_destination
from tests.exports import crash

__all__ = ["crash", "s3", "s3fs"]

# Airflow looks for the file systems of all providers when the first one is opened.
open_destination("/")
