"""The incremental engine: what to read, which window, where it lands."""
