"""A real Airflow for system tests: scheduler, Dag processor and API server as processes, on SQLite."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Self

import psutil  # type: ignore[import-untyped]

from tests.system.rest import AirflowRest, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_SECONDS = 120
STOP_SECONDS = 10
DATABASE = "airflow.db"
# Its logs are files that the API server reads itself; a server for them would listen on all addresses.
OPTIONS = {"triggerer": ("--skip-serve-logs",)}
# How long a component waits for the others' locks on the SQLite file. Components that wait for each other
# get going again after this time, so it is short; Airflow and the REST client repeat what was refused.
LOCK_SECONDS = 2
# A component that a locked database has killed is started again, as a service manager would do.
MAX_RESTARTS = 3


class RealAirflow:
    """Start Airflow in a home of its own and stop every process of it at the end, come what may.

    :param home: A directory that becomes AIRFLOW_HOME; Dags belong into its ``dags`` folder.
    :param environment: Further environment of all components, ``AIRFLOW_CONN_...`` for instance.
    :param triggerer: Whether deferred tasks can go on.
    :param dags: Whether Dags are read and run; without, there is only the API server and its pages.
    """

    def __init__(
        self,
        home: Path,
        *,
        environment: Mapping[str, str] | None = None,
        triggerer: bool = False,
        dags: bool = True,
    ) -> None:
        self.home = home
        self.dags = home / "dags"
        self.dags.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        parts = ("metadatabase", "scheduler", "dag_processor") if dags else ("metadatabase",)
        self.rest = AirflowRest(f"http://127.0.0.1:{port}", parts)
        self.environment = {**_environment(home, port), **(environment or {})}
        self.components = [
            *(("scheduler", "dag-processor") if dags else ()),
            "api-server",
            *(("triggerer",) if triggerer else ()),
        ]
        self.rest.before_request = self._restart_the_dead
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts = 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Create the database, start the components and wait until they are well."""
        migration = self._spawn("db", "migrate")
        if migration.wait(START_SECONDS):
            raise RuntimeError(f"airflow db migrate failed:\n{self.output('db')}")
        _let_readers_and_writer_coexist(self.home / DATABASE)
        for component in self.components:
            self._processes[component] = self._spawn(component)
        wait_until(self.rest.healthy, seconds=START_SECONDS, what="a healthy Airflow")
        self.rest.log_in()

    def stop(self) -> None:
        """End all processes of this Airflow, tasks included."""
        self.rest.close()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        for leftover in self._own_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                leftover.kill()
        for process in self._processes.values():
            process.wait(STOP_SECONDS)

    def add_dag(self, dag_id: str, source: str) -> None:
        """Write a Dag file while Airflow runs, wait until its Dag is known, and unpause it."""
        (self.dags / f"{dag_id}.py").write_text(source)
        self.rest.wait_for_dags(dag_id)
        self.rest.unpause(dag_id)

    def command(self, *arguments: str) -> str:
        """Run a command of Airflow and return what it says, while everything else of this Airflow stands still.

        A command that reads and then writes is refused at once when another process wrote to SQLite meanwhile.
        """
        with self._standing_still():
            done = subprocess.run(
                [sys.executable, "-m", "airflow", *arguments],
                env=self.environment,
                cwd=self.home,
                capture_output=True,
                text=True,
                timeout=START_SECONDS,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def _standing_still(self) -> Iterator[None]:
        stopped = self._own_processes()
        try:
            wait_until(
                lambda: self._stop_unlocked(stopped), seconds=STOP_SECONDS, what="an unlocked database"
            )
            yield
        finally:
            _signal(stopped, signal.SIGCONT)

    def _stop_unlocked(self, processes: list[psutil.Process]) -> bool:
        """Stop the processes, unless one of them holds a lock just then."""
        _signal(processes, signal.SIGSTOP)
        try:
            with contextlib.closing(sqlite3.connect(self.home / DATABASE, timeout=0)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            _signal(processes, signal.SIGCONT)
            return False
        return True

    def kill(self, component: str) -> None:
        """End a component and its processes at once, as a machine that fails does; it stays away."""
        victims = self.processes_of(component)
        process = self._processes.pop(component)
        _signal(victims, signal.SIGKILL)
        process.wait(STOP_SECONDS)

    def start_again(self, component: str) -> None:
        """Start a component that was killed."""
        self._processes[component] = self._spawn(component)

    def restart(self, component: str) -> None:
        """End a component as a service manager does, start it again and wait until all are well."""
        process = self._processes[component]
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
        self._processes[component] = self._spawn(component)
        wait_until(self.rest.healthy, seconds=START_SECONDS, what=f"a healthy Airflow with a new {component}")

    def output(self, component: str, lines: int = 60) -> str:
        """Return the last lines that a component has written."""
        text = self._output_file(component).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def processes_of(self, component: str) -> list[psutil.Process]:
        """Return the process of a component and all below it; tasks run below the scheduler."""
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._processes[component].pid)
            return [main, *main.children(recursive=True)]
        return []

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        with self._output_file(command[0]).open("ab") as output:
            # In a session of its own, so that the whole group can be ended.
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", *command, *OPTIONS.get(command[0], ())],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _output_file(self, component: str) -> Path:
        return self.home / f"{component}.out"

    def _restart_the_dead(self) -> None:
        for component, process in self._processes.items():
            if process.poll() is None:
                continue
            if self._restarts == MAX_RESTARTS:
                raise RuntimeError(f"airflow {component} has ended:\n{self.output(component)}")
            self._restarts += 1
            self._processes[component] = self._spawn(component)

    def _own_processes(self) -> list[psutil.Process]:
        # Some components move their children to another process group; all carry our home, but for those
        # whose title was set: it is written over their environment.
        found = {process.pid: process for name in self._processes for process in self.processes_of(name)}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("AIRFLOW_HOME") == str(self.home):
                    found[process.pid] = process
        return list(found.values())


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _let_readers_and_writer_coexist(database: Path) -> None:
    # The mode is a property of the file. Without it, a scheduler that only looks around locks everyone out.
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _environment(home: Path, port: int) -> dict[str, str]:
    """Return the environment of the components, free of the test session's own Airflow settings."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        # Without cached bytecode each of the many processes starts several times slower.
        if not key.startswith(("AIRFLOW", "_AIRFLOW", "PYTEST", "COV_")) and key != "PYTHONDONTWRITEBYTECODE"
    }
    url = f"http://127.0.0.1:{port}"
    settings = {
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "2",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / DATABASE}?timeout={LOCK_SECONDS}",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "API__WORKERS": "1",
        "API__SECRET_KEY": secrets.token_hex(),
        "API_AUTH__JWT_SECRET": secrets.token_hex(),
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "1",
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "GONG__QUOTA_DIR": str(home / "quota"),
        "OPENLINEAGE__DISABLED": "True",
    }
    return {
        **inherited,
        "AIRFLOW_HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
        **{f"AIRFLOW__{key}": value for key, value in settings.items()},
    }
