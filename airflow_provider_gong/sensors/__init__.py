"""Airflow sensors for Gong."""
