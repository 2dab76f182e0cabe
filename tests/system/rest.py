"""The part of Airflow's REST API that the system tests use."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

POLL_SECONDS = 0.2
# For so long a request is repeated while Airflow answers that its SQLite database is locked.
LOCKED_SECONDS = 20
FINAL_STATES = ("success", "failed")
# What Airflow says around an event of a log; since 3.4 each event also names its task instance.
FRAME = {
    *("timestamp", "event", "logger", "level"),
    *("ti_id", "dag_id", "run_id", "task_id", "map_index", "try_number"),
}

T = TypeVar("T")


def wait_until(ask: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """Ask again and again until the answer is neither None nor false; raise when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := ask():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(POLL_SECONDS)


class AirflowRest:
    """Speak to one Airflow as its administrator.

    :param parts: What has to be well for Airflow to be healthy.
    """

    def __init__(self, url: str, parts: Sequence[str]) -> None:
        self.url = url
        self._parts = parts
        self._session = requests.Session()
        # A proxy or a .netrc of the developer is none of our business.
        self._session.trust_env = False
        self.before_request: Callable[[], None] = lambda: None
        # Name and password, where not everyone is let in.
        self.credentials: tuple[str, str] | None = None

    def close(self) -> None:
        """Drop the connections to the server."""
        self._session.close()

    def healthy(self) -> bool:
        """Return whether all parts say that they are well."""
        self.before_request()
        try:
            reply = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5)
        except requests.ConnectionError:
            return False
        if not reply.ok:
            return False
        told = reply.json()
        return all((told.get(part) or {}).get("status") == "healthy" for part in self._parts)

    def log_in(self) -> None:
        """Take a token, which Airflow gives to everyone (``simple_auth_manager_all_admins``) unless told otherwise."""
        if self.credentials:
            body = dict(zip(("username", "password"), self.credentials, strict=True))
            reply = self._session.post(f"{self.url}/auth/token", json=body, timeout=30)
        else:
            reply = self._session.get(f"{self.url}/auth/token", timeout=30)
        reply.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request below ``/api/v2`` and return the reply; repeat it while SQLite is locked."""
        deadline = time.monotonic() + LOCKED_SECONDS
        while True:
            self.before_request()
            reply = self._session.request(method, f"{self.url}/api/v2{path}", timeout=60, **kwargs)
            if reply.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        if not reply.ok:
            raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else None

    # Dags

    def wait_for_dags(self, *dag_ids: str, seconds: float = 60) -> None:
        """Wait until the Dag processor has stored all these Dags."""

        def all_known() -> bool:
            return set(dag_ids) <= {dag["dag_id"] for dag in self.request("GET", "/dags?limit=200")["dags"]}

        try:
            wait_until(all_known, seconds=seconds, what=f"Dags {', '.join(dag_ids)}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; import errors: {self.import_errors()}") from None

    def import_errors(self) -> list[str]:
        """Return the stack trace of each Dag file that could not be imported."""
        return [error["stack_trace"] for error in self.request("GET", "/importErrors")["import_errors"]]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler make runs of the Dag."""
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    # Runs

    def trigger(
        self,
        dag_id: str,
        *,
        logical_date: datetime | None = None,
        conf: Mapping[str, Any] | None = None,
        partition_key: str | None = None,
    ) -> str:
        """Start a manual run and return its id."""
        body: dict[str, Any] = {
            "logical_date": logical_date and logical_date.isoformat(),
            "conf": dict(conf or {}),
            "partition_key": partition_key,
        }
        return str(self.request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def create_backfill(
        self,
        dag_id: str,
        from_date: datetime,
        to_date: datetime,
        *,
        max_active_runs: int = 10,
        **options: Any,
    ) -> int:
        """Create a backfill of all runs from one date to the other, both inclusive, and return its id."""
        body = {
            "dag_id": dag_id,
            "from_date": from_date.isoformat(),
            "to_date": to_date.isoformat(),
            "max_active_runs": max_active_runs,
            **options,
        }
        return int(self.request("POST", "/backfills", json=body)["id"])

    def asset_event(self, name: str, extra: Mapping[str, Any] | None = None) -> None:
        """Announce that the asset of this name has changed."""
        assets = self.request("GET", "/assets", params={"name_pattern": name})["assets"]
        [asset_id] = [asset["id"] for asset in assets if asset["name"] == name]
        self.request("POST", "/assets/events", json={"asset_id": asset_id, "extra": dict(extra or {})})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of the Dag, oldest first."""
        reply = self.request("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 200, "order_by": "id"})
        return list(reply["dag_runs"])

    def wait_for_runs(self, dag_id: str, count: int = 1, *, seconds: float = 60) -> list[dict[str, Any]]:
        """Wait until the Dag has this many runs and all have ended; return them, oldest first."""

        def ended() -> list[dict[str, Any]] | None:
            runs = self.runs(dag_id)
            over = len(runs) >= count and all(run["state"] in FINAL_STATES for run in runs)
            return runs if over else None

        return wait_until(ended, seconds=seconds, what=f"{count} ended runs of {dag_id}")

    def wait_for_run(
        self, dag_id: str, run_id: str, state: str = "success", *, seconds: float = 60
    ) -> dict[str, Any]:
        """Wait until the run has ended and return it; raise with the tasks' logs if it ended otherwise."""

        def ended() -> dict[str, Any] | None:
            run: dict[str, Any] = self.request("GET", _run(dag_id, run_id))
            return run if run["state"] in FINAL_STATES else None

        run = wait_until(ended, seconds=seconds, what=f"the end of {dag_id} {run_id}")
        if run["state"] != state:
            raise AssertionError(f"{dag_id} {run_id} is {run['state']}\n{self.all_logs(dag_id, run_id)}")
        return run

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Run all tasks of the run again."""
        self.request("POST", f"{_run(dag_id, run_id)}/clear", json={"dry_run": False})

    def clear_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Run one task of the run again, whatever its state."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        self.request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    # Tasks

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of the run."""
        reply = self.request("GET", f"{_run(dag_id, run_id)}/taskInstances", params={"limit": 200})
        return list(reply["task_instances"])

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, *, key: str = "return_value", map_index: int = -1
    ) -> Any:
        """Return the value that the task has pushed."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.request("GET", path, params={"map_index": map_index, "deserialize": False})["value"]

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str]:
        """Return the links of the task to other pages, by their names."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/links"
        return dict(self.request("GET", path)["extra_links"])

    def log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of one attempt."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}"
        params = {"map_index": map_index, "full_content": True}
        reply = self.request("GET", path, params=params, headers={"Accept": "application/json"})
        return "\n".join(_log_line(entry) for entry in reply["content"])

    def all_logs(self, dag_id: str, run_id: str) -> str:
        """Return the logs of the last attempt of each task of the run."""
        tasks = [ti for ti in self.task_instances(dag_id, run_id) if ti["try_number"]]
        return "\n".join(
            self.log(dag_id, run_id, ti["task_id"], try_number=ti["try_number"], map_index=ti["map_index"])
            for ti in tasks
        )


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _log_line(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    details = {key: value for key, value in entry.items() if key not in FRAME}
    return f"{entry.get('event', '')} {details}" if details else str(entry.get("event", ""))
