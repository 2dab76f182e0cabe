"""`python -m airflow_provider_gong.exports.plan`."""

import sys

from airflow_provider_gong.exports.plan.command import main

if __name__ == "__main__":
    sys.exit(main())
