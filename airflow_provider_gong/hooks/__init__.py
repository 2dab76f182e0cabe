"""Airflow connections become Gong clients."""
