"""The incremental engine: what to read, which window, where it lands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_gong.exports.loading import exports_to_load
    from airflow_provider_gong.exports.reader import read_export

__all__ = ["exports_to_load", "read_export"]


def __getattr__(name: str) -> Any:
    # Dag files import this package when they are parsed; the engine is for the worker.
    if name in __all__:
        from airflow_provider_gong.exports import loading, reader

        return getattr(loading if name == "exports_to_load" else reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
