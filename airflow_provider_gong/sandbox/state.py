"""Everything the sandbox remembers, in one place."""

from dataclasses import dataclass

from airflow_provider_gong.sandbox.access import Access
from airflow_provider_gong.sandbox.clock import Clock
from airflow_provider_gong.sandbox.cursors import Cursors
from airflow_provider_gong.sandbox.engagement import Engagement
from airflow_provider_gong.sandbox.faults import Faults
from airflow_provider_gong.sandbox.journal import Journal
from airflow_provider_gong.sandbox.library import Library
from airflow_provider_gong.sandbox.limits import Limits
from airflow_provider_gong.sandbox.meetings import Meetings
from airflow_provider_gong.sandbox.oauth import OAuth
from airflow_provider_gong.sandbox.privacy import Privacy
from airflow_provider_gong.sandbox.uploads import Uploads
from airflow_provider_gong.sandbox.world import World


@dataclass
class Gong:
    """One company's Gong: its records, and how the API behaves towards its clients."""

    clock: Clock
    world: World
    access: Access
    limits: Limits
    cursors: Cursors
    faults: Faults
    requests: Journal
    meetings: Meetings
    engagement: Engagement
    privacy: Privacy
    uploads: Uploads
    library: Library
    oauth: OAuth
    latency: float = 0.0
    """Seconds that each reply takes at least."""
