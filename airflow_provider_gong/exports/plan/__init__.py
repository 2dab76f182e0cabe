"""What a backfill will cost, from few requests."""
