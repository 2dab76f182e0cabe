"""A local Gong: a real HTTP server that behaves as Gong does.

`python -m airflow_provider_gong.sandbox` starts one, `GongSandbox` is one inside a test. Its facts come from
Gong's documents, never from the client of this package: one fact, two witnesses.
"""

from airflow_provider_gong.sandbox.faults import Fault, FaultKind
from airflow_provider_gong.sandbox.server import GongSandbox
from airflow_provider_gong.sandbox.world import Call, CallFilter

__all__ = ["Call", "CallFilter", "Fault", "FaultKind", "GongSandbox"]
