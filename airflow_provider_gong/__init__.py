"""Apache Airflow provider for Gong."""

__version__ = "0.1.0"
