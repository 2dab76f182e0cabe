"""Is a dataset all there? The check, its evidence, and its receipt as text and as a page."""
