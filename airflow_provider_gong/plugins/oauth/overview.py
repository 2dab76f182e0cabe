"""The OAuth connections that somebody may connect, and what state they are in."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.hooks import oauth
from airflow_provider_gong.hooks.settings import OAUTH, read_settings
from airflow_provider_gong.hooks.token_store import not_connected, reconnect
from airflow_provider_gong.plugins.oauth.problem import forbidden, unknown
from airflow_provider_gong.plugins.oauth.visitor import may_edit, team_of

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_gong.hooks.oauth import OAuthStatus
    from airflow_provider_gong.hooks.settings import Settings

log = logging.getLogger(__name__)

# More than anybody reads; the others can be named.
LISTED = 50


@dataclass(frozen=True)
class Shown:
    """A connection as the page shows it.

    :param sign_in: origin of Gong's consent page; empty when the connection cannot be used.
    """

    status: OAuthStatus
    sign_in: str = ""


def overview(user: Any) -> tuple[list[Shown], bool]:
    """Return the connections of the database that somebody may edit, and whether there are more than these."""
    found = _editable(user)
    if not found and not may_edit(user):
        raise forbidden()
    return [look(conn_id) for conn_id in found[:LISTED]], len(found) > LISTED


def look_at(conn_id: str, user: Any) -> Shown:
    """Return a connection from wherever it is.

    :raises Problem: when there is none, or it is none of theirs.
    """
    check_access(conn_id, user)
    return look(conn_id)


def check_access(conn_id: str, user: Any) -> None:
    """Refuse what somebody may not edit, before they learn whether it exists."""
    if not may_edit(user, conn_id):
        raise forbidden()


def look(conn_id: str) -> Shown:
    """Return what state a connection is in."""
    try:
        settings = settings_of(conn_id)
        app = oauth.app_of(conn_id, settings)
    except GongConfigurationError as error:
        return Shown(oauth.OAuthStatus(conn_id, False, str(error)))
    status = oauth.status_of(conn_id, settings)
    return Shown(replace(status, problem=_in_short(conn_id, status.problem)), app.sign_in)


def _in_short(conn_id: str, problem: str) -> str:
    """Leave out what the page shows anyhow: which connection it is, that it is not connected, and how to connect."""
    text = problem.replace(reconnect(conn_id), "").removeprefix(not_connected(conn_id)).strip()
    return f"{text[:1].upper()}{text[1:]}"


def settings_of(conn_id: str) -> Settings:
    """Return the settings of a connection, from the environment, the secrets backends or the database.

    :raises Problem: when there is none.
    :raises GongConfigurationError: naming the field that must be mended.
    """
    from airflow.models.connection import Connection as Stored
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        # Not as the hook does it, which finds no connection of a team here.
        found = Stored.get_connection_from_secrets(conn_id, team_name=team_of(conn_id))
    except AirflowNotFoundException:
        raise unknown(conn_id) from None
    return read_settings(cast("Connection", found))


def record(event: str, conn_id: str, user: Any) -> None:
    """Put down in Airflow's audit log who did something."""
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    name = user.get_name()
    try:
        with create_session() as session:
            extra = json.dumps({"connection_id": conn_id})
            session.add(Log(event=event, owner=name, owner_display_name=name, extra=extra))
    except Exception as error:  # it is done already
        log.warning("The audit log could not be written: %s", type(error).__name__)


def _editable(user: Any) -> list[str]:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.models.connection import Connection as Stored
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        stored = select(Stored.conn_id).where(Stored.conn_type == OAUTH).order_by(Stored.conn_id)
        found = list(session.scalars(stored))
    if not found:
        return []
    allowed = get_auth_manager().get_authorized_connections(user=user, method="PUT")
    return [conn_id for conn_id in found if conn_id in allowed]
