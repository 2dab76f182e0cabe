"""Gong's REST API in Python; knows nothing of Airflow.

`calls`, `users`, `logs` and `workspaces` make requests and send none; `client` sends them.
"""
