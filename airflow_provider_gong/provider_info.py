"""What Airflow discovers about this provider, in one place."""

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow."""
    return {
        "package-name": "airflow-provider-gong",
        "name": "Gong",
        "description": "Recorded sales conversations of Gong (https://www.gong.io).",
    }
