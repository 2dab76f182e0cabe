"""Airflow Variables, from tasks and triggers as well as from Airflow's own processes and commands."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError, GongTokensUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(key: str) -> str | None:
    """Return the value of a Variable; None when there is none.

    :raises GongTokensUnavailable: when nobody can tell at the moment.
    """
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError

    if team := _team_of(key):
        return _of_team(key, team)
    try:
        value: str | None = Variable.get(key, default=None)
    except (AirflowRuntimeError, PermissionError) as error:
        raise _unavailable(key, "read", error) from error
    if value is None and (supervisor := _supervisor()) is not None:
        return _asked(supervisor, key)
    return value


def write(key: str, value: str, description: str) -> None:
    """Store a Variable, encrypted as Airflow does, and see that it is there.

    :raises GongTokensUnavailable: when that is not possible at the moment.
    :raises GongConfigurationError: when it can never be.
    """
    try:
        if _supervisor() is not None:
            from airflow.sdk import Variable

            Variable.set(key, value, description)
        else:
            _stored().set(key, value, description)
    except GongConfigurationError:
        raise
    except Exception as error:  # of the supervisor, or of any database
        # Without the text, which may quote the value.
        raise _unavailable(key, "stored", error) from None
    if read(key) != value and not _overtaken(key, value):
        raise GongConfigurationError(
            f"The Variable {key!r} was stored, but something else stands before it: remove it from the environment "
            f"(AIRFLOW_VAR_...) and from the secrets backends."
        )


def drop(key: str) -> bool:
    """Remove a Variable; tell whether it was us who did, since only one can."""
    return bool(_stored().delete(key, team_name=_team_of(key)))


def each(prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the Variables of Airflow's database whose keys begin so."""
    from airflow.utils.session import create_session
    from sqlalchemy import select

    model = _stored()
    with create_session() as session:
        found = session.scalars(select(model).where(model.key.startswith(prefix, autoescape=True)))
        yield from [(one.key, one.val) for one in found if one.val]


def in_airflow() -> bool:
    """Tell whether this process is one of Airflow's own, which have the database."""
    return os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "server" and _supervisor() is None


def _stored() -> Any:
    if not in_airflow():
        raise GongConfigurationError(
            "OAuth tokens are stored in Variables of Airflow, which can be changed from tasks and from Airflow's own "
            "commands only: run this as a task, or as `airflow gong connect`."
        )
    from airflow.models.variable import Variable

    return Variable


def _overtaken(key: str, value: str) -> bool:
    """Tell whether somebody else has stored the Variable since, as two who connect at once do: the last one wins."""
    return in_airflow() and any(known == key and text != value for known, text in each(key))


def _team_of(key: str) -> str | None:
    """Return the team whose tasks have stored a Variable: Airflow shows it to nobody else, its own pages included."""
    from airflow.sdk import conf

    if not in_airflow() or not conf.getboolean("core", "multi_team", fallback=False):
        return None
    team: str | None = _stored().get_team_name(key)
    return team


def _of_team(key: str, team: str) -> str | None:
    value: str | None = _stored().get(key, None, team_name=team)
    return value


def _supervisor() -> Any:
    """Return who speaks with Airflow for this process, in tasks and in the triggerer."""
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return getattr(runner, "SUPERVISOR_COMMS", None)


def _asked(supervisor: Any, key: str) -> str | None:
    """Ask once more: Airflow takes trouble for a missing Variable, and old tokens would be spent in vain."""
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse, GetVariable

    try:
        answer = supervisor.send(GetVariable(key=key))
    except Exception as error:  # what the supervisor was told, of whatever kind
        raise _unavailable(key, "read", error) from error
    if isinstance(answer, ErrorResponse):
        if answer.error != ErrorType.VARIABLE_NOT_FOUND:
            raise _unavailable(key, "read", answer.error)
        return None
    value: str | None = getattr(answer, "value", None)
    return value


def _unavailable(key: str, done: str, error: object) -> GongTokensUnavailable:
    kind = type(error).__name__ if isinstance(error, Exception) else str(error)
    return GongTokensUnavailable(f"The Variable {key!r} cannot be {done} at the moment ({kind}).")
