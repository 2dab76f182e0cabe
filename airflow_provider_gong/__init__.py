"""Apache Airflow provider for Gong."""

__version__ = "1.0.0rc1"
