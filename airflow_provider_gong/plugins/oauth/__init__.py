"""The page in Airflow's UI on which OAuth connections are connected to Gong."""
