"""The incremental engine: what to read, which window, where it lands."""

from airflow_provider_gong.exports.reader import read_export

__all__ = ["read_export"]
