"""A local Gong: a real HTTP server that behaves as Gong does."""
