"""An Airflow home of our own, set before anything imports Airflow."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_home = tempfile.mkdtemp(prefix="airflow-gong-tests-")
Path(_home, "dags").mkdir()
atexit.register(shutil.rmtree, _home, ignore_errors=True)

os.environ.update(
    {
        "AIRFLOW_HOME": _home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": f"{_home}/dags",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_home}/airflow.db",
        "AIRFLOW__GONG__QUOTA_DIR": f"{_home}/quota",
        "NO_PROXY": "127.0.0.1,localhost",
    }
)
