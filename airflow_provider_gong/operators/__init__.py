"""Airflow operators for Gong."""
