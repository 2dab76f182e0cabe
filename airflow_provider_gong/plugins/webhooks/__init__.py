"""Gong's automation rules start Dag runs and asset events: the receiver of their webhooks.

A delivery passes `app` (routes), `credentials` and `verify` (is it Gong's?), `body` (not too much, not too slow),
`payload` (what it says) and `deliver` (Airflow's database). `rules` holds what an administrator configures.
"""
