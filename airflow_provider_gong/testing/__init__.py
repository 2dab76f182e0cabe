"""Fixtures for tests of your own Dags: pytest finds them by itself, docs/testing.md shows them at work."""
