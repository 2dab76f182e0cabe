"""Gong's operations over HTTP, one module per resource."""
