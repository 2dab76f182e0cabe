"""The company that the sandbox knows. Plain Python: nothing here knows of HTTP."""

from airflow_provider_gong.sandbox.world.calls import Call
from airflow_provider_gong.sandbox.world.logs import LOG_TYPES, LogEntry
from airflow_provider_gong.sandbox.world.people import User
from airflow_provider_gong.sandbox.world.world import CallFilter, World

__all__ = ["LOG_TYPES", "Call", "CallFilter", "LogEntry", "User", "World"]
